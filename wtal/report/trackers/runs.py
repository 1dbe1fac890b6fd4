"""The runs of a suite as trackers of experiments have them: curves of training, and metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from wtal.base.errors import InputError
from wtal.base.files import read_rows

KEYS = ("variant", "seed", "round", "epoch")
NO_METRICS = ("variant", "seed", "protocol")


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """One variant with one seed."""

    variant: str
    seed: str
    protocol: str
    epochs: tuple[dict[str, float], ...]  # columns of training.csv, an epoch of any round each, in order
    metrics: dict[str, float]  # columns of metrics.csv, mAP in percent

    @property
    def name(self) -> str:
        """How trackers call it."""
        return f"{self.variant}/seed{self.seed}"


def tracked_runs(results: Path) -> list[TrackedRun]:
    """Every variant and seed of a results folder, in the order of metrics.csv; values that are no number are left out.

    An epoch has the columns that say what was trained: the number of its round, and in it of the epoch. Rounds that a
    variant shares with another one stand at the variant that trained them. Raises InputError where a table is absent.
    """
    curves: dict[tuple[str, str], list[dict[str, float]]] = {}
    for row in read_rows(results / "training.csv", KEYS):
        curves.setdefault((row["variant"], row["seed"]), []).append(
            _numbers(row, ("variant", "seed"), results / "training.csv")
        )
    path = results / "metrics.csv"
    return [
        TrackedRun(
            row["variant"],
            row["seed"],
            row["protocol"],
            tuple(curves.get((row["variant"], row["seed"]), ())),
            _numbers(row, NO_METRICS, path),
        )
        for row in read_rows(path, NO_METRICS)
    ]


def _numbers(row: dict[str, str], left_out: tuple[str, ...], path: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for column, text in row.items():
        if column in left_out or not text:
            continue
        try:
            value = float(text)
        except ValueError:
            raise InputError(file=path, key=column, expected="a number", got=repr(text)) from None
        if math.isfinite(value):
            found[column] = value
    return found
