"""A descriptor of the motion in a snippet: histograms of dense optical flow on a grid of cells."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wtal.video.contract import Snippet

CELLS = 4  # along each side
SPEED_BOUNDS = (0.02, 0.05, 0.1, 0.25, 0.6)  # between the bins, in shorter sides of the picture a second
DIRECTIONS = 8  # bins, the first centred on motion to the right, then counter-clockwise
OF_CELL = len(SPEED_BOUNDS) + 1 + DIRECTIONS + 2  # and the energies of divergence and curl
COLUMNS = CELLS * CELLS * OF_CELL


class MotionDescriptor:
    """Per cell: shares of the pixels by speed, mean speed by direction, energies of divergence and curl.

    The flow is DIS: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016.
    """

    def __init__(self) -> None:
        import cv2

        cv2.setNumThreads(1)  # the same bytes on any number of cores
        self.cv2: Any = cv2
        self.flow_of: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def __call__(self, snippet: Snippet, frames_per_second: float) -> NDArray[np.float32]:
        """The descriptor [COLUMNS] of a snippet. frames_per_second: of its pictures."""
        total = np.zeros((CELLS, CELLS, OF_CELL))
        grey = self.cv2.cvtColor(snippet[0], self.cv2.COLOR_RGB2GRAY)
        still = _of_still()
        for before, after in pairwise(snippet):
            if after is before:
                total += still
                continue
            next_grey = self.cv2.cvtColor(after, self.cv2.COLOR_RGB2GRAY)
            flow = self.flow_of.calc(grey, next_grey, None)
            total += _described(flow * (frames_per_second / min(grey.shape)))
            grey = next_grey
        mean: NDArray[np.float32] = (total / max(1, len(snippet) - 1)).astype(np.float32).reshape(-1)
        return mean


def _of_still() -> NDArray[np.float64]:
    """The description of a pair of equal pictures: all pixels in the lowest bin of speed."""
    cells = np.zeros((CELLS, CELLS, OF_CELL))
    cells[:, :, 0] = 1
    return cells


def _described(flow: NDArray[np.float32]) -> NDArray[np.float64]:
    """The description [CELLS, CELLS, OF_CELL] of a field of velocities [H, W, 2], right and down, in sides a second."""
    right, down = flow[..., 0], flow[..., 1]
    speed = np.hypot(right, down)
    speed_bin = np.digitize(speed, SPEED_BOUNDS)
    turn = np.arctan2(-down, right) * (DIRECTIONS / (2 * np.pi))
    direction_bin = np.floor(turn + 0.5).astype(np.int64) % DIRECTIONS
    divergence = _slope(right, 1) + _slope(down, 0)
    curl = _slope(down, 1) - _slope(right, 0)
    n_speeds = len(SPEED_BOUNDS) + 1
    cell, n_pixels = _cells(*speed.shape)
    n_cells = CELLS * CELLS

    def summed(bins: NDArray[np.int64], n_bins: int, weight: NDArray[Any] | None) -> NDArray[np.float64]:
        flat = (cell * n_bins + bins).reshape(-1)
        weights = None if weight is None else weight.reshape(-1)
        return np.bincount(flat, weights, minlength=n_cells * n_bins).reshape(n_cells, n_bins).astype(np.float64)

    zero = np.zeros_like(speed_bin)
    parts = [
        summed(speed_bin, n_speeds, None),
        summed(direction_bin, DIRECTIONS, speed),
        summed(zero, 1, divergence**2),
        summed(zero, 1, curl**2),
    ]
    # A strong change of flow is rare and large: its root is of the size of the other columns.
    shares = [part / n_pixels[:, None] for part in parts]
    return np.concatenate([*shares[:2], *map(np.sqrt, shares[2:])], axis=1).reshape(CELLS, CELLS, OF_CELL)


def _slope(field: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Change a pixel of a field [H, W] along an axis, in sides of the picture a second for each hundredth of a side."""
    scale = np.float32(min(field.shape) / 100)
    slope: NDArray[np.float32] = np.gradient(field, axis=axis) * scale
    return slope


def _cells(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The number of the cell of each pixel [H, W], and how many pixels each has."""
    row = np.arange(height) * CELLS // height
    column = np.arange(width) * CELLS // width
    cell = (row[:, None] * CELLS + column[None, :]).astype(np.int64)
    return cell, np.maximum(1, np.bincount(cell.reshape(-1), minlength=CELLS * CELLS)).astype(np.float64)
