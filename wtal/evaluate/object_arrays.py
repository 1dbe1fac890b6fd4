"""Detections as the arrays of objects that W-TALC's descendants leave in .npy files; docs/evaluation.md, Input.

Two forms are read. A list for each class, in the order of the classes, of rows `[video, start, end, score]`: what
W-TALC's evaluation collects. Or rows `[video, start, end, score, label]`, in one table or in lists of any kind. A
video is its number among the videos of the subset, in their order, or its name; so is a label. Bounds are in snippets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wtal.errors import InputError
from wtal.evaluate.malformed import is_number
from wtal.records import Detections, Instances
from wtal.timebase import to_seconds
from wtal.unpickle import read_array

Row = Sequence[Any]


def read_object_array(path: str | Path, truth: Instances, snippets_per_second: float | None) -> Detections:
    """Detections in seconds from an .npy file, in its order; numbers of videos and classes are the ground truth's.

    snippets_per_second: of the bounds in the file; None where they are seconds already.
    Raises InputError naming the row for any other form, a number out of range, a value that is not finite, a reversed
    segment; nothing in the file is ever run.
    """
    rows = list(_rows(path, read_array(path), truth.classes))
    if not rows:
        raise InputError(file=path, expected="at least one detection", got="none")
    videos = {name: number for number, name in enumerate(truth.videos)}
    classes = {name: number for number, name in enumerate(truth.classes)}
    video = [_number(path, f"{key}, video", row[0], videos, len(truth.videos)) for key, row in rows]
    label = [_number(path, f"{key}, label", row[4], classes, len(truth.classes)) for key, row in rows]
    for key, row in rows:
        if not all(is_number(value) for value in row[1:4]) or row[2] < row[1]:
            expected = "start, end and score, finite, the end at or after the start"
            raise InputError(file=path, key=key, expected=expected, got=f"{list(row[1:4])!r:.80}")
    table = np.array([row[1:4] for _, row in rows], dtype=np.float64)
    bounds = table[:, :2] if snippets_per_second is None else to_seconds(table[:, :2], snippets_per_second)
    return Detections(
        tuple(videos),
        tuple(classes),
        np.array(video, dtype=np.int64),
        np.array(label, dtype=np.int64),
        bounds[:, 0],
        bounds[:, 1],
        table[:, 2],
    )


def _rows(path: str | Path, values: np.ndarray, classes: Sequence[str]) -> Iterator[tuple[str, Row]]:
    """Each row with its place, its label last."""
    entries = _listed(values)
    if entries is None or not all(_is_list(entry) for entry in entries):
        raise InputError(file=path, expected=_expected(classes), got=f"{values!r:.60}".replace("\n", " "))
    if next((_is_row(entry) for entry in entries if len(entry)), False):
        for place, entry in enumerate(entries):
            yield f"row {place}", _row(path, f"row {place}", entry, (5,), classes)
        return
    lengths = (4, 5) if len(entries) == len(classes) else (5,)
    for number, entry in enumerate(entries):
        for place, row in enumerate(_listed(entry) or []):
            key = f"entry {number}, row {place}"
            checked = _row(path, key, row, lengths, classes)
            yield key, checked if len(checked) == 5 else [*checked, number]


def _row(path: str | Path, key: str, row: Any, lengths: Sequence[int], classes: Sequence[str]) -> Row:
    values = _listed(row)
    if values is None or len(values) not in lengths or any(_is_list(value) for value in values):
        raise InputError(file=path, key=key, expected=_expected(classes), got=f"{row!r:.60}".replace("\n", " "))
    return values


def _expected(classes: Sequence[str]) -> str:
    return (
        f"a list for each of {len(classes)} classes of rows [video, start, end, score], "
        "or rows [video, start, end, score, label]"
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


def _is_row(entry: Any) -> bool:
    return not _is_list(entry[0])


def _listed(value: Any) -> list[Any] | None:
    """A list, tuple or array of one dimension or more as a list; numbers in it become Python's own."""
    if isinstance(value, np.ndarray):
        if not value.ndim:
            return None
        return value.tolist() if value.ndim == 1 and value.dtype != object else list(value)
    return list(value) if isinstance(value, (list, tuple)) else None


def _number(path: str | Path, key: str, value: Any, numbers: dict[str, int], count: int) -> int:
    """The number of a video or class given by number or name."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        number = next(
            (numbers[name] for name in (value, f"v_{value}", value.removeprefix("v_")) if name in numbers), -1
        )
    elif is_number(value) and math.floor(value) == value:
        number = int(value)
    else:
        number = -1
    if not 0 <= number < count:
        raise InputError(
            file=path, key=key, expected=f"a number from 0 to {count - 1}, or a name", got=f"{value!r:.60}"
        )
    return number
