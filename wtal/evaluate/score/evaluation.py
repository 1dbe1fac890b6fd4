"""Detections scored under a protocol: names and bounds before the one matching, and the score after it.

All protocols (wtal/evaluate/protocols/) match by `wtal.evaluate.score.matching`. Differences with their size:
docs/evaluation.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.records import Bounds, Detections, Floats, Instances, Integers
from wtal.data.annotations.names import VideoNames
from wtal.evaluate.score.acted import Acted
from wtal.evaluate.score.matching import Hits, Intervals, match, pairs_in_groups
from wtal.evaluate.score.naming import Named, considered_instances, considered_videos, named
from wtal.evaluate.score.options import EvaluationOptions
from wtal.evaluate.score.precision import average_precisions, mean_average_precision
from wtal.evaluate.score.thresholds import columns_of

FARTHEST = 1e9  # seconds; a bound beyond it is no time in a video


@dataclass(frozen=True, slots=True)
class Matches:
    """Detections of one system matched to the ground truth: all that any score or resample of it needs.

    Detections are ordered by class, then falling score, ties as in the input; indices of hits point to that order.
    """

    classes: tuple[str, ...]  # [C]
    videos: tuple[str, ...]  # [V] considered
    options: EvaluationOptions
    detection_class: Integers  # [N]
    detection_video: Integers  # [N]; V for a video outside the ground truth, counted
    detection_row: Integers  # [N] its place in the input
    class_start: Integers  # [C + 1] where each class begins
    instance_class: Integers  # [M]
    instance_video: Integers  # [M]
    instance_row: Integers  # [M] its place in the ground truth
    hits: Hits
    acted: Acted  # what the rules of the protocol acted on
    zero_classes: tuple[str, ...] = ()  # unknown classes that count with AP 0 in the mean

    @property
    def zeroes_table(self) -> bool:
        """Whether `missing_class: zero_all` applies: some class has instances and no detection."""
        if self.options.missing_class == "zero":
            return False
        return bool((np.diff(self.class_start)[np.unique(self.instance_class)] == 0).any())


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The score of one system; every number in percent, NaN for a class without an instance."""

    options: EvaluationOptions
    classes: tuple[str, ...]  # [C]
    per_class: Floats  # [C, n_tiou]
    mean: Floats  # [n_tiou] mAP: the mean over the classes with instances
    averages: dict[str, float]  # mean of mAP over a range of thresholds; the headline last
    n_videos: int
    n_instances: int
    n_detections: int  # that were scored
    acted: Acted  # what the rules of the protocol acted on

    @property
    def headline(self) -> float:
        """The last average."""
        return self.averages[self.options.average_names[-1]]


def evaluate_detections(
    detections: Detections,
    truth: Instances,
    options: EvaluationOptions | None = None,
    *,
    source: str = "detections",
) -> Evaluation:
    """Score detections against ground truth under one protocol.

    Times in seconds. `source` names the detections in errors. A reversed interval overlaps nothing.
    Raises InputError for an unknown video (unless options say otherwise) or class, a value that is not finite, ground
    truth without an instance. Source: ActivityNet's evaluation (`activitynet`); W-TALC (`step`, `snippet`, `wtalc`).
    """
    return evaluate_matches(match_detections(detections, truth, options or EvaluationOptions(), source=source))


def evaluate_matches(matches: Matches) -> Evaluation:
    """The score of detections already matched."""
    hits, options = matches.hits, matches.options
    hit_class = matches.detection_class[hits.detection]
    n_instances = np.bincount(matches.instance_class, minlength=len(matches.classes))
    per_class = 100 * average_precisions(
        hits.threshold,
        hits.detection - matches.class_start[hit_class] + 1,
        hit_class,
        n_instances,
        len(options.tiou),
        options.protocol.is_interpolated,
    )
    if matches.zeroes_table:
        per_class = np.where(np.isnan(per_class), np.nan, 0.0)
    mean = mean_average_precision(per_class, len(matches.zero_classes))
    classes = matches.classes + matches.zero_classes
    per_class = np.concatenate([per_class, np.zeros((len(matches.zero_classes), len(options.tiou)))])
    averages = {name: float(mean[columns_of(name, options.tiou)].mean()) for name in options.average_names}
    counts = len(matches.videos), len(matches.instance_class), len(matches.detection_class)
    return Evaluation(options, classes, per_class, mean, averages, *counts, matches.acted)


def match_detections(
    detections: Detections, truth: Instances, options: EvaluationOptions, *, source: str = "detections"
) -> Matches:
    """Match detections to ground truth under one protocol; raises as `evaluate_detections` does."""
    _require_numbers(detections, truth, source)
    video_number, videos = considered_videos(truth, options)
    instances, n_duplicates = considered_instances(truth, video_number, options)
    found = named(detections, truth, video_number, options, source)
    video, class_index = found.video, found.class_index
    rows = np.flatnonzero(video >= 0)
    rows = rows[np.lexsort((-detections.score[rows], class_index[rows]))]
    bounds = options.detection_bounds(detections.start[rows], detections.end[rows])
    kept = _apart_from_ambiguous(video[rows], bounds, videos, options)
    n_ambiguous = len(rows) - len(kept)
    rows, bounds = rows[kept], (bounds[0][kept], bounds[1][kept])
    group = np.where(video[rows] < len(videos), class_index[rows] * len(videos) + video[rows], -1)
    truth_class, truth_video = truth.class_index[instances], video_number[truth.video[instances]]
    sought = options.truth_bounds(truth.start[instances], truth.end[instances])
    truth_group = truth_class * len(videos) + truth_video
    missing = np.setdiff1d(truth_class, class_index[rows])
    return Matches(
        classes=truth.classes,
        videos=videos,
        options=options,
        detection_class=class_index[rows],
        detection_video=video[rows],
        detection_row=rows,
        class_start=np.searchsorted(class_index[rows], np.arange(len(truth.classes) + 1)),
        instance_class=truth_class,
        instance_video=truth_video,
        instance_row=instances,
        hits=match(Intervals(group, *bounds), Intervals(truth_group, *sought), options.tiou, options.protocol.takes),
        acted=_acted(found, detections, [truth.classes[number] for number in missing], n_ambiguous, n_duplicates),
        zero_classes=found.unknown_classes if options.unknown_classes == "count" else (),
    )


def _acted(found: Named, detections: Detections, missing: list[str], n_ambiguous: int, n_duplicates: int) -> Acted:
    return Acted(
        missing_classes=tuple(missing),
        unknown_videos=found.unknown_videos,
        unknown_classes=found.unknown_classes,
        n_of_unknown_videos=found.n_of_unknown_videos,
        n_of_unknown_classes=found.n_of_unknown_classes,
        n_videos_named=len(np.unique(detections.video)),
        n_classes_named=len(np.unique(detections.class_index)),
        n_ambiguous=n_ambiguous,
        n_duplicates=n_duplicates,
        absent_videos=found.absent_videos,
    )


def _require_numbers(detections: Detections, truth: Instances, source: str) -> None:
    _require_times(truth, "ground truth")
    _require_times(detections, source)
    wrong = np.flatnonzero(~np.isfinite(detections.score))
    if len(wrong):
        got = detections.score[wrong[0]]
        raise InputError(file=source, key=f"score[{wrong[0]}]", expected="a finite number", got=got)


def _require_times(record: Detections | Instances, source: str) -> None:
    for name in ("start", "end"):
        wrong = np.flatnonzero(~(np.abs(getattr(record, name)) <= FARTHEST))
        if len(wrong):
            got = getattr(record, name)[wrong[0]]
            raise InputError(file=source, key=f"{name}[{wrong[0]}]", expected="a time in seconds", got=got)


def _apart_from_ambiguous(
    video: Integers, bounds: Bounds, videos: tuple[str, ...], options: EvaluationOptions
) -> NDArray[np.intp]:
    """The rows of the detections that share no length with an ambiguous interval of their video."""
    all_rows = np.arange(len(video))
    if options.ambiguous is None or not len(options.ambiguous.start):
        return all_rows
    known = VideoNames(videos)
    positions = (known.find(name, "ambiguous intervals") for name in options.ambiguous.video)
    ambiguous = Intervals(
        np.array([-1 if position is None else position for position in positions], dtype=np.int64),
        *options.truth_bounds(options.ambiguous.start, options.ambiguous.end),
    )
    touching = pairs_in_groups(Intervals(video, *bounds), ambiguous, 0.0).detection
    return np.setdiff1d(all_rows, touching)
