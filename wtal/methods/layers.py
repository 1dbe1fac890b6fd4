"""What networks share in their layers: how they begin, and chance that is drawn video by video.

Axes: see `wtal.methods.contract`.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from wtal.methods.batch import Batch


def begin_uniformly(layers: Iterable[nn.Conv1d], generator: torch.Generator | None) -> None:
    """Draw weights and biases as torch does by default: between -b and b, b = 1 / sqrt(inputs of an output)."""
    for layer in layers:
        bound = layer.weight[0].numel() ** -0.5
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        if layer.bias is not None:
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


def uniform_rows(batch: Batch, columns: int, rng: torch.Generator) -> Tensor:
    """Rows [N, columns] in [0, 1), drawn video by video, so that it does not matter which are batched."""
    device = batch.features.device
    return torch.cat([torch.rand((length, columns), generator=rng, device=device) for length in batch.lengths.tolist()])
