"""contrasts.csv: what each ingredient is worth, on average and in each pair of variants that differ in it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import read_rows, write_rows
from wtal.evaluate.score.intervals import DECIMALS, Interval, SeedScores, interval_within, paired
from wtal.evaluate.text.typeset import difference, number
from wtal.report.inputs.plan import Plan
from wtal.report.tables.ingredients import ingredients_of

BOUNDS = ("low", "high", "videos_low", "videos_high")
COLUMNS = ("ingredient", "context", "contexts", "seeds", "difference", *BOUNDS, "difference_of_each_seed")


@dataclass(frozen=True, slots=True)
class Contrast:
    """One paired difference in points: of two variants, or the mean of several such pairs."""

    ingredient: str
    context: str  # what it is compared with, in words
    n_contexts: int  # above 1 for a mean over pairs
    interval: Interval
    points: tuple[float, ...]  # of each seed


def contrasts_of(plan: Plan, scores: Mapping[str, SeedScores], n_videos: int) -> list[Contrast]:
    """The rows of the forest in suite order: of each ingredient the mean over its pairs first, where it has several.

    scores: the headline of each variant, of every seed and under the resamples that all variants share.
    """
    level, rows = plan.file.evaluation.bootstrap_level, []
    for ingredient in ingredients_of(plan):
        each = [paired(scores[one], scores[other]) for one, other in ingredient.pairs]
        words = [_context(plan, *pair) for pair in ingredient.pairs]
        if len(each) > 1:
            mean = SeedScores(
                np.mean([pair.points for pair in each], axis=0), np.mean([pair.resampled for pair in each], axis=0)
            )
            each, words = [mean, *each], [f"average over {len(each)} comparisons", *words]
        for position, (pair, context) in enumerate(zip(each, words)):
            interval = interval_within(pair, n_videos, level, (-100.0, 100.0))
            n_contexts = len(ingredient.pairs) if position == 0 else 1
            rows.append(Contrast(ingredient.title, context, n_contexts, interval, tuple(pair.points.tolist())))
    return rows


def _context(plan: Plan, one: str, other: str) -> str:
    titles = [plan.file.variants[name].title for name in (one, other)]
    return f"{titles[0]}, against {titles[1]}"


def write_contrasts(path: Path, rows: Sequence[Contrast]) -> None:
    """Write contrasts.csv: points to four decimals, those of the seeds with spaces between."""
    write_rows(path, COLUMNS, map(_values, rows))


def _values(row: Contrast) -> list[str]:
    away = row.interval
    figures = (away.estimate, *(getattr(away, name) for name in BOUNDS))
    written = ["" if value != value else f"{value:.{DECIMALS}f}" for value in figures]
    points = " ".join(f"{point:.{DECIMALS}f}" for point in row.points)
    return [row.ingredient, row.context, str(row.n_contexts), str(len(row.points)), *written, points]


def read_contrasts(path: Path) -> list[Contrast]:
    """The rows of contrasts.csv. Raises InputError naming line and column."""
    return [_read(path, number, line) for number, line in enumerate(read_rows(path, COLUMNS), start=2)]


def _read(path: Path, line: int, row: Mapping[str, str]) -> Contrast:
    column = ""
    try:
        figures = {}
        for column in ("difference", *BOUNDS):
            figures[column] = float(row[column] or "nan")
        column = "difference_of_each_seed"
        points = tuple(float(point) for point in row[column].split())
        column = "contexts"
        n_contexts = int(row[column])
    except ValueError:
        expected = "numbers" if column == "difference_of_each_seed" else "a number"
        raise InputError(file=path, key=f"line {line}, {column}", expected=expected, got=repr(row[column])) from None
    interval = Interval(figures["difference"], (len(points),), *(figures[name] for name in BOUNDS))
    return Contrast(row["ingredient"], row["context"], n_contexts, interval, points)


@dataclass(frozen=True, slots=True)
class ContrastGroup:
    """The rows of one ingredient with the sentence that they come to."""

    title: str
    rows: tuple[Contrast, ...]
    sentence: str


def contrast_groups(rows: Sequence[Contrast], quantity: str) -> list[ContrastGroup]:
    """The rows by ingredient, in their order. quantity: what the points are of, such as `mAP@0.1:0.7`."""
    grouped = ((title, tuple(members)) for title, members in groupby(rows, key=lambda row: row.ingredient))
    return [ContrastGroup(title, members, effect_sentence(members, quantity)) for title, members in grouped]


def effect_sentence(rows: Sequence[Contrast], quantity: str, over: str = "comparisons") -> str:
    """What an ingredient does, from its first row, such as `Raises mAP@0.1:0.7 by 2.1 points [0.3, 3.9].`

    over: what the rows after the first one are, over which that one is the mean.
    """
    first = rows[0].interval
    if first.low != first.low:
        return f"{difference(first).text} points of {quantity}; how surely cannot be told."
    verdict, shown = first.verdict, difference(first).text
    size = number(abs(first.estimate)).text
    interval = shown[shown.index("[") :]
    said = {
        "better": f"Raises {quantity} by {size} points {interval}",
        "worse": f"Lowers {quantity} by {size} points {interval}",
        "not separated": f"No detectable effect on {quantity}: {shown} points",
    }[verdict]
    if len(rows) == 1:
        return f"{said}."
    alone = sum(row.interval.is_separated for row in rows[1:])
    return f"{said}, on average over {len(rows) - 1} {over}, {alone} of which leave out 0 by themselves."
