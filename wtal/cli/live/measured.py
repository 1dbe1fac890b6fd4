"""Seconds and memory of the jobs of an earlier run, as the benchmark files of a suite's results hold them."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TRAINING_RULES = ("train_round", "train_delta", "train_external")  # of a round after the first, or of any


@dataclass(frozen=True, slots=True)
class JobCost:
    """What a job took."""

    seconds: float
    memory_mb: float  # most resident memory; NaN where it ended too soon to be looked at


def read_cost(path: Path) -> JobCost | None:
    """That of a benchmark file; None where there is none, or it says nothing."""
    with suppress(OSError, ValueError, KeyError), path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
        if rows:
            return JobCost(float(rows[-1]["s"]), _number(rows[-1].get("max_rss")))
    return None


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:  # Snakemake writes NA
        return math.nan


def seconds_of_rules(folder: Path) -> dict[str, float]:
    """Mean seconds of a job by its rule, of the files in a suite's benchmarks/; a rule without one is left out."""
    found: dict[str, list[float]] = {}
    for path in sorted(folder.rglob("*.tsv")):
        cost = read_cost(path)
        for rule in _rules_of(path.relative_to(folder)) if cost is not None else ():
            found.setdefault(rule, []).append(cost.seconds if cost else 0.0)
    return mean_seconds(found)


def mean_seconds(found: Mapping[str, list[float]]) -> dict[str, float]:
    """The mean of each rule's seconds."""
    return {rule: sum(seconds) / len(seconds) for rule, seconds in found.items() if seconds}


def _rules_of(path: Path) -> tuple[str, ...]:
    """The rules whose jobs a benchmark file is like: those of training share a folder, told apart by the round."""
    if path.parts[0] != "train":
        return (path.parts[0].removesuffix(".tsv"),)
    return ("train_base", "train_external") if path.stem.endswith("_round0") else TRAINING_RULES


def training_cost(folder: Path, variant: str, seed: int, round_index: int) -> JobCost | None:
    """What a round's training took, in a suite's benchmarks/; None where it is not known."""
    return read_cost(folder / "train" / f"{variant}_seed{seed}_round{round_index}.tsv")
