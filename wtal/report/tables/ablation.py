"""The ablation: one row a variant, mean over seeds with its interval, paired differences; control rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import read_rows
from wtal.evaluate.score.intervals import (
    DECIMALS,
    Interval,
    interval_of_difference,
    interval_of_level,
    interval_over,
)
from wtal.report.inputs.metrics import RunMetrics
from wtal.report.inputs.plan import Plan
from wtal.report.inputs.resampling import Resamples
from wtal.report.inputs.statistics import mean_and_deviation
from wtal.report.tables.typeset import Block, Cell, Column, Table, bounds, difference, number, spread

CONTROLS = "Controls"
Runs = Mapping[tuple[str, int], RunMetrics]


@dataclass(frozen=True, slots=True)
class AblationRow:
    """One variant, or one control, summed up over its seeds; percent throughout, NaN where there is nothing."""

    group: str
    variant: str
    title: str
    is_control: bool
    n_seeds: int
    average: Interval  # headline average
    deviation: float  # of the headline average over seeds
    per_tiou: tuple[float, ...]
    compare_with: str
    difference: Interval  # from `compare_with`
    base: str
    base_difference: Interval  # from the first variant
    classification: float
    n_detections: float
    selected_on_test: float


def without_interval(value: float, n_seeds: int) -> Interval:
    """A figure of which only itself is known; NaN: nothing."""
    return Interval(value, (n_seeds,), *[math.nan] * 4)


def ablation_rows(plan: Plan, runs: Runs, resamples: Resamples) -> list[AblationRow]:
    """One row a variant, in suite order."""
    return [_variant_row(plan, name, runs, resamples) for name in plan.file.variants]


def _variant_row(plan: Plan, name: str, runs: Runs, resamples: Resamples) -> AblationRow:
    seeds, entry, level = plan.file.seeds, plan.file.variants[name], plan.file.evaluation.bootstrap_level
    own = [runs[name, seed] for seed in seeds]
    figures = resamples.figures(name, seeds)

    def above(other: str | None) -> Interval:
        if other is None or other == name:
            return without_interval(math.nan, len(seeds))
        return interval_of_difference(figures, resamples.figures(other, seeds), resamples.n_videos, level)

    selected = [math.nan if run.selected_on_test is None else run.selected_on_test for run in own]
    return AblationRow(
        group=entry.group,
        variant=name,
        title=entry.title,
        is_control=False,
        n_seeds=len(seeds),
        average=interval_of_level(figures, resamples.n_videos, level),
        deviation=mean_and_deviation(figures.points)[1],
        per_tiou=tuple(np.mean([run.mean_ap for run in own], axis=0).tolist()),
        compare_with=entry.compare_with or "",
        difference=above(entry.compare_with),
        base=plan.base,
        base_difference=above(plan.base),
        classification=mean_and_deviation([run.classification for run in own])[0],
        n_detections=float(np.mean([run.n_detections for run in own])),
        selected_on_test=mean_and_deviation(selected)[0],
    )


def control_row(name: str, title: str, headline: Sequence[float], per_tiou: Sequence[Sequence[float]]) -> AblationRow:
    """A control from its headline averages [S] and mAP [S][thresholds], one for each time it was drawn."""
    mean, deviation = mean_and_deviation(headline)
    nothing = without_interval(math.nan, len(headline))
    return AblationRow(
        group=CONTROLS,
        variant=name,
        title=title,
        is_control=True,
        n_seeds=len(headline),
        average=without_interval(mean, len(headline)),
        deviation=deviation,
        per_tiou=tuple(np.mean(per_tiou, axis=0).tolist()),
        compare_with="",
        difference=nothing,
        base="",
        base_difference=nothing,
        classification=math.nan,
        n_detections=math.nan,
        selected_on_test=math.nan,
    )


def ablation_table(plan: Plan, tiou: Sequence[float], rows: Sequence[AblationRow], notes: Sequence[str]) -> Table:
    """The ablation as readers see it: groups in suite order, the controls apart."""
    headline, level = f"mAP@{plan.headline}", f"{100 * plan.file.evaluation.bootstrap_level:g} %"
    over = interval_over((len(plan.file.seeds),))
    alone = Column("over videos alone", hint="the narrower interval of that difference; it decides nothing")
    with_selected = any(row.selected_on_test == row.selected_on_test for row in rows)
    columns = (
        Column("Variant", is_number=False),
        Column(headline, hint="mean ± standard deviation over seeds"),
        Column(f"{level} interval", hint=f"over {over}"),
        Column("Compared with", is_number=False),
        Column("Difference", hint=f"paired, with its interval over {over}; bold where that leaves out 0"),
        alone,
        Column(f"Difference from {plan.base}", hint=f"paired, with its interval over {over}"),
        alone,
        *(Column(f"@{value:g}", hint=f"mAP at tIoU {value:g}") for value in tiou),
        Column("Classification", hint="video classification mAP"),
        *(
            [Column("Selected on test", hint="headline of the epoch that scores best on the test set")]
            if with_selected
            else []
        ),
        Column("n", hint="seeds"),
    )
    blocks = []
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        cells = tuple(_cells(row, with_selected) for row in members)
        blocks.append(Block(group, cells, is_apart=members[0].is_control))
    bold = f"A difference is bold where its interval over {over} leaves out 0."
    return Table("ablation", "Ablation, mAP in percent", columns, tuple(blocks), (*notes, bold))


def _cells(row: AblationRow, with_selected: bool) -> tuple[Cell, ...]:
    differences = [
        cell
        for away in (row.difference, row.base_difference)
        for cell in (difference(away), bounds(away.videos_low, away.videos_high))
    ]
    return (
        Cell(row.title),
        spread(row.average.estimate, row.deviation),
        bounds(row.average.low, row.average.high),
        Cell(row.compare_with or "–"),
        *differences,
        *(number(value) for value in row.per_tiou),
        number(row.classification),
        *([number(row.selected_on_test)] if with_selected else []),
        Cell(str(row.n_seeds), row.n_seeds),
    )


BOUNDS = ("low", "high", "videos_low", "videos_high")  # over videos and seeds, and over videos alone
FIXED = (
    "group",
    "variant",
    "title",
    "control",
    "seeds",
    "mean",
    "sd",
    *BOUNDS,
    "compare_with",
    "difference",
    *(f"difference_{name}" for name in BOUNDS),
    "base",
    "base_difference",
    *(f"base_{name}" for name in BOUNDS),
    "classification_mAP",
    "n_detections",
    "selected_on_test",
)


def ablation_columns(tiou: Sequence[float]) -> list[str]:
    """The columns of ablation.csv."""
    return [*FIXED, *(f"mAP@{value:g}" for value in tiou)]


def shown(value: float) -> str:
    """A figure in a CSV file: four decimals, nothing where there is none."""
    return "" if value != value else f"{value:.{DECIMALS}f}"


def ablation_values(row: AblationRow) -> list[str]:
    """One line of ablation.csv."""
    named = [row.group, row.variant, row.title, "yes" if row.is_control else "no", str(row.n_seeds)]
    rest = [row.classification, row.n_detections, row.selected_on_test, *row.per_tiou]
    return [
        *named,
        *map(shown, [row.average.estimate, row.deviation, *_bounds_of(row.average)]),
        row.compare_with,
        *map(shown, [row.difference.estimate, *_bounds_of(row.difference)]),
        row.base,
        *map(shown, [row.base_difference.estimate, *_bounds_of(row.base_difference)]),
        *map(shown, rest),
    ]


def _bounds_of(interval: Interval) -> list[float]:
    return [getattr(interval, name) for name in BOUNDS]


def read_ablation(path: Path) -> tuple[list[AblationRow], tuple[float, ...]]:
    """The rows of ablation.csv and the tIoU thresholds of its columns. Raises InputError naming column and row."""
    lines = read_rows(path, FIXED)
    names = [name for name in (lines[0] if lines else {}) if name.startswith("mAP@")]

    def figure(line: Mapping[str, str], column: str) -> float:
        try:
            return float(line[column]) if line[column] else math.nan
        except ValueError:
            raise InputError(file=path, key=column, expected="a number or nothing", got=repr(line[column])) from None

    def with_bounds(line: Mapping[str, str], value: str, prefix: str = "") -> Interval:
        seeds = (int(figure(line, "seeds")),)
        return Interval(figure(line, value), seeds, *(figure(line, prefix + name) for name in BOUNDS))

    rows = [
        AblationRow(
            group=line["group"],
            variant=line["variant"],
            title=line["title"],
            is_control=line["control"] == "yes",
            n_seeds=int(figure(line, "seeds")),
            average=with_bounds(line, "mean"),
            deviation=figure(line, "sd"),
            per_tiou=tuple(figure(line, name) for name in names),
            compare_with=line["compare_with"],
            difference=with_bounds(line, "difference", "difference_"),
            base=line["base"],
            base_difference=with_bounds(line, "base_difference", "base_"),
            classification=figure(line, "classification_mAP"),
            n_detections=figure(line, "n_detections"),
            selected_on_test=figure(line, "selected_on_test"),
        )
        for line in lines
    ]
    return rows, tuple(float(name.removeprefix("mAP@")) for name in names)
