"""Classification of whole videos: does the video score rank the videos that have a class first?

Two definitions are in use. `precision_at_positives` (the published code of this field): the mean over a class's
positive videos of the precision at their rank. `interpolated`: the area under the precision envelope, as detection AP
is taken; never below the first. Both rank by falling score, ties in the order of the videos.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wtal.base.errors import InputError
from wtal.base.records import Floats, Instances
from wtal.evaluate.score.precision import average_precisions

Definition = Literal["precision_at_positives", "interpolated"]


def classification_average_precisions(
    video_score: ArrayLike, is_positive: NDArray[np.bool_], definition: Definition = "precision_at_positives"
) -> Floats:
    """Average precision [C] in percent of video scores [V, C] against labels [V, C]; NaN for a class without video.

    Raises InputError where shapes differ or a score is not finite.
    """
    score = np.asarray(video_score, dtype=np.float64)
    if score.shape != is_positive.shape or score.ndim != 2:
        raise InputError(file="video_score", expected=f"shape {is_positive.shape}", got=score.shape)
    if not np.isfinite(score).all():
        raise InputError(file="video_score", expected="finite numbers", got="NaN or infinity")
    order = np.argsort(-score, axis=0, kind="stable")
    class_index, rank = np.nonzero(np.take_along_axis(is_positive, order, axis=0).T)
    table = average_precisions(
        np.zeros(len(class_index), dtype=np.int64),
        rank + 1,
        class_index,
        is_positive.sum(axis=0).astype(np.int64),
        1,
        definition == "interpolated",
    )
    return 100 * table[:, 0]


def classification_mean(
    video_score: ArrayLike, is_positive: NDArray[np.bool_], definition: Definition = "precision_at_positives"
) -> float:
    """Classification mAP in percent: the mean over the classes that some video has; NaN where none is.

    video_score, is_positive: [V, C].
    """
    each = classification_average_precisions(video_score, is_positive, definition)
    known = each[~np.isnan(each)]
    return float(known.mean()) if len(known) else float("nan")


def labels_of_instances(truth: Instances) -> NDArray[np.bool_]:
    """Which classes [V, C] occur in a video's temporal annotation."""
    labels = np.zeros((len(truth.videos), len(truth.classes)), dtype=bool)
    labels[truth.video, truth.class_index] = True
    return labels
