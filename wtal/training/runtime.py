"""What every run of the network needs: a device, the store's videos, the same bytes each time, a fitting checkpoint."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.schema import to_mapping
from wtal.data.store.read import Store
from wtal.suite.step_settings import RoundSettings
from wtal.suite.streams import streams_in_words
from wtal.training.checkpoint import About

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of the GNU C library
MOST_IN_HEAP, MOST_KEPT = 32 << 20, 1 << 30  # bytes: the first is the most that it takes


def device_of(name: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device that a name stands for. Raises InputError for cuda where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(file="--device", expected="cpu or auto where no CUDA device is found", got="cuda")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


class StoreVideos:
    """The videos of a subset, mapped as they lie in the store, 16 or 32 bits wide.

    None is read before it is used. Each is held against its checksum when it is first used: that costs under a
    hundredth of what training on it once does, and damaged features are never learnt from.
    """

    def __init__(self, store: Store, subset: Literal["train", "test"]) -> None:
        self.store, self.numbers = store, store.videos(subset).tolist()
        self.video_labels: NDArray[np.bool_] = store.video_labels[self.numbers]  # [V, C]
        self.used: dict[int, NDArray[Any]] = {}

    @property
    def n_videos(self) -> int:
        """How many videos there are."""
        return len(self.numbers)

    def features(self, index: int) -> NDArray[Any]:
        """The features of one video, [T, F]. Raises InputError where they are not those that were prepared."""
        if index not in self.used:
            self.used[index] = self.store.mapped(self.numbers[index])
        return self.used[index]


def check_about(about: About, store: Store, path: Path, settings: RoundSettings | None = None) -> None:
    """Refuse a checkpoint of other classes, features, streams, rate, network or round, in a sentence."""
    expected: dict[str, Any] = {
        "classes": store.classes,
        "feature_size": store.feature_size,
        "snippets_per_second": store.snippets_per_second,
    }
    if settings is not None:
        expected |= {"round_index": settings.round_index - 1, "base": to_mapping(settings.base)}
    for key, value in expected.items():
        if getattr(about, key) != value:
            raise InputError(file=path, key=key, expected=str(value), got=getattr(about, key))
    if about.streams != store.meta.streams:
        shown = [streams_in_words(streams) or "none that are named" for streams in (store.meta.streams, about.streams)]
        raise InputError(file=path, key="streams", expected=shown[0], got=shown[1])
    if about.origin is not None and store.meta.origin is not None:
        for key, value in store.meta.origin.items():
            if about.origin.get(key) != value:
                raise InputError(file=path, key=f"origin.{key}", expected=str(value), got=about.origin.get(key))


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """The same bytes from the same machine: fixed algorithms, one thread unless the environment asks for more.

    What was set before is set again afterwards. Raises InputError where OMP_NUM_THREADS is no number.
    """
    n_threads, found_threads, flushed = _threads_asked_for(), torch.get_num_threads(), _flushes_denormals()
    try:
        torch.set_num_threads(n_threads)
        torch.set_flush_denormal(True)  # gradients full of denormal numbers would make a step several times slower
        if device.type == "cuda":  # on a processor all that is used here is deterministic as it is
            with _fixed_algorithms():
                yield
        else:
            yield
    finally:
        torch.set_flush_denormal(flushed)
        torch.set_num_threads(found_threads)


def keep_freed_memory() -> None:
    """From now on this process keeps the memory that it frees, as a step asks for the same again.

    Otherwise each step may give back what the next one has to be given anew, page by page: some hundredths of its time.
    """
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_MMAP_THRESHOLD, MOST_IN_HEAP)
            mallopt(M_TRIM_THRESHOLD, MOST_KEPT)


@contextmanager
def _fixed_algorithms() -> Iterator[None]:
    """The algorithms of a graphics card that give the same bytes; to set them takes seconds, as torch loads more."""
    algorithms, workspace = torch.are_deterministic_algorithms_enabled(), os.environ.get(WORKSPACE)
    warns_only = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        os.environ.setdefault(WORKSPACE, ":4096:8")
        torch.use_deterministic_algorithms(True)
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms, warn_only=warns_only)
        if workspace is None:
            os.environ.pop(WORKSPACE, None)


def _threads_asked_for() -> int:
    """OMP_NUM_THREADS, of which the first number counts where it lists one for each level of nesting; else 1."""
    text = os.environ.get("OMP_NUM_THREADS", "1")
    first = text.partition(",")[0].strip()
    if not first.isdigit() or int(first) < 1:
        raise InputError(file="OMP_NUM_THREADS", expected="a whole number, 1 or above", got=repr(text))
    return int(first)


def _flushes_denormals() -> bool:
    """Whether this thread takes numbers below the smallest normal one for zero; torch sets it but does not say."""
    half = torch.full((1,), torch.finfo(torch.float32).tiny) / 2
    return not half.any()
