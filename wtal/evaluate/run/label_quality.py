"""How good pseudo labels are, against the hidden truth of the training videos. A diagnosis; training never sees it.

Looked at are the classes that a video truly has, so that only *where* counts, not *what*:
- a snippet is truly of a class where its centre lies in an instance of the class;
- it is labelled where its label exceeds half of the video's largest label of that class;
- precision and recall count labelled and true snippets over all videos and their classes together;
- average precision ranks, for each class, the snippets of the videos that have it by their label (not interpolated,
  equal labels share one rank), and is the mean over classes;
- label mAP scores the segments that the labels were made from as detections under the suite's protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.records import Detections, Floats, Instances, Integers
from wtal.base.timebase import to_seconds
from wtal.evaluate.score.classification import labels_of_instances
from wtal.evaluate.score.evaluation import evaluate_detections
from wtal.evaluate.score.options import EvaluationOptions
from wtal.localise.labels.file import PseudoLabels


@dataclass(frozen=True, slots=True)
class LabelQuality:
    """Shares in percent, NaN where nothing defines them; `infeasible_share` in [0, 1]."""

    precision: float
    recall: float
    average_precision: float
    label_map: float
    infeasible_share: float  # of the programmes, those without a solution
    violation: float  # mean over programmes of the largest constraint residual


def label_quality(
    labels: PseudoLabels, classes: Sequence[str], truth: Instances, options: EvaluationOptions
) -> LabelQuality:
    """Quality of one round's labels of these classes against the instances of the same videos.

    options: the suite's protocol; `snippets_per_second` must be set. Raises InputError where videos or classes differ.
    """
    rate = options.snippets_per_second
    if rate is None:
        raise InputError(file="options", key="snippets_per_second", expected="the rate of the labels", got=None)
    video_numbers = _video_numbers(labels, classes, truth)
    solved = labels.status >= 0
    infeasible = float((labels.status[solved] == 1).mean()) if solved.any() else float("nan")
    violation = float(labels.violation[solved].astype(np.float64).mean()) if solved.any() else float("nan")
    if not len(truth):  # video-level labels alone: no bounds to hold the labels against
        unknown = float("nan")
        return LabelQuality(unknown, unknown, unknown, unknown, infeasible, violation)
    is_true, pseudo_label, column, is_labelled = _snippets(labels, truth, video_numbers, rate)
    n_true, n_labelled = int(is_true.sum()), int(is_labelled.sum())
    both = int((is_true & is_labelled).sum())
    return LabelQuality(
        precision=100 * both / n_labelled if n_labelled else float("nan"),
        recall=100 * both / n_true if n_true else float("nan"),
        average_precision=_mean_of_classes(pseudo_label, is_true, column, len(classes)),
        label_map=_label_map(labels, truth, options, rate),
        infeasible_share=infeasible,
        violation=violation,
    )


def _video_numbers(labels: PseudoLabels, classes: Sequence[str], truth: Instances) -> list[int]:
    """The number in the truth of each labelled video."""
    if tuple(classes) != truth.classes:
        raise InputError(file="labels", key="classes", expected=", ".join(truth.classes), got=", ".join(classes))
    number_of = {name: number for number, name in enumerate(truth.videos)}
    missing = [name for name in labels.videos if name not in number_of]
    if missing:
        raise InputError(file="labels", key="videos", expected="videos of the training subset", got=repr(missing[0]))
    return [number_of[name] for name in labels.videos]


def _snippets(
    labels: PseudoLabels, truth: Instances, video_numbers: list[int], rate: float
) -> tuple[NDArray[np.bool_], Floats, Integers, NDArray[np.bool_]]:
    """For each snippet of each video and each class the video has: truth, label, class, and whether labelled."""
    has_class = labels_of_instances(truth)
    found, shown = [], labels.shown()
    for number, video in enumerate(video_numbers):
        pseudo_label = shown[labels.rows(number)]
        centre = to_seconds(np.arange(len(pseudo_label)) + 0.5, rate)
        for column in np.flatnonzero(has_class[video]):
            rows = (truth.video == video) & (truth.class_index == column)
            inside = (truth.start[rows, None] <= centre) & (centre < truth.end[rows, None])
            values = pseudo_label[:, column]
            labelled = values > max(values.max(initial=0.0) / 2, 0.0)
            found.append((inside.any(axis=0), values, np.full(len(values), column, dtype=np.int64), labelled))
    if not found:
        return np.zeros(0, bool), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, bool)
    is_true, values, columns, is_labelled = (np.concatenate(parts) for parts in zip(*found))
    return is_true, values, columns, is_labelled


def _mean_of_classes(pseudo_label: Floats, is_true: NDArray[np.bool_], column: Integers, n_classes: int) -> float:
    each = [
        snippet_average_precision(pseudo_label[column == number], is_true[column == number])
        for number in range(n_classes)
        if is_true[column == number].any()
    ]
    return 100 * float(np.mean(each)) if each else float("nan")


def snippet_average_precision(value: Floats, is_true: NDArray[np.bool_]) -> float:
    """Average precision in [0, 1] of values [N], not interpolated; equal values share one rank, the last of them.

    The sum over distinct values, falling, of precision there times the recall gained. NaN where nothing is true.
    """
    if not is_true.any():
        return float("nan")
    order = np.argsort(-value, kind="stable")
    last_of_value = np.append(np.flatnonzero(np.diff(value[order])), len(value) - 1)
    found = np.cumsum(is_true[order])[last_of_value]
    gained = np.diff(found, prepend=0)
    return float((found / (last_of_value + 1) * gained).sum() / found[-1])


def _label_map(labels: PseudoLabels, truth: Instances, options: EvaluationOptions, rate: float) -> float:
    """The headline mAP of the segments that the labels were made from, background left out."""
    rows = labels.segment_class < len(truth.classes)
    found = Detections(
        labels.videos,
        truth.classes,
        labels.segment_video[rows].astype(np.int64),
        labels.segment_class[rows].astype(np.int64),
        to_seconds(labels.segment_start[rows], rate),
        to_seconds(labels.segment_end[rows], rate),
        labels.segment_score[rows].astype(np.float64),
    )
    return evaluate_detections(found, truth, options, source="instances of the labels").headline
