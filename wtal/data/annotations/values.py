"""The values in annotation files: text, numbers, durations and stretches; where one is none, a sentence says so.

A number may stand as text, such as "2.0": so it does in many public files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.errors import InputError


def number_of(value: Any) -> float | None:
    """A finite number, which may be given as text; None for anything else (true and false too)."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        if not value.isascii() or "_" in value:  # float() reads 1_000 and other alphabets too
            return None
    elif isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def pair_of(segment: Any) -> tuple[float, float] | None:
    """Start and end of a stretch, two finite numbers of which the second is not smaller; None for anything else."""
    bounds = segment.tolist() if isinstance(segment, np.ndarray) else segment
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
        return None
    start, end = number_of(bounds[0]), number_of(bounds[1])
    return None if start is None or end is None or end < start else (start, end)


def texts_among(value: Any) -> int:
    """How many of the values in a list, or whether the value itself, stands as text."""
    values = value if isinstance(value, (list, tuple)) else (value,)
    return sum([isinstance(each, (str, bytes)) for each in values])


def positive_of(value: Any, path: Path, key: str, expected: str = "seconds above 0") -> float:
    """A number above 0. Raises InputError."""
    number = number_of(value)
    if number is None or number <= 0:
        raise InputError(file=path, key=key, expected=expected, got=repr(value))
    return number


def durations_of(column: np.ndarray, path: Path, names: Sequence[str]) -> list[float]:
    """Durations in seconds, one for each name. Raises InputError naming the first that is none."""
    return [positive_of(value, path, name) for name, value in zip(names, column.reshape(-1).tolist())]


def text_of(value: Any, path: Path) -> str:
    """A name as text, from text or UTF-8 bytes. Raises InputError."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise InputError(file=path, expected="UTF-8 text", got=f"{value!r:.60}") from None
    if not isinstance(value, str):
        raise InputError(file=path, expected="text", got=f"{value!r:.60}")
    return str(value)


def instance_of(path: Path, key: str, class_name: str, segment: Any) -> tuple[str, float, float]:
    """One instance: class, start and end in seconds, 0 <= start <= end. Raises InputError."""
    bounds = pair_of(segment)
    if bounds is None or bounds[0] < 0:
        got = f"{segment!r:.60}"
        raise InputError(file=path, key=f"{key}, {class_name}", expected="seconds with 0 <= start <= end", got=got)
    return class_name, *bounds
