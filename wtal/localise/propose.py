"""From the scores of one class in one video to proposals; the one proposal code of labels and detection alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Proposals
from wtal.suite.method_settings import ProposalSettings


def proposals_of_class(scores: NDArray[np.floating], settings: ProposalSettings) -> Proposals:
    """Every maximal run above a threshold, for each threshold in turn; runs found twice are kept twice.

    scores: snippet scores of one class [T]. Bounds are in snippets; the end stored is the first snippet after the run
    plus one, as the method has it. Source: docs/method.md#scores-proposals-fusion.
    """
    values = np.asarray(scores, dtype=np.float64)
    thresholds = np.asarray(settings.thresholds)
    if settings.threshold_kind == "relative":
        thresholds = thresholds * (values.max() if len(values) else 0.0)
    start, end = _runs(values, thresholds)
    long_enough = end - start >= settings.minimum_length
    start, end = start[long_enough], end[long_enough]
    inner, outer = _inner_and_outer_means(values, start, end, settings)
    return Proposals(start.astype(np.float64), end.astype(np.float64) + 1, inner - outer, inner)


def outer_margin(length: NDArray[np.floating], settings: ProposalSettings) -> NDArray[np.float64]:
    """Width in snippets of the context on either side of segments of these lengths [P] in snippets."""
    return np.asarray(settings.margin_factor * length**settings.margin_power, dtype=np.float64)


def _runs(values: NDArray[np.float64], thresholds: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First snippet and first snippet after each run above a threshold, by threshold, then by time."""
    above = np.zeros((len(thresholds), len(values) + 2), dtype=np.int8)
    above[:, 1:-1] = values > thresholds[:, None]
    change = np.diff(above, axis=1)
    return np.nonzero(change == 1)[1], np.nonzero(change == -1)[1]


def _inner_and_outer_means(
    values: NDArray[np.float64], start: NDArray[np.intp], end: NDArray[np.intp], settings: ProposalSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n_snippets = len(values)
    total = np.concatenate([[0.0], np.cumsum(values)])
    margin = outer_margin((end - start).astype(np.float64), settings)
    inner_end = np.minimum(end + 1, n_snippets)  # the snippet after the run counts as inside
    inner = (total[inner_end] - total[start]) / (inner_end - start)
    left = np.maximum(0, np.floor(start - margin).astype(np.intp))
    right_start = np.minimum(end + 1, n_snippets)
    right_end = np.minimum(n_snippets - 1, np.floor(end + margin + 1).astype(np.intp))
    right_end = np.maximum(right_end, right_start)
    count = (start - left) + (right_end - right_start)
    mass = total[start] - total[left] + total[right_end] - total[right_start]
    return inner, np.divide(mass, count, out=np.zeros(len(start)), where=count > 0)
