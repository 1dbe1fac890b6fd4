"""The detections of one video, as every form of player or tool takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wtal.base.records import Detections


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """One detection, in seconds."""

    label: str
    start: float
    end: float
    score: float


def marks_of(detections: Detections, number: int) -> list[FoundSegment]:
    """The detections of video `number`, by their start, then end, then falling score."""
    rows = np.flatnonzero(detections.video == number).tolist()
    marks = [
        FoundSegment(
            detections.classes[int(detections.class_index[row])],
            float(detections.start[row]),
            float(detections.end[row]),
            float(detections.score[row]),
        )
        for row in rows
    ]
    return sorted(marks, key=lambda mark: (mark.start, mark.end, -mark.score, mark.label))


def milliseconds(seconds: float) -> int:
    """Seconds as whole milliseconds."""
    return round(seconds * 1000)
