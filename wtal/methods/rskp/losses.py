"""The losses, one value a video [V]; a batch's loss is their sum or mean. Source: docs/method.md#losses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from wtal.methods.label_loss import BatchLabels, label_losses, mean_over_snippets
from wtal.methods.rskp.network import BranchOutput
from wtal.methods.rskp.settings import RskpSettings


@dataclass(frozen=True, slots=True)
class VideoLosses:
    """Unweighted losses of each video of a batch [V]."""

    foreground: Tensor
    background: Tensor
    attention: Tensor
    consistency: Tensor
    label: Tensor  # 0 where labels are not used
    compared: Tensor  # foreground, background and attention, weighted, without the memory branch and gradient

    def total(self, settings: RskpSettings, consistency_weight: float) -> Tensor:
        """The weighted sum [V] of all but the label loss."""
        return (
            settings.foreground_weight * self.foreground
            + settings.background_weight * self.background
            + settings.attention_weight * self.attention
            + consistency_weight * self.consistency
        )


def video_losses(
    original: BranchOutput,
    reallocated: BranchOutput,
    memory: BranchOutput | None,
    labels: Tensor,
    mask: Tensor,
    target: BatchLabels | None,
    settings: RskpSettings,
) -> VideoLosses:
    """All losses. labels: [V, C]; mask: [V, T]; target: pseudo labels, or None.

    A video without a label is background: its foreground target is zero and its memory branch, which read nothing,
    has no part in any loss.
    """
    foreground, background = _video_targets(labels)
    has_class = labels.any(dim=1)
    weights: list[tuple[BranchOutput, Tensor | float]] = [(original, 1.0), (reallocated, 1.0)]
    if memory is not None:
        weights.append((memory, settings.memory_branch_weight * has_class))
    foregrounds = [weight * cross_entropy(branch.agnostic_logits, foreground) for branch, weight in weights]
    backgrounds = [weight * cross_entropy(branch.class_wise_logits, background) for branch, weight in weights]
    attention = attention_loss(original.attention, mask)
    compared = settings.foreground_weight * sum_of(foregrounds[:2])
    compared = compared + settings.background_weight * sum_of(backgrounds[:2]) + settings.attention_weight * attention
    return VideoLosses(
        foreground=sum_of(foregrounds),
        background=sum_of(backgrounds),
        attention=attention,
        compared=compared.detach(),
        consistency=consistency_loss(original, reallocated, memory, mask, settings, has_class),
        label=mixed_label_loss(original, reallocated, target, mask, settings),
    )


def sum_of(values: Iterable[Tensor]) -> Tensor:
    """The sum of tensors of one shape [V]."""
    return torch.stack(list(values)).sum(dim=0)


def _video_targets(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Labels with background 0 and with background 1 [V, K], each divided by its sum."""
    none, one = labels.new_zeros((len(labels), 1)), labels.new_ones((len(labels), 1))
    targets = (torch.cat([labels, none], dim=1), torch.cat([labels, one], dim=1))
    first, second = (target / (target.sum(dim=1, keepdim=True) + 1e-8) for target in targets)
    return first, second


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-sum of target times log-probability, over the classes; target and logits [V, K] or [V, K, T]."""
    return -(target * torch.log_softmax(logits, dim=1)).sum(dim=1)


def attention_loss(attention: Tensor, mask: Tensor) -> Tensor:
    """Mean of the lowest eighth of a video's attention minus the mean of its highest eighth [V]."""
    counts = (mask.sum(dim=1) // 8).clamp(min=1)
    chosen = torch.arange(attention.shape[1], device=attention.device) < counts[:, None]
    low = attention.masked_fill(~mask, torch.inf).sort(dim=1).values
    high = attention.masked_fill(~mask, -torch.inf).sort(dim=1, descending=True).values
    difference = torch.where(chosen, low - high, torch.zeros_like(low))
    return difference.sum(dim=1) / counts


def consistency_loss(
    original: BranchOutput,
    reallocated: BranchOutput,
    memory: BranchOutput | None,
    mask: Tensor,
    settings: RskpSettings,
    has_class: Tensor | None = None,
) -> Tensor:
    """Cross entropy of the original branch against the reallocated (and memory) branch, which carry no gradient [V].

    has_class: [V], false for videos whose goal is the reallocated branch alone; None: every video has one.
    """
    goal = reallocated.logits.detach()
    if memory is not None:
        share = settings.consistency_memory_share
        mixed = (1 - share) * goal + share * memory.logits.detach()
        goal = mixed if has_class is None else torch.where(has_class[:, None, None], mixed, goal)
    temperature = settings.consistency_temperature
    return mean_over_snippets(
        cross_entropy(original.logits / temperature, torch.softmax(goal / temperature, dim=1)), mask
    )


def mixed_label_loss(
    original: BranchOutput, reallocated: BranchOutput, target: BatchLabels | None, mask: Tensor, settings: RskpSettings
) -> Tensor:
    """The loss [V] of both branches against pseudo labels, mixed; attention is that of the original one."""
    if target is None:
        return original.attention.new_zeros(len(mask))
    first, second = (
        label_losses(target, torch.log_softmax(branch.logits, dim=1), original.attention)
        for branch in (original, reallocated)
    )
    share = settings.label_original_share
    return mean_over_snippets(share * first + (1 - share) * second, mask)
