"""Average precision from hits: arithmetic alone, apart from matching."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Floats, Integers


def average_precisions(
    hit_threshold: Integers,
    hit_rank: Integers,
    hit_class: Integers,
    n_instances: Integers,
    n_thresholds: int,
    is_interpolated: bool,
    constant: float | None = None,
) -> Floats:
    """Average precision [C, n_thresholds] in [0, 1]; NaN for a class without an instance.

    Hits are ordered by threshold, class and rank; a rank counts the detections of the class from 1 by falling score.
    Interpolated: the area under the curve of precision made non-increasing from the right, every point of it.
    Otherwise: the sum of precision at each hit over the number of instances. n_instances: [C].
    constant: N of the normalised precision recall * N / (recall * N + false positives), so that classes and subsets
    of different size can be compared (Hoiem et al., ECCV 2012); None: plain precision, N is each class's own number.
    """
    n_classes = len(n_instances)
    segment = hit_threshold * n_classes + hit_class
    starts = segment_starts(segment)
    lengths = np.diff(np.append(starts, len(segment)))
    found = np.arange(1, len(segment) + 1) - np.repeat(starts, lengths)
    if constant is None:
        precision = found / hit_rank
    else:
        recalled = found * (constant / n_instances[hit_class])
        precision = recalled / (recalled + (hit_rank - found))
    if is_interpolated:
        precision = envelope(precision[None, :], starts)[0]
    total = np.bincount(segment, weights=precision, minlength=n_thresholds * n_classes)
    area = total.reshape(n_thresholds, n_classes).T
    table = np.full(area.shape, np.nan)
    np.divide(area, n_instances[:, None], out=table, where=n_instances[:, None] > 0)
    return table


def segment_starts(segment: Integers) -> NDArray[np.intp]:
    """Where each run of equal values of a sorted array [N] begins."""
    if not len(segment):
        return np.zeros(0, dtype=np.intp)
    return np.concatenate([[0], np.flatnonzero(np.diff(segment)) + 1]).astype(np.intp)


def envelope(precision: Floats, starts: NDArray[np.intp]) -> Floats:
    """Precision [B, H] made non-increasing from the right within each segment of the last axis."""
    result = np.empty_like(precision)
    for begin, end in zip(starts, np.append(starts[1:], precision.shape[1])):
        np.maximum.accumulate(precision[:, begin:end][:, ::-1], axis=1, out=result[:, begin:end][:, ::-1])
    return result


def mean_average_precision(table: Floats, n_zero: int = 0) -> Floats:
    """The mean [n_thresholds] of a table of average precision [C, n_thresholds] over the classes with instances.

    n_zero: further classes that count 0.
    """
    defined = ~np.isnan(table[:, 0]) if table.shape[1] else np.zeros(len(table), dtype=bool)
    if not defined.any():
        return np.full(table.shape[1], np.nan)
    n_defined = int(defined.sum())
    return np.asarray(table[defined].mean(axis=0) * (n_defined / (n_defined + n_zero)))
