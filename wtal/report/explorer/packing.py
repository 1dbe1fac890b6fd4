"""Curves and videos small enough for a page: 8 bits a value, few points a curve, a chosen part of many videos."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MOST_POINTS = 240  # of a curve; of more, each shown point is the highest of those it stands for
MOST_BYTES = 3_400_000  # of all videos as JSON, so that a page with everything else stays below 5 MB
CHOSEN = 100  # worst, best and middle videos each, where not all fit


def packed(values: ArrayLike, ceiling: float = 1.0) -> str:
    """Values [T] from 0 to `ceiling` as base64 of bytes 0 to 255."""
    curve = shortened(np.asarray(values, dtype=np.float64))
    scale = 255 / ceiling if ceiling > 0 else 0.0
    return base64.b64encode(np.clip(np.rint(curve * scale), 0, 255).astype(np.uint8).tobytes()).decode()


def packed_signed(values: ArrayLike, ceiling: float) -> str:
    """Values [T] from -`ceiling` to `ceiling` as base64 of bytes 1 to 255, 128 for nothing."""
    curve = shortened(np.asarray(values, dtype=np.float64))
    scale = 127 / ceiling if ceiling > 0 else 0.0
    return base64.b64encode((128 + np.clip(np.rint(curve * scale), -127, 127)).astype(np.uint8).tobytes()).decode()


def shortened(values: np.ndarray) -> np.ndarray:
    """A curve [T] as it is, or as MOST_POINTS values, each the one farthest from 0 of its part."""
    if len(values) <= MOST_POINTS:
        return values
    parts = np.array_split(values, MOST_POINTS)
    return np.array([part[np.argmax(np.abs(part))] for part in parts])


def size_of(value: Any) -> int:
    """Bytes of a value as the page holds it."""
    return len(compact(value).encode())


def compact(value: Any) -> str:
    """JSON without spaces, keys sorted: the same value always gives the same text."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False)


def chosen(videos: Sequence[Mapping[str, Any]], loss: Sequence[float], budget: int = MOST_BYTES) -> list[int]:
    """Which videos are shown, in their order: all that fit, else the worst, best and middle hundred, or fewer.

    loss: by how much the second system loses to the first in each video; equal ones keep their order.
    """
    sizes = np.array([size_of(video) for video in videos], dtype=np.int64)
    everything = list(range(len(videos)))
    if sizes.sum() <= budget:
        return everything
    order = sorted(everything, key=lambda number: (-loss[number], number))
    for count in range(min(CHOSEN, len(order)), 0, -1):
        middle = (len(order) - count) // 2
        shown = sorted({*order[:count], *order[middle : middle + count], *order[-count:]})
        if sizes[shown].sum() <= budget:
            return shown
    return order[:1]
