"""The choices that move a score, each with a name; every result carries the ones it was made with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from wtal.base.errors import SettingError, require
from wtal.base.members import member_title
from wtal.base.ranges import require_rate
from wtal.base.records import Bounds, Floats
from wtal.base.schema import to_mapping
from wtal.evaluate.protocols.activitynet import ActivityNetProtocol
from wtal.evaluate.score.thresholds import columns_of, thresholds_from_text, whole_range
from wtal.suite.contracts import ScoringProtocol
from wtal.suite.method_settings import ScoringSettings

THUMOS14_THRESHOLDS = thresholds_from_text("0.1:0.7:0.1")
MISSING_CLASS = ("zero", "zero_all")
UNKNOWN = ("refuse", "drop", "count")  # what is done with detections of names the ground truth lacks


@dataclass(frozen=True, slots=True)
class AmbiguousIntervals:
    """Stretches in which annotators could not tell; in seconds, half-open."""

    video: tuple[str, ...]  # [A] the name of each interval's video
    start: Floats  # [A]
    end: Floats  # [A]


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationOptions:
    """How detections are scored. Defaults: seconds, THUMOS14's thresholds, nothing left out."""

    protocol: ScoringProtocol = ActivityNetProtocol()
    tiou: tuple[float, ...] = THUMOS14_THRESHOLDS  # rising, in (0, 1]
    averages: tuple[str, ...] = ()  # first:last; empty: one over all thresholds. The last one is the headline
    snippets_per_second: float | None = None  # of the grid of a protocol that compares snippets
    missing_class: Literal["zero", "zero_all"] = "zero"  # zero_all: one class without detections zeroes the table
    unknown_videos: Literal["refuse", "drop", "count"] = "refuse"  # detections of videos the ground truth lacks
    unknown_classes: Literal["refuse", "drop", "count"] = "refuse"  # count: each is a class with AP 0 in the mean
    require_all_videos: bool = False  # refuse detections that do not name every video considered
    exclude_videos: tuple[str, ...] = ()  # left out on both sides
    ambiguous: AmbiguousIntervals | None = None  # detections that touch one are removed
    deduplicate: bool = False  # exact duplicates of an instance are removed from the ground truth
    n_ambiguous_instances: int = 0  # intervals that the ground truth marks as ambiguous, and that are no instances

    def __post_init__(self) -> None:
        require(self.missing_class in MISSING_CLASS, "missing_class", "zero or zero_all", self.missing_class)
        for key, value in (("unknown_videos", self.unknown_videos), ("unknown_classes", self.unknown_classes)):
            require(value in UNKNOWN, key, f"one of {', '.join(UNKNOWN)}", value)
        inside = bool(self.tiou) and all(0 < value <= 1 for value in self.tiou)
        require(inside, "tiou", "thresholds in (0, 1]", list(self.tiou))
        rising = all(low < high for low, high in pairwise(self.tiou))
        require(rising, "tiou", "rising thresholds", list(self.tiou))
        for average in self.averages:
            columns_of(average, self.tiou)
        rate = self.snippets_per_second
        if self.protocol.needs_rate and (rate is None or not 0 < rate < math.inf):
            expected = f"a rate above 0 for the {self.protocol.kind} protocol"
            raise SettingError("snippets_per_second", expected, rate)
        if rate is not None:
            require_rate(rate, "snippets_per_second")

    @property
    def average_names(self) -> tuple[str, ...]:
        """The averages reported, the headline last."""
        return self.averages or (whole_range(self.tiou),)

    @property
    def protocol_title(self) -> str:
        """How a result names its protocol."""
        return member_title(self.protocol)

    def detection_bounds(self, start: Floats, end: Floats) -> Bounds:
        """Bounds [N] of detections given in seconds as the protocol compares them: seconds, or whole snippets."""
        return self.protocol.detection_bounds(start, end, self.snippets_per_second or math.nan)

    def truth_bounds(self, start: Floats, end: Floats) -> Bounds:
        """Bounds [M] of instances given in seconds as the protocol compares them: seconds, or whole snippets."""
        return self.protocol.truth_bounds(start, end, self.snippets_per_second or math.nan)

    def described(self) -> dict[str, Any]:
        """The options as plain values, for printing beside a result."""
        return {
            "protocol": to_mapping(self.protocol),
            "missing_class": self.missing_class,
            "unknown_videos": self.unknown_videos,
            "unknown_classes": self.unknown_classes,
            "exclude_videos": list(self.exclude_videos),
            "ambiguous_removed": self.ambiguous is not None,
            "deduplicate": self.deduplicate,
            "snippets_per_second": self.snippets_per_second if self.protocol.needs_rate else None,
        }


def options_from_settings(settings: ScoringSettings, snippets_per_second: float, **changes: Any) -> EvaluationOptions:
    """The options a suite's settings ask for. Raises SettingError where thresholds or averages make no sense."""
    options = EvaluationOptions(
        protocol=settings.protocol,
        tiou=thresholds_from_text(settings.tiou),
        averages=settings.averages,
        snippets_per_second=snippets_per_second,
        missing_class=settings.missing_class or "zero",
    )
    return replace(options, **changes) if changes else options
