"""What every run of the network needs: a device, the store's videos, the same bytes each time, a fitting checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch

from wtal.config import to_mapping
from wtal.data.store import Store
from wtal.data_settings import described
from wtal.errors import InputError
from wtal.model.checkpoint import About
from wtal.model.packs import ArrayVideos
from wtal.suite import RoundSettings


def device_of(name: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device that a name stands for. Raises InputError for cuda where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(file="--device", expected="cpu or auto where no CUDA device is found", got="cuda")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def videos_of(store: Store, subset: Literal["train", "test"]) -> ArrayVideos:
    """The videos of a subset, their features checked once and then mapped as they are, 16 or 32 bits wide."""
    indices = store.videos(subset)
    arrays = []
    for index in indices:
        first, count = int(store.first_row[index]), len(store.features(int(index)))
        arrays.append(store.rows[first : first + count])
    return ArrayVideos(arrays, store.video_labels[indices])


def check_about(about: About, store: Store, path: Path, settings: RoundSettings | None = None) -> None:
    """Refuse a checkpoint of other classes, features, streams, rate, network or round, in a sentence."""
    expected: dict[str, Any] = {
        "classes": store.classes,
        "feature_size": store.feature_size,
        "snippets_per_second": store.snippets_per_second,
    }
    if settings is not None:
        expected |= {"round_index": settings.round_index - 1, "model": to_mapping(settings.model)}
    for key, value in expected.items():
        if getattr(about, key) != value:
            raise InputError(file=path, key=key, expected=str(value), got=getattr(about, key))
    if about.streams != store.meta.streams:
        shown = [described(streams) or "none that are named" for streams in (store.meta.streams, about.streams)]
        raise InputError(file=path, key="streams", expected=shown[0], got=shown[1])


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """The same bytes from the same machine: fixed algorithms, one thread unless the environment asks for more."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if device.type == "cuda":  # on a processor all that is used here is deterministic as it is
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    torch.set_flush_denormal(True)  # gradients full of denormal numbers would make a step several times slower
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
