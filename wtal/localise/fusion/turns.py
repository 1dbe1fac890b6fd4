"""Greedy choice among the proposals of many pairs at once: in each turn the best one left of every pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wtal.base.records import Floats, Integers, ManyProposals, Proposals

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Takes starts and ends [N] of proposals, then those of the best one left of each one's pair [N]: which go with it, [N].
GoesWith = Callable[[Floats, Floats, Floats, Floats], "NDArray[np.bool_]"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Proposals in another order, and the place in that order of the best one that each goes with."""

    proposals: Proposals  # by pair, then by falling contrast; ties in the order given
    pair: Integers  # [P]
    best: Integers  # [P] its own place where it is the best


def chosen_in_turns(proposals: ManyProposals, goes_with: GoesWith) -> Choice:
    """With which better proposal each one goes, where in each turn the best one left of a pair takes all that it may.

    The best is that of the highest contrast; it goes with itself.
    """
    found, offsets = proposals.proposals, proposals.offsets
    counts = np.diff(offsets)
    order = np.empty(len(found), dtype=np.intp)
    for first, after in zip(offsets[:-1].tolist(), offsets[1:].tolist()):
        order[first:after] = np.argsort(-found.contrast[first:after], kind="stable") + first
    ranked, pair = found.take(order), np.repeat(np.arange(len(counts)), counts)
    # A run above several thresholds is there several times, one after the other: all go where the first goes.
    is_new = np.ones(len(found), dtype=np.bool_)
    is_new[1:] = (np.diff(ranked.start) != 0) | (np.diff(ranked.end) != 0) | (np.diff(pair) != 0)
    places = np.flatnonzero(is_new)
    best = places[_turns(ranked.start[places], ranked.end[places], pair[places], goes_with)]
    return Choice(ranked, pair, best[np.cumsum(is_new) - 1])


def _turns(start: Floats, end: Floats, pair: Integers, goes_with: GoesWith) -> Integers:
    """The place of the best one that each proposal [N] goes with; they are by pair, then by falling contrast."""
    best = np.empty(len(start), dtype=np.int64)
    place = np.arange(len(start))
    while len(place):
        is_first = np.empty(len(place), dtype=np.bool_)
        is_first[0] = True
        np.not_equal(pair[1:], pair[:-1], out=is_first[1:])
        first = np.flatnonzero(is_first)
        leader = first[np.cumsum(is_first) - 1]
        goes = goes_with(start, end, start[leader], end[leader])
        goes[first] = True
        best[place[goes]] = place[leader[goes]]
        stays = ~goes
        start, end, pair, place = start[stays], end[stays], pair[stays], place[stays]
    return best
