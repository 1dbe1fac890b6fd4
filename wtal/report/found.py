"""The detections of a run, and the controls that show what a score is worth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wtal.errors import InputError
from wtal.files import read_arrays
from wtal.records import Detections, Instances, VideoScores

COLUMNS = ("round", "video", "label", "start", "end", "score")
RANDOM_SEGMENTS = 10  # for each class in each video


def read_last_round(path: Path, round_index: int) -> Detections:
    """The detections of one round of rounds.npz. Raises InputError where arrays are missing or disagree."""
    arrays = read_arrays(path, (*COLUMNS, "videos", "classes"))
    for key in COLUMNS:
        if arrays[key].shape != arrays["round"].shape:
            raise InputError(file=path, key=key, expected=f"shape {arrays['round'].shape}", got=arrays[key].shape)
    for key, names in (("video", "videos"), ("label", "classes")):
        column = arrays[key]
        if len(column) and not (column.min() >= 0 and column.max() < len(arrays[names])):
            raise InputError(file=path, key=key, expected=f"rows of `{names}`", got=f"{column.min()} to {column.max()}")
    rows = arrays["round"] == round_index
    video, label, start, end, score = (arrays[key][rows] for key in COLUMNS[1:])
    videos, classes = tuple(arrays["videos"].tolist()), tuple(arrays["classes"].tolist())
    return Detections(videos, classes, video, label, start, end, score)


def oracle(truth: Instances) -> Detections:
    """The ground truth itself as detections: 100, less what the protocol's rounding costs."""
    return Detections(
        truth.videos, truth.classes, truth.video, truth.label, truth.start, truth.end, np.ones(len(truth))
    )


def whole_videos(
    scores: VideoScores, classes: tuple[str, ...], class_threshold: float, seconds: Mapping[str, float]
) -> Detections:
    """One segment over the whole video for each class whose video score [V, K] reaches the threshold."""
    action_score = np.asarray(scores.video_score[:, : len(classes)], dtype=np.float64)
    video, label = np.nonzero(action_score >= class_threshold)
    end = np.array([seconds[scores.videos[row]] for row in video], dtype=np.float64)
    return Detections(scores.videos, classes, video, label, np.zeros(len(video)), end, action_score[video, label])


def random_segments(truth: Instances, seconds: Mapping[str, float], seed: int) -> Detections:
    """Ten segments of random bounds and scores for each class in each video."""
    draw = np.random.default_rng(seed)
    n_videos, n_classes = len(truth.videos), len(truth.classes)
    video = np.repeat(np.arange(n_videos), n_classes * RANDOM_SEGMENTS)
    label = np.tile(np.repeat(np.arange(n_classes), RANDOM_SEGMENTS), n_videos)
    length = np.array([seconds[name] for name in truth.videos], dtype=np.float64)[video]
    bounds = np.sort(draw.random((len(video), 2)), axis=1) * length[:, None]
    score = draw.random(len(video))
    return Detections(truth.videos, truth.classes, video, label, bounds[:, 0], bounds[:, 1], score)
