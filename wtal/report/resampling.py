"""Headline averages of every variant and seed under the same resamples of the test videos."""

from __future__ import annotations

from collections.abc import Mapping

from wtal.evaluate.protocols import Matches
from wtal.evaluate.thresholds import columns_of
from wtal.evaluate.uncertainty import draw_videos, resampled_means
from wtal.report.statistics import Resamples


def resampled_headlines(
    matches: Mapping[tuple[str, int], Matches], headline: str, n_resamples: int, suite: str
) -> Resamples:
    """For each variant and seed the headline average in percent [R]; resample r holds the same videos for all.

    matches: all of them scored on the same videos and thresholds. The resamples depend on the suite's name alone.
    """
    first = next(iter(matches.values()))
    weights = draw_videos(len(first.videos), n_resamples, suite)
    columns = columns_of(headline, first.options.tiou)
    return {key: resampled_means(own, weights)[:, columns].mean(axis=1) for key, own in matches.items()}
