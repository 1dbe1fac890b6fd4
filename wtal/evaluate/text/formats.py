"""Results as rows of text, with the caption that they need, and as one JSON value."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from wtal.evaluate.run.label_quality import LabelQuality
from wtal.evaluate.score.acted import acted_value, clauses
from wtal.evaluate.score.evaluation import Evaluation
from wtal.evaluate.score.intervals import interval_over
from wtal.evaluate.score.uncertainty import Bootstrap
from wtal.evaluate.text.typeset import plain_number


def as_value(evaluation: Evaluation, bootstrap: Bootstrap | None = None) -> dict[str, Any]:
    """A result as one JSON value, percent, unrounded; NaN as null."""
    value: dict[str, Any] = {
        "protocol": evaluation.options.protocol_title,
        "tiou": list(evaluation.options.tiou),
        "mAP": evaluation.mean.tolist(),
        "mean": float(evaluation.mean.mean()),
        "averages": evaluation.averages,
        "per_class": dict(zip(evaluation.classes, evaluation.per_class.tolist())),
        "n_videos": evaluation.n_videos,
        "n_instances": evaluation.n_instances,
        "n_detections": evaluation.n_detections,
        "options": evaluation.options.described(),
        "acted": acted_value(evaluation.options, evaluation.acted),
    }
    if bootstrap is not None:
        system = next(iter(bootstrap.average))
        value["bootstrap"] = {
            "resamples": bootstrap.n_resamples,
            "level": bootstrap.level,
            "average": bootstrap.average_name,
            "interval_over": interval_over(bootstrap.average[system].n_seeds),
            "average_interval": [bootstrap.average[system].low, bootstrap.average[system].high],
            "mAP_intervals": [[each.low, each.high] for each in bootstrap.per_threshold[system]],
        }
    return value


def to_json_line(value: Any) -> str:
    """One line of JSON; NaN becomes null."""
    return json.dumps(_without_nan(value), ensure_ascii=False, allow_nan=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def result_rows(evaluation: Evaluation, bootstrap: Bootstrap | None, digits: int, per_class: bool) -> list[list[str]]:
    """Header and rows of a result: mAP, its interval, and each class where asked."""
    names = evaluation.options.average_names
    rows = [["", *(f"{value:g}" for value in evaluation.options.tiou), *names]]
    averages = [evaluation.averages[name] for name in names]
    rows.append(["mAP", *(plain_number(value, digits) for value in (*evaluation.mean.tolist(), *averages))])
    if bootstrap is not None:
        system = next(iter(bootstrap.average))
        intervals = (*bootstrap.per_threshold[system], *[None] * (len(names) - 1), bootstrap.average[system])
        for label, bound in (("low", "low"), ("high", "high")):
            cells = ["" if each is None else plain_number(getattr(each, bound), digits) for each in intervals]
            rows.append([f"{label} {100 * bootstrap.level:g} %", *cells])
    if per_class:
        for name, values in zip(evaluation.classes, evaluation.per_class.tolist()):
            rows.append([name, *(plain_number(value, digits) for value in values), *[""] * len(names)])
    return rows


def caption_of(evaluation: Evaluation, what: str) -> str:
    """What a table must say beside its numbers: protocol, each rule that acted and on what, counts."""
    return f"{what}: mAP in percent by tIoU, {'; '.join(_said(evaluation))}; {_counts([evaluation])}"


def caption_of_systems(scores: Mapping[str, Sequence[Evaluation]], what: str) -> str:
    """The same for systems side by side, each with its seeds; what not all share is said by the system's name."""
    all_scores = [score for seeds in scores.values() for score in seeds]
    said = {name: [clause for score in seeds for clause in _said(score)] for name, seeds in scores.items()}
    shared = [clause for clause in _said(all_scores[0]) if all(clause in _said(score) for score in all_scores)]
    own = {name: list(dict.fromkeys(each for each in found if each not in shared)) for name, found in said.items()}
    lines = [f"{name}: {'; '.join(found)}" for name, found in own.items() if found]
    return "; ".join([f"{what}: mAP in percent by tIoU, {'; '.join(shared)}", _counts(all_scores), *lines])


def _said(evaluation: Evaluation) -> list[str]:
    return clauses(evaluation.options, evaluation.acted, evaluation.n_videos)


def _counts(evaluations: Sequence[Evaluation]) -> str:
    detections = [each.n_detections for each in evaluations]
    first, least, most = evaluations[0], min(detections), max(detections)
    found = f"{most}" if least == most else f"{least} to {most}"
    return f"{found} detections, {first.n_instances} instances, {first.n_videos} videos"


def quality_value(name: str, quality: LabelQuality) -> dict[str, Any]:
    """The quality of one file's labels as a JSON value."""
    return {"labels": name, **asdict(quality)}


def quality_rows(found: Sequence[tuple[str, LabelQuality]], digits: int) -> list[list[str]]:
    """Header and a row for each file; shares in percent, the violation as it is."""
    rows = [["", "precision", "recall", "average precision", "label mAP", "infeasible", "violation"]]
    for name, quality in found:
        percent = (quality.precision, quality.recall, quality.average_precision, quality.label_map)
        shares = (*percent, 100 * quality.infeasible_share)
        rows.append([name, *(plain_number(share, digits) for share in shares), plain_number(quality.violation, 6)])
    return rows
