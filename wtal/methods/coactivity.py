"""The loss of co-activity: two videos that share a class look alike where it is, and unlike where it is not.

Source: W-TALC (Paul, Roy and Roy-Chowdhury, ECCV 2018, arXiv 1807.10418); docs/methods.md.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from wtal.methods.batch import Batch


def coactivity(features: Tensor, logits: Tensor, batch: Batch, margin: float) -> Tensor:
    """What the loss says of each video [V] beside its partner, weighted; 0 where it is in no pair.

    features: [V, T, E]; logits: [V, T, C] of the action classes; beyond the end of a video neither counts. margin: by
    which the distance of two videos where a class is shall be below that to where it is not.
    """
    mask = batch.mask[:, :, None]
    attention = torch.softmax(logits.masked_fill(~mask, -torch.inf), dim=1)  # over time
    rows = (features * mask).transpose(1, 2)
    high, low = normalize(rows @ attention, dim=1), normalize(rows @ (1 - attention), dim=1)  # [V, E, C]
    other = batch.partner
    nearer = (high * low[other]).sum(dim=1) - (high * high[other]).sum(dim=1)  # a difference of cosine distances
    shared = batch.labels * batch.labels[other]
    return batch.pair_weight * (shared * torch.relu(nearer + margin)).sum(dim=1)
