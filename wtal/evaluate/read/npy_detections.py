"""Detections as the arrays of objects that W-TALC's descendants leave in .npy files; docs/evaluation.md, Input.

Two forms are read. A list for each class, in the order of the classes, of rows `[video, start, end, score]`: what
W-TALC's evaluation collects. Or rows `[video, start, end, score, label]`, in one table or in lists of any kind. A
video is its number among the videos of the subset, in their order, or its name; so is a label. Bounds are in snippets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.errors import InputError
from wtal.base.npy.read import read_array
from wtal.base.records import Detections, Instances
from wtal.base.timebase import to_seconds
from wtal.data.annotations.names import VideoNames
from wtal.data.annotations.values import number_of, pair_of
from wtal.evaluate.read.detection_tables import detections_of

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
    known, classes = VideoNames(truth.videos), {name: number for number, name in enumerate(truth.classes)}
    names = [
        _name(path, f"{key}, video", row[0], truth.videos, lambda n: known.find(n, str(path))) for key, row in rows
    ]
    labels = [_name(path, f"{key}, label", row[4], truth.classes, classes.get) for key, row in rows]
    table = np.empty((len(rows), 3))
    for number, (key, row) in enumerate(rows):
        bounds, score = pair_of(list(row[1:3])), number_of(row[3])
        if bounds is None or score is None:
            expected = "start, end and score, finite, the end at or after the start"
            raise InputError(file=path, key=key, expected=expected, got=f"{list(row[1:4])!r:.80}")
        table[number] = (*bounds, score)
    if snippets_per_second is not None:
        table[:, :2] = to_seconds(table[:, :2], snippets_per_second)
    return detections_of(names, labels, table)


def _rows(path: str | Path, values: np.ndarray, classes: Sequence[str]) -> Iterator[tuple[str, Row]]:
    """Each row with its place, its label last."""
    entries = _listed(values)
    if entries is None or not all(_is_list(entry) for entry in entries):
        raise InputError(file=path, expected=_expected(classes), got=f"{values!r:.60}".replace("\n", " "))
    if next((_is_row(entry) for entry in entries if len(entry)), False):
        for position, entry in enumerate(entries):
            yield f"row {position}", _row(path, f"row {position}", entry, (5,), classes)
        return
    lengths = (4, 5) if len(entries) == len(classes) else (5,)
    for number, entry in enumerate(entries):
        for position, row in enumerate(_listed(entry) or []):
            key = f"entry {number}, row {position}"
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


def _name(path: str | Path, key: str, value: Any, names: Sequence[str], find: Callable[[str], int | None]) -> str:
    """The name of a video or class given by number or name; a name that is not found stays as it is."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    number: float | None = find(value) if isinstance(value, str) else None
    if number is None:
        number = number_of(value)
        if number is None and isinstance(value, str):
            return value
    if number is None or number != int(number) or not 0 <= number < len(names):
        expected = f"a number from 0 to {len(names) - 1}, or a name"
        raise InputError(file=path, key=key, expected=expected, got=f"{value!r:.60}")
    return names[int(number)]
