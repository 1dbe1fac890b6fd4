"""A diagnosis as tables: one CSV a question, and the short tables that are printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.files import to_json, write_rows, write_text
from wtal.base.records import Floats
from wtal.evaluate.diagnose.diagnose import Diagnosis
from wtal.evaluate.diagnose.error_kinds import DOUBLE, KINDS, N_SLICES
from wtal.evaluate.run.evaluate_run import rounded
from wtal.evaluate.score.acted import acted_value
from wtal.evaluate.score.options import EvaluationOptions
from wtal.evaluate.score.thresholds import range_title
from wtal.evaluate.text.typeset import plain_number

DIGITS = 6
Values = list[list[Any]]  # of a table, the header first


def write_diagnosis_tables(diagnosis: Diagnosis, options: EvaluationOptions, folder: Path) -> None:
    """Write error_profile.csv, error_impact.csv, sensitivity.csv, false_negatives.csv and diagnosis.json."""
    tables = {
        "error_profile": profile_table(diagnosis),
        "error_impact": impact_table(diagnosis),
        "sensitivity": sensitivity_table(diagnosis),
        "false_negatives": missed_table(diagnosis),
    }
    for name, (header, *rows) in tables.items():
        write_rows(folder / f"{name}.csv", header, rows)
    write_text(folder / "diagnosis.json", to_json(rounded(diagnosis_value(diagnosis, options))))


def diagnosis_value(diagnosis: Diagnosis, options: EvaluationOptions) -> dict[str, Any]:
    """The whole diagnosis as one JSON value, with the options it was made under."""
    gains = {
        kind: {
            "mAP": (diagnosis.plain_without[number] - diagnosis.plain).tolist(),
            "mAP_N": (diagnosis.normalised_without[number] - diagnosis.normalised).tolist(),
        }
        for number, kind in enumerate(KINDS[DOUBLE:])
    }
    return {
        "options": options.described(),
        "acted": acted_value(options, diagnosis.acted),
        "tiou": list(diagnosis.tiou),
        "N": diagnosis.constant,
        "top_10G": {"mAP": diagnosis.plain.tolist(), "mAP_N": diagnosis.normalised.tolist()},
        "kinds": list(KINDS),
        "profile": diagnosis.profile.tolist(),
        "gain_if_removed": gains,
        "mAP_N": diagnosis.normalised_of_all.tolist(),
        "missed": diagnosis.missed.tolist(),
        "buckets": [
            {
                "characteristic": bucket.characteristic,
                "bucket": bucket.name,
                "range": bucket.described,
                "instances": bucket.n_instances,
                "mAP_N": bucket.normalised.tolist(),
                "missed": bucket.missed.tolist(),
            }
            for bucket in diagnosis.buckets
        ],
    }


def profile_table(diagnosis: Diagnosis) -> Values:
    """Predictions of each slice and kind, and their share of the slice in percent; a row each, for every threshold."""
    rows: Values = [["tiou", "slice", "kind", "predictions", "share"]]
    for threshold, of_threshold in zip(diagnosis.tiou, diagnosis.profile):
        for number, counts in enumerate(of_threshold, start=1):
            share = shares(counts)
            rows += [
                [f"{threshold:g}", f"{number}G", kind, int(count), _rounded(part)]
                for kind, count, part in zip(KINDS, counts, share)
            ]
    return rows


def shares(counts: np.ndarray) -> Floats:
    """Counts [..] as percent of their sum [..]; zeros where there is nothing."""
    return np.asarray(100 * counts / max(int(counts.sum()), 1), dtype=np.float64)


def impact_table(diagnosis: Diagnosis) -> Values:
    """What removing each kind of error gains, in points, at every threshold and on average; the first row of each
    threshold is the top 10 G predictions as they are."""
    rows: Values = [["tiou", "removed", "predictions", "mAP", "gain_mAP", "mAP_N", "gain_mAP_N"]]
    for column in (*range(len(diagnosis.tiou)), None):
        name = "mean" if column is None else f"{diagnosis.tiou[column]:g}"
        plain, normalised = _at(diagnosis.plain, column), _at(diagnosis.normalised, column)
        rows.append([name, "nothing", 0, _rounded(plain), 0.0, _rounded(normalised), 0.0])
        for number, kind in enumerate(KINDS[DOUBLE:]):
            counts = diagnosis.profile[:, :, DOUBLE + number].sum(axis=1)
            removed = "" if column is None else int(counts[column])
            better = _at(diagnosis.plain_without[number], column), _at(diagnosis.normalised_without[number], column)
            gains = _rounded(better[0] - plain), _rounded(better[1] - normalised)
            rows.append([name, kind, removed, _rounded(better[0]), gains[0], _rounded(better[1]), gains[1]])
    return rows


def _at(values: Floats, column: int | None) -> float:
    return float(values.mean() if column is None else values[column])


def sensitivity_table(diagnosis: Diagnosis) -> Values:
    """mAP_N of each bucket at every threshold and on average; the first row is of all instances."""
    return _bucket_table(diagnosis, diagnosis.normalised_of_all, "normalised", "mAP_N")


def missed_table(diagnosis: Diagnosis) -> Values:
    """Percent of each bucket's instances that no prediction takes, at every threshold and on average."""
    return _bucket_table(diagnosis, diagnosis.missed, "missed", "missed")


def _bucket_table(diagnosis: Diagnosis, whole: Floats, field: str, title: str) -> Values:
    columns = [f"{title}@{threshold:g}" for threshold in diagnosis.tiou] + [f"{title}@mean"]
    n_instances = sum(bucket.n_instances for bucket in diagnosis.buckets[: _first_length(diagnosis)])
    rows: Values = [["characteristic", "bucket", "range", "instances", *columns]]
    rows.append(["all", "", "", n_instances or "", *map(_rounded, (*whole.tolist(), whole.mean()))])
    for bucket in diagnosis.buckets:
        values = getattr(bucket, field)
        cells = map(_rounded, (*values.tolist(), values.mean()))
        rows.append([bucket.characteristic, bucket.name, bucket.described, bucket.n_instances, *cells])
    return rows


def _first_length(diagnosis: Diagnosis) -> int:
    """How many buckets the first characteristic has."""
    names = [bucket.characteristic for bucket in diagnosis.buckets]
    return names.count(names[0]) if names else 0


def _rounded(value: float) -> float | str:
    return "" if np.isnan(value) else round(float(value), DIGITS) + 0.0


def summary_tables(diagnosis: Diagnosis, digits: int) -> list[tuple[str, list[list[str]]]]:
    """What is printed: a caption and a table for errors, and for each characteristic."""
    column = figure_threshold(diagnosis.tiou)
    name = range_title(diagnosis.tiou)
    share = shares(diagnosis.profile[column].sum(axis=0))
    rows = [["", f"share at {diagnosis.tiou[column]:g}", f"gain mAP@{name}", f"gain mAP_N@{name}"]]
    rows.append([KINDS[0], plain_number(share[0], digits), "", ""])
    gains = [diagnosis.plain_without - diagnosis.plain, diagnosis.normalised_without - diagnosis.normalised]
    for number, kind in enumerate(KINDS[DOUBLE:]):
        cells = (share[DOUBLE + number], gains[0][number].mean(), gains[1][number].mean())
        rows.append([kind, *(plain_number(float(cell), digits) for cell in cells)])
    total = int(diagnosis.profile[column].sum())
    first = f"errors among the top {N_SLICES} G predictions of each class ({total}), percent; gain if removed, points"
    tables = [(first, rows)]
    rows = [["", "", "instances", f"mAP_N@{name}", f"missed@{name}"]]
    whole = diagnosis.normalised_of_all.mean(), diagnosis.missed.mean()
    rows.append(["all", "", "", *(plain_number(float(value), digits) for value in whole)])
    for bucket in diagnosis.buckets:
        means = (float(bucket.normalised.mean()), float(bucket.missed.mean()))
        words = f"{bucket.characteristic} {bucket.name}"
        rows.append([words, bucket.described, str(bucket.n_instances), *(plain_number(mean, digits) for mean in means)])
    tables.append((f"instances by characteristic, percent; N = {diagnosis.constant:g}", rows))
    return tables


def figure_threshold(tiou: Sequence[float]) -> int:
    """The threshold that one-threshold figures show: 0.5, or the nearest to it."""
    return int(np.argmin(np.abs(np.array(tiou) - 0.5)))
