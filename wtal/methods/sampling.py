"""What an epoch of training sees: which snippets of a video, and which videos, in what order.

All of it is drawn from the generator that is passed in. Source: docs/methods.md.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.suite.training_settings import Sampling

Rows = NDArray[np.intp]


def seen_snippets(sampling: Sampling, n_snippets: int, n_sampled: int | None) -> int:
    """How many snippets of a video of `n_snippets` a sample has."""
    if n_sampled is None:
        return n_snippets
    return min(n_snippets, n_sampled) if sampling in ("parts", "crop_pad") else n_sampled


def sampled_rows(sampling: Sampling, n_snippets: int, n_sampled: int | None, rng: np.random.Generator) -> Rows | None:
    """The snippets of a video of a sample, which never go back in time; None, meaning all, as they are.

    A longer video is cut to `n_sampled`. A shorter one is left as it is by `parts` and `crop_pad`, and masked where a
    batch pads it; `perturb` and `uniform` stretch it by repetition.
    """
    if n_sampled is None or seen_snippets(sampling, n_snippets, n_sampled) == n_snippets:
        return None
    if sampling == "parts":
        return _parts(n_snippets, n_sampled, rng)
    if sampling == "crop_pad":
        return np.arange(n_sampled) + rng.integers(n_snippets - n_sampled, endpoint=True)
    grid = np.arange(n_sampled) * n_snippets // n_sampled
    return grid if sampling == "uniform" else _perturbed(grid, n_snippets, rng)


def _parts(n_snippets: int, n_sampled: int, rng: np.random.Generator) -> Rows:
    """One snippet drawn from each of `n_sampled` equal parts."""
    edges = np.linspace(0, n_snippets, n_sampled + 1)
    return np.floor(rng.uniform(edges[:-1], edges[1:])).astype(np.intp)


def _perturbed(grid: Rows, n_snippets: int, rng: np.random.Generator) -> Rows:
    """For each point of a grid a snippet drawn from there to the next point, both included, the last to the end."""
    return rng.integers(grid, np.append(grid[1:], n_snippets - 1), endpoint=True).astype(np.intp)


def pair_weight_of(labels: NDArray[np.bool_], pairs: int) -> float:
    """What a loss of pairs weighs for each of the two, summed over the classes that they share.

    With it the mean over all videos of a step is the mean over every class that a pair shares, half from each video.
    labels: of the videos of a step [S, C], its pairs first; each pair shares a class.
    """
    first, second = labels[0 : 2 * pairs : 2], labels[1 : 2 * pairs : 2]
    return len(labels) / (2.0 * int((first & second).sum()))


def paired_order(
    labels: NDArray[np.bool_],
    learnt_from: list[int],
    videos_per_step: int,
    pairs: int,
    rng: np.random.Generator,
    *,
    with_replacement: bool,
) -> list[int]:
    """The videos of an epoch, step by step: pairs that share a class, one after the other, and then any videos.

    An epoch has the fewest whole steps that are as many samples as there are videos. Classes are drawn with
    replacement, and so are the videos that are in no pair; with_replacement: those of a pair too, which may then be one
    video twice. labels: video-level labels [V, C]. Raises InputError where no class has videos enough.
    """
    numbers = np.array(learnt_from)
    videos_of_class = [numbers[videos] for videos in labels[numbers].T]
    videos_of_class = [videos for videos in videos_of_class if len(videos) >= (1 if with_replacement else 2)]
    if not videos_of_class:
        expected = "a class with two videos that are learnt from, for pairs without replacement"
        raise InputError(file="training", key="batch", expected=expected, got="none")
    order: list[int] = []
    for _ in range(math.ceil(len(numbers) / videos_per_step)):
        for class_index in rng.integers(len(videos_of_class), size=pairs):
            order += rng.choice(videos_of_class[class_index], 2, replace=with_replacement).tolist()
        order += rng.choice(numbers, videos_per_step - 2 * pairs).tolist()
    return order
