"""Tables by round, by class and by epoch, and the quality of the pseudo labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wtal.base.errors import InputError
from wtal.base.files import read_rows
from wtal.base.records import AFTER_LOSSES
from wtal.evaluate.score.thresholds import columns_of
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, spread
from wtal.report.inputs.frames import number_of_text, read_frame
from wtal.report.inputs.metrics import LABEL_FIGURES, RunMetrics
from wtal.report.inputs.plan import Plan
from wtal.report.inputs.statistics import mean_and_deviation
from wtal.suite.paths import TRAINING, SuitePaths

ROUND_QUANTITIES = ("average", "classification_mAP", *LABEL_FIGURES)
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


def round_frame(runs: Runs) -> pd.DataFrame:
    """rounds.csv: a row for each variant, seed and round, in suite order."""
    return pd.DataFrame(
        {
            "variant": variant,
            "seed": seed,
            "round": entry.round_index,
            **{f"mAP@{threshold:g}": value for threshold, value in zip(run.tiou, entry.mean_ap)},
            "average": entry.average,
            "classification_mAP": entry.classification,
            **entry.labels,
        }
        for (variant, seed), run in runs.items()
        for entry in run.rounds
    )


def class_frame(plan: Plan, runs: Runs) -> pd.DataFrame:
    """per_class.csv: a row for each variant, seed and class, in suite order."""
    return pd.DataFrame(
        {
            "variant": variant,
            "seed": seed,
            "class": name,
            **{f"AP@{threshold:g}": value for threshold, value in zip(run.tiou, values)},
            f"AP@{plan.headline}": float(np.mean(np.asarray(values)[columns_of(plan.headline, run.tiou)])),
        }
        for (variant, seed), run in runs.items()
        for name, values in run.per_class.items()
    )


def training_frame(plan: Plan, results: Path) -> pd.DataFrame:
    """training.csv as text: every round that was trained, owner by owner. Raises InputError naming file and column.

    Each method has losses of its own, which are empty in the rows of the others.
    """
    owned = {(owner, index) for entry in plan.file.variants.values() for index, owner in enumerate(entry.owners)}
    frames = []
    for variant in plan.file.variants:
        rounds = sorted(index for owner, index in owned if owner == variant)
        for seed in plan.file.seeds:
            for index in rounds:
                path = SuitePaths(results).round(variant, seed, index) / TRAINING
                rows = pd.DataFrame(_training_rows(path, plan, variant, index))
                frames.append(rows.assign(variant=variant, seed=seed, round=index))
    frame = pd.concat(frames)
    last = [name for name in AFTER_LOSSES if name in frame]
    first = [name for name in frame if name not in ("variant", "seed", "round", *last)]
    return frame[["variant", "seed", "round", *first, *last]]


def _training_rows(path: Path, plan: Plan, variant: str, index: int) -> list[dict[str, str]]:
    """The rows of a round's training.csv. Raises InputError where one is no number, or an epoch is missing."""
    rows = read_rows(path, ("epoch",))
    for line, row in enumerate(rows, start=2):
        for column, text in row.items():
            number_of_text(path, line, column, text)
    method = plan.method(variant)
    if method.base.kind == "external":  # its command says of its epochs what it likes
        return rows
    refresh = method.labels.refresh_epochs
    first = refresh[index - 1] if index else 0
    last = refresh[index] if index < len(refresh) else method.training.epochs
    found, wanted = [row["epoch"] for row in rows], [str(epoch) for epoch in range(first, last)]
    if found != (wanted[: len(found)] if method.training.early_stopping else wanted) or not found:
        expected = f"epochs {first} to {last - 1}, each once"
        got = f"{len(found)} rows, the last of epoch {found[-1]}" if found else "no row"
        raise InputError(file=path, key="epoch", expected=expected, got=got)
    return rows


def read_rounds(path: Path) -> pd.DataFrame:
    """rounds.csv. Raises InputError naming column and line."""
    return read_frame(path, ("variant", "seed", "round", *ROUND_QUANTITIES), ("variant",))


def read_classes(path: Path, headline: str) -> pd.DataFrame:
    """per_class.csv. Raises InputError naming column and line."""
    return read_frame(path, ("variant", "seed", "class", f"AP@{headline}"), ("variant", "class"))


def read_training(path: Path) -> pd.DataFrame:
    """training.csv. Raises InputError naming column and line."""
    return read_frame(path, ("variant", "seed", "round", "epoch"), ("variant",))


def means_by_key(frame: pd.DataFrame, key: str, quantity: str) -> dict[Any, tuple[float, float]]:
    """Mean and deviation over seeds of one number by (variant, key), in the order of the rows."""
    return {
        place: mean_and_deviation(values) for place, values in frame.groupby(["variant", key], sort=False)[quantity]
    }


def label_quality_table(plan: Plan, frame: pd.DataFrame, notes: Sequence[str]) -> Table:
    """What each round brought, mean ± sd over seeds: labels against the hidden truth, and the detections after it."""
    titles = {**ROUND_TITLES, "average": f"mAP@{plan.headline}"}
    quantities = (Column(titles[quantity]) for quantity in ROUND_QUANTITIES)
    columns = (Column("Variant", is_number=False), Column("Round"), *quantities)
    means = {quantity: means_by_key(frame, "round", quantity) for quantity in ROUND_QUANTITIES}
    rows = []
    for name, entry in plan.file.variants.items():
        if not entry.rounds:
            continue  # without label rounds there is nothing to follow
        for key in (key for variant, key in means["average"] if variant == name):
            cells = (_cell_of(quantity, *means[quantity][name, key]) for quantity in ROUND_QUANTITIES)
            rows.append((Cell(entry.title), Cell(f"{key:.0f}", key), *cells))
    return Table("label_quality", "Label quality by round", columns, (Block("", tuple(rows)),), tuple(notes))


def _cell_of(quantity: str, mean: float, deviation: float) -> Cell:
    if quantity == "lp_infeasible_share":
        return spread(100 * mean, 100 * deviation)
    return spread(mean, deviation, digits=4 if quantity == "lp_violation" else 1)


def class_table(plan: Plan, frame: pd.DataFrame, notes: Sequence[str]) -> Table:
    """Average precision of each class, mean over seeds, for the first variant and the whole method."""
    means = means_by_key(frame, "class", f"AP@{plan.headline}")
    chosen = list(dict.fromkeys((plan.base, plan.whole_method)))
    columns = [Column("Class", is_number=False), *(Column(plan.file.variants[name].title) for name in chosen)]
    rows = []
    for key in frame.loc[frame["variant"].isin(chosen), "class"].unique():
        cells = [spread(*means.get((name, key), (math.nan, math.nan))) for name in chosen]
        rows.append((Cell(key), *cells))
    title = f"Average precision by class, AP@{plan.headline} in percent"
    return Table("per_class", title, tuple(columns), (Block("", tuple(rows)),), tuple(notes))
