"""The metrics of one variant and seed of a suite, as one JSON value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.base.records import Detections, Instances
from wtal.data.store.read import Store, read_store
from wtal.evaluate.read.detections import read_detections_of_rounds
from wtal.evaluate.run.label_quality import label_quality
from wtal.evaluate.run.selected import selected_on_test
from wtal.evaluate.score.classification import classification_mean, labels_of_instances
from wtal.evaluate.score.evaluation import Evaluation, evaluate_detections
from wtal.evaluate.score.options import EvaluationOptions
from wtal.localise.labels.file import read_labels_of
from wtal.localise.scores_file import read_scores_of
from wtal.suite.step_settings import DetectSettings

DIGITS = 6  # of every number written; what lies below is float noise
NO_LABELS = {
    "label_precision": None,
    "label_recall": None,
    "label_average_precision": None,
    "label_mAP": None,
    "lp_infeasible_share": None,
    "lp_violation": None,
}


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of one variant and seed."""

    data: Path  # the store
    rounds: Path  # detections of every round
    scores: tuple[Path, ...]  # test scores, one file a round
    labels: tuple[Path, ...]  # pseudo labels, one file for each round from 1


def run_metrics(files: RunFiles, options: EvaluationOptions, detection: DetectSettings | None = None) -> dict[str, Any]:
    """The numbers of metrics.json: of the last round, and of each round. Percent, rounded to 6 digits.

    detection: the settings of detection; with `report_best_test_epoch` the best epoch stands beside the result.
    Raises InputError where the files do not belong together.
    """
    store = read_store(files.data)
    truth, hidden = store.instances("test"), store.instances("train")
    detections = _all_rounds(files, truth)
    evaluations = [evaluate_detections(each, truth, options, source=str(files.rounds)) for each in detections]
    classification = [_classification(path, store) for path in files.scores]
    rounds = []
    for number, evaluation in enumerate(evaluations):
        row = {
            "round": number,
            "mAP": evaluation.mean.tolist(),
            "average": evaluation.headline,
            "classification_mAP": classification[number],
        }
        rounds.append(row | (_label_numbers(files.labels[number - 1], store, hidden, options) if number else NO_LABELS))
    selected = None
    if detection is not None:
        selected = selected_on_test(files.scores, truth, detection, options, store.snippets_per_second)
    last = evaluations[-1]
    numbers: dict[str, Any] = rounded(
        {
            "protocol": options.protocol_title,
            "tiou": list(options.tiou),
            "mAP": last.mean.tolist(),
            "averages": last.averages,
            "per_class": per_class_by_name(last),
            "classification_mAP": classification[-1],
            "n_detections": last.n_detections,
            "rounds": rounds,
            "selected_on_test": selected,
        }
    )
    return numbers


def _all_rounds(files: RunFiles, truth: Instances) -> list[Detections]:
    """One record a round, for each score file; a round may have no detection at all."""
    n_rounds = len(files.scores)
    detections = read_detections_of_rounds(files.rounds, at_least=n_rounds, of=truth)
    if len(detections) > n_rounds:
        expected = f"detections of {n_rounds} rounds, one for each file of scores"
        raise InputError(file=files.rounds, key="round", expected=expected, got=f"round {len(detections) - 1}")
    if len(files.labels) != n_rounds - 1:
        expected = f"{n_rounds - 1} files, one for each round from 1"
        raise InputError(file="--labels", expected=expected, got=len(files.labels))
    return detections


def _classification(path: Path, store: Store) -> float:
    scores = read_scores_of(path, store, "test")
    return classification_mean(
        scores.video_score[:, : len(store.classes)], labels_of_instances(store.instances("test"))
    )


def _label_numbers(path: Path, store: Store, hidden: Instances, options: EvaluationOptions) -> dict[str, float]:
    quality = label_quality(read_labels_of(path, store), store.classes, hidden, options)
    return {
        "label_precision": quality.precision,
        "label_recall": quality.recall,
        "label_average_precision": quality.average_precision,
        "label_mAP": quality.label_map,
        "lp_infeasible_share": quality.infeasible_share,
        "lp_violation": quality.violation,
    }


def per_class_by_name(evaluation: Evaluation) -> dict[str, list[float]]:
    """AP in percent at each threshold by class."""
    return {name: evaluation.per_class[number].tolist() for number, name in enumerate(evaluation.classes)}


def rounded(value: Any) -> Any:
    """A JSON value with every float rounded to 6 digits and NaN as null, so that its text is stable."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, DIGITS) + 0.0
    return value
