"""The forest: a row for each ingredient and what it is compared with, placed on one scale of points, in percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wtal.evaluate.text.escaping import MINUS
from wtal.evaluate.text.typeset import bounds, difference
from wtal.report.tables.contrasts import Contrast, ContrastGroup

MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Scale:
    """Points on a line from its left end to its right one."""

    low: float
    high: float

    def at(self, value: float) -> str:
        """Where a value lies, in percent of the width."""
        share = (value - self.low) / (self.high - self.low)
        return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One difference: words, places of its marks, and the numbers that say the same."""

    context: str
    is_mean: bool
    verdict: str
    is_separated: bool
    estimate: str
    bar: tuple[str, str] | None  # over videos and seeds
    thick: tuple[str, str] | None  # over videos alone
    dots: tuple[str, ...]  # of each seed
    number: str
    alone: str  # the interval over videos alone


@dataclass(frozen=True, slots=True)
class ForestGroup:
    """The rows of one ingredient."""

    title: str
    sentence: str
    rows: tuple[ForestRow, ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """All groups on one scale."""

    zero: str
    ticks: tuple[tuple[str, str], ...]  # place, text
    groups: tuple[ForestGroup, ...]


def forest_of(groups: Sequence[ContrastGroup]) -> Forest | None:
    """The picture of the groups; None where there is nothing to compare."""
    rows = [row for group in groups for row in group.rows]
    if not rows:
        return None
    scale, ticks = scale_of([value for row in rows for value in _values(row)])
    shown = (
        ForestGroup(group.title, group.sentence, tuple(_row(row, scale) for row in group.rows)) for group in groups
    )
    return Forest(scale.at(0.0), tuple((scale.at(tick), signed(tick)) for tick in ticks), tuple(shown))


def only_first(forest: Forest | None) -> Forest | None:
    """The picture with the first row of each group alone, on the same scale."""
    if forest is None:
        return None
    return replace(forest, groups=tuple(replace(group, rows=group.rows[:1]) for group in forest.groups))


def scale_of(values: Sequence[float]) -> tuple[Scale, list[float]]:
    """A scale that holds 0 and all values, and its ticks at 1, 2 or 5 times a power of ten."""
    known = [value for value in (*values, 0.0) if math.isfinite(value)]
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / MOST_TICKS))
    step = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= MOST_TICKS)
    margin = 0.03 * span
    first, last = math.ceil((low - margin) / step), math.floor((high + margin) / step)
    return Scale(low - margin, high + margin), [round(number * step, 10) for number in range(first, last + 1)]


def signed(value: float) -> str:
    """A tick with its sign; nothing has none."""
    return f"{value:+g}".replace("-", MINUS) if value else "0"


def _values(row: Contrast) -> list[float]:
    away = row.interval
    return [away.estimate, away.low, away.high, away.videos_low, away.videos_high, *row.points]


def _row(row: Contrast, scale: Scale) -> ForestRow:
    away = row.interval
    has_bounds, over_videos = away.low == away.low, away.videos_low == away.videos_low
    return ForestRow(
        context=row.context,
        is_mean=row.n_contexts > 1,
        verdict=away.verdict if has_bounds else "not separated",
        is_separated=has_bounds and away.is_separated,
        estimate=scale.at(away.estimate),
        bar=(scale.at(away.low), scale.at(away.high)) if has_bounds else None,
        thick=(scale.at(away.videos_low), scale.at(away.videos_high)) if over_videos else None,
        dots=tuple(scale.at(point) for point in row.points) if len(row.points) > 1 else (),
        number=difference(away).text,
        alone=bounds(away.videos_low, away.videos_high).text if over_videos else "",
    )
