"""Detections of a subset from its scores: proposals and fusion for every class that a video seems to have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wtal.base.records import Detections, VideoScores
from wtal.base.timebase import to_seconds
from wtal.localise.propose import proposals_of_class
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
        rows = scores.snippet_score[scores.rows(index)]
        seen = scores.video_score[index, : len(classes)] >= settings.proposals.class_threshold
        for column in np.flatnonzero(seen):
            proposals = proposals_of_class(rows[:, column], settings.proposals)
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
