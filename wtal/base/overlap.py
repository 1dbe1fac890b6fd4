"""How much intervals overlap: one rule for proposals, detections and annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wtal.base.records import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray


def temporal_iou(
    start: Floats | float, end: Floats | float, other_start: Floats, other_end: Floats
) -> NDArray[np.float64]:
    """tIoU in [0, 1] of half-open intervals [N], or of a single one, with others [N], all in one unit.

    0 wherever they share no length, so for empty and reversed ones too.
    """
    shared = np.minimum(end, other_end) - np.maximum(start, other_start)
    union = (end - start) + (other_end - other_start) - shared
    overlap = np.zeros(len(shared))
    np.divide(shared, union, out=overlap, where=shared > 0)
    return overlap
