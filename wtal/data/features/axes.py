"""Which axis of feature arrays runs over snippets: axes of length 1 are dropped, and the axis that agrees is features'.

Pure functions on shapes. Arrays of snippets times features (`rows`) are the form that is documented, so where nothing
tells the axes apart nothing is guessed: the answer is None, and the user is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from wtal.data.features.alignment import OFF_LINE, out_of_line

Axis = Literal["rows", "columns"]  # along which snippets lie
Shapes = tuple[tuple[int, int], ...]  # of one video: of its array, or of each stream's


def plain_shape(shape: Sequence[int]) -> tuple[int, int] | None:
    """The two axes of a shape with axes of length 1 anywhere, or with two streams apart as [T, 2, D]; else None."""
    if len(shape) == 2:
        return shape[0], shape[1]
    kept = [length for length in shape if length != 1]
    if len(kept) == 3 and kept[1] == 2:
        return kept[0], kept[1] * kept[2]
    if len(shape) > 2 and len(kept) == 1:  # a single snippet, or a single feature: an axis of length 1 stays
        return (1, kept[0]) if shape[-1] != 1 else (kept[0], 1)
    return (kept[0], kept[1]) if len(kept) == 2 else None


def sizes_of(shapes: Shapes, axis: Axis) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The snippets of each stream of a video, and the features."""
    first, second = tuple(shape[0] for shape in shapes), tuple(shape[1] for shape in shapes)
    return (first, second) if axis == "rows" else (second, first)


def snippets_axis(
    videos: Sequence[Shapes], size: int | None, seconds: Sequence[float | None], rate: float | None
) -> Axis | None:
    """Along which axis the snippets of some videos lie, or None where two readings are possible.

    size: features of a snippet, where known, decides alone. Else the axis is features' on which the videos agree. Where
    they agree on both, durations [V] in seconds decide, if only one reading keeps to them. rate: snippets a second.
    """
    if size is not None:
        fitting = {axis: sum(sum(sizes_of(shapes, axis)[1]) == size for shapes in videos) for axis in _AXES}
        return "columns" if fitting["columns"] > fitting["rows"] else "rows"
    agreeing = {axis: Counter(sizes_of(shapes, axis)[1] for shapes in videos).most_common(1) for axis in _AXES}
    rows, columns = (agreeing[axis][0][1] if agreeing[axis] else 0 for axis in _AXES)
    if rows == len(videos) != columns:
        return "rows"
    if 2 * rows > len(videos) < 2 * columns:
        return _by_durations(videos, seconds, rate)
    return "columns" if columns > rows else "rows"


_AXES: tuple[Axis, Axis] = ("rows", "columns")


def _by_durations(videos: Sequence[Shapes], seconds: Sequence[float | None], rate: float | None) -> Axis | None:
    known = [number for number, value in enumerate(seconds) if value is not None]
    if not known:
        return None
    lengths = np.array([seconds[number] for number in known], dtype=np.float64)
    fits: dict[Axis, bool] = {}
    for axis in _AXES:
        counts = np.array([sizes_of(videos[number], axis)[0][0] for number in known], dtype=np.int64)
        own_rate = float(np.median(counts / lengths)) if rate is None else rate
        fits[axis] = float(out_of_line(counts, lengths, own_rate).mean()) <= OFF_LINE
    if fits["rows"] and fits["columns"]:
        return None
    return "columns" if fits["columns"] else "rows"  # where neither fits, what is wrong is said of the documented form
