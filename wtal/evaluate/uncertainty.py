"""Bootstrap over test videos: how far a figure would move had other videos been filmed.

Matching is within a video, so it is done once; a resample only counts each video as often as it was drawn, and its
detections with it. Every system sees the same resamples, which makes differences paired. How to call it:

    matches = {name: [match_detections(seed's detections, truth, options) for each seed] for each variant}
    result = bootstrap_average(matches, suite_name, average="0.1:0.7", comparisons=[("optimised", "naive")])
    result.average["optimised"]                  # Interval(estimate, low, high), percent: the mean over seeds
    result.differences["optimised", "naive"]     # Interval of optimised minus naive; low > 0 reads "better"
    result.per_threshold["optimised"]            # one Interval a tIoU

Several seeds of a system are averaged within each resample, so an interval tells of videos alone; with
`resamples_seeds` the seeds are drawn too (the same ones for systems of as many seeds), and it tells of both.
For the raw figures: `resampled_means(matches, draw_videos(len(matches.videos), 1000, name))` is mAP [R, n_tiou].

Choices, all deterministic: percentile intervals; copies of a video drawn twice stand side by side in the ranking; a
class without an instance in a resample is left out of its mean; detections of unknown videos that are counted are in
every resample; `zero_all` is decided once, on all videos.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.errors import InputError
from wtal.evaluate.precision import envelope, segment_starts
from wtal.evaluate.protocols import Matches, evaluate_matches
from wtal.evaluate.thresholds import columns_of
from wtal.records import Floats, Integers

VALUES_AT_ONCE = 1 << 21  # bounds the memory of a block of resamples


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure in percent with its interval."""

    estimate: float
    low: float
    high: float


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


def generator_of(name: str) -> np.random.Generator:
    """A random generator that depends on a name alone, such as a suite's."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big"))


def draw_videos(n_videos: int, n_resamples: int, name: str) -> NDArray[np.int32]:
    """How often each video is drawn in each resample, [n_resamples, n_videos]; the same for the same arguments."""
    random = generator_of(f"{name}/videos")
    drawn = random.integers(n_videos, size=(n_resamples, n_videos))
    drawn += np.arange(n_resamples)[:, None] * n_videos
    counts = np.bincount(drawn.ravel(), minlength=n_resamples * n_videos)
    return counts.reshape(n_resamples, n_videos).astype(np.int32)


def bootstrap_average(
    systems: Mapping[str, Sequence[Matches]],
    name: str,
    *,
    average: str | None = None,
    comparisons: Sequence[tuple[str, str]] = (),
    n_resamples: int = 1000,
    level: float = 0.95,
    resamples_seeds: bool = False,
) -> Bootstrap:
    """Intervals for systems, each given as the matches of its seeds, and for differences between them.

    name: whatever the resamples shall depend on, such as the suite's name. average: first:last; None is the headline
    of the options. All figures in percent. Raises InputError where systems were not scored on the same videos and
    thresholds, or a comparison names an unknown system.
    """
    first = _checked(systems, comparisons)
    average = average or first.options.average_names[-1]
    columns = columns_of(average, first.options.tiou)
    weights = draw_videos(len(first.videos), n_resamples, name)
    points, samples = {}, {}
    for system, seeds in systems.items():
        points[system] = np.mean([evaluate_matches(matches).mean for matches in seeds], axis=0)
        each = np.stack([resampled_means(matches, weights) for matches in seeds])  # [S, R, n_tiou]
        samples[system] = _over_seeds(each, name, resamples_seeds)
    pairs = {(a, b): (points[a] - points[b], samples[a] - samples[b]) for a, b in comparisons}
    singles = {system: (points[system], samples[system]) for system in systems}
    return Bootstrap(
        n_resamples=n_resamples,
        level=level,
        average_name=average,
        average={key: _of_average(*both, columns, level) for key, both in singles.items()},
        per_threshold={key: _of_thresholds(*both, level) for key, both in singles.items()},
        differences={key: _of_average(*both, columns, level) for key, both in pairs.items()},
        differences_per_threshold={key: _of_thresholds(*both, level) for key, both in pairs.items()},
    )


def _of_average(point: Floats, samples: Floats, columns: NDArray[np.intp], level: float) -> Interval:
    return _interval(point[columns].mean(), samples[:, columns].mean(axis=1), level)


def _of_thresholds(point: Floats, samples: Floats, level: float) -> tuple[Interval, ...]:
    return tuple(_interval(value, column, level) for value, column in zip(point, samples.T))


def _checked(systems: Mapping[str, Sequence[Matches]], comparisons: Sequence[tuple[str, str]]) -> Matches:
    every = [matches for seeds in systems.values() for matches in seeds]
    if not every or not all(systems.values()):
        raise InputError(file="bootstrap", expected="at least one system with one seed", got="none")
    first = every[0]
    for matches in every:
        if matches.videos != first.videos or matches.options.tiou != first.options.tiou:
            raise InputError(file="bootstrap", expected="systems scored on the same videos and tIoU", got="others")
    for system in (system for pair in comparisons for system in pair):
        if system not in systems:
            raise InputError(file="bootstrap", expected=f"one of {', '.join(systems)}", got=repr(system))
    return first


def _over_seeds(each: Floats, name: str, resamples_seeds: bool) -> Floats:
    """The mean over seeds of figures [S, R, n_tiou] in each resample, with seeds drawn anew where asked."""
    if not resamples_seeds:
        return np.asarray(each.mean(axis=0))
    n_seeds, n_resamples = each.shape[:2]
    drawn = generator_of(f"{name}/seeds").integers(n_seeds, size=(n_seeds, n_resamples))
    return np.asarray(each[drawn, np.arange(n_resamples)].mean(axis=0))


def _interval(point: float, samples: Floats, level: float) -> Interval:
    known = samples[~np.isnan(samples)]
    if not len(known):
        return Interval(float(point), float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(point), float(low), float(high))


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
        gained = _gained(found, rank, copies, starts, matches.options.is_interpolated)
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
