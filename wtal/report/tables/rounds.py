"""Tables by round, by class and by epoch, and the quality of the pseudo labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import read_rows
from wtal.base.records import TRAINING_COLUMNS
from wtal.evaluate.score.thresholds import columns_of
from wtal.report.inputs.metrics import LABEL_FIGURES, RunMetrics
from wtal.report.inputs.plan import Plan
from wtal.report.inputs.statistics import mean_and_deviation
from wtal.report.tables.ablation import shown
from wtal.report.tables.typeset import Block, Cell, Column, Table, spread

ROUND_FIGURES = ("average", "classification_mAP", *LABEL_FIGURES)
ROUND_TITLES = {
    "average": "mAP",
    "classification_mAP": "Classification mAP",
    "label_precision": "Label precision",
    "label_recall": "Label recall",
    "label_average_precision": "Label snippet AP",
    "label_mAP": "Label segment mAP",
    "lp_infeasible_share": "Infeasible programmes, %",
    "lp_violation": "Largest violation",
}
Runs = Mapping[tuple[str, int], RunMetrics]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table of figures by variant, seed and some other key (round, class, epoch); absent ones are NaN."""

    variant: str
    seed: int
    key: str
    figures: dict[str, float]


def round_columns(tiou: Sequence[float]) -> list[str]:
    """The columns of rounds.csv."""
    return ["variant", "seed", "round", *(f"mAP@{value:g}" for value in tiou), *ROUND_FIGURES]


def round_values(runs: Runs) -> Iterable[list[str]]:
    """The lines of rounds.csv, in suite order."""
    for (variant, seed), run in runs.items():
        for entry in run.rounds:
            figures = [*entry.mean_ap, entry.average, entry.classification, *entry.labels.values()]
            yield [variant, str(seed), str(entry.round_index), *map(shown, figures)]


def class_columns(plan: Plan, tiou: Sequence[float]) -> list[str]:
    """The columns of per_class.csv."""
    return ["variant", "seed", "class", *(f"AP@{value:g}" for value in tiou), f"AP@{plan.headline}"]


def class_values(plan: Plan, runs: Runs) -> Iterable[list[str]]:
    """The lines of per_class.csv, in suite order."""
    for (variant, seed), run in runs.items():
        headline = columns_of(plan.headline, run.tiou)
        for name, values in run.per_class.items():
            average = float(np.mean(np.asarray(values)[headline]))
            yield [variant, str(seed), name, *map(shown, [*values, average])]


def read_lines(path: Path, key: str, figures: Sequence[str]) -> list[Line]:
    """Lines of rounds.csv, per_class.csv or training.csv. Raises InputError naming column and line."""
    lines = []
    for number, row in enumerate(read_rows(path, ("variant", "seed", key, *figures)), start=2):
        values = {}
        for column in ("seed", *figures):
            try:
                values[column] = float(row[column]) if row[column] else math.nan
            except ValueError:
                where = f"line {number}, {column}"
                raise InputError(file=path, key=where, expected="a number", got=repr(row[column])) from None
        seed = values.pop("seed")
        lines.append(Line(row["variant"], int(seed) if seed == seed else 0, row[key], values))
    return lines


def training_lines(plan: Plan, results: Path) -> Iterable[list[str]]:
    """The lines of training.csv: every round that was trained, owner by owner, with variant, seed and round."""
    owned = dict.fromkeys(
        (owner, index) for entry in plan.file.variants.values() for index, owner in enumerate(entry.owners)
    )
    for variant in plan.file.variants:
        rounds = sorted(index for owner, index in owned if owner == variant)
        for seed in plan.file.seeds:
            for index in rounds:
                path = results / variant / f"seed{seed}" / f"round{index}" / "training.csv"
                for row in read_rows(path, TRAINING_COLUMNS):
                    yield [variant, str(seed), str(index), *(row[column] for column in TRAINING_COLUMNS)]


def means_by_key(lines: Sequence[Line], figure: str) -> dict[tuple[str, str], tuple[float, float]]:
    """Mean and deviation over seeds of one figure by (variant, key), in the order of the lines."""
    gathered: dict[tuple[str, str], list[float]] = {}
    for line in lines:
        gathered.setdefault((line.variant, line.key), []).append(line.figures[figure])
    return {place: mean_and_deviation(values) for place, values in gathered.items()}


def label_quality_table(plan: Plan, lines: Sequence[Line], notes: Sequence[str]) -> Table:
    """What each round brought, mean ± sd over seeds: labels against the hidden truth, and the detections after it."""
    titles = {**ROUND_TITLES, "average": f"mAP@{plan.headline}"}
    figures = (Column(titles[figure]) for figure in ROUND_FIGURES)
    columns = (Column("Variant", is_number=False), Column("Round"), *figures)
    means = {figure: means_by_key(lines, figure) for figure in ROUND_FIGURES}
    rows = []
    for name, entry in plan.file.variants.items():
        if not entry.rounds:
            continue  # without label rounds there is nothing to follow
        for key in (key for variant, key in means["average"] if variant == name):
            cells = (_figure(figure, *means[figure][name, key]) for figure in ROUND_FIGURES)
            rows.append((Cell(entry.title), Cell(key, float(key)), *cells))
    return Table("label_quality", "Label quality by round", columns, (Block("", tuple(rows)),), tuple(notes))


def _figure(figure: str, mean: float, deviation: float) -> Cell:
    if figure == "lp_infeasible_share":
        return spread(100 * mean, 100 * deviation)
    return spread(mean, deviation, digits=4 if figure == "lp_violation" else 1)


def class_table(plan: Plan, lines: Sequence[Line], notes: Sequence[str]) -> Table:
    """Average precision of each class, mean over seeds, for the first variant and the whole method."""
    means = means_by_key(lines, f"AP@{plan.headline}")
    chosen = list(dict.fromkeys((plan.base, plan.whole_method)))
    columns = [Column("Class", is_number=False), *(Column(plan.file.variants[name].title) for name in chosen)]
    rows = []
    for key in dict.fromkeys(line.key for line in lines if line.variant in chosen):
        cells = [spread(*means.get((name, key), (math.nan, math.nan))) for name in chosen]
        rows.append((Cell(key), *cells))
    title = f"Average precision by class, AP@{plan.headline} in percent"
    return Table("per_class", title, tuple(columns), (Block("", tuple(rows)),), tuple(notes))
