"""The main table: this run beside published figures, or, where none are named, the run's own summary with controls."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import read_rows
from wtal.evaluate.score.thresholds import columns_of
from wtal.report.inputs.metrics import RunMetrics
from wtal.report.inputs.plan import Plan
from wtal.report.inputs.statistics import mean_and_deviation
from wtal.report.tables.ablation import AblationRow, shown
from wtal.report.tables.typeset import Block, Cell, Column, Table, number, spread

PUBLISHED, THIS_RUN, CONTROLS = "Published", "This run", "Controls"
HIGHEST = "the highest of this suite, picked on the test set"
FIXED = ("part", "method", "note", "seeds", "source")


@dataclass(frozen=True, slots=True)
class MainRow:
    """One method: percent by column ("mAP@0.5", "mAP@0.1:0.7"); a figure that was never published is missing."""

    part: str
    method: str
    note: str
    seeds: int | None  # how many a figure is the mean of; None where that was not published
    source: str
    values: Mapping[str, float]
    deviations: Mapping[str, float] = field(default_factory=dict)


def read_published(folder: Path, names: Sequence[str]) -> list[MainRow]:
    """The rows of the named tables of published figures. Raises InputError where one is missing or broken."""
    rows = []
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise InputError(file=folder, key="report.published", expected="the name of a table there", got=repr(name))
        path = folder / f"{name}.csv"
        for line in read_rows(path, ("method", "venue", "year", "note", "source")):
            values = {column: _figure(path, column, text) for column, text in line.items() if column.startswith("mAP@")}
            method = f"{line['method']}, {line['venue']} {line['year']}"
            known = {column: value for column, value in values.items() if value == value}
            rows.append(MainRow(PUBLISHED, method, line["note"], None, line["source"], known))
    return rows


def _figure(path: Path, column: str, text: str) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        raise InputError(file=path, key=column, expected="a number or nothing", got=repr(text)) from None


def main_rows(
    plan: Plan,
    runs: Mapping[tuple[str, int], RunMetrics],
    ablation: Sequence[AblationRow],
    published: Sequence[MainRow],
) -> list[MainRow]:
    """Published rows, then this run: the first variant, the whole method and the highest; then the controls."""
    variants = [row for row in ablation if not row.is_control]
    best = max(variants, key=lambda row: row.average.estimate).variant
    notes = {plan.base: "the base of every comparison"}
    notes[plan.whole_method] = "the whole method"
    notes[best] = f"{notes[best]}; {HIGHEST}" if best in notes else HIGHEST
    own = [_own_row(plan, name, notes[name], runs) for name in plan.file.variants if name in notes]
    controls = [] if published else [_control(plan, row, runs) for row in ablation if row.is_control]
    return [*published, *own, *controls]


def _own_row(plan: Plan, name: str, note: str, runs: Mapping[tuple[str, int], RunMetrics]) -> MainRow:
    values, deviations = {}, {}
    own = [runs[name, seed] for seed in plan.file.seeds]
    for index, threshold in enumerate(own[0].tiou):
        column = f"mAP@{threshold:g}"
        values[column], deviations[column] = mean_and_deviation([run.mean_ap[index] for run in own])
    for average in plan.file.evaluation.averages:
        column = f"mAP@{average}"
        values[column], deviations[column] = mean_and_deviation([run.averages[average] for run in own])
    title = plan.file.variants[name].title
    return MainRow(THIS_RUN, title, note, len(own), "this suite", values, deviations)


def _control(plan: Plan, row: AblationRow, runs: Mapping[tuple[str, int], RunMetrics]) -> MainRow:
    tiou = next(iter(runs.values())).tiou
    values = {f"mAP@{threshold:g}": value for threshold, value in zip(tiou, row.per_tiou)}
    for average in plan.file.evaluation.averages:
        values[f"mAP@{average}"] = float(np.mean(np.asarray(row.per_tiou)[columns_of(average, tiou)]))
    return MainRow(CONTROLS, row.title, "", row.n_seeds, "this suite", values)


def main_table(plan: Plan, rows: Sequence[MainRow], notes: Sequence[str]) -> Table:
    """The main table as readers see it; differences are from the published row of this method, where there is one."""
    names = list(dict.fromkeys(name for row in rows if row.part == THIS_RUN for name in row.values))
    published = [row for row in rows if row.part == PUBLISHED]
    if published:
        names = [name for name in names if any(name in row.values for row in published)] or names
    target = next((row for row in published if row.note == "this method"), None)
    headline = f"mAP@{plan.headline}"
    names.sort(key=lambda name: name != headline)  # the figure that variants are compared in comes first
    compares = target is not None and headline in target.values
    columns = (
        Column("Method", is_number=False),
        *(Column(name) for name in names),
        *([Column("Points from published", hint=f"{headline} less that of the method's paper")] if compares else []),
        Column("n", hint="seeds"),
    )
    blocks = []
    for part in dict.fromkeys(row.part for row in rows):
        members = [row for row in rows if row.part == part]
        cells = tuple(
            _cells(row, names, target.values[headline] if compares and target else None, headline) for row in members
        )
        blocks.append(Block(part, cells, is_apart=part == CONTROLS))
    return Table("main", "Main table, mAP in percent", columns, tuple(blocks), tuple(notes))


def _cells(row: MainRow, names: Sequence[str], target: float | None, headline: str) -> tuple[Cell, ...]:
    label = f"{row.method} ({row.note})" if row.note and row.note not in row.method else row.method
    figures = [spread(row.values.get(name, math.nan), row.deviations.get(name, math.nan)) for name in names]
    points = []
    if target is not None:
        own = row.values.get(headline, math.nan) - target if row.part == THIS_RUN else math.nan
        points = [number(own)]
    return (Cell(label), *figures, *points, Cell("–") if row.seeds is None else Cell(str(row.seeds), row.seeds))


def main_columns(rows: Sequence[MainRow]) -> list[str]:
    """The columns of main.csv."""
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    return [*FIXED, *(text for name in names for text in (name, f"{name} sd"))]


def main_values(row: MainRow, columns: Sequence[str]) -> list[str]:
    """One line of main.csv."""
    figures = []
    for column in columns[len(FIXED) :]:
        source = row.deviations if column.endswith(" sd") else row.values
        figures.append(shown(source.get(column.removesuffix(" sd"), math.nan)))
    return [row.part, row.method, row.note, "" if row.seeds is None else str(row.seeds), row.source, *figures]


def read_main(path: Path) -> list[MainRow]:
    """The rows of main.csv. Raises InputError naming the column that is broken."""
    rows = []
    for line in read_rows(path, FIXED):
        figures = {name: _figure(path, name, text) for name, text in line.items() if name.startswith("mAP@")}
        known = {name: value for name, value in figures.items() if value == value}
        values = {name: value for name, value in known.items() if not name.endswith(" sd")}
        deviations = {name.removesuffix(" sd"): value for name, value in known.items() if name.endswith(" sd")}
        seeds = int(_figure(path, "seeds", line["seeds"])) if line["seeds"] else None
        rows.append(MainRow(line["part"], line["method"], line["note"], seeds, line["source"], values, deviations))
    return rows
