"""The one tIoU of proposals, detections and annotations."""

from __future__ import annotations

import numpy as np
import pytest

from wtal.base.overlap import temporal_iou


@pytest.mark.parametrize(
    ("other", "expected"),
    [((2, 6), 1.0), ((2, 4), 0.5), ((4, 8), 1 / 3), ((6, 9), 0.0), ((7, 9), 0.0), ((3, 3), 0.0), ((5, 3), 0.0)],
)
def test_overlap_is_shared_length_over_covered_length(other: tuple[float, float], expected: float) -> None:
    start, end = np.array([other], dtype=np.float64).T
    assert temporal_iou(2.0, 6.0, start, end).tolist() == [expected]
    assert temporal_iou(start, end, np.array([2.0]), np.array([6.0])).tolist() == [expected]


def test_two_intervals_without_length_do_not_overlap() -> None:
    assert temporal_iou(3.0, 3.0, np.array([3.0]), np.array([3.0])).tolist() == [0.0]


def test_no_others_give_no_overlaps() -> None:
    assert temporal_iou(0.0, 1.0, np.zeros(0), np.zeros(0)).shape == (0,)
