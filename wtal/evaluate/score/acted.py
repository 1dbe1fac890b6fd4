"""What the rules of a protocol did to a score: named where one acted, with how often, and not where none did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wtal.evaluate.score.options import EvaluationOptions

MOST_NAMED = 5  # names in a sentence
DONE = {"drop": "dropped", "count": "counted as wrong"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """On what each rule acted, for the detections of one system."""

    missing_classes: tuple[str, ...] = ()  # with instances and without a detection
    unknown_videos: tuple[str, ...] = ()  # named by detections, not by the ground truth
    unknown_classes: tuple[str, ...] = ()
    n_of_unknown_videos: int = 0  # detections
    n_of_unknown_classes: int = 0  # detections, in known videos
    n_videos_named: int = 0  # by the detections
    n_classes_named: int = 0
    n_ambiguous: int = 0  # detections removed since they touch an ambiguous interval
    n_duplicates: int = 0  # instances removed since they are there twice
    absent_videos: tuple[str, ...] = ()  # considered, and not named by the detections


def named_few(names: Sequence[str]) -> str:
    """Names in a sentence, at most five."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def clauses(options: EvaluationOptions, acted: Acted, n_videos: int) -> list[str]:
    """Protocol, what was left out, and each rule that acted on the number. n_videos: those considered."""
    said = [f"protocol {options.protocol_title}"]
    if options.exclude_videos:
        said.append(f"without {', '.join(options.exclude_videos)}")
    if acted.missing_classes:
        said.append(f"missing class {options.missing_class}: {named_few(acted.missing_classes)}")
    for kind, names, of, count in (
        ("videos", acted.unknown_videos, acted.n_videos_named, acted.n_of_unknown_videos),
        ("classes", acted.unknown_classes, acted.n_classes_named, acted.n_of_unknown_classes),
    ):
        if names:
            done = DONE[options.unknown_videos if kind == "videos" else options.unknown_classes]
            said.append(f"unknown {kind}: {len(names)} of {of} {done} ({named_few(names)}; {_detections(count)})")
    if options.n_ambiguous_instances:
        count = options.n_ambiguous_instances
        said.append(f"ambiguous: {count} interval{'' if count == 1 else 's'} of the ground truth left out")
    if acted.n_ambiguous:
        said.append(f"ambiguous: {_detections(acted.n_ambiguous)} dropped")
    if acted.n_duplicates:
        said.append(f"duplicate instances: {acted.n_duplicates} removed")
    if acted.absent_videos:
        absent = len(acted.absent_videos)
        said.append(f"detections name {n_videos - absent} of {n_videos} videos ({named_few(acted.absent_videos)} not)")
    return said


def _detections(count: int) -> str:
    return f"{count} detection{'' if count == 1 else 's'}"


def acted_value(options: EvaluationOptions, acted: Acted) -> dict[str, Any]:
    """The same as one JSON value, all names given."""
    return {
        "missing_classes": list(acted.missing_classes),
        "unknown_videos": list(acted.unknown_videos),
        "detections_of_unknown_videos": acted.n_of_unknown_videos,
        "unknown_classes": list(acted.unknown_classes),
        "detections_of_unknown_classes": acted.n_of_unknown_classes,
        "ambiguous_detections_dropped": acted.n_ambiguous,
        "ambiguous_intervals_left_out": options.n_ambiguous_instances,
        "duplicate_instances_removed": acted.n_duplicates,
        "videos_not_named": list(acted.absent_videos),
    }
