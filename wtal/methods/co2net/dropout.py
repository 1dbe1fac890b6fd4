"""Several dropouts in one pass through a network, drawn video by video: it does not matter which are batched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wtal.methods.batch import Batch


@dataclass(frozen=True, slots=True)
class DropoutLayer:
    """A dropout of rows of this many columns, one row a snippet or one a video."""

    size: int
    share: float
    is_of_video: bool = False


class DropoutMasks:
    """What the dropouts of one pass keep: all of the first video, then all of the next, before the first is used."""

    def __init__(self, batch: Batch, layers: Sequence[DropoutLayer], rng: torch.Generator | None) -> None:
        """layers: in the order of their use. rng: None where nothing is dropped."""
        self.batch = batch
        drawn = [] if rng is None else [_drawn(layers, length, rng, batch) for length in batch.lengths.tolist()]
        self.waiting = zip(layers, zip(*drawn))
        self.is_on = rng is not None

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows [V, W, T], or [V, W, 1] of videos, after the next dropout."""
        if not self.is_on:
            return rows
        layer, drawn = next(self.waiting)
        kept = torch.stack(drawn) if layer.is_of_video else self.batch.padded(torch.cat(drawn))
        return rows * kept.transpose(1, 2) / (1.0 - layer.share)


def _drawn(layers: Sequence[DropoutLayer], length: int, rng: torch.Generator, batch: Batch) -> list[Tensor]:
    """What each dropout keeps [T, W], or [1, W], of one video."""
    device = batch.mask.device
    rows = [1 if layer.is_of_video else length for layer in layers]
    return [
        torch.rand((count, layer.size), generator=rng, device=device) < 1.0 - layer.share
        for count, layer in zip(rows, layers)
    ]
