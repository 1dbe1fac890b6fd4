"""Headline averages of every variant and seed under the same resamples of the test videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wtal.base.records import Floats
from wtal.evaluate.score.evaluation import Matches, evaluate_matches
from wtal.evaluate.score.intervals import SeedScores
from wtal.evaluate.score.thresholds import columns_of
from wtal.evaluate.score.uncertainty import draw_videos, resampled_means

Key = tuple[str, int]  # variant and seed


@dataclass(frozen=True, slots=True)
class Resamples:
    """Headline averages in percent by variant and seed; resample r holds the same videos for every key."""

    n_videos: int
    points: Mapping[Key, float]  # on all videos
    averages: Mapping[Key, Floats]  # [R]

    def scores(self, variant: str, seeds: Sequence[int]) -> SeedScores:
        """A variant's numbers over seeds."""
        keys = [(variant, seed) for seed in seeds]
        return SeedScores(np.array([self.points[key] for key in keys]), np.stack([self.averages[key] for key in keys]))


def resampled_headlines(matches: Mapping[Key, Matches], headline: str, n_resamples: int) -> Resamples:
    """The headline average of each variant and seed under the resamples that every command draws.

    matches: all of them scored on the same videos and thresholds.
    """
    first = next(iter(matches.values()))
    weights = draw_videos(first.videos, n_resamples)
    columns = columns_of(headline, first.options.tiou)
    points = {key: float(evaluate_matches(found).mean[columns].mean()) for key, found in matches.items()}
    averages = {key: resampled_means(found, weights)[:, columns].mean(axis=1) for key, found in matches.items()}
    return Resamples(len(first.videos), points, averages)
