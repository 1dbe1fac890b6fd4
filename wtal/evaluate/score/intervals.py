"""How surely a number is known: one interval for every verdict, over test videos and seeds, paired in both.

The mean over seeds of a figure varies because other videos could have been filmed and other seeds drawn. The bootstrap
over videos tells the first part, the spread of the seeds' numbers the second; how much one seed's number moves with the
videos by itself (the interaction) is in both, and is counted once. Only the variance of the resamples is used, never
where they lie: AP rises when videos repeat. What it assumes and how often it holds the truth: docs/statistics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from wtal.base.records import Floats

Verdict = Literal["better", "worse", "not separated"]
DECIMALS = 4  # of tables; a verdict is that of the bounds as tables hold them


@dataclass(frozen=True, slots=True)
class SeedScores:
    """A number of one system, or of a difference: of each seed, on all videos and under resamples of them."""

    points: Floats  # [S]
    resampled: Floats  # [S, R]; resample r holds the same videos for every seed and system; NaN: no instance in it


@dataclass(frozen=True, slots=True)
class Interval:
    """A number in points with its interval, and the narrower one over videos alone; NaN bounds where none is known."""

    estimate: float
    n_seeds: tuple[int, ...]  # one number, or two where the systems of a difference have different numbers of seeds
    low: float
    high: float
    videos_low: float
    videos_high: float

    @property
    def verdict(self) -> Verdict:
        """What a difference says: the one rule of every table, sentence and picture."""
        if round(self.low, DECIMALS) > 0:
            return "better"
        return "worse" if round(self.high, DECIMALS) < 0 else "not separated"

    @property
    def is_separated(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.verdict != "not separated"


def interval_over(n_seeds: tuple[int, ...]) -> str:
    """What an interval is over, in words."""
    if len(n_seeds) == 1:
        return f"test videos and {n_seeds[0]} seeds" if n_seeds[0] > 1 else "test videos alone: one seed"
    words = f"test videos and seeds, {n_seeds[0]} against {n_seeds[1]}, not paired by seed"
    return f"{words}; one seed is taken to vary as the other system's do" if 1 in n_seeds else words


@dataclass(frozen=True, slots=True)
class Parts:
    """What the variance of a mean over seeds is made of, points squared."""

    seeds: float  # from the spread of the seeds' numbers; holds the interaction; 0 for a single seed
    degrees: float  # of freedom of that spread
    interaction: float  # seeds that move apart because the videos are these
    videos: float  # from the bootstrap over videos; holds the interaction too
    n_videos: int

    @property
    def variance(self) -> float:
        """All of it, the interaction once; never below that of the videos."""
        return max(self.seeds + max(self.videos - self.interaction, 0.0), self.videos)

    def critical_value(self, level: float) -> float:
        """Between Student's t of the seeds and that of the videos, by the seeds' share of the variance.

        The share counts less where the interaction explains the spread of the seeds, since videos tell that part
        precisely. Source: Cochran and Cox's approximation for two variances; by how much less is from simulation.
        """
        of_videos = student(level, self.n_videos - 1)
        if not self.variance or not self.seeds:
            return of_videos
        without = math.sqrt(max(self.seeds - self.interaction, 0.0) / self.seeds)
        weight = self.seeds / self.variance * (1 + 3 * without) / 4
        return weight * student(level, self.degrees) + (1 - weight) * of_videos


def interval_within(scores: SeedScores, n_videos: int, level: float, bounds: tuple[float, float]) -> Interval:
    """The mean over seeds with its interval, cut to `bounds`; over videos alone where there is one seed."""
    return _interval(float(scores.points.mean()), parts_of(scores, n_videos), (len(scores.points),), level, bounds)


def interval_of_level(scores: SeedScores, n_videos: int, level: float) -> Interval:
    """The interval of one system's number in percent."""
    return interval_within(scores, n_videos, level, (0.0, 100.0))


def interval_of_difference(one: SeedScores, other: SeedScores, n_videos: int, level: float) -> Interval:
    """The interval of how much a number in percent is above another.

    Systems of as many seeds are paired by the order of their seeds; others are not (Welch), and a single seed is
    taken to vary as much as the other system's seeds do.
    """
    bounds, counts = (-100.0, 100.0), (len(one.points), len(other.points))
    if counts[0] == counts[1]:
        return interval_within(paired(one, other), n_videos, level, bounds)
    estimate = float(one.points.mean() - other.points.mean())
    return _interval(estimate, _parts_of_unpaired(one, other, n_videos), counts, level, bounds)


def paired(one: SeedScores, other: SeedScores) -> SeedScores:
    """The differences seed by seed and resample by resample."""
    return SeedScores(one.points - other.points, one.resampled - other.resampled)


def parts_of(scores: SeedScores, n_videos: int) -> Parts:
    """The variance of the mean over seeds of a number or of a paired difference; NaN where nothing was resampled."""
    n_seeds = len(scores.points)
    videos = _variance_over_videos(scores.resampled.mean(axis=0), n_videos)
    if n_seeds == 1:
        return Parts(0.0, math.inf, 0.0, videos, n_videos)
    seeds, interaction = _of_one_seed(scores, n_videos)
    return Parts(seeds / n_seeds, n_seeds - 1, interaction / n_seeds, videos, n_videos)


def _of_one_seed(scores: SeedScores, n_videos: int) -> tuple[float, float]:
    """The variance of one seed's number over two seeds or more, and the part of it that is interaction with videos."""
    n_seeds = len(scores.points)
    of_mean = _variance_over_videos(scores.resampled.mean(axis=0), n_videos)
    variance = float(np.mean([_variance_over_videos(one, n_videos) for one in scores.resampled]))
    return float(scores.points.var(ddof=1)), max(n_seeds / (n_seeds - 1) * (variance - of_mean), 0.0)


def _parts_of_unpaired(one: SeedScores, other: SeedScores, n_videos: int) -> Parts:
    known = [_of_one_seed(scores, n_videos) if len(scores.points) > 1 else None for scores in (one, other)]
    counts = len(one.points), len(other.points)
    (first, first_interaction), (second, second_interaction) = (
        variance or known[1 - position] or (math.nan, math.nan) for position, variance in enumerate(known)
    )
    if None in known:  # one spread for both systems
        seeds, degrees = first / counts[0] + second / counts[1], float(max(counts) - 1)
    else:
        parts = first / counts[0], second / counts[1]
        seeds, below = sum(parts), sum(part**2 / (count - 1) for part, count in zip(parts, counts))
        degrees = seeds**2 / below if below else float(min(counts) - 1)
    difference = one.resampled.mean(axis=0) - other.resampled.mean(axis=0)
    interaction = first_interaction / counts[0] + second_interaction / counts[1]
    return Parts(seeds, degrees, interaction, _variance_over_videos(difference, n_videos), n_videos)


def _variance_over_videos(resampled: Floats, n_videos: int) -> float:
    """The variance of resampled numbers [R], for the n - 1 degrees that n videos leave; NaN where it cannot be told."""
    known = resampled[~np.isnan(resampled)]
    if n_videos < 2 or len(known) < 2:
        return math.nan
    return float(known.var(ddof=1)) * n_videos / (n_videos - 1)


def _interval(
    estimate: float, parts: Parts, n_seeds: tuple[int, ...], level: float, bounds: tuple[float, float]
) -> Interval:
    if math.isnan(parts.videos) or math.isnan(parts.seeds):
        return Interval(estimate, n_seeds, *[math.nan] * 4)
    alone = student(level, parts.n_videos - 1) * math.sqrt(parts.videos)
    both = max(parts.critical_value(level) * math.sqrt(parts.variance), alone)
    around = (estimate - both, estimate + both, estimate - alone, estimate + alone)
    return Interval(estimate, n_seeds, *(min(max(bound, bounds[0]), bounds[1]) for bound in around))


@cache
def student(level: float, degrees: float) -> float:
    """The value that a Student t of so many degrees of freedom stays below, in size, with probability `level`.

    With t = sqrt(degrees) tan(angle) the density is a power of a cosine: Gauss-Legendre integrates it, halving solves.
    """
    nodes, weights = np.polynomial.legendre.leggauss(64)
    whole = math.sqrt(math.pi) * math.exp(math.lgamma(degrees / 2) - math.lgamma((degrees + 1) / 2))
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        angle = (low + high) / 2
        inside = float(np.cos(angle * (nodes + 1) / 2) ** (degrees - 1) @ weights) * angle / whole
        low, high = (angle, high) if inside < level else (low, angle)
    return math.sqrt(degrees) * math.tan(low)
