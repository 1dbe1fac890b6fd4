"""The values in annotation files: text, durations and stretches; each is refused in a sentence where it is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wtal.errors import InputError


def durations_of(column: np.ndarray, path: Path, names: Sequence[str]) -> list[float]:
    """Durations in seconds, one for each name. Raises InputError naming the first that is none."""
    values = column.reshape(-1).tolist()
    for name, value in zip(names, values):
        if not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
            raise InputError(file=path, key=name, expected="seconds above 0", got=repr(value))
    return [float(value) for value in values]


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


def seconds_of(path: Path, key: str, text: str) -> float:
    """The number that a table holds. Raises InputError."""
    try:
        return float(text)
    except ValueError:
        raise InputError(file=path, key=key, expected="start and end in seconds", got=repr(text)) from None


def instance_of(path: Path, key: str, label: str, segment: Any) -> tuple[str, float, float]:
    """One instance: class, start and end in seconds, 0 <= start <= end. Raises InputError."""
    bounds = segment.tolist() if isinstance(segment, np.ndarray) else segment
    fits = isinstance(bounds, (list, tuple)) and len(bounds) == 2
    fits = fits and all(isinstance(bound, (int, float)) and not isinstance(bound, bool) for bound in bounds)
    if not fits or not all(math.isfinite(bound) for bound in bounds) or not 0 <= bounds[0] <= bounds[1]:
        expected = "seconds with 0 <= start <= end"
        raise InputError(file=path, key=f"{key}, {label}", expected=expected, got=f"{segment!r:.60}")
    return label, float(bounds[0]), float(bounds[1])
