"""What networks share that give logits to snippets and pool them: the mean of the largest.

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
