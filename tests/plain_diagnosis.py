"""A plain diagnosis, slow and meant to be obviously correct: what the fast one is held against."""

from __future__ import annotations

import math

from plain_evaluation import Row, plain_tiou


def plain_hits(found: list[Row], instances: list[Row], threshold: float) -> list[Row | None]:
    """For each detection of one class, given by falling score, the instance it takes."""
    for row in instances:
        row.is_free = True
    taken: list[Row | None] = []
    for row in found:
        near = [each for each in instances if each.is_free and each.video == row.video]
        near = [each for each in near if plain_tiou(row, each) >= threshold]
        best = max(near, key=lambda each: plain_tiou(row, each), default=None)
        if best is not None:
            best.is_free = False
        taken.append(best)
    return taken


def plain_kind(row: Row, instances: list[Row], threshold: float) -> str:
    """What a detection that took no instance is."""
    near = [each for each in instances if each.video == row.video]
    if any(each.label == row.label and plain_tiou(row, each) >= threshold for each in near):
        return "double detection"
    best = max((plain_tiou(row, each) for each in near), default=0.0)
    if best < min(0.1, threshold):
        return "background"
    if any(each.label == row.label and plain_tiou(row, each) == best for each in near):
        return "localisation"
    return "wrong label" if best >= threshold else "confusion"


def plain_normalised(is_hit: list[bool], n_instances: int, constant: float) -> float:
    """Interpolated area under normalised precision in percent; NaN without instance."""
    if not n_instances:
        return math.nan
    precisions, found, wrong = [], 0, 0
    for hit in is_hit:
        found, wrong = found + hit, wrong + (not hit)
        if hit:
            recalled = found / n_instances * constant
            precisions.append(recalled / (recalled + wrong))
    return 100 * sum(max(precisions[place:]) for place in range(len(precisions))) / n_instances
