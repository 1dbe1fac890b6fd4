"""From the scores of classes in videos to proposals; the one proposal code of labels and detection alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Floats, Integers, ManyProposals, Proposals, VideoScores, offsets_of
from wtal.suite.method_settings import ProposalSettings


def proposals_in(scores: VideoScores, video: int, label: int, settings: ProposalSettings) -> Proposals:
    """The proposals of one class in one of several videos."""
    return proposals_of_pairs(scores, [video], [label], settings).of(0)


def proposals_of_pairs(
    scores: VideoScores, videos: Sequence[int], labels: Sequence[int], settings: ProposalSettings
) -> ManyProposals:
    """The proposals of several pairs of a video and a class, all at once; those of each as if it stood alone."""
    rows = [scores.rows(video) for video in videos]
    values = [scores.snippet_score[row, label].astype(np.float64) for row, label in zip(rows, labels)]
    held = values if settings.source == "scores" else [scores.attention[row].astype(np.float64) for row in rows]
    video_score = scores.video_score[list(videos), list(labels)].astype(np.float64)
    return _proposals(values, held, video_score, settings)


def proposals_of_class(
    scores: NDArray[np.floating],
    settings: ProposalSettings,
    attention: NDArray[np.floating] | None = None,
    video_score: float = 0.0,
) -> Proposals:
    """Every maximal run above a threshold, for each threshold in turn; runs found twice are kept twice.

    scores: snippet scores of one class [T]. attention: [T], which runs are made of where settings.source says so.
    Bounds are in snippets; with settings.run_length `plus_one` the end stored is the first snippet after the run plus
    one, as the method has it. Source: docs/method.md#scores-proposals-fusion.
    """
    values = np.asarray(scores, dtype=np.float64)
    held = values if settings.source == "scores" else np.asarray(attention, dtype=np.float64)
    return _proposals([values], [held], np.array([video_score]), settings).of(0)


def outer_margin(length: NDArray[np.floating], settings: ProposalSettings) -> NDArray[np.float64]:
    """Width in snippets of the context on either side of segments of these lengths [P] in snippets."""
    return np.asarray(settings.margin_factor * length**settings.margin_power, dtype=np.float64)


def _more(settings: ProposalSettings) -> int:
    """How many snippets after a run count as inside."""
    return 1 if settings.run_length == "plus_one" else 0


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of several pairs, by pair, then by threshold, then by time."""

    pair: Integers  # [P]
    start: Integers  # [P] first snippet
    end: Integers  # [P] first snippet after it

    def where(self, is_kept: NDArray[np.bool_]) -> _Runs:
        return _Runs(self.pair[is_kept], self.start[is_kept], self.end[is_kept])


def _proposals(
    values: Sequence[Floats], held: Sequence[Floats], video_score: Floats, settings: ProposalSettings
) -> ManyProposals:
    """Proposals of several pairs. values: scores [T] of each; held: what its runs are made of; video_score: [N]."""
    runs = _runs(held, settings)
    runs = runs.where(runs.end - runs.start >= settings.minimum_length)
    inner, outer = _inner_and_outer_means(values, runs, settings)
    contrast = inner - outer + settings.video_score_weight * video_score[runs.pair]
    start, end = runs.start.astype(np.float64), runs.end.astype(np.float64) + _more(settings)
    counts = np.bincount(runs.pair, minlength=len(values))
    return ManyProposals(Proposals(start, end, contrast, inner), offsets_of(counts))


def _runs(held: Sequence[Floats], settings: ProposalSettings) -> _Runs:
    """All runs above all thresholds, found where the number of thresholds that are exceeded changes."""
    n_pairs, n_thresholds = len(held), len(settings.thresholds)
    limits = np.asarray(settings.thresholds, dtype=np.float64)
    # Pairs lie one after the other with a zero before each and after the last, where every run has ended.
    first = offsets_of([len(row) + 1 for row in held])
    exceeded = np.zeros(int(first[-1]) + 1, dtype=np.int64)
    by_height = np.tile(np.arange(n_thresholds), (n_pairs, 1))
    for number, row in enumerate(held):
        own = limits
        if settings.threshold_kind == "relative":
            own = limits * (row.max() if len(row) else 0.0)
            by_height[number] = np.argsort(own, kind="stable")  # the other way round where the maximum is below 0
            own = own[by_height[number]]
        exceeded[first[number] + 1 : first[number + 1]] = own.searchsorted(row)
    change = np.diff(exceeded)
    rises, falls = np.flatnonzero(change > 0), np.flatnonzero(change < 0)
    rises, rise_ranks = _each(rises, exceeded[rises], change[rises])
    falls, fall_ranks = _each(falls, exceeded[falls + 1], -change[falls])
    longest = int(np.diff(first).max(initial=0)) + 1

    def in_order(pairs: Integers, ranks: Integers, time: Integers) -> Integers:
        """Pair, threshold and time of each in one number, sorted."""
        return np.sort((pairs * n_thresholds + by_height[pairs, ranks]) * longest + time)

    start_pair, end_pair = (first.searchsorted(places, side="right") - 1 for places in (rises, falls))
    starts = in_order(start_pair, rise_ranks, rises - first[start_pair])
    ends = in_order(end_pair, fall_ranks, falls - first[end_pair])
    threshold, start = np.divmod(starts, longest)
    runs = _Runs(threshold // n_thresholds, start, ends % longest)
    if settings.first_snippet == "lost":
        alone = np.bincount(threshold, minlength=n_pairs * n_thresholds)[threshold] == 1
        runs = runs.where(~(alone & (runs.end == 1)))
    return runs


def _each(places: Integers, lowest: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Each place [N] as often as counted, with whole numbers from its lowest on."""
    first = offsets_of(counts)[:-1]
    return np.repeat(places, counts), np.arange(counts.sum()) - np.repeat(first - lowest, counts)


def _inner_and_outer_means(values: Sequence[Floats], runs: _Runs, settings: ProposalSettings) -> tuple[Floats, Floats]:
    """Mean scores [P] inside runs and in the context around them."""
    lengths = np.array([len(row) for row in values], dtype=np.int64)
    first = offsets_of(lengths + 1)
    total = np.zeros(int(first[-1]))
    for number, row in enumerate(values):
        np.cumsum(row, out=total[first[number] + 1 : first[number + 1]])
    start, end, more = runs.start, runs.end, _more(settings)
    n_snippets, zero = lengths[runs.pair], first[runs.pair]
    margin = outer_margin((end - start).astype(np.float64), settings)
    inner_end = np.minimum(end + more, n_snippets)
    inner = (total[zero + inner_end] - total[zero + start]) / (inner_end - start)
    left = np.maximum(0, np.floor(start - margin).astype(np.intp))
    right_end = np.minimum(n_snippets - more, np.floor(end + margin + more).astype(np.intp))
    right_end = np.maximum(right_end, inner_end)
    count = (start - left) + (right_end - inner_end)
    mass = total[zero + start] - total[zero + left] + total[zero + right_end] - total[zero + inner_end]
    return inner, np.divide(mass, count, out=np.zeros(len(start)), where=count > 0)
