"""What networks share that give logits to snippets and pool them: the mean of the largest, and the loss against labels.

Axes: see `wtal.methods.contract`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wtal.methods.batch import Batch


def mean_of_largest(logits: Tensor, counts: Tensor, batch: Batch) -> Tensor:
    """Mean [V, K] of so many of the largest logits [V, T, K] of each class in each video; counts: [V], 1 or above."""
    most = int(counts.max())
    largest = logits.masked_fill(~batch.mask[:, :, None], -torch.inf).topk(most, dim=1).values
    is_pooled = torch.arange(most, device=logits.device) < counts[:, None]
    return largest.masked_fill(~is_pooled[:, :, None], 0.0).sum(dim=1) / counts[:, None]


def snippet_label_loss(logits: Tensor, target: Tensor | None, batch: Batch) -> Tensor:
    """Cross entropy [V] of snippet logits [V, T, K] against pseudo labels of any sign, mean over a video's snippets."""
    if target is None:
        return torch.zeros_like(batch.lengths, dtype=logits.dtype)
    each = -(target * torch.log_softmax(logits, dim=2).transpose(1, 2)).sum(dim=1)
    return (each * batch.mask).sum(dim=1) / batch.lengths
