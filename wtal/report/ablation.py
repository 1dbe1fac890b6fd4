"""The ablation: one row a variant, mean over seeds, interval over test videos, paired differences; control rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wtal.errors import InputError
from wtal.files import read_rows
from wtal.report.metrics import RunMetrics
from wtal.report.plan import Plan
from wtal.report.statistics import Estimate, Resamples, estimate, mean_and_deviation, mean_over_seeds, paired_difference
from wtal.report.typeset import Block, Cell, Column, Table, difference, interval, number, spread

NOTHING = Estimate(math.nan, math.nan, math.nan)
CONTROLS = "Controls"


@dataclass(frozen=True, slots=True)
class AblationRow:
    """One variant, or one control, summed up over its seeds; percent throughout, NaN where there is nothing."""

    group: str
    variant: str
    title: str
    is_control: bool
    n_seeds: int
    average: Estimate  # headline average
    deviation: float  # of the headline average over seeds
    per_tiou: tuple[float, ...]
    compare_with: str
    difference: Estimate  # from `compare_with`
    base: str
    base_difference: Estimate  # from the first variant
    classification: float
    n_detections: float
    selected_on_test: float


def ablation_rows(plan: Plan, runs: Mapping[tuple[str, int], RunMetrics], resamples: Resamples) -> list[AblationRow]:
    """One row a variant, in suite order. `resamples` may be empty: then there are no intervals."""
    return [_variant_row(plan, name, runs, resamples) for name in plan.file.variants]


def _variant_row(
    plan: Plan, name: str, runs: Mapping[tuple[str, int], RunMetrics], resamples: Resamples
) -> AblationRow:
    seeds, entry = plan.file.seeds, plan.file.variants[name]
    own = [runs[name, seed] for seed in seeds]
    mean, deviation = mean_and_deviation([run.averages[plan.headline] for run in own])
    samples = mean_over_seeds(resamples, name, seeds)
    level = plan.file.evaluation.bootstrap_level

    def above(other: str | None) -> Estimate:
        if other is None or other == name:
            return NOTHING
        value = float(np.mean([runs[other, seed].averages[plan.headline] for seed in seeds]))
        return paired_difference(mean, samples, value, mean_over_seeds(resamples, other, seeds), level)

    selected = [math.nan if run.selected_on_test is None else run.selected_on_test for run in own]
    return AblationRow(
        group=entry.group,
        variant=name,
        title=entry.title,
        is_control=False,
        n_seeds=len(seeds),
        average=estimate(mean, samples, level),
        deviation=deviation,
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
    return AblationRow(
        group=CONTROLS,
        variant=name,
        title=title,
        is_control=True,
        n_seeds=len(headline),
        average=Estimate(mean, math.nan, math.nan),
        deviation=deviation,
        per_tiou=tuple(np.mean(per_tiou, axis=0).tolist()),
        compare_with="",
        difference=NOTHING,
        base="",
        base_difference=NOTHING,
        classification=math.nan,
        n_detections=math.nan,
        selected_on_test=math.nan,
    )


def ablation_table(plan: Plan, tiou: Sequence[float], rows: Sequence[AblationRow], notes: Sequence[str]) -> Table:
    """The ablation as readers see it: groups in suite order, the controls apart."""
    headline, level = f"mAP@{plan.headline}", f"{100 * plan.file.evaluation.bootstrap_level:g} %"
    with_selected = any(row.selected_on_test == row.selected_on_test for row in rows)
    columns = (
        Column("Variant", is_number=False),
        Column(headline, hint="mean ± standard deviation over seeds"),
        Column(f"{level} interval", hint="bootstrap over test videos"),
        Column("Compared with", is_number=False),
        Column("Difference", hint="paired, with its interval; bold where the interval does not hold 0"),
        Column(f"Difference from {plan.base}", hint="paired, with its interval"),
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
    bold = "A difference is bold where its interval does not hold 0."
    return Table("ablation", "Ablation, mAP in percent", columns, tuple(blocks), (*notes, bold))


def _cells(row: AblationRow, with_selected: bool) -> tuple[Cell, ...]:
    differences = [difference(entry.value, entry.low, entry.high) for entry in (row.difference, row.base_difference)]
    return (
        Cell(row.title),
        spread(row.average.value, row.deviation),
        interval(row.average.low, row.average.high),
        Cell(row.compare_with or "–"),
        *differences,
        *(number(value) for value in row.per_tiou),
        number(row.classification),
        *([number(row.selected_on_test)] if with_selected else []),
        Cell(str(row.n_seeds), row.n_seeds),
    )


FIXED = (
    "group",
    "variant",
    "title",
    "control",
    "seeds",
    "mean",
    "sd",
    "low",
    "high",
    "compare_with",
    "difference",
    "difference_low",
    "difference_high",
    "base",
    "base_difference",
    "base_low",
    "base_high",
    "classification_mAP",
    "n_detections",
    "selected_on_test",
)


def ablation_columns(tiou: Sequence[float]) -> list[str]:
    """The columns of ablation.csv."""
    return [*FIXED, *(f"mAP@{value:g}" for value in tiou)]


def shown(value: float) -> str:
    """A figure in a CSV file: four decimals, nothing where there is none."""
    return "" if value != value else f"{value:.4f}"


def ablation_values(row: AblationRow) -> list[str]:
    """One line of ablation.csv."""
    named = [row.group, row.variant, row.title, "yes" if row.is_control else "no", str(row.n_seeds)]
    own = [row.average.value, row.deviation, row.average.low, row.average.high]
    from_row = [shown(value) for value in (row.difference.value, row.difference.low, row.difference.high)]
    from_base = [shown(v) for v in (row.base_difference.value, row.base_difference.low, row.base_difference.high)]
    rest = [row.classification, row.n_detections, row.selected_on_test, *row.per_tiou]
    return [*named, *map(shown, own), row.compare_with, *from_row, row.base, *from_base, *map(shown, rest)]


def read_ablation(path: Path) -> tuple[list[AblationRow], tuple[float, ...]]:
    """The rows of ablation.csv and the tIoU thresholds of its columns. Raises InputError naming column and row."""
    lines = read_rows(path, FIXED)
    names = [name for name in (lines[0] if lines else {}) if name.startswith("mAP@")]

    def figure(line: Mapping[str, str], column: str) -> float:
        try:
            return float(line[column]) if line[column] else math.nan
        except ValueError:
            raise InputError(file=path, key=column, expected="a number or nothing", got=repr(line[column])) from None

    def with_bounds(line: Mapping[str, str], value: str, low: str, high: str) -> Estimate:
        return Estimate(figure(line, value), figure(line, low), figure(line, high))

    rows = [
        AblationRow(
            group=line["group"],
            variant=line["variant"],
            title=line["title"],
            is_control=line["control"] == "yes",
            n_seeds=int(figure(line, "seeds")),
            average=with_bounds(line, "mean", "low", "high"),
            deviation=figure(line, "sd"),
            per_tiou=tuple(figure(line, name) for name in names),
            compare_with=line["compare_with"],
            difference=with_bounds(line, "difference", "difference_low", "difference_high"),
            base=line["base"],
            base_difference=with_bounds(line, "base_difference", "base_low", "base_high"),
            classification=figure(line, "classification_mAP"),
            n_detections=figure(line, "n_detections"),
            selected_on_test=figure(line, "selected_on_test"),
        )
        for line in lines
    ]
    return rows, tuple(float(name.removeprefix("mAP@")) for name in names)
