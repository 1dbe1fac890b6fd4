"""The ablation: one row a variant, mean over seeds with its interval, paired differences; control rows.

A row is a line of ablation.csv by column. What a row does not have it leaves out while it is made; once it was read,
that is NaN or no text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wtal.evaluate.score.intervals import Interval, interval_of_difference, interval_of_level, interval_over
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, bounds, difference, number, spread
from wtal.report.inputs.frames import read_frame
from wtal.report.inputs.metrics import RunMetrics
from wtal.report.inputs.plan import Plan
from wtal.report.inputs.resampling import Resamples
from wtal.report.inputs.statistics import mean_and_deviation

CONTROLS = "Controls"
BOUNDS = ("low", "high", "videos_low", "videos_high")  # over videos and seeds, and over videos alone
PREFIXES = {"mean": "", "difference": "difference_", "base_difference": "base_"}  # of the bounds of each number
TEXT = ("group", "variant", "title", "control", "compare_with", "base")
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
Row = Mapping[Any, Any]  # by name of the column
Runs = Mapping[tuple[str, int], RunMetrics]


def interval_of(row: Row, quantity: str) -> Interval:
    """A number of a row, one of PREFIXES, with its bounds."""
    return Interval(row[quantity], (int(row["seeds"]),), *(row[PREFIXES[quantity] + name] for name in BOUNDS))


def _columns(quantity: str, interval: Interval) -> dict[str, float]:
    """What `interval_of` reads."""
    return {quantity: interval.estimate, **{PREFIXES[quantity] + name: getattr(interval, name) for name in BOUNDS}}


def ablation_rows(plan: Plan, runs: Runs, resamples: Resamples) -> list[Row]:
    """One row a variant, in suite order; percent throughout."""
    return [_variant_row(plan, name, runs, resamples) for name in plan.file.variants]


def _variant_row(plan: Plan, name: str, runs: Runs, resamples: Resamples) -> Row:
    seeds, entry, level = plan.file.seeds, plan.file.variants[name], plan.file.evaluation.bootstrap_level
    runs_of_variant = [runs[name, seed] for seed in seeds]
    scores = resamples.scores(name, seeds)

    def above(other: str | None, quantity: str) -> dict[str, float]:
        if other is None or other == name:
            return {}
        away = interval_of_difference(scores, resamples.scores(other, seeds), resamples.n_videos, level)
        return _columns(quantity, away)

    selected = [math.nan if run.selected_on_test is None else run.selected_on_test for run in runs_of_variant]
    return {
        "group": entry.group,
        "variant": name,
        "title": entry.title,
        "control": "no",
        "seeds": len(seeds),
        **_columns("mean", interval_of_level(scores, resamples.n_videos, level)),
        "sd": mean_and_deviation(scores.points)[1],
        "compare_with": entry.compare_with,
        **above(entry.compare_with, "difference"),
        "base": plan.base_of(name),
        **above(plan.base_of(name), "base_difference"),
        "classification_mAP": mean_and_deviation([run.classification for run in runs_of_variant])[0],
        "n_detections": float(np.mean([run.n_detections for run in runs_of_variant])),
        "selected_on_test": mean_and_deviation(selected)[0],
        **_by_threshold(runs_of_variant[0].tiou, np.mean([run.mean_ap for run in runs_of_variant], axis=0).tolist()),
    }


def control_row(
    name: str, title: str, headline: Sequence[float], tiou: Sequence[float], per_tiou: Sequence[Sequence[float]]
) -> Row:
    """A control from its headline averages [S] and mAP [S][thresholds], one for each time it was drawn."""
    mean, deviation = mean_and_deviation(headline)
    named = {"group": CONTROLS, "variant": name, "title": title, "control": "yes", "seeds": len(headline)}
    return {**named, "mean": mean, "sd": deviation, **_by_threshold(tiou, np.mean(per_tiou, axis=0).tolist())}


def _by_threshold(tiou: Sequence[float], values: Sequence[float]) -> dict[str, float]:
    return {f"mAP@{threshold:g}": value for threshold, value in zip(tiou, values)}


def ablation_frame(rows: Sequence[Row], tiou: Sequence[float]) -> pd.DataFrame:
    """The rows as ablation.csv has them."""
    return pd.DataFrame(rows, columns=[*FIXED, *(f"mAP@{value:g}" for value in tiou)])


def read_ablation(path: Path) -> pd.DataFrame:
    """ablation.csv. Raises InputError naming column and row."""
    return read_frame(path, FIXED, TEXT)


def ablation_table(plan: Plan, ablation: pd.DataFrame, notes: Sequence[str]) -> Table:
    """The ablation as readers see it: groups in suite order, the controls apart."""
    headline, level = f"mAP@{plan.headline}", f"{100 * plan.file.evaluation.bootstrap_level:g} %"
    over = interval_over((len(plan.file.seeds),))
    alone = Column("over videos alone", hint="the narrower interval of that difference; it decides nothing")
    thresholds = [name for name in ablation.columns if name.startswith("mAP@")]
    base = "the first of the group" if len(plan.bases) > 1 else plan.base
    with_selected = bool(ablation["selected_on_test"].notna().any())
    selected = Column("Selected on test", hint="headline of the epoch that scores best on the test set")
    columns = (
        Column("Variant", is_number=False),
        Column(headline, hint="mean ± standard deviation over seeds"),
        Column(f"{level} interval", hint=f"over {over}"),
        Column("Compared with", is_number=False),
        Column("Difference", hint=f"paired, with its interval over {over}; bold where that leaves out 0"),
        alone,
        Column(f"Difference from {base}", hint=f"paired, with its interval over {over}"),
        alone,
        *(Column(name.removeprefix("mAP"), hint=f"mAP at tIoU {name.removeprefix('mAP@')}") for name in thresholds),
        Column("Classification", hint="video classification mAP"),
        *([selected] if with_selected else []),
        Column("n", hint="seeds"),
    )
    blocks = []
    for group, members in ablation.groupby("group", sort=False):
        rows = members.to_dict("records")
        cells = tuple(_cells(row, thresholds, with_selected) for row in rows)
        blocks.append(Block(str(group), cells, is_apart=rows[0]["control"] == "yes"))
    bold = f"A difference is bold where its interval over {over} leaves out 0."
    return Table("ablation", "Ablation, mAP in percent", columns, tuple(blocks), (*notes, bold))


def _cells(row: Row, thresholds: Sequence[str], with_selected: bool) -> tuple[Cell, ...]:
    differences = [
        cell
        for away in (interval_of(row, "difference"), interval_of(row, "base_difference"))
        for cell in (difference(away), bounds(away.videos_low, away.videos_high))
    ]
    return (
        Cell(row["title"]),
        spread(row["mean"], row["sd"]),
        bounds(row["low"], row["high"]),
        Cell(row["compare_with"] or "–"),
        *differences,
        *(number(row[name]) for name in thresholds),
        number(row["classification_mAP"]),
        *([number(row["selected_on_test"])] if with_selected else []),
        Cell(f"{row['seeds']:.0f}", int(row["seeds"])),
    )
