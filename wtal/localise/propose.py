"""From the scores of one class in one video to proposals; the one proposal code of labels and detection alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Proposals, VideoScores
from wtal.suite.method_settings import ProposalSettings


def proposals_in(scores: VideoScores, video: int, label: int, settings: ProposalSettings) -> Proposals:
    """The proposals of one class in one of several videos."""
    rows = scores.rows(video)
    video_score = float(scores.video_score[video, label])
    return proposals_of_class(scores.snippet_score[rows, label], settings, scores.attention[rows], video_score)


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
    thresholds = np.asarray(settings.thresholds)
    if settings.threshold_kind == "relative":
        thresholds = thresholds * (held.max() if len(held) else 0.0)
    start, end = _runs(held, thresholds, settings)
    long_enough = end - start >= settings.minimum_length
    start, end = start[long_enough], end[long_enough]
    inner, outer = _inner_and_outer_means(values, start, end, settings)
    contrast = inner - outer + settings.video_score_weight * video_score
    return Proposals(start.astype(np.float64), end.astype(np.float64) + _more(settings), contrast, inner)


def outer_margin(length: NDArray[np.floating], settings: ProposalSettings) -> NDArray[np.float64]:
    """Width in snippets of the context on either side of segments of these lengths [P] in snippets."""
    return np.asarray(settings.margin_factor * length**settings.margin_power, dtype=np.float64)


def _more(settings: ProposalSettings) -> int:
    """How many snippets after a run count as inside."""
    return 1 if settings.run_length == "plus_one" else 0


def _runs(
    values: NDArray[np.float64], thresholds: NDArray[np.float64], settings: ProposalSettings
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First snippet and first snippet after each run above a threshold, by threshold, then by time."""
    above = np.zeros((len(thresholds), len(values) + 2), dtype=np.int8)
    above[:, 1:-1] = values > thresholds[:, None]
    if settings.first_snippet == "lost":
        above[above[:, 2:].sum(axis=1) == 0] = 0
    change = np.diff(above, axis=1)
    return np.nonzero(change == 1)[1], np.nonzero(change == -1)[1]


def _inner_and_outer_means(
    values: NDArray[np.float64], start: NDArray[np.intp], end: NDArray[np.intp], settings: ProposalSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n_snippets, more = len(values), _more(settings)
    total = np.concatenate([[0.0], np.cumsum(values)])
    margin = outer_margin((end - start).astype(np.float64), settings)
    inner_end = np.minimum(end + more, n_snippets)
    inner = (total[inner_end] - total[start]) / (inner_end - start)
    left = np.maximum(0, np.floor(start - margin).astype(np.intp))
    right_end = np.minimum(n_snippets - more, np.floor(end + margin + more).astype(np.intp))
    right_end = np.maximum(right_end, inner_end)
    count = (start - left) + (right_end - inner_end)
    mass = total[start] - total[left] + total[right_end] - total[inner_end]
    return inner, np.divide(mass, count, out=np.zeros(len(start)), where=count > 0)
