"""tIoU thresholds as people write them: `0.1:0.7:0.1` (first:last:step), `0.5` or `0.5,0.75,0.95`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import SettingError, require

MOST_THRESHOLDS = 1000


def thresholds_from_text(text: str, key: str = "tiou") -> tuple[float, ...]:
    """The rising thresholds a text names, each the float nearest to its decimal (0.3, never 0.30000000000000004).

    Raises SettingError where the text is not of the form, or a threshold is outside (0, 1].
    """
    expected = "first:last:step, or numbers with commas between, each in (0, 1]"
    try:
        values = _decimals(text)
    except ArithmeticError:
        raise SettingError(key, expected, text) from None
    require(bool(values) and all(0 < value <= 1 for value in values), key, expected, text)
    thresholds = tuple(float(value) for value in values)
    require(all(low < high for low, high in pairwise(thresholds)), key, "rising thresholds", text)
    return thresholds


def _decimals(text: str) -> list[Decimal]:
    parts = text.split(":")
    if not text.isascii():  # Decimal reads digits of other alphabets too
        return []
    if len(parts) == 1:
        values = [Decimal(part.strip()) for part in text.split(",")]
        return values if all(value.is_finite() for value in values) else []
    if len(parts) != 3:
        return []
    first, last, step = (Decimal(part.strip()) for part in parts)
    if not (first.is_finite() and last.is_finite() and step.is_finite()) or step <= 0:
        return []
    if (last - first) / step > MOST_THRESHOLDS:
        return []
    return [first + step * index for index in range(int((last - first) / step) + 1)] if last >= first else []


def columns_of(average: str, thresholds: Sequence[float], key: str = "averages") -> NDArray[np.intp]:
    """The positions [A] of the thresholds that an average such as `0.3:0.7` (first:last) is taken over.

    Raises SettingError where the text is not of the form or its ends are not among the thresholds.
    """
    parts = average.split(":")
    try:
        first, last = float(parts[0]), float(parts[-1])
    except ValueError:
        raise SettingError(key, "first:last", average) from None
    known = len(parts) == 2 and first in thresholds and last in thresholds and first <= last
    require(known, key, f"first:last, both among the thresholds {', '.join(map(str, thresholds))}", average)
    values = np.asarray(thresholds)
    return np.flatnonzero((values >= first) & (values <= last))


def whole_range(thresholds: Sequence[float]) -> str:
    """The name of the average over all thresholds, such as `0.1:0.7`."""
    return f"{thresholds[0]:g}:{thresholds[-1]:g}"


def range_title(thresholds: Sequence[float]) -> str:
    """How a heading names the mean over all thresholds: `0.1:0.7`, or `0.5` where there is one."""
    return whole_range(thresholds) if len(thresholds) > 1 else f"{thresholds[0]:g}"
