"""The contrast of snippets: those near the bounds of an action are drawn to the clear ones of their own kind.

Source: CoLA (Zhang et al., CVPR 2021, arXiv 2103.16392); docs/methods.md. Axes: see `wtal.methods.contract`; E is the
width of the embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool1d, normalize, pad

from wtal.methods.batch import Batch
from wtal.methods.cola.settings import ColaSettings
from wtal.methods.snippet_logits import pooled_counts


@dataclass(frozen=True, slots=True)
class SnippetSet:
    """Some snippets of each video, the first `counts` of those listed."""

    index: Tensor  # [V, S] within the video
    counts: Tensor  # [V]

    def is_chosen(self) -> Tensor:
        """[V, S]."""
        return torch.arange(self.index.shape[1], device=self.index.device) < self.counts[:, None]


@dataclass(frozen=True, slots=True)
class ContrastSets:
    """The snippets that are compared: clear ones, and hard ones just inside or outside the bounds of actions."""

    easy_action: SnippetSet
    easy_background: SnippetSet
    hard_action: SnippetSet
    hard_background: SnippetSet


def contrast_sets(actionness: Tensor, easy_weight: Tensor, batch: Batch, settings: ColaSettings) -> ContrastSets:
    """The sets of each video. actionness: [V, T], 0 or above; easy_weight: [V, T], 0 where a snippet is not looked at.

    Which snippets are chosen carries no gradient.
    """
    actionness, mask = actionness.detach(), batch.mask
    easy = pooled_counts(batch, settings.easy_divisor)
    hard = pooled_counts(batch, settings.hard_divisor)
    highest = (actionness * mask).amax(dim=1, keepdim=True)
    around = rings(actionness, batch, settings)
    if settings.ring_fill == "members":
        near = [_highest(actionness, ring, torch.minimum(hard, ring.sum(dim=1))) for ring in around]
    else:
        near = [_highest(actionness * ring, mask, hard) for ring in around]
    return ContrastSets(
        easy_action=_highest(actionness * easy_weight, mask, easy),
        easy_background=_highest((highest - actionness) * easy_weight, mask, easy),
        hard_action=near[0],
        hard_background=near[1],
    )


def rings(actionness: Tensor, batch: Batch, settings: ColaSettings) -> tuple[Tensor, Tensor]:
    """Snippets just inside and just outside of runs above a video's median: two of [V, T] bool. actionness: [V, T].

    Beyond its ends a video holds no action. An element of even size reaches one snippet further to the left where runs
    are thinned, and to the right where they are widened.
    """
    ordered = actionness.masked_fill(~batch.mask, torch.inf).sort(dim=1).values
    median = ordered.gather(1, (batch.lengths[:, None] - 1) // 2)  # the lower of two: as many snippets are above it
    action = ((actionness > median) & batch.mask).to(actionness.dtype)
    small, large = settings.small_element, settings.large_element
    inner = (_thinned(action, small) > 0) & (_thinned(action, large) == 0)
    outer = (_widened(action, large) > 0) & (_widened(action, small) == 0)
    return inner, outer & batch.mask


def _thinned(action: Tensor, size: int) -> Tensor:
    return -max_pool1d(-pad(action, (size // 2, (size - 1) // 2)), size, stride=1)


def _widened(action: Tensor, size: int) -> Tensor:
    return max_pool1d(pad(action, ((size - 1) // 2, size // 2)), size, stride=1)


def _highest(signal: Tensor, allowed: Tensor, counts: Tensor) -> SnippetSet:
    """The snippets of the highest signal [V, T] among those allowed [V, T], the earlier of equal ones first."""
    order = signal.masked_fill(~allowed, -torch.inf).argsort(dim=1, descending=True, stable=True)
    return SnippetSet(order[:, : max(1, int(counts.max()))], counts)


def contrast_losses(embedding: Tensor, sets: ContrastSets, temperature: float) -> tuple[Tensor, Tensor]:
    """The contrast of hard action and of hard background [V], each 0 for a video without such snippets.

    embedding: [V, T, E].
    """
    easy_action, easy_background = _rows(embedding, sets.easy_action), _rows(embedding, sets.easy_background)
    action, background = _mean(easy_action, sets.easy_action), _mean(easy_background, sets.easy_background)
    hard_action = _mean(_rows(embedding, sets.hard_action), sets.hard_action)
    hard_background = _mean(_rows(embedding, sets.hard_background), sets.hard_background)
    of_action = _told_apart(hard_action, action, easy_background, sets.easy_background, temperature)
    of_background = _told_apart(hard_background, background, easy_action, sets.easy_action, temperature)
    return of_action * (sets.hard_action.counts > 0), of_background * (sets.hard_background.counts > 0)


def _rows(embedding: Tensor, chosen: SnippetSet) -> Tensor:
    """[V, S, E] of a set."""
    return embedding.gather(1, chosen.index[:, :, None].expand(-1, -1, embedding.shape[2]))


def _mean(rows: Tensor, chosen: SnippetSet) -> Tensor:
    """[V, E] over a set's rows [V, S, E]."""
    return (rows * chosen.is_chosen()[:, :, None]).sum(dim=1) / chosen.counts.clamp(min=1)[:, None]


def _told_apart(query: Tensor, same: Tensor, others: Tensor, chosen: SnippetSet, temperature: float) -> Tensor:
    """Cross entropy [V] of telling which is like a query [V, E]: `same` [V, E] or one of `others` [V, S, E]."""
    query = normalize(query, dim=1)
    near = (query * normalize(same, dim=1)).sum(dim=1) / temperature
    far = (normalize(others, dim=2) @ query[:, :, None])[:, :, 0] / temperature
    far = far.masked_fill(~chosen.is_chosen(), -torch.inf)
    return torch.logsumexp(torch.cat([near[:, None], far], dim=1), dim=1) - near
