"""What each detection is: right, or wrong in one of five ways, after DETAD (Alwassel et al., ECCV 2018).

At a tIoU threshold a detection is
- a true positive where it took an instance under the protocol's matching;
- a double detection where an instance of its class reaches the threshold, but a better-scored detection has it;
- else it is judged by the instance of its video, of any class, that it overlaps most (its own class among equals):
  a wrong label where that one is of another class and reaches the threshold,
  a localisation error where it is of its own class and overlaps by 0.1 or more,
  a confusion where it is of another class and overlaps by 0.1 or more,
  background where nothing overlaps by 0.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Detections, Floats, Instances, Integers
from wtal.evaluate.score.evaluation import Matches
from wtal.evaluate.score.matching import Intervals, pairs_in_groups

KINDS = ("true positive", "double detection", "wrong label", "localisation", "confusion", "background")
TRUE, DOUBLE, WRONG_LABEL, LOCALISATION, CONFUSION, BACKGROUND = range(len(KINDS))
NEAR = 0.1  # least tIoU of a detection that has to do with an instance
N_SLICES = 10  # of the top predictions of a class, each as many as the class has instances


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The highest tIoU of each detection [N] with an instance of its video; 0 where none comes near."""

    same: Floats  # [N] of the detection's class
    other: Floats  # [N] of any other class


def overlaps_of(matches: Matches, detections: Detections, truth: Instances) -> Overlaps:
    """Overlaps of the matched detections, in the order of the matches, as the protocol measures them."""
    options, rows, sought = matches.options, matches.detection_row, matches.instance_row
    bounds = options.detection_bounds(detections.start[rows], detections.end[rows])
    video = np.where(matches.detection_video < len(matches.videos), matches.detection_video, -1)
    instances = Intervals(matches.instance_video, *options.truth_bounds(truth.start[sought], truth.end[sought]))
    pairs = pairs_in_groups(Intervals(video, *bounds), instances, min(NEAR, *options.tiou))
    is_own = matches.instance_class[pairs.instance] == matches.detection_class[pairs.detection]
    same, other = np.zeros(len(rows)), np.zeros(len(rows))
    np.maximum.at(same, pairs.detection[is_own], pairs.tiou[is_own])
    np.maximum.at(other, pairs.detection[~is_own], pairs.tiou[~is_own])
    return Overlaps(same, other)


def error_kinds(matches: Matches, overlaps: Overlaps) -> NDArray[np.int8]:
    """The kind of each detection at each threshold, [n_tiou, N], as a number into KINDS."""
    same, other = overlaps.same, overlaps.other
    kinds = np.empty((len(matches.options.tiou), len(same)), dtype=np.int8)
    is_near = np.maximum(same, other)
    for row, threshold in zip(kinds, matches.options.tiou):
        row[:] = np.where(same >= other, LOCALISATION, CONFUSION)
        row[is_near < min(NEAR, threshold)] = BACKGROUND
        row[(other > same) & (other >= threshold)] = WRONG_LABEL
        row[same >= threshold] = DOUBLE
    kinds[matches.hits.threshold, matches.hits.detection] = TRUE
    return kinds


def slices_of(matches: Matches) -> Integers:
    """Which slice of its class's top predictions a detection [N] is in, 0 to 9; -1 beyond 10 G or without instance.

    A class with G instances has ten slices of G predictions by falling score.
    """
    n_instances = np.bincount(matches.instance_class, minlength=len(matches.classes))[matches.detection_class]
    rank = np.arange(len(matches.detection_class)) - matches.class_start[matches.detection_class]
    position = np.full(len(rank), N_SLICES, dtype=np.int64)
    np.floor_divide(rank, n_instances, out=position, where=n_instances > 0)
    return np.where(position < N_SLICES, position, -1)


def profile_of(kinds: NDArray[np.int8], slices: Integers) -> Integers:
    """How many predictions of each slice are of each kind, [n_tiou, 10, 6]."""
    inside = slices >= 0
    size = N_SLICES * len(KINDS)
    counts = [np.bincount(slices[inside] * len(KINDS) + row[inside], minlength=size) for row in kinds]
    return np.array(counts, dtype=np.int64).reshape(len(kinds), N_SLICES, len(KINDS))
