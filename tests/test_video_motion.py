"""The descriptor of motion orders clips of known speed and direction, and tells growth from turning."""

from __future__ import annotations

import numpy as np
import pytest

from tests.made_videos import moving, texture
from wtal.video.motion import CELLS, COLUMNS, DIRECTIONS, OF_CELL, SPEED_BOUNDS, MotionDescriptor

N_SPEEDS = len(SPEED_BOUNDS) + 1


def described(pictures: list[np.ndarray], rate: float = 25.0) -> dict[str, np.ndarray]:
    """The parts of a descriptor, means over its cells."""
    columns = MotionDescriptor()(pictures, rate)
    assert columns.shape == (COLUMNS,)
    mean = columns.reshape(CELLS * CELLS, OF_CELL).mean(axis=0)
    directions = mean[N_SPEEDS : N_SPEEDS + DIRECTIONS]
    return {"speeds": mean[:N_SPEEDS], "directions": directions, "divergence": mean[-2], "curl": mean[-1]}


def test_faster_motion_has_more_of_every_speed_bin_above() -> None:
    found = [described(moving(speed, 0)) for speed in (0.25, 0.5, 1, 2, 4)]
    speeds = [float(each["directions"].sum()) for each in found]
    assert speeds == sorted(speeds)
    assert speeds[-1] / speeds[0] == pytest.approx(16, rel=0.3)  # the flow is too long by a third below half a pixel
    # 2 pixels a frame at 25 frames a second are 50 of the 128 pixels of the shorter side.
    assert speeds[3] == pytest.approx(50 / 128, rel=0.05)
    bins = [int(each["speeds"].argmax()) for each in found]
    assert bins == sorted(bins)
    assert len(set(bins)) >= 4


@pytest.mark.parametrize(
    ("right", "down", "direction"),
    [(1, 0, 0), (1, -1, 1), (0, -1, 2), (-1, -1, 3), (-1, 0, 4), (-1, 1, 5), (0, 1, 6), (1, 1, 7)],
)
def test_a_direction_has_its_bin(right: int, down: int, direction: int) -> None:
    directions = described(moving(1.5 * right, 1.5 * down))["directions"]
    assert directions.argmax() == direction
    assert directions[direction] > 0.9 * directions.sum()


def warped(scale: float, angle: float) -> list[np.ndarray]:
    """Pictures of a texture that grows by a factor and turns by an angle (degrees) each frame."""
    import cv2

    still = np.repeat(texture().astype(np.uint8)[..., None], 3, axis=2)
    height, width = still.shape[:2]
    return [
        cv2.warpAffine(
            still,
            cv2.getRotationMatrix2D((width / 2, height / 2), angle * index, scale**index),
            (width, height),
            borderMode=cv2.BORDER_REFLECT,
        )
        for index in range(8)
    ]


def test_growth_diverges_and_turning_curls() -> None:
    growing, turning, sliding = described(warped(1.02, 0)), described(warped(1, 1.5)), described(moving(1, 0))
    assert growing["divergence"] > 3 * growing["curl"]
    assert turning["curl"] > 3 * turning["divergence"]
    assert growing["divergence"] > 3 * sliding["divergence"]
    assert turning["curl"] > 3 * sliding["curl"]


def test_a_picture_that_stays_has_no_motion() -> None:
    still = moving(0, 0, count=1)
    same, equal = described(still * 16), described([still[0].copy() for _ in range(16)])
    assert same["directions"].sum() == 0
    assert same["speeds"][0] == 1
    for part in ("speeds", "directions"):
        np.testing.assert_allclose(equal[part], same[part], atol=1e-3)


def test_frames_that_are_shown_twice_halve_the_pairs_that_move() -> None:
    held = [picture for picture in moving(2, 0, count=8) for _ in range(2)]  # shown for two frames each
    assert described(held)["directions"][0] == pytest.approx(7 / 15 * 2 * 25 / 128, rel=0.05)
