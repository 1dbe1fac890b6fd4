"""The main table: this run beside published numbers, or, where none are named, the run's own summary with controls.

A column is a number in percent ("mAP@0.5", "mAP@0.1:0.7") or, behind its name and " sd", its deviation over seeds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from wtal.base.errors import InputError, nearest
from wtal.evaluate.score.thresholds import columns_of
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, number, spread
from wtal.report.inputs.frames import read_frame
from wtal.report.inputs.metrics import RunMetrics
from wtal.report.inputs.plan import Plan
from wtal.report.inputs.statistics import mean_and_deviation
from wtal.report.tables.ablation import Row

PUBLISHED, THIS_RUN, CONTROLS = "Published", "This run", "Controls"
HIGHEST = "the highest of this suite, picked on the test set"
FIXED = ("part", "method", "note", "seeds", "source")
TEXT = ("part", "method", "note", "source")
PUBLISHED_TEXT = ("method", "venue", "year", "note", "source")
Runs = Mapping[tuple[str, int], RunMetrics]


def read_published(folder: Path, names: Sequence[str], row_name: str | None = None) -> list[Row]:
    """The rows of the named tables of published numbers.

    row_name: a method that must be among them. Raises InputError where it is not, or a table is missing or broken.
    """
    rows: list[Row] = []
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise InputError(file=folder, key="report.published", expected="the name of a table there", got=repr(name))
        table = read_frame(folder / f"{name}.csv", PUBLISHED_TEXT, PUBLISHED_TEXT)
        for row in table.to_dict("records"):
            named = {"part": PUBLISHED, "method": f"{row['method']}, {row['venue']} {row['year']}"}
            known = {column: row[column] for column in table.columns if column.startswith("mAP@")}
            rows.append({**named, "note": row["note"], "source": row["source"], **known})
    methods = [row["method"] for row in rows]
    if row_name is not None and row_name not in methods:
        expected = f"a method of the tables in report.published ({nearest(row_name, methods)})"
        raise InputError(file=folder, key="report.published_row", expected=expected, got=repr(row_name))
    return rows


def main_frame(plan: Plan, runs: Runs, ablation: Sequence[Row], published: Sequence[Row]) -> pd.DataFrame:
    """Published rows, then this run: the first variant, the whole method and the highest; then the controls."""
    best = max((row for row in ablation if row["control"] == "no"), key=lambda row: row["mean"])["variant"]
    notes = {plan.base: "what the whole method is compared with" if plan.bases else "the base of every comparison"}
    notes[plan.whole_method] = "the whole method"
    notes[best] = f"{notes[best]}; {HIGHEST}" if best in notes else HIGHEST
    own_rows = [_own_row(plan, name, notes[name], runs) for name in plan.file.variants if name in notes]
    controls = [] if published else [_control(plan, row, runs) for row in ablation if row["control"] == "yes"]
    table = pd.DataFrame([*published, *own_rows, *controls])
    names_of_scores = [name for name in table.columns if name.startswith("mAP@") and not name.endswith(" sd")]
    columns = [column for name in names_of_scores if table[name].notna().any() for column in (name, f"{name} sd")]
    return table.reindex(columns=[*FIXED, *columns]).astype({"seeds": "Int64"})


def _own_row(plan: Plan, name: str, note: str, runs: Runs) -> Row:
    own = [runs[name, seed] for seed in plan.file.seeds]
    drawn = {f"mAP@{value:g}": [run.mean_ap[index] for run in own] for index, value in enumerate(own[0].tiou)}
    drawn |= {f"mAP@{average}": [run.averages[average] for run in own] for average in plan.file.evaluation.averages}
    row = {"part": THIS_RUN, "method": plan.file.variants[name].title, "note": note, "seeds": len(own)}
    row |= {"source": "this suite"}
    for column, values in drawn.items():
        row[column], row[f"{column} sd"] = mean_and_deviation(values)
    return row


def _control(plan: Plan, row: Row, runs: Runs) -> Row:
    tiou = next(iter(runs.values())).tiou
    values = {f"mAP@{threshold:g}": row[f"mAP@{threshold:g}"] for threshold in tiou}
    per_tiou = np.array(list(values.values()))
    for average in plan.file.evaluation.averages:
        values[f"mAP@{average}"] = float(np.mean(per_tiou[columns_of(average, tiou)]))
    named = {"part": CONTROLS, "method": row["title"], "note": "", "seeds": row["seeds"], "source": "this suite"}
    return {**named, **values}


def read_main(path: Path, headline: str) -> pd.DataFrame:
    """main.csv. Raises InputError naming line and column."""
    return read_frame(path, (*FIXED, f"mAP@{headline}"), TEXT)


def main_table(plan: Plan, main: pd.DataFrame, notes: Sequence[str]) -> Table:
    """The main table as readers see it; differences are from the published row that is named, where one is."""
    names_of_scores = [name for name in main.columns if name.startswith("mAP@") and not name.endswith(" sd")]
    this_run, published = (main[main["part"] == part] for part in (THIS_RUN, PUBLISHED))
    names = [name for name in names_of_scores if this_run[name].notna().any()]
    names = [name for name in names if published[name].notna().any()] or names
    headline = f"mAP@{plan.headline}"
    names.sort(key=lambda name: name != headline)  # the number that variants are compared in comes first
    papers = published.loc[published["method"] == plan.file.report.published_row, headline].tolist()
    target = papers[0] if papers and papers[0] == papers[0] else None
    points = Column("Points from published", hint=f"{headline} less that of {plan.file.report.published_row}")
    columns = (
        Column("Method", is_number=False),
        *(Column(name) for name in names),
        *([points] if target is not None else []),
        Column("n", hint="seeds"),
    )
    blocks = []
    for part, members in main.groupby("part", sort=False):
        cells = tuple(_cells(row, names, target, headline) for row in members.to_dict("records"))
        blocks.append(Block(str(part), cells, is_apart=part == CONTROLS))
    return Table("main", "Main table, mAP in percent", columns, tuple(blocks), tuple(notes))


def _cells(row: Row, names: Sequence[str], target: float | None, headline: str) -> tuple[Cell, ...]:
    label = f"{row['method']} ({row['note']})" if row["note"] and row["note"] not in row["method"] else row["method"]
    score_cells = [spread(row[name], row.get(f"{name} sd", np.nan)) for name in names]
    points = []
    if target is not None:
        points = [number(row[headline] - target if row["part"] == THIS_RUN else None)]
    n = Cell("–") if np.isnan(row["seeds"]) else Cell(f"{row['seeds']:.0f}", int(row["seeds"]))
    return (Cell(label), *score_cells, *points, n)
