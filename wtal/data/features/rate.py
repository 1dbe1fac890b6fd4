"""Snippets a second from the lengths of videos: the line of rows over durations, and the rows lost at the ends.

A video of d seconds has floor(rate * d) - lost rows: 0 are lost where a window is as long as its stride, 1 where it is
twice as long. The rows over the seconds alone would be too low a rate by every row that is lost, and by the rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from wtal.base.records import Floats, Integers

ON_LINE = 0.9  # share of the videos that lie on a line for it to be one
ROUNDING = 0.05  # rows by which a rounded duration may move a video
MOST_LOST = 64  # rows: windows of 65 strides
# How many rows are lost, by what is likeliest: none; rounded up or to the nearest; windows longer than their stride.
LOST = (0.0, -1.0, -0.5, *(float(rows) for rows in range(1, MOST_LOST + 1)))
MOST_PAIRED = 400  # videos whose pairs are looked at
USUAL_RATES = tuple((fps, stride) for stride in (16, 8, 4, 32, 64, 10, 5, 2, 1) for fps in (25, 30, 24))


@dataclass(frozen=True, slots=True)
class RateLine:
    """Most videos of d seconds have floor(rate * d) - lost rows."""

    rate: float  # snippets a second
    lost: int  # rows at the end of each video; below 0: rows more than the duration has room for
    least: float  # the lowest rate that fits as many videos
    most: float  # the highest
    if_one_is_lost: float | None = None  # the rate that fits as well if another row is lost, where that cannot be told


@dataclass(frozen=True, slots=True)
class _Region:
    """Rates at which the most videos have the rows that they have."""

    n_videos: int
    least: float
    most: float

    @property
    def middle(self) -> float:
        return (self.least + self.most) / 2


def measured_line(counts: Integers, seconds: Floats) -> RateLine:
    """The line of rows [V] over durations [V]: the one that the most videos lie on, of those the fewest rows lost.

    Up to a tenth of the videos may lie anywhere. Where less than nine tenths lie on any, as with durations in whole
    seconds, it is the median of the slopes between two videos (Sen, 1968), longer stretches weighing more.
    """
    ratio = float(np.median(counts / seconds))
    enough = min(ON_LINE * len(counts), max(4, len(counts) - 1))
    regions = {lost: _region(counts, seconds, lost) for lost in LOST}
    if (np.abs(counts - ratio * seconds) <= ROUNDING).sum() >= enough:
        if np.ptp(counts) > 1:
            return RateLine(ratio, 0, ratio, ratio)
        return RateLine(ratio, 0, ratio, max(ratio, regions[0.0].most), regions[1.0].middle)
    gain = max(1.0, 0.05 * len(counts))  # videos that a less likely number of lost rows must fit besides
    lost = 0.0
    for other in LOST[1:]:
        if regions[other].n_videos > regions[lost].n_videos + gain:
            lost = other
    chosen = regions[lost]
    if chosen.n_videos < enough:
        return _line_through_pairs(counts, seconds, ratio)
    other_region = regions[max(0.0, np.floor(lost)) + 1]
    cannot_tell = other_region.n_videos + gain >= chosen.n_videos
    if_one = other_region.middle if cannot_tell else None
    return RateLine(chosen.middle, int(np.floor(lost)) if lost >= 0 else 0, chosen.least, chosen.most, if_one)


def _region(counts: Integers, seconds: Floats, lost: float) -> _Region:
    """Where the most of the intervals overlap that each video leaves to the rate."""
    starts = np.sort((counts + lost - ROUNDING) / seconds)
    ends = np.sort((counts + lost + 1 + ROUNDING) / seconds)
    ended = np.searchsorted(ends, starts, side="left")
    covering = np.arange(1, len(starts) + 1) - ended
    best = np.flatnonzero(covering == covering.max())
    widths = ends[ended[best]] - starts[best]
    widest = best[int(np.argmax(widths))]
    return _Region(int(covering.max()), float(starts[widest]), float(ends[ended[widest]]))


def _line_through_pairs(counts: Integers, seconds: Floats, ratio: float) -> RateLine:
    order = np.argsort(seconds, kind="stable")
    some = order[np.unique(np.linspace(0, len(order) - 1, MOST_PAIRED).astype(int))]
    first, second = np.array(list(combinations(some.tolist(), 2)), dtype=np.int64).reshape(-1, 2).T
    stretch = seconds[second] - seconds[first]
    slopes, weights = (counts[second] - counts[first])[stretch > 0] / stretch[stretch > 0], stretch[stretch > 0]
    rate = ratio
    low, middle, high = np.quantile(seconds, (0.1, 0.5, 0.9))
    if len(slopes) and high - low > 0.2 * middle:
        by_slope = np.argsort(slopes, kind="stable")
        heaped = np.cumsum(weights[by_slope])
        slope = float(slopes[by_slope[int(np.searchsorted(heaped, heaped[-1] / 2))]])
        rate = slope if 0.5 < slope / ratio < 2 else ratio
    return RateLine(rate, lost_rows(counts, seconds, rate), rate, rate)


def lost_rows(counts: Integers, seconds: Floats, rate: float) -> int:
    """Rows [V] that each video has fewer than durations [V] at a rate have room for; below 0: more.

    0 where nine tenths of the videos do not agree on it, and where another rate, or another order of the videos, would
    explain as much without any.
    """
    expected = rate * seconds
    rest = counts - expected
    middle = float(np.median(rest))
    lost = int(np.rint(-middle - 0.5))
    agree = (np.abs(rest - middle) <= 2 + 0.02 * expected).mean() >= ON_LINE
    by_rate = _thickness(rest) > _thickness(counts - float(np.median(counts / seconds)) * seconds) - 0.25
    sorted_rest = np.abs(np.sort(counts) - np.sort(expected))
    by_order = (sorted_rest <= 1 + 0.02 * np.sort(expected)).mean() >= ON_LINE
    return lost if agree and not by_rate and not by_order and abs(lost) <= MOST_LOST else 0


def _thickness(rest: Floats) -> float:
    """Of the thinnest stripe that holds nine tenths of the videos [V], in rows."""
    n_held, ordered = int(np.ceil(ON_LINE * len(rest))), np.sort(rest)
    return float((ordered[n_held - 1 :] - ordered[: len(rest) - n_held + 1]).min())


def rate_by_frames(line: RateLine, frames_per_second: Floats) -> float | None:
    """The rate by frames a second [V] that are one and the same, if one whole number of frames a snippet fits alone."""
    if not len(frames_per_second) or np.ptp(frames_per_second) > 1e-6 * frames_per_second.max():
        return None
    stated = float(frames_per_second[0])
    first, last = int(np.ceil(stated / line.most - 1e-9)), int(np.floor(stated / line.least + 1e-9))
    return stated / first if first == last and first >= 1 else None


def follows_frames(counts: Integers, seconds: Floats, frames_per_second: Floats) -> bool:
    """Whether rows [V] are so many for each frame, and not for each second, in videos of unequal frame rates [V]."""
    if np.ptp(frames_per_second) < 0.001 * np.median(frames_per_second):
        return False
    by_second, by_frame = (_on_line(counts, length) for length in (seconds, seconds * frames_per_second))
    return by_frame >= ON_LINE > by_second


def _on_line(counts: Integers, length: Floats) -> float:
    """The share of videos on the line that most of them lie on."""
    return max(_region(counts, length, lost).n_videos for lost in LOST) / len(counts)


def told_of_lost(lost: int) -> list[str]:
    """A sentence on rows that all videos lack or have too many; none where there are none."""
    if not lost:
        return []
    if lost > 0:
        rows = "one row is" if lost == 1 else f"{lost} rows are"
        return [f"{rows} lost at the end of each video: windows longer than their stride"]
    rows = "one row" if lost == -1 else f"{-lost} rows"
    return [f"each video has {rows} more than its duration has room for: windows past its end"]


def told_of_line(line: RateLine) -> list[str]:
    """What a user should know of a rate that was derived: how sure it is, and which rows are missing."""
    told = told_of_lost(line.lost)
    words = "derived"
    if line.most - line.least > 1e-6 * line.rate:
        words += f", {line.least:.5g} to {line.most:.5g} fit as well"
    usual = [(fps, stride) for fps, stride in USUAL_RATES if line.least <= fps / stride <= line.most]
    usual = [pair for pair in usual if abs(pair[0] / pair[1] / line.rate - 1) > 1e-6][:2]
    for fps, stride in usual:
        words += f"; if a snippet is {stride} frames at {fps} a second, say --rate {fps / stride:.6g}"
    if words != "derived":
        told.append(words)
    if line.if_one_is_lost is not None:
        cannot_tell = "durations are too few or too much alike to tell how many rows are lost at the end of each video"
        told.append(f"{cannot_tell}: with one more it is {line.if_one_is_lost:.5g}")
    return told
