"""Power: how many seeds a difference needs to be told, and which difference no number of seeds can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wtal.evaluate.score.intervals import Parts, SeedScores, parts_of, student

POWER = 0.8
FEWEST, MOST = 3, 10_000  # seeds; the interval is calibrated from three on


@dataclass(frozen=True, slots=True)
class Components:
    """What a paired difference on a suite varies by, points squared."""

    seeds: float  # of one seed's difference on these test videos
    interaction: float  # the part of it that other videos would change
    videos: float  # over sets of test videos, the same for every seed
    n_videos: int

    def parts(self, n_seeds: int) -> Parts:
        """The variance that a mean over so many seeds is expected to have."""
        interaction = self.interaction / n_seeds
        return Parts(self.seeds / n_seeds, n_seeds - 1, interaction, self.videos + interaction, self.n_videos)


def components_of(difference: SeedScores, n_videos: int) -> Components:
    """The components of a paired difference of two seeds or more."""
    n_seeds, parts = len(difference.points), parts_of(difference, n_videos)
    videos = max(parts.videos - parts.interaction, 0.0)
    return Components(parts.seeds * n_seeds, parts.interaction * n_seeds, videos, n_videos)


def least_difference(components: Components, n_seeds: float, level: float) -> float:
    """The difference, in points, that so many seeds tell with a probability of POWER; infinity: the best possible."""
    above = 2 * POWER - 1  # Student's t stays below with probability POWER where it stays within with this one
    if math.isinf(n_seeds):
        degrees = components.n_videos - 1
        return (student(level, degrees) + student(above, degrees)) * math.sqrt(components.videos)
    parts = components.parts(int(n_seeds))
    return (parts.critical_value(level) + parts.critical_value(above)) * math.sqrt(parts.variance)


def seeds_needed(components: Components, difference: float, level: float) -> int | None:
    """The fewest seeds that tell a difference, in points, with a probability of POWER; None where none do."""
    if least_difference(components, MOST, level) > difference:
        return None
    low, high = FEWEST - 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if least_difference(components, middle, level) <= difference else (middle, high)
    return high
