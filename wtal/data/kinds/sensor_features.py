"""Features of sensor recordings: 40 numbers per stream and snippet, from a window centred on the snippet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from wtal.suite.streams import Stream

# Axes: S samples, T snippets, D features; each of the two streams has four channels: three axes and their magnitude.

SAMPLES_PER_SECOND = 50
SAMPLES_PER_SNIPPET = 25  # 0.5 s
BANDS = ((1, 3), (3, 8), (8, 20), (20, 65))  # half-open, in bins: 0.39 Hz each of a window of 128 samples at 50 Hz
STREAMS = (Stream(name="accelerometer", columns=40), Stream(name="gyroscope", columns=40))
FEATURE_SIZE = 80
LARGEST = 5.0  # standard deviations from the training mean at which a feature is clipped
FLOOR = 1e-4  # added before a logarithm

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Windows:
    """How recordings are cut into snippets, and of which window around it each snippet's features are made."""

    samples_per_second: int = SAMPLES_PER_SECOND
    samples_per_snippet: int = SAMPLES_PER_SNIPPET
    samples: int = 128  # 2.56 s at 50 Hz


def window_features(samples: NDArray[np.float64], n_snippets: int, windows: Windows = Windows()) -> Array:
    """Raw features [T, 80] of samples [S, 6]: x, y, z of the accelerometer, then of the gyroscope.

    Each channel gives mean, log sd, least, most, log sd of the jerk, slope, and four log band energies. At the ends
    of a recording the first and the last sample are repeated.
    """
    channels = np.concatenate([_with_magnitude(samples[:, :3]), _with_magnitude(samples[:, 3:])], axis=1)
    length, step, rate = windows.samples, windows.samples_per_snippet, windows.samples_per_second
    before = length // 2 - step // 2  # a window is centred on the middle of its snippet
    after = max(0, (n_snippets - 1) * step - before + length - len(samples))
    padded = np.pad(channels, ((before, after), (0, 0)), mode="edge").astype(np.float32)
    pieces = sliding_window_view(padded, length, axis=0)[::step][:n_snippets]  # [T, 8, length]
    mean = pieces.mean(axis=2)
    centred = pieces - mean[:, :, None]
    jerk = np.diff(centred, axis=2) * rate
    features = [
        mean,
        _log(centred.std(axis=2)),
        pieces.min(axis=2),
        pieces.max(axis=2),
        _log(jerk.std(axis=2)),
        centred @ _slope_weights(length, rate),
        *_band_energies(centred),
    ]
    stacked: Array = np.stack(features, axis=2)  # [T, 8, 10]
    return stacked.reshape(n_snippets, FEATURE_SIZE)


def _with_magnitude(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([axes, np.sqrt((axes**2).sum(axis=1, keepdims=True))], axis=1)


def _log(values: Array) -> Array:
    logarithm: Array = np.log(values + np.float32(FLOOR))
    return logarithm


def _slope_weights(length: int, rate: int) -> Array:
    """Weights [length] whose product with a window is its least-squares slope, per second."""
    seconds = (np.arange(length) - (length - 1) / 2) / rate
    weights: Array = (seconds / (seconds**2).sum()).astype(np.float32)
    return weights


def _band_energies(centred: Array) -> list[Array]:
    spectrum = np.fft.rfft(centred, axis=2)
    energy = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) / centred.shape[2] ** 2
    return [_log(energy[:, :, first:last].sum(axis=2)) for first, last in BANDS]


def standardised(features: Array, mean: Array, deviation: Array) -> Array:
    """Features [T, D] in standard deviations from a mean [D], clipped at 5, every snippet of L2 norm sqrt(D)."""
    scaled = np.clip((features - mean) / deviation, -LARGEST, LARGEST)
    norm = np.sqrt((scaled.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    same_norm: Array = (scaled * (math.sqrt(features.shape[1]) / np.maximum(norm, 1e-12))).astype(np.float32)
    return same_norm


def training_statistics(features: list[Array]) -> tuple[Array, Array]:
    """Mean [D] and standard deviation [D] over all snippets of a list of [T, D]; a constant feature divides by 1."""
    rows = np.concatenate(features).astype(np.float64)
    deviation = rows.std(axis=0)
    deviation[deviation < 1e-8] = 1.0
    return rows.mean(axis=0).astype(np.float32), deviation.astype(np.float32)
