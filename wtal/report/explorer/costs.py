"""What each kind of error costs a system: the points of mAP that its removal would gain, with an interval.

As in `wtal.evaluate.diagnose`: of the top 10 G predictions of each class those of one kind are removed, at each
threshold those of that kind at that threshold. docs/diagnosis.md#what-removing-errors-gains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Floats, Instances
from wtal.evaluate.diagnose.characteristics import (
    PUBLISHED_EDGES,
    Buckets,
    buckets_of,
    computed_characteristics,
    quintile_edges,
)
from wtal.evaluate.diagnose.diagnose import diagnose_matches
from wtal.evaluate.diagnose.error_kinds import DOUBLE, KINDS, error_kinds, overlaps_of, slices_of
from wtal.evaluate.diagnose.tables import figure_threshold
from wtal.evaluate.score.evaluation import Matches, evaluate_matches
from wtal.evaluate.score.intervals import DECIMALS, SeedScores, interval_within
from wtal.evaluate.score.matching import Hits
from wtal.evaluate.score.uncertainty import draw_videos, resampled_means
from wtal.report.explorer.systems import System

RESAMPLES = 200  # of the videos; the spread of each cost is then known to about 5 %
Masks = NDArray[np.bool_]


def kept_of(matches: Matches, threshold: int, kept: Masks) -> Matches:
    """The matches at one threshold with a part of the detections, kept [N]; what they took stays theirs."""
    number = np.cumsum(kept) - 1
    hits = matches.hits
    own = (hits.threshold == threshold) & kept[hits.detection]
    label = matches.detection_class[kept]
    return replace(
        matches,
        options=replace(matches.options, tiou=(matches.options.tiou[threshold],), averages=(), missing_class="zero"),
        detection_class=label,
        detection_video=matches.detection_video[kept],
        detection_row=matches.detection_row[kept],
        class_start=np.searchsorted(label, np.arange(len(matches.classes) + 1)),
        hits=Hits(np.zeros(int(own.sum()), np.int64), number[hits.detection[own]], hits.instance[own]),
    )


def costs_of(system: System, truth: Instances, level: float) -> list[dict[str, Any]]:
    """For each kind of error: how many of the top predictions are of it, and what removing them gains, in points."""
    weights = draw_videos(system.matches[0].videos, RESAMPLES)
    counts, points, samples = [], [], []
    for matches, detections in zip(system.matches, system.detections):
        kinds = error_kinds(matches, overlaps_of(matches, detections, truth))
        top = slices_of(matches) >= 0
        counts.append(np.stack([(kinds == kind) & top for kind in range(len(KINDS))]).sum(axis=2))
        gained = _gains(matches, kinds, top, weights)
        points.append([one.mean() for one in gained[0]])
        samples.append([one.mean(axis=0) for one in gained[1]])
    shown = figure_threshold(system.matches[0].options.tiou)
    count = np.mean(counts, axis=0)[:, shown]  # [kinds], mean over seeds
    rows: list[dict[str, Any]] = [{"kind": KINDS[0], "count": round(float(count[0]), 1)}]
    for number, kind in enumerate(KINDS[DOUBLE:]):
        scores = SeedScores(np.array(points)[:, number], np.array(samples)[:, number])
        away = interval_within(scores, weights.shape[1], level, (-100.0, 100.0))
        bounds = (away.estimate, away.low, away.high)
        gain = [None if value != value else round(value, DECIMALS) for value in bounds]
        rows.append({"kind": kind, "count": round(float(count[DOUBLE + number]), 1), "gain": gain})
    return rows


def _gains(matches: Matches, kinds: NDArray[np.int8], top: Masks, weights: NDArray[np.int32]) -> tuple[Floats, Floats]:
    """What removing each of E kinds gains at each threshold: on all videos [E, n_tiou], resampled [E, n_tiou, R]."""
    n_kinds, n_thresholds = len(KINDS) - DOUBLE, len(matches.options.tiou)
    points, samples = np.zeros((n_kinds, n_thresholds)), np.zeros((n_kinds, n_thresholds, len(weights)))
    for threshold in range(n_thresholds):
        before = kept_of(matches, threshold, top)
        point, sample = evaluate_matches(before).mean[0], resampled_means(before, weights)[:, 0]
        for number in range(n_kinds):
            without = top & (kinds[threshold] != DOUBLE + number)
            if without.sum() < top.sum():
                after = kept_of(matches, threshold, without)
                points[number, threshold] = evaluate_matches(after).mean[0] - point
                samples[number, threshold] = resampled_means(after, weights)[:, 0] - sample
    return points, samples


def buckets_of_truth(truth: Instances, seconds: Mapping[str, float] | None, dataset: str) -> tuple[Buckets, ...]:
    """Instances by length, coverage and number in the video: published edges for their data sets, else fifths."""
    found = computed_characteristics(truth, seconds)
    known = next((name for name in PUBLISHED_EDGES if dataset.startswith(name)), None)
    return buckets_of(found, PUBLISHED_EDGES[known] if known else quintile_edges(found))


def instances_by_bucket(system: System, truth: Instances, buckets: Sequence[Buckets]) -> list[dict[str, Any]]:
    """For each bucket its instances, and mAP_N and the missed share of the first seed; percent, mean over tIoU."""
    result = diagnose_matches(system.matches[0], system.detections[0], truth, buckets)
    return [
        {
            "characteristic": bucket.characteristic,
            "bucket": bucket.name,
            "range": bucket.described,
            "instances": bucket.n_instances,
            "mAP_N": _percent(bucket.normalised),
            "missed": _percent(bucket.missed),
        }
        for bucket in result.buckets
    ]


def _percent(values: Floats) -> float | None:
    mean = float(values.mean())
    return None if mean != mean else round(mean, DECIMALS)
