"""Features of a hand from the positions of its joints alone: its shape, and how it moves.

Axes: S rows, T snippets, D features. Joints: the palm, three of the thumb, then four of each other finger, base to tip.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from wtal.base.records import Floats
from wtal.suite.streams import Stream

ROWS_PER_SECOND = 50
JOINTS = 20
PALM = 0
FINGERS = ((1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11), (12, 13, 14, 15), (16, 17, 18, 19))
TIPS = tuple(finger[-1] for finger in FINGERS)
INDEX_BASE, MIDDLE_BASE, LITTLE_BASE = 4, 8, 16
SHAPE, MOTION = 92, 31  # channels of a row
STREAMS = (Stream(name="shape", columns=2 * SHAPE), Stream(name="motion", columns=3 * MOTION))
FEATURE_SIZE = 2 * SHAPE + 3 * MOTION
FLOOR = 1e-3  # added before a logarithm, in lengths of a hand
LEAST = 1e-9  # of a length that divides

Array = NDArray[np.float32]


def hand_features(joints: Floats, rows_per_snippet: int, window_rows: int) -> Array:
    """Raw features [T, D] of joints [S, 20, 3]: what is said of a row, averaged over each snippet and its window.

    Shape: means over the snippet and log standard deviations over the window. Motion: means over both, and the log
    standard deviations. At the ends of a sequence the first and the last row are repeated. The size of the hand
    (the median distance of the palm from the middle finger's base) divides every length.
    """
    size = np.median(np.linalg.norm(joints[:, MIDDLE_BASE] - joints[:, PALM], axis=1))
    scaled = joints / max(float(size), LEAST)
    shape, motion = shape_of_rows(scaled), motion_of_rows(scaled)
    n_snippets = len(joints) // rows_per_snippet

    def over(channels: Floats, length: int) -> Floats:
        return _windows(channels, rows_per_snippet, length, n_snippets)

    own, around = rows_per_snippet, window_rows
    parts = [
        over(shape, own).mean(axis=2),
        np.log(over(shape, around).std(axis=2) + FLOOR),
        over(motion, own).mean(axis=2),
        over(motion, around).mean(axis=2),
        np.log(over(motion, around).std(axis=2) + FLOOR),
    ]
    features: Array = np.concatenate(parts, axis=1).astype(np.float32)
    return features


def _windows(channels: Floats, step: int, length: int, n_snippets: int) -> Floats:
    """Windows [T, channels, length], each centred on the middle of its snippet."""
    before = max(0, (length - step) // 2)
    first = max(0, (step - length) // 2)
    after = max(0, first + (n_snippets - 1) * step - before + length - len(channels))
    padded = np.pad(channels, ((before, after), (0, 0)), mode="edge")[first:]
    windows: Floats = sliding_window_view(padded, length, axis=0)[::step][:n_snippets]
    return windows


def shape_of_rows(joints: Floats) -> Floats:
    """What a hand looks like [S, 92], of joints [S, 20, 3] in lengths of a hand.

    Positions of 19 joints from the palm; the five tips in axes of the hand; how straight each finger is; distances
    of the tips from each other and from the palm.
    """
    relative = joints - joints[:, PALM : PALM + 1]
    axes = _axes_of_hand(relative)
    tips = relative[:, TIPS]
    in_hand = np.einsum("stk,sak->sta", tips, axes)
    apart = np.stack([np.linalg.norm(tips[:, a] - tips[:, b], axis=1) for a, b in combinations(range(5), 2)], axis=1)
    parts = [relative[:, 1:].reshape(len(joints), -1), in_hand.reshape(len(joints), -1), _straightness(joints), apart]
    return np.concatenate([*parts, np.linalg.norm(tips, axis=2)], axis=1)


def motion_of_rows(joints: Floats) -> Floats:
    """How a hand moves [S, 31], of joints [S, 20, 3] in lengths of a hand: a second is the unit of time.

    The palm's velocity, speed and acceleration; how its way bends; velocities of the tips beside the palm's; how fast
    fingers bend; how the hand turns.
    """
    relative = joints - joints[:, PALM : PALM + 1]
    velocity = _rate(joints[:, PALM])
    acceleration = _rate(velocity)
    axes = _axes_of_hand(relative)
    tips = np.einsum("stk,sak->sta", _rate(relative[:, TIPS]), axes)
    speed = np.linalg.norm(velocity, axis=1, keepdims=True)
    bend = np.cross(velocity, acceleration) / (speed**2 + 1.0)
    parts = [
        velocity,
        speed,
        np.linalg.norm(acceleration, axis=1, keepdims=True),
        bend,
        tips.reshape(len(joints), -1),
        _rate(_straightness(joints)),
        np.cross(axes[:, 2], _rate(axes[:, 2])),
    ]
    return np.concatenate(parts, axis=1)


def _rate(values: Floats) -> Floats:
    """Change a second of each value along the rows, over two rows; 0 where there is one row alone."""
    if len(values) < 2:
        return np.zeros_like(values)
    change: Floats = np.gradient(values, axis=0) * ROWS_PER_SECOND
    return change


def _axes_of_hand(relative: Floats) -> Floats:
    """Three unit vectors [S, 3, 3] of the hand: across the palm, along the middle finger's base, out of the palm."""
    along = _unit(relative[:, MIDDLE_BASE])
    across = relative[:, INDEX_BASE] - relative[:, LITTLE_BASE]
    normal = _unit(np.cross(across, along))
    return np.stack([np.cross(along, normal), along, normal], axis=1)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Floats = vectors / np.maximum(length, LEAST)
    return unit


def _straightness(joints: Floats) -> Floats:
    """How straight each finger is [S, 5]: the distance from base to tip as a share of the way along its joints."""
    columns = []
    for finger in FINGERS:
        chain = joints[:, (PALM, *finger)]
        way = np.linalg.norm(np.diff(chain, axis=1), axis=2).sum(axis=1)
        columns.append(np.linalg.norm(chain[:, -1] - chain[:, 0], axis=1) / np.maximum(way, LEAST))
    return np.stack(columns, axis=1)
