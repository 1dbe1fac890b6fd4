"""A plain evaluator, slow and meant to be obviously correct: what the fast one is held against, bit for bit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from wtal.base.records import Detections, Instances
from wtal.evaluate import EvaluationOptions


@dataclass
class Row:
    """An instance or a detection, by name."""

    video: str
    label: str
    start: float
    end: float
    score: float = 0.0
    is_free: bool = True


def plain_tiou(one: Row, other: Row) -> float:
    shared = min(one.end, other.end) - max(one.start, other.start)
    if shared <= 0:
        return 0.0
    return shared / ((one.end - one.start) + (other.end - other.start) - shared)


def rows_of(record: Instances | Detections) -> list[Row]:
    scores = record.score if isinstance(record, Detections) else record.start * 0
    columns = zip(record.video, record.class_index, record.start, record.end, scores)
    return [Row(record.videos[v], record.classes[c], float(s), float(e), float(p)) for v, c, s, e, p in columns]


def _known(name: str, videos: tuple[str, ...]) -> str | None:
    return next((each for each in (name, "v_" + name, name.removeprefix("v_")) if each in videos), None)


def _prepared(
    detections: Detections, truth: Instances, options: EvaluationOptions
) -> tuple[list[Row], list[Row], list[Row]]:
    instances, found = rows_of(truth), rows_of(detections)
    ambiguous = []
    if options.ambiguous is not None:
        columns = zip(options.ambiguous.video, options.ambiguous.start, options.ambiguous.end)
        ambiguous = [Row(video, "", float(start), float(end)) for video, start, end in columns]
    for row in found + ambiguous:
        row.video = _known(row.video, truth.videos) or f"unknown {row.video}"
    if options.unknown_videos == "drop":
        found = [row for row in found if row.video in truth.videos]
    found = [row for row in found if row.video not in options.exclude_videos]
    instances = [row for row in instances if row.video not in options.exclude_videos]
    if options.deduplicate:
        seen = []
        for row in instances:
            if row not in seen:
                seen.append(row)
        instances = seen
    if options.protocol.kind in ("snippet", "wtalc"):
        for row in instances + ambiguous:
            row.start, row.end = (round(bound * options.snippets_per_second) for bound in (row.start, row.end))
        for row in found:
            row.start, row.end = (
                math.floor(bound * options.snippets_per_second + 1e-6) for bound in (row.start, row.end)
            )
    found = [
        row for row in found if not any(plain_tiou(row, each) > 0 for each in ambiguous if each.video == row.video)
    ]
    return found, instances, ambiguous


def plain_average_precision(found: list[Row], instances: list[Row], threshold: float, kind: str) -> float:
    """AP in percent of one class; `found` in input order."""
    if not instances:
        return math.nan
    for row in instances:
        row.is_free = True
    precisions, n_correct = [], 0
    for rank, row in enumerate(sorted(found, key=lambda each: -each.score), start=1):
        best, best_tiou = None, 0.0
        for instance in instances:
            tiou = plain_tiou(row, instance) if instance.video == row.video and instance.is_free else 0.0
            if tiou >= threshold and tiou > best_tiou:
                best, best_tiou = instance, tiou
                if kind == "wtalc":
                    break
        if best is not None:
            best.is_free = False
            n_correct += 1
            precisions.append(n_correct / rank)
    total = 0.0
    for place, precision in enumerate(precisions):
        total += precision if kind in ("step", "wtalc") else max(precisions[place:])
    return 100 * (total / len(instances))


def plain_per_class(detections: Detections, truth: Instances, options: EvaluationOptions) -> list[list[float]]:
    """AP in percent [C, n_tiou]; NaN for a class without an instance."""
    found, instances, _ = _prepared(detections, truth, options)
    table = []
    for name in truth.classes:
        own = [row for row in found if row.label == name], [row for row in instances if row.label == name]
        table.append([plain_average_precision(*own, each, options.protocol.kind) for each in options.tiou])
    if options.missing_class == "zero_all":
        present = {row.label for row in found}
        if any(row.label not in present for row in instances):
            table = [[value if math.isnan(value) else 0.0 for value in row] for row in table]
    return table


def exact_mean(values: list[float]) -> float:
    """The mean of the numbers among the values, rounded once."""
    known = [Fraction(value) for value in values if not math.isnan(value)]
    return float(sum(known) / len(known)) if known else math.nan
