"""Bootstrap over test videos: how far a number would move had other videos been filmed.

Matching is within a video, so it is done once; a resample only counts each video as often as it was drawn, and its
detections with it. Every system sees the same resamples, which makes differences paired. How to call it:

    matches = {name: [match_detections(seed's detections, truth, options) for each seed] for each variant}
    result = bootstrap_average(matches, average="0.1:0.7", comparisons=[("optimised", "naive")])
    result.average["optimised"]                  # Interval(estimate, low, high, ...), percent: the mean over seeds
    result.differences["optimised", "naive"]     # Interval of optimised minus naive, with its verdict
    result.per_threshold["optimised"]            # one Interval a tIoU

Intervals are over videos and seeds (wtal/evaluate/score/intervals.py), over videos alone where a system has one seed.
For the raw numbers: `resampled_means(matches, draw_videos(matches.videos, 1000))` is mAP [R, n_tiou].

Choices, all deterministic: copies of a video drawn twice stand side by side in the ranking; a class without an instance
in a resample is left out of its mean; detections of unknown videos that are counted are in every resample; `zero_all`
is decided once, on all videos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.records import Floats, Integers
from wtal.base.seeds import seed_of_text
from wtal.evaluate.score.evaluation import Matches, evaluate_matches
from wtal.evaluate.score.intervals import Interval, SeedScores, interval_of_difference, interval_of_level
from wtal.evaluate.score.precision import envelope, segment_starts
from wtal.evaluate.score.thresholds import columns_of

RESAMPLES = "0"  # what the resamples depend on unless another text is given
VALUES_AT_ONCE = 1 << 21  # bounds the memory of a block of resamples


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Intervals of every system and of the differences asked for."""

    n_resamples: int
    level: float
    average_name: str
    average: dict[str, Interval]
    per_threshold: dict[str, tuple[Interval, ...]]
    differences: dict[tuple[str, str], Interval]  # (a, b): a minus b
    differences_per_threshold: dict[tuple[str, str], tuple[Interval, ...]]


def draw_videos(videos: Sequence[str], n_resamples: int, name: str = RESAMPLES) -> NDArray[np.int32]:
    """How often each video is drawn in each resample, [n_resamples, n_videos].

    It depends on the videos' names, not on their order, and on `name`, any text: whoever scores the same videos, in a
    suite or from files, sees the same resamples.
    """
    random = np.random.default_rng(seed_of_text(f"{name}/videos"))
    n_videos = len(videos)
    drawn = random.integers(n_videos, size=(n_resamples, n_videos))
    drawn += np.arange(n_resamples)[:, None] * n_videos
    counts = np.bincount(drawn.ravel(), minlength=n_resamples * n_videos).reshape(n_resamples, n_videos)
    ordered = np.empty((n_resamples, n_videos), dtype=np.int32)
    ordered[:, sorted(range(n_videos), key=videos.__getitem__)] = counts
    return ordered


def bootstrap_average(
    systems: Mapping[str, Sequence[Matches]],
    name: str = RESAMPLES,
    *,
    average: str | None = None,
    comparisons: Sequence[tuple[str, str]] = (),
    n_resamples: int = 1000,
    level: float = 0.95,
) -> Bootstrap:
    """Intervals for systems, each given as the matches of its seeds, and for differences between them.

    name: the text that the resamples depend on. average: first:last; None is the headline of the options. Systems of
    as many seeds are paired by the order of their seeds. All figures in percent. Raises InputError where systems were
    not scored on the same videos and thresholds, or a comparison names an unknown system.
    """
    first = _checked(systems, comparisons)
    average = average or first.options.average_names[-1]
    columns, n_videos = columns_of(average, first.options.tiou), len(first.videos)
    weights = draw_videos(first.videos, n_resamples, name)
    each = {system: _figures(seeds, weights, columns) for system, seeds in systems.items()}
    singles = {
        system: [interval_of_level(scores, n_videos, level) for scores in scores_of_seeds]
        for system, scores_of_seeds in each.items()
    }
    pairs = {
        (a, b): [interval_of_difference(one, other, n_videos, level) for one, other in zip(each[a], each[b])]
        for a, b in comparisons
    }
    return Bootstrap(
        n_resamples=n_resamples,
        level=level,
        average_name=average,
        average={key: intervals[-1] for key, intervals in singles.items()},
        per_threshold={key: tuple(intervals[:-1]) for key, intervals in singles.items()},
        differences={key: intervals[-1] for key, intervals in pairs.items()},
        differences_per_threshold={key: tuple(intervals[:-1]) for key, intervals in pairs.items()},
    )


def _figures(seeds: Sequence[Matches], weights: NDArray[np.int32], columns: NDArray[np.intp]) -> list[SeedScores]:
    """The numbers of a system at each threshold, then those of the average."""
    points = np.stack([evaluate_matches(matches).mean for matches in seeds])  # [S, n_tiou]
    samples = np.stack([resampled_means(matches, weights) for matches in seeds])  # [S, R, n_tiou]
    at = [SeedScores(points[:, position], samples[:, :, position]) for position in range(points.shape[1])]
    return [*at, SeedScores(points[:, columns].mean(axis=1), samples[:, :, columns].mean(axis=2))]


def _checked(systems: Mapping[str, Sequence[Matches]], comparisons: Sequence[tuple[str, str]]) -> Matches:
    all_matches = [matches for seeds in systems.values() for matches in seeds]
    if not all_matches or not all(systems.values()):
        raise InputError(file="bootstrap", expected="at least one system with one seed", got="none")
    first = all_matches[0]
    for matches in all_matches:
        if matches.videos != first.videos or matches.options.tiou != first.options.tiou:
            raise InputError(file="bootstrap", expected="systems scored on the same videos and tIoU", got="others")
    for system in (system for pair in comparisons for system in pair):
        if system not in systems:
            raise InputError(file="bootstrap", expected=f"one of {', '.join(systems)}", got=repr(system))
    return first


def resampled_means(matches: Matches, weights: NDArray[np.int32]) -> Floats:
    """mAP [R, n_tiou] in percent under resamples [R, V] that count each video so many times.

    With a weight of 1 throughout it is the plain mAP. NaN where a resample holds no instance.
    """
    result = np.empty((len(weights), len(matches.options.tiou)))
    largest = max(len(matches.detection_class), len(matches.hits.detection), len(matches.instance_class), 1)
    step = max(1, VALUES_AT_ONCE // largest)
    for begin in range(0, len(weights), step):
        result[begin : begin + step] = _block(matches, weights[begin : begin + step])
    return 100 * result


def _block(matches: Matches, weights: NDArray[np.int32]) -> Floats:
    """mAP [B, n_tiou] of a few resamples [B, V]."""
    n_classes, n_thresholds = len(matches.classes), len(matches.options.tiou)
    always = np.ones((len(weights), 1), dtype=np.int32)  # detections of unknown videos
    counts = np.concatenate([weights, always], axis=1)
    area = np.zeros((len(weights), n_thresholds * n_classes))
    hit_class = matches.detection_class[matches.hits.detection]
    segment = matches.hits.threshold * n_classes + hit_class
    starts = segment_starts(segment)
    if len(starts) and not matches.zeroes_table:
        rank = _count_before(counts[:, matches.detection_video], matches.hits.detection, matches.class_start[hit_class])
        copies = counts[:, matches.detection_video[matches.hits.detection]]
        begins = np.repeat(starts, np.diff(np.append(starts, len(segment))))
        found = _count_before(copies, np.arange(len(segment)), begins)
        gained = _gained(found, rank, copies, starts, matches.options.protocol.is_interpolated)
        area[:, segment[starts]] = np.add.reduceat(gained, starts, axis=1)
    n_instances = _instances_of_classes(matches, weights)
    areas = area.reshape(len(weights), n_thresholds, n_classes)
    is_defined = (n_instances > 0)[:, None, :]
    each = np.divide(areas, n_instances[:, None, :], out=np.zeros_like(areas), where=is_defined)
    n_defined = is_defined.sum(axis=2)
    mean = np.full(each.shape[:2], np.nan)
    np.divide(each.sum(axis=2), n_defined + len(matches.zero_classes), out=mean, where=n_defined > 0)
    return mean


def _count_before(counts: NDArray[np.int32], row: Integers, begin: Integers) -> NDArray[np.int32]:
    """Sums [B, H] of counts [B, N] from row `begin` to `row`, both [H] and included."""
    total = np.zeros((len(counts), counts.shape[1] + 1), dtype=np.int32)
    np.cumsum(counts, axis=1, out=total[:, 1:])
    return np.asarray(total[:, row + 1] - total[:, begin])


def _gained(
    found: NDArray[np.int32],
    rank: NDArray[np.int32],
    copies: NDArray[np.int32],
    starts: NDArray[np.intp],
    is_interpolated: bool,
) -> Floats:
    """What each hit [B, H], counted so many times, adds to the area times the number of instances."""
    if is_interpolated:  # the last copy has the highest precision of all copies, so the envelope holds it for each
        precision = np.divide(found, rank, out=np.zeros(found.shape), where=rank > 0)
        return envelope(precision, starts) * copies
    gained = np.zeros(found.shape)
    for copy in range(int(copies.max(initial=0))):
        counted = copies > copy
        gained += np.divide(found - copy, rank - copy, out=np.zeros(found.shape), where=counted)
    return gained


def _instances_of_classes(matches: Matches, weights: NDArray[np.int32]) -> NDArray[np.float64]:
    """How many instances [B, C] each class has in each resample."""
    n_classes = len(matches.classes)
    per_video = np.zeros((len(matches.videos), n_classes))
    np.add.at(per_video, (matches.instance_video, matches.instance_class), 1)
    return np.asarray(weights @ per_video)
