"""Mean, deviation, intervals and paired differences of figures over seeds and bootstrap resamples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wtal.records import Floats

# Headline averages [R] in percent of one variant and seed under resamples of the test videos. Resample r holds the
# same videos for every key, which is what makes differences paired.
Resamples = Mapping[tuple[str, int], Floats]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; bounds are NaN where nothing was resampled."""

    value: float
    low: float
    high: float


def mean_and_deviation(values: ArrayLike) -> tuple[float, float]:
    """Mean and sample standard deviation of figures [S]; NaN entries are left out, one value alone has no deviation."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    mean = float(known.mean()) if len(known) else math.nan
    return mean, float(known.std(ddof=1)) if len(known) > 1 else math.nan


def mean_over_seeds(resamples: Resamples, variant: str, seeds: Sequence[int]) -> Floats:
    """The mean over seeds of a variant's resampled figures [R]; empty where it has none."""
    rows = [resamples[variant, seed] for seed in seeds if (variant, seed) in resamples]
    return np.mean(rows, axis=0) if rows else np.zeros(0)


def estimate(value: float, samples: Floats, level: float) -> Estimate:
    """A figure with the percentile interval of its resamples [R] at a level such as 0.95."""
    known = samples[~np.isnan(samples)]  # a resample may hold no instance at all
    if not len(known):
        return Estimate(value, math.nan, math.nan)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))


def paired_difference(value: float, samples: Floats, other: float, other_samples: Floats, level: float) -> Estimate:
    """How much a figure is above another, with the interval of the difference over the same resamples [R]."""
    return estimate(value - other, samples - other_samples, level)
