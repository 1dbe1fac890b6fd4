"""What pseudo labels teach a network: of a round, of a batch, a weight that is learnt, and one loss for every method.

Axes: V videos of a batch, T snippets of the longest, K = C + 1 classes with background last.
Source: docs/labels.md#what-the-network-learns-from-them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wtal.methods.batch import Batch, Rows, on_device
from wtal.suite.contracts import LabelKind, LabelTarget
from wtal.suite.step_settings import EpochSettings

SUREST = 1e-6  # least probability that a class is another one, of which the logarithm is taken


@dataclass(frozen=True, slots=True)
class BatchLabels:
    """The pseudo labels of a batch, of any sign; beyond its end a video has none."""

    values: Tensor  # [V, K, T]
    weight: Tensor | None = None  # [V, 1 or K, T] of what each teaches; None: 1 everywhere
    target: LabelTarget = "logits"
    kind: LabelKind = "positive"

    def weighed(self, weight: Tensor) -> BatchLabels:
        """The same labels, with the weight of each snippet times another [V, T]."""
        more = weight[:, None]
        return replace(self, weight=more if self.weight is None else self.weight * more)


@dataclass(frozen=True, slots=True)
class RoundLabels:
    """Pseudo labels of a round for each training video [T, K], and those of the round before for delta."""

    newest: Sequence[NDArray[np.floating]]
    previous: Sequence[NDArray[np.floating]] | None = None
    weight: Sequence[NDArray[np.floating]] | None = None  # [T, K] each, of the newest; None: 1 everywhere
    target: LabelTarget = "logits"
    kind: LabelKind = "positive"

    def of_batch(self, batch: Batch, videos: Sequence[int], rows: Rows, epoch: EpochSettings) -> BatchLabels:
        """What a batch of these rows of some videos is taught, values [V, K, T]."""

        def padded(arrays: Sequence[NDArray[np.floating]]) -> Tensor:
            seen = [array if which is None else array[which] for array, which in zip(arrays, rows)]
            values = on_device(np.concatenate(seen).astype(np.float32, copy=False), batch.mask.device)
            return batch.padded(values).transpose(1, 2).contiguous()

        weight = None if self.weight is None else padded([self.weight[video] for video in videos])
        return BatchLabels(padded([self.values(video, epoch) for video in videos]), weight, self.target, self.kind)

    def values(self, video: int, epoch: EpochSettings) -> NDArray[np.float32]:
        """The labels of a video [T, K], or the scaled change from the previous ones."""
        newest = np.asarray(self.newest[video], dtype=np.float64)
        if epoch.is_delta:
            if self.previous is None:
                raise ValueError("delta labels need the labels of the previous round")
            newest = newest - np.asarray(self.previous[video], dtype=np.float64)
        return (epoch.label_scale * newest).astype(np.float32)


class LearnedWeight(nn.Module):
    """The doubt u of each snippet, linear in its features; its labels weigh exp(-u), and u has a price.

    It begins at 0, so that labels weigh 1 and nothing is drawn by chance.
    Source: the uncertainty of ASM-Loc (He et al., CVPR 2022); docs/labels.md#a-learned-weight.
    """

    def __init__(self, feature_size: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(feature_size))

    def forward(self, batch: Batch) -> Tensor:
        """u [V, T], 0 beyond the video."""
        return batch.padded(batch.features @ self.slope)


def label_losses(labels: BatchLabels, log_probability: Tensor, attention: Tensor | None = None) -> Tensor:
    """The loss of each snippet [V, T]. log_probability: [V, K, T] of the classes; attention: [V, T], if there is any.

    Labels Y of weight w. On logits: -sum of w Y log p; complementary ones say what a snippet is not: -sum of
    w Y log(1 - p). On attention a, which is to be what background leaves of 1: w (a - (1 - Y))^2, both of background.
    Raises ValueError for labels on attention where there is none.
    """
    if labels.target == "attention":
        if attention is None:
            raise ValueError("labels for attention need a method that has attention")
        each = (attention - (1 - labels.values[:, -1])).square()
        return each if labels.weight is None else labels.weight[:, -1] * each
    values = labels.values if labels.weight is None else labels.weight * labels.values
    if labels.kind == "complementary":
        log_probability = torch.log(-torch.expm1(log_probability.clamp(max=-SUREST)))
    return -(values * log_probability).sum(dim=1)


def label_loss(logits: Tensor, labels: BatchLabels | None, batch: Batch, attention: Tensor | None = None) -> Tensor:
    """The loss [V] of snippet logits [V, T, K] or attention [V, T], mean over a video's own snippets; 0 without any."""
    if labels is None:
        return torch.zeros_like(batch.lengths, dtype=logits.dtype)
    log_probability = torch.log_softmax(logits, dim=2).transpose(1, 2)
    return mean_over_snippets(label_losses(labels, log_probability, attention), batch.mask)


def mean_over_snippets(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over each video's own snippets, [V, T] to [V]."""
    return (values * mask).sum(dim=1) / mask.sum(dim=1)
