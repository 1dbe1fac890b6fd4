"""What networks share that know no background class: a background of zero, and activations scaled within a video.

Axes: see `wtal.methods.contract`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wtal.methods.batch import Batch


def with_zero_background(logits: Tensor) -> Tensor:
    """Logits [..., C] of the action classes with one of background after them, which is 0 everywhere: [..., K]."""
    return torch.cat([logits, torch.zeros_like(logits[..., :1])], dim=-1)


def min_max_over_time(values: Tensor, batch: Batch) -> Tensor:
    """Values [V, T, ...] from 0, the smallest of a video, to 1, its largest; 0 where it is flat, and beyond its end."""
    mask = batch.mask.reshape(*batch.mask.shape, *(1 for _ in values.shape[2:]))
    smallest = values.masked_fill(~mask, torch.inf).amin(dim=1, keepdim=True)
    spread = values.masked_fill(~mask, -torch.inf).amax(dim=1, keepdim=True) - smallest
    scaled = (values - smallest) / torch.where(spread > 0, spread, torch.ones_like(spread))
    return torch.where(mask, scaled, torch.zeros_like(scaled))
