"""What networks share that give logits to snippets: how they are pooled, and taught the video.

Axes: see `wtal.methods.contract`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from wtal.methods.batch import Batch


def mean_of_largest(logits: Tensor, counts: Tensor, batch: Batch) -> Tensor:
    """Mean [V, K] of so many of the largest logits [V, T, K] of each class in each video; counts: [V], 1 or above."""
    most = int(counts.max())
    largest = logits.masked_fill(~batch.mask[:, :, None], -torch.inf).topk(most, dim=1).values
    is_pooled = torch.arange(most, device=logits.device) < counts[:, None]
    return largest.masked_fill(~is_pooled[:, :, None], 0.0).sum(dim=1) / counts[:, None]


def pooled_counts(batch: Batch, divisor: int) -> Tensor:
    """One in `divisor` of each video's snippets [V], and at least one."""
    return (batch.lengths // divisor).clamp(min=1)


def video_cross_entropy(logits: Tensor, labels: Tensor, added: float = 0.0) -> Tensor:
    """Cross entropy [V] of video logits against labels, both [V, K] or [V, C]; 0 for a video without a label.

    Labels are divided by their sum. added: to that sum, as some released codes have it.
    """
    count = labels.sum(dim=1, keepdim=True) + added
    return -(labels / count.clamp(min=1) * torch.log_softmax(logits, dim=1)).sum(dim=1)


def video_binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The same [V] for each class by itself, of the softmax over all, mean over the classes, as released codes have."""
    count = labels.sum(dim=1, keepdim=True)
    target = labels / count.clamp(min=1)
    each = binary_cross_entropy(torch.softmax(logits, dim=1), target, reduction="none").mean(dim=1)
    return each * (count[:, 0] > 0)
