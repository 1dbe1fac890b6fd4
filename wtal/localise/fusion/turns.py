"""Greedy choice among the proposals of many pairs at once: in each turn the best one left of every pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wtal.base.records import ManyProposals

# Takes rows of proposals [N] and the row of the best one left of the pair of each [N]: which of them go with it, [N].
GoesWith = Callable[["NDArray[np.intp]", "NDArray[np.intp]"], "NDArray[np.bool_]"]


def turns(proposals: ManyProposals, goes_with: GoesWith) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Of each turn the rows [N] of proposals that go, the best one left of each pair among them, and that of each [N].

    The best is that of the highest contrast; ties keep their order. Rows are by pair, then by falling contrast.
    """
    contrast, pair = proposals.proposals.contrast, np.repeat(np.arange(len(proposals)), np.diff(proposals.offsets))
    remaining = np.lexsort((-contrast, pair))
    while len(remaining):
        of_pair = pair[remaining]
        first = np.flatnonzero(np.concatenate([[True], of_pair[1:] != of_pair[:-1]]))
        best = np.repeat(remaining[first], np.diff(np.append(first, len(remaining))))
        goes = goes_with(remaining, best)
        goes[first] = True
        yield remaining[goes], best[goes]
        remaining = remaining[~goes]
