"""Several videos in one tensor: snippets concatenated for the embedding, padded for all that is done per video."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SCORING_SNIPPETS = 1500  # padded, that go through the network together where no gradient is needed


class Videos(Protocol):
    """What training and scoring need to know of a data set: features and video-level labels, never instances."""

    @property
    def n_videos(self) -> int:
        """V."""

    @property
    def video_labels(self) -> NDArray[np.bool_]:
        """Which classes occur in each video, [V, C]."""

    def features(self, index: int) -> NDArray[np.float32]:
        """Features of video number `index`, [T, F]."""


@dataclass(frozen=True, slots=True)
class ArrayVideos:
    """Videos held as arrays in memory."""

    arrays: Sequence[NDArray[np.float32]]  # [T, F] each
    video_labels: NDArray[np.bool_]  # [V, C]

    @property
    def n_videos(self) -> int:
        """V."""
        return len(self.arrays)

    def features(self, index: int) -> NDArray[np.float32]:
        """Features of video number `index`, [T, F]."""
        return self.arrays[index]


# Axes: V videos of the batch, T snippets of the longest, N snippets of all, F features, C classes.


@dataclass(frozen=True, slots=True)
class Batch:
    """Videos that go through the network together; gradients are those of one after the other."""

    features: Tensor  # [N, F] concatenated
    padded_index: Tensor  # [N] where each snippet lies in the padded [V * T]
    mask: Tensor  # [V, T] true where there is a snippet
    lengths: Tensor  # [V] snippets
    labels: Tensor  # [V, C] float, video-level
    partner: Tensor  # [V] place in the batch of the video that each is paired with; its own where it is in no pair
    pair_weight: Tensor  # [V] of what a loss of pairs says of each of the two; 0 where it is in no pair

    @property
    def n_videos(self) -> int:
        return len(self.lengths)

    def padded(self, rows: Tensor) -> Tensor:
        """[N, ...] laid out as [V, T, ...], zero where there is no snippet."""
        n_videos, longest = self.mask.shape
        if len(rows) == n_videos * longest:  # nothing to pad, nothing to copy
            return rows.reshape(n_videos, longest, *rows.shape[1:])
        empty = rows.new_zeros((n_videos * longest, *rows.shape[1:]))
        return empty.index_copy(0, self.padded_index, rows).reshape(n_videos, longest, *rows.shape[1:])

    def concatenated(self, padded: Tensor) -> Tensor:
        """[V, T, ...] back to [N, ...]."""
        return padded.reshape(-1, *padded.shape[2:])[self.padded_index]


Rows = Sequence[NDArray[np.intp] | None]


def batch_of(
    videos: Videos,
    indices: Sequence[int],
    device: torch.device,
    rows: Rows | None = None,
    n_pairs: int = 0,
    pair_weight: float = 0.0,
) -> Batch:
    """The batch of some videos, in the order given.

    rows: the snippets of each that count; None: all of them. n_pairs: as many pairs come first, each of this weight.
    """
    arrays = [videos.features(index) for index in indices]
    if rows is not None:
        arrays = [array if chosen is None else array[chosen] for array, chosen in zip(arrays, rows)]
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    mask = np.arange(int(lengths.max())) < lengths[:, None]
    features = np.concatenate(arrays).astype(np.float32, copy=False)
    place = np.arange(len(arrays))
    is_paired = place < 2 * n_pairs
    return Batch(
        features=torch.from_numpy(features).to(device),
        padded_index=torch.from_numpy(np.flatnonzero(mask)).to(device),
        mask=torch.from_numpy(mask).to(device),
        lengths=torch.from_numpy(lengths).to(device),
        labels=torch.from_numpy(videos.video_labels[list(indices)].astype(np.float32)).to(device),
        partner=torch.from_numpy(np.where(is_paired, place ^ 1, place)).to(device),
        pair_weight=torch.from_numpy(np.where(is_paired, pair_weight, 0.0).astype(np.float32)).to(device),
    )


def groups_of(
    videos: Videos, indices: Sequence[int], most_snippets: int, seen: Callable[[int], int] = int, n_pairs: int = 0
) -> Iterator[list[int]]:
    """Videos in their order, grouped so that no batch of more than one video, or pair, holds more padded snippets.

    seen: how many snippets of a video are in the batch, from its number of snippets. n_pairs: as many pairs come first,
    and the two of each stay together.
    """
    group: list[int] = []
    longest = 0
    pairs = [indices[place : place + 2] for place in range(0, 2 * n_pairs, 2)]
    for together in [*pairs, *([index] for index in indices[2 * n_pairs :])]:
        length = max(seen(len(videos.features(index))) for index in together)
        if group and max(longest, length) * (len(group) + len(together)) > most_snippets:
            yield group
            group, longest = [], 0
        group.extend(together)
        longest = max(longest, length)
    if group:
        yield group


def scoring_batches(videos: Videos, indices: Sequence[int], device: torch.device) -> Iterator[Batch]:
    """Some videos in their order, whole, in batches for where no gradient is needed."""
    for group in groups_of(videos, indices, SCORING_SNIPPETS):
        yield batch_of(videos, group, device)
