"""What the numbers of features look like, gathered video by video: alive, and in which order the streams are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Floats
from wtal.suite.streams import Streams, bounds_of

ORDER_MARGIN = 1.25  # by which flow's share must exceed rgb's before their order is doubted


@dataclass(slots=True)
class FeatureStatistics:
    """Running sums over all snippets, and a digest of each video's numbers."""

    feature_size: int
    n_rows: int = 0
    total: Floats = field(init=False)  # [D]
    squares: Floats = field(init=False)  # [D]
    squares_of_videos: Floats = field(init=False)  # [D] each video's squared mean, times its snippets
    least: float = np.inf
    most: float = -np.inf
    zeros: Floats = field(init=False)  # [D]
    digests: dict[str, str] = field(default_factory=dict)  # of each video: snippets, and 16 digits of sha256
    n_equal_halves: int = 0

    def __post_init__(self) -> None:
        self.total, self.squares, self.squares_of_videos, self.zeros = np.zeros((4, self.feature_size))

    def add(self, name: str, rows: NDArray[np.float32]) -> None:
        """Take in one video [T, D]; all its numbers are finite."""
        total = rows.sum(axis=0, dtype=np.float64)
        self.n_rows += len(rows)
        self.total += total
        self.squares += np.einsum("td,td->d", rows, rows, dtype=np.float64)
        self.squares_of_videos += total**2 / len(rows)
        self.zeros += (rows == 0).sum(axis=0)
        self.least, self.most = min(self.least, float(rows.min())), max(self.most, float(rows.max()))
        half = self.feature_size // 2
        self.n_equal_halves += bool(2 * half == self.feature_size and (rows[:, :half] == rows[:, half:]).all())
        digest = hashlib.sha256(np.ascontiguousarray(rows, dtype="<f4").data).hexdigest()
        self.digests[name] = f"{len(rows)} {digest[:16]}"

    def state(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, from which `taken_up` makes the same again."""
        return {
            "sums": np.stack([self.total, self.squares, self.squares_of_videos, self.zeros]),
            "extremes": np.array([self.least, self.most]),
            "counts": np.array([self.n_rows, self.n_equal_halves]),
            "digests": np.array(list(self.digests.values())),
        }

    @classmethod
    def taken_up(cls, state: Mapping[str, NDArray[Any]], names: Iterable[str]) -> FeatureStatistics:
        """The statistics of a state. names: of the videos in the order in which they were added."""
        sums = state["sums"].astype(np.float64)
        statistics = cls(sums.shape[1])
        statistics.total, statistics.squares, statistics.squares_of_videos, statistics.zeros = sums
        statistics.least, statistics.most = map(float, state["extremes"])
        statistics.n_rows, statistics.n_equal_halves = map(int, state["counts"])
        statistics.digests = dict(zip(names, map(str, state["digests"])))
        return statistics

    def of_stream(self, first: int, last: int) -> dict[str, float]:
        """Mean, spread, share of zeros, and the share of the variance that lies between videos, of some columns."""
        part = slice(first, last)
        mean = self.total[part] / self.n_rows
        variance = np.maximum(self.squares[part] - self.n_rows * mean**2, 0)
        between = np.maximum(self.squares_of_videos[part] - self.n_rows * mean**2, 0)
        alive = variance > 1e-9 * np.maximum(self.squares[part], 1e-300)
        share = float((between[alive] / variance[alive]).mean()) if alive.any() else 0.0
        values = {
            "mean": float(mean.mean()),
            "standard_deviation": float(np.sqrt(variance.sum() / (self.n_rows * (last - first)))),
            "zero_share": float(self.zeros[part].sum() / (self.n_rows * (last - first))),
            "constant_columns": int((~alive).sum()),
            "between_video_share": share,
        }
        return {name: float(f"{value:.6g}") for name, value in values.items()}


def stream_statistics(statistics: FeatureStatistics, streams: Streams) -> dict[str, Any]:
    """Statistics of every stream by its name."""
    return {name: statistics.of_stream(first, last) for name, (first, last) in bounds_of(streams).items()}


def stream_warnings(streams: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Sentences where the streams look exchanged or dead.

    The order is a guess: what a video looks like (rgb) changes less within it than what moves in it (flow), so that
    more of rgb's variance lies between videos. Only a share in flow above 1.25 times that in rgb is doubted.
    """
    warnings = []
    for name, values in streams.items():
        if values["constant_columns"]:
            warnings.append(f"{values['constant_columns']:g} columns of {name} never change")
    if {"rgb", "flow"} <= set(streams):
        rgb, flow = (streams[name]["between_video_share"] for name in ("rgb", "flow"))
        if flow > ORDER_MARGIN * rgb:
            warnings.append(
                f"rgb and flow may be in the wrong order: {flow:.0%} of the variance of what is called flow lies "
                f"between videos, and {rgb:.0%} of rgb's (a guess; appearance changes less within a video than motion)"
            )
    return warnings


def same_numbers(digests: Mapping[str, str]) -> list[str]:
    """Sentences on videos whose features are the same numbers."""
    first: dict[str, str] = {}
    found = []
    for name, digest in digests.items():
        if digest in first:
            found.append(f"{first[digest]} and {name} have the same features")
        first.setdefault(digest, name)
    return found
