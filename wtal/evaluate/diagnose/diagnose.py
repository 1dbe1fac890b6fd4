"""What is wrong with detections, and what would help, after DETAD (Alwassel et al., ECCV 2018); docs/diagnosis.md.

Three questions. *Which errors?* The top 10 G predictions of each class with G instances, by kind, in ten slices of G;
and how much mAP would rise were the predictions of one kind not there. *Which instances?* mAP over the instances of
each bucket of a characteristic. *Which are missed?* The share of a bucket's instances that no prediction takes.

mAP_N is mAP with normalised precision: recall * N / (recall * N + false positives) in place of precision, with N the
mean number of instances a class has, so that buckets of different size can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Detections, Floats, Instances, Integers
from wtal.evaluate.diagnose.characteristics import Buckets
from wtal.evaluate.diagnose.error_kinds import DOUBLE, KINDS, error_kinds, overlaps_of, profile_of, slices_of
from wtal.evaluate.score.acted import Acted
from wtal.evaluate.score.evaluation import Matches
from wtal.evaluate.score.precision import average_precisions, mean_average_precision

Masks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BucketDiagnosis:
    """The instances of one bucket of one characteristic; percent, NaN where the bucket is empty."""

    characteristic: str
    name: str
    described: str
    n_instances: int
    normalised: Floats  # [n_tiou] mAP_N over the bucket's instances
    missed: Floats  # [n_tiou] share of them that no prediction takes


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Errors, what they cost and whom they hit; every share and mAP in percent. Axes: E = 5 kinds of error."""

    tiou: tuple[float, ...]
    constant: float  # N of mAP_N
    profile: Integers  # [n_tiou, 10, 6] predictions by slice and kind
    plain: Floats  # [n_tiou] mAP of the top 10 G predictions
    normalised: Floats  # [n_tiou] mAP_N of the same
    plain_without: Floats  # [E, n_tiou] mAP once the errors of a kind are removed
    normalised_without: Floats  # [E, n_tiou]
    normalised_of_all: Floats  # [n_tiou] mAP_N of all predictions, what the buckets are compared with
    missed: Floats  # [n_tiou] share of all instances that no prediction takes
    buckets: tuple[BucketDiagnosis, ...]
    acted: Acted  # what the rules of the protocol acted on


def diagnose_matches(
    matches: Matches, detections: Detections, truth: Instances, buckets: Sequence[Buckets] = ()
) -> Diagnosis:
    """Diagnose detections already matched; `buckets` are of the instances of `truth`.

    A class without detections counts 0, whatever `missing_class` says. Predictions that took an instance of another
    bucket are left out of a bucket's mAP_N: they are neither right nor wrong there.
    """
    kinds = error_kinds(matches, overlaps_of(matches, detections, truth))
    slices = slices_of(matches)
    n_detections, n_instances = len(matches.detection_class), len(matches.instance_class)
    all_detections, counted = np.ones((len(kinds), n_detections), dtype=bool), np.ones(n_instances, dtype=bool)
    constant = n_instances / len(np.unique(matches.instance_class))
    top = all_detections & (slices >= 0)
    without = [top & (kinds != kind) for kind in range(DOUBLE, len(KINDS))]
    taker = _is_taken(matches)
    return Diagnosis(
        tiou=matches.options.tiou,
        constant=constant,
        profile=profile_of(kinds, slices),
        plain=mean_of_kept(matches, top, counted, None),
        normalised=mean_of_kept(matches, top, counted, constant),
        plain_without=np.array([mean_of_kept(matches, kept, counted, None) for kept in without]),
        normalised_without=np.array([mean_of_kept(matches, kept, counted, constant) for kept in without]),
        normalised_of_all=mean_of_kept(matches, all_detections, counted, constant),
        missed=100 * (1 - taker.mean(axis=1)),
        buckets=tuple(
            _of_bucket(matches, taker, characteristic, number, constant)
            for characteristic in buckets
            for number in range(len(characteristic.names))
        ),
        acted=matches.acted,
    )


def mean_of_kept(matches: Matches, kept: Masks, counted: Masks, constant: float | None) -> Floats:
    """mAP [n_tiou] in percent when only some detections are ranked and only some instances sought.

    kept: [n_tiou, N]; counted: [M], and every kept detection that took an instance must have taken a counted one.
    constant: N of mAP_N, None for plain mAP. The mean is over the classes with counted instances.
    """
    n_instances = np.bincount(matches.instance_class[counted], minlength=len(matches.classes))
    means = []
    for number, mask in enumerate(kept):
        hit = matches.hits.detection[matches.hits.threshold == number]
        hit = hit[mask[hit]]
        hit_class = matches.detection_class[hit]
        before = np.concatenate([[0], np.cumsum(mask)])
        rank = before[hit + 1] - before[matches.class_start[hit_class]]
        table = average_precisions(
            np.zeros(len(hit), np.int64),
            rank,
            hit_class,
            n_instances,
            1,
            matches.options.protocol.is_interpolated,
            constant,
        )
        means.append(100 * mean_average_precision(table, len(matches.zero_classes))[0])
    return np.array(means)


def _is_taken(matches: Matches) -> Masks:
    """Whether some detection took an instance, [n_tiou, M]."""
    taken = np.zeros((len(matches.options.tiou), len(matches.instance_class)), dtype=bool)
    taken[matches.hits.threshold, matches.hits.instance] = True
    return taken


def _of_bucket(
    matches: Matches, taken: Masks, characteristic: Buckets, number: int, constant: float
) -> BucketDiagnosis:
    inside = characteristic.bucket[matches.instance_row] == number
    hits = matches.hits
    kept = np.ones((len(taken), len(matches.detection_class)), dtype=bool)
    kept[hits.threshold, hits.detection] = inside[hits.instance]
    n_inside = int(inside.sum())
    nothing = np.full(len(taken), np.nan)
    return BucketDiagnosis(
        characteristic=characteristic.name,
        name=characteristic.names[number],
        described=characteristic.described(number),
        n_instances=n_inside,
        normalised=mean_of_kept(matches, kept, inside, constant) if n_inside else nothing,
        missed=100 * (1 - taken[:, inside].mean(axis=1)) if n_inside else nothing,
    )
