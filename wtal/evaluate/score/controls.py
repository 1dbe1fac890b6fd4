"""Control rows: what a score is worth shows beside ones that need no method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wtal.base.records import Detections, Instances, VideoScores

RANDOM_SEGMENTS = 10  # for each class in each video


def oracle(truth: Instances) -> Detections:
    """The ground truth itself as detections: 100, less what the protocol's rounding and duplicates cost."""
    ones = np.ones(len(truth))
    return Detections(truth.videos, truth.classes, truth.video, truth.class_index, truth.start, truth.end, ones)


def whole_videos(
    scores: VideoScores, classes: tuple[str, ...], class_threshold: float, seconds: Mapping[str, float]
) -> Detections:
    """One segment over the whole video, in seconds, for each class whose video score reaches the threshold.

    scores.video_score: [V, K], background last. seconds: length by video.
    """
    action_score = np.asarray(scores.video_score[:, : len(classes)], dtype=np.float64)
    video, class_index = np.nonzero(action_score >= class_threshold)
    end = np.array([seconds[scores.videos[row]] for row in video], dtype=np.float64)
    start = np.zeros(len(video))
    return Detections(scores.videos, classes, video, class_index, start, end, action_score[video, class_index])


def random_segments(truth: Instances, seconds: Mapping[str, float], random: np.random.Generator) -> Detections:
    """Ten segments of random bounds and scores for each class in each video, whose lengths are in seconds."""
    n_videos, n_classes = len(truth.videos), len(truth.classes)
    video = np.repeat(np.arange(n_videos), n_classes * RANDOM_SEGMENTS)
    class_index = np.tile(np.repeat(np.arange(n_classes), RANDOM_SEGMENTS), n_videos)
    length = np.array([seconds[each] for each in truth.videos], dtype=np.float64)[video]
    bounds = np.sort(random.random((len(video), 2)), axis=1) * length[:, None]
    score = random.random(len(video))
    return Detections(truth.videos, truth.classes, video, class_index, bounds[:, 0], bounds[:, 1], score)
