"""Headline averages of every variant and seed under the same resamples of the test videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wtal.evaluate.intervals import Figures
from wtal.evaluate.protocols import Matches
from wtal.evaluate.thresholds import columns_of
from wtal.evaluate.uncertainty import draw_videos, resampled_means
from wtal.records import Floats

Key = tuple[str, int]  # variant and seed


@dataclass(frozen=True, slots=True)
class Resamples:
    """Headline averages in percent [R] by variant and seed; resample r holds the same videos for every key."""

    n_videos: int
    averages: Mapping[Key, Floats]

    def figures(self, variant: str, seeds: Sequence[int], points: Sequence[float]) -> Figures:
        """A variant's figures over seeds; `points` are those on all videos."""
        return Figures(np.array(points), np.stack([self.averages[variant, seed] for seed in seeds]))


def resampled_headlines(matches: Mapping[Key, Matches], headline: str, n_resamples: int) -> Resamples:
    """The headline average of each variant and seed under the resamples that every command draws.

    matches: all of them scored on the same videos and thresholds.
    """
    first = next(iter(matches.values()))
    weights = draw_videos(first.videos, n_resamples)
    columns = columns_of(headline, first.options.tiou)
    averages = {key: resampled_means(own, weights)[:, columns].mean(axis=1) for key, own in matches.items()}
    return Resamples(len(first.videos), averages)
