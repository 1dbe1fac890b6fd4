"""The one place where seconds and snippets are converted; intervals are half-open, `[start, end)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Rounding = Literal["floor", "truncate"]  # of bounds to whole snippets; the latter repeats the released code
SNAP = 1e-6  # undoes float error such as 13.999999999999998 before a bound is cut down to the grid


def to_seconds(snippets: ArrayLike, snippets_per_second: float) -> NDArray[np.float64]:
    """Snippet bounds [..] as seconds; bound i is the start of snippet i."""
    return np.asarray(snippets, dtype=np.float64) / snippets_per_second


def to_snippets(seconds: ArrayLike, snippets_per_second: float) -> NDArray[np.float64]:
    """Seconds [..] as real-valued snippet bounds."""
    return np.asarray(seconds, dtype=np.float64) * snippets_per_second


def cut_to_grid(bounds: ArrayLike, rule: Rounding = "floor") -> NDArray[np.int64]:
    """Real-valued snippet bounds cut down to whole snippets.

    rule: "floor" adds 1e-6 first, so that float error does not lose a snippet; "truncate" repeats the released code,
    in which it does.
    """
    values = np.asarray(bounds, dtype=np.float64)
    if rule == "truncate":
        return np.trunc(values).astype(np.int64)
    return np.floor(values + SNAP).astype(np.int64)


def round_to_grid(seconds: ArrayLike, snippets_per_second: float) -> NDArray[np.int64]:
    """Ground-truth seconds [..] as the nearest whole snippet, halves to even (the `snippet` protocol)."""
    return np.round(to_snippets(seconds, snippets_per_second)).astype(np.int64)
