"""Detections of a subset from its scores: proposals and fusion for every class that a video seems to have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Detections, VideoScores
from wtal.base.timebase import to_seconds
from wtal.localise.propose import proposals_in
from wtal.suite.method_settings import ProposalSettings
from wtal.suite.step_settings import DetectSettings


def detect(
    scores: VideoScores, classes: Sequence[str], settings: DetectSettings, snippets_per_second: float
) -> Detections:
    """Detections in seconds, by the video's name, class and falling score; background is never detected.

    Names have one order wherever scores come from, so that the same videos give the same files.
    """
    video, class_index, parts = [], [], []
    by_name = sorted(range(len(scores.videos)), key=scores.videos.__getitem__)
    for video_number, index in enumerate(by_name):
        for column in detected_classes(scores.video_score[index, : len(classes)], settings.proposals):
            proposals = proposals_in(scores, index, int(column), settings.proposals)
            segments = settings.detection.fusion(proposals).by_falling_score()
            video.append(np.full(len(segments), video_number, dtype=np.int64))
            class_index.append(np.full(len(segments), column, dtype=np.int64))
            parts.append(np.stack([segments.start, segments.end, segments.score]))
    table = np.concatenate([np.zeros((3, 0)), *parts], axis=1)
    return Detections(
        videos=tuple(scores.videos[index] for index in by_name),
        classes=tuple(classes),
        video=np.concatenate([np.zeros(0, dtype=np.int64), *video]),
        class_index=np.concatenate([np.zeros(0, dtype=np.int64), *class_index]),
        start=to_seconds(table[0], snippets_per_second),
        end=to_seconds(table[1], snippets_per_second),
        score=table[2],
    )


def detected_classes(video_score: NDArray[np.floating], settings: ProposalSettings) -> NDArray[np.intp]:
    """The classes that a video with these scores [C] seems to have, in their order."""
    seen = np.flatnonzero(video_score >= settings.class_threshold)
    if len(seen) or settings.class_fallback == "none":
        return seen
    return np.array([np.argmax(video_score)])
