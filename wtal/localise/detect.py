"""Detections of a subset from its scores: proposals and fusion for every class that a video seems to have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Detections, VideoScores
from wtal.base.timebase import to_seconds
from wtal.localise.fuse import segments_of_pairs
from wtal.suite.method_settings import ProposalSettings
from wtal.suite.step_settings import DetectSettings


def detect(
    scores: VideoScores, classes: Sequence[str], settings: DetectSettings, snippets_per_second: float
) -> Detections:
    """Detections in seconds, by the video's name, class and falling score; background is never detected.

    Names have one order wherever scores come from, so that the same videos give the same files.
    """
    by_name = sorted(range(len(scores.videos)), key=scores.videos.__getitem__)
    pairs = [
        (number, int(column))
        for number, index in enumerate(by_name)
        for column in detected_classes(scores.video_score[index, : len(classes)], settings.proposals)
    ]
    numbers, columns = (np.array([pair[part] for pair in pairs], dtype=np.int64) for part in (0, 1))
    indices = [by_name[number] for number in numbers]
    found = segments_of_pairs(scores, indices, columns.tolist(), settings.proposals, settings.detection.fusion)
    counts = np.diff(found.offsets)
    return Detections(
        videos=tuple(scores.videos[index] for index in by_name),
        classes=tuple(classes),
        video=np.repeat(numbers, counts),
        class_index=np.repeat(columns, counts),
        start=to_seconds(found.segments.start, snippets_per_second),
        end=to_seconds(found.segments.end, snippets_per_second),
        score=found.segments.score,
    )


def detected_classes(video_score: NDArray[np.floating], settings: ProposalSettings) -> NDArray[np.intp]:
    """The classes that a video with these scores [C] seems to have, in their order."""
    seen = np.flatnonzero(video_score >= settings.class_threshold)
    if len(seen) or settings.class_fallback == "none":
        return seen
    return np.array([np.argmax(video_score)])
