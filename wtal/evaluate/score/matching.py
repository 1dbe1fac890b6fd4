"""Detections matched to instances, for all classes, videos and thresholds from one sort.

The rule: within a class and a video detections choose by falling score; each takes the free instance of highest tIoU
at or above the threshold, the first in the annotation among equals, or, where a protocol says so, the first of all.
Seen from the instances, all of them prefer the detection that comes first. So the result is the one stable matching of
the two sides, and deferred acceptance finds it: everybody without an instance asks for the next on its list at once,
and an instance keeps the first in rank of those that asked. That is a few passes over arrays instead of a loop over
detections, with the same outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wtal.base.overlap import temporal_iou
from wtal.base.records import Floats, Integers

PAIRS_AT_ONCE = 1 << 20  # bounds the memory where many detections meet many instances


@dataclass(frozen=True, slots=True)
class Intervals:
    """Half-open intervals of any unit, each in a group (a class and a video); a group below 0 meets nothing."""

    group: Integers  # [N]
    start: Floats  # [N]
    end: Floats  # [N]

    def __len__(self) -> int:
        return len(self.group)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of a detection and an instance of the same group, with their overlap."""

    detection: Integers  # [P] rising
    instance: Integers  # [P]
    tiou: Floats  # [P]


@dataclass(frozen=True, slots=True)
class Hits:
    """Which detection took which instance, for every threshold; ordered by threshold, then detection."""

    threshold: Integers  # [H] number of the threshold
    detection: Integers  # [H]
    instance: Integers  # [H]


def pairs_in_groups(detections: Intervals, instances: Intervals, least: float) -> Pairs:
    """Every pair within a group whose tIoU is above 0 and at least `least`, by detection, then instance."""
    found = list(_pair_blocks(detections, instances, least))
    if not found:
        return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return Pairs(*(np.concatenate(parts) for parts in zip(*found)))


def _pair_blocks(
    detections: Intervals, instances: Intervals, least: float
) -> Iterator[tuple[Integers, Integers, Floats]]:
    if not len(instances):
        return
    by_group = np.argsort(instances.group, kind="stable")  # annotation order stays within a group
    groups, first, size = np.unique(instances.group[by_group], return_index=True, return_counts=True)
    position = np.minimum(np.searchsorted(groups, detections.group), len(groups) - 1)
    rows = np.flatnonzero((groups[position] == detections.group) & (detections.group >= 0))
    position = position[rows]
    for block in _blocks(size[position]):
        count = size[position[block]]
        row = np.repeat(rows[block], count)
        step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        column = by_group[np.repeat(first[position[block]], count) + step]
        tiou = temporal_iou(detections.start[row], detections.end[row], instances.start[column], instances.end[column])
        kept = np.flatnonzero((tiou >= least) & (tiou > 0))
        yield row[kept], column[kept], tiou[kept]


def _blocks(sizes: NDArray[np.int64]) -> Iterator[slice]:
    """Slices over `sizes` that hold about PAIRS_AT_ONCE in sum."""
    ends = np.cumsum(sizes)
    begin = 0
    while begin < len(sizes):
        done = ends[begin - 1] if begin else 0
        end = max(int(np.searchsorted(ends, done + PAIRS_AT_ONCE, side="right")), begin + 1)
        yield slice(begin, end)
        begin = end


def match(
    detections: Intervals,
    instances: Intervals,
    thresholds: Sequence[float],
    takes: Literal["best", "first"] = "best",
) -> Hits:
    """Greedy matching of detections [N], given by falling score within each group, to instances [M].

    thresholds: in (0, 1]. takes: of the free instances at or above the threshold, that of highest tIoU or the first in
    the annotation. Ties: the earlier detection chooses first; of equal tIoU it takes the earlier instance.
    Memory grows with the detections plus the pairs that overlap by the least threshold.
    """
    pairs = pairs_in_groups(detections, instances, min(thresholds))
    preferred = -pairs.tiou if takes == "best" else pairs.instance
    order = np.lexsort((pairs.instance, preferred, pairs.detection))
    wishes = Pairs(pairs.detection[order], pairs.instance[order], pairs.tiou[order])
    asking, which = np.unique(wishes.detection, return_inverse=True)
    found = []
    for number, threshold in enumerate(thresholds):
        fits = wishes.tiou >= threshold
        beyond = np.cumsum(np.bincount(which[fits], minlength=len(asking)))
        first = np.concatenate([[0], beyond])[:-1]
        holder = _deferred_acceptance(wishes.instance[fits], first, beyond, len(instances))
        instance = np.flatnonzero(holder < len(asking))
        instance = instance[np.argsort(holder[instance])]
        detection = asking[holder[instance]]
        found.append((np.full(len(instance), number), detection, instance))
    return Hits(*(np.concatenate(parts).astype(np.int64) for parts in zip(*found)))


def _deferred_acceptance(
    wish: Integers, first: NDArray[np.intp], beyond: NDArray[np.intp], n_instances: int
) -> NDArray[np.intp]:
    """For each instance [M] the asking detection that gets it, or the number of detections where none does.

    wish [P]: instances wished for; those of detection d are wish[first[d]:beyond[d]], the dearest first.
    """
    nobody = len(first)
    holder = np.full(n_instances, nobody, dtype=np.intp)
    next_wish = first.copy()
    asking = np.flatnonzero(next_wish < beyond)
    while len(asking):
        asked = wish[next_wish[asking]]
        before = holder[asked]
        np.minimum.at(holder, asked, asking)
        is_kept = holder[asked] == asking
        displaced = before[is_kept]
        without = np.concatenate([asking[~is_kept], displaced[displaced < nobody]])
        next_wish[without] += 1
        asking = without[next_wish[without] < beyond[without]]
    return holder
