"""Several videos in one tensor: snippets concatenated for the embedding, padded for all that is done per video."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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
    present: NDArray[np.bool_]  # [V, C] the same where no device need be asked, as is
    n_snippets: tuple[int, ...]  # of each video
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
    held: HeldFeatures | None = None,
) -> Batch:
    """The batch of some videos, in the order given.

    rows: the snippets of each that count; None: all of them. n_pairs: as many pairs come first, each of this weight.
    held: where features lie on the device already.
    """
    arrays = [videos.features(index) for index in indices]
    chosen = [None] * len(arrays) if rows is None else rows
    counts = [len(array if which is None else which) for array, which in zip(arrays, chosen)]
    lengths = np.array(counts, dtype=np.int64)
    mask = np.arange(int(lengths.max())) < lengths[:, None]
    place = np.arange(len(arrays))
    is_paired = place < 2 * n_pairs
    present = videos.video_labels[list(indices)]
    return Batch(
        features=_features(arrays, indices, chosen, device, held),
        padded_index=on_device(np.flatnonzero(mask), device),
        mask=on_device(mask, device),
        lengths=on_device(lengths, device),
        labels=on_device(present.astype(np.float32), device),
        present=present,
        n_snippets=tuple(counts),
        partner=on_device(np.where(is_paired, place ^ 1, place), device),
        pair_weight=on_device(np.where(is_paired, pair_weight, 0.0).astype(np.float32), device),
    )


def on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array [...] as a tensor there; a graphics card is not waited for."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


class HeldFeatures:
    """Features that stay on the device once they were used, as they lie in the store, until its room is taken."""

    def __init__(self, device: torch.device, room: int) -> None:
        """room: bytes that they may take."""
        self.device, self.room = device, room
        self.tensors: dict[int, Tensor] = {}

    @staticmethod
    def where_they_fit(device: torch.device) -> HeldFeatures | None:
        """In half of what a graphics card has left; None on a processor, which reads them where they lie."""
        return HeldFeatures(device, torch.cuda.mem_get_info(device)[0] // 2) if device.type == "cuda" else None

    def of(self, video: int, array: NDArray[Any]) -> Tensor:
        """Those of a video [T, F], whose array this is."""
        if video in self.tensors:
            return self.tensors[video]
        tensor = on_device(np.ascontiguousarray(array), self.device)
        if array.nbytes <= self.room:
            self.room -= array.nbytes
            self.tensors[video] = tensor
        return tensor


def _features(
    arrays: Sequence[NDArray[Any]], videos: Sequence[int], rows: Rows, device: torch.device, held: HeldFeatures | None
) -> Tensor:
    """Features [N, F] of these rows of some videos, one after the other."""
    if held is None:
        each = [array if which is None else array[which] for array, which in zip(arrays, rows)]
        return on_device(np.concatenate(each).astype(np.float32, copy=False), device)
    found = [held.of(video, array) for video, array in zip(videos, arrays)]
    seen = [tensor if which is None else tensor[on_device(which, device)] for tensor, which in zip(found, rows)]
    return torch.cat(seen).float()


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
