"""The file of a network's scores, written by training and read by labels, detection and report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wtal.errors import InputError
from wtal.files import read_arrays, write_arrays
from wtal.records import VideoScores

EPOCH_KEYS = ("snippet_score", "video_score", "attention")
KEYS = ("videos", "classes", "offsets", *EPOCH_KEYS)


def write_scores(
    path: str | Path, scores: VideoScores, classes: Sequence[str], epochs: Sequence[tuple[int, VideoScores]] = ()
) -> None:
    """Write scores with the names that make them readable on their own.

    epochs: scores of the same videos after single epochs, kept where the best of them is to be named beside the last.
    """
    after_epochs = {f"epoch{epoch}/{key}": getattr(entry, key) for epoch, entry in epochs for key in EPOCH_KEYS}
    write_arrays(
        path,
        {
            **after_epochs,
            "videos": np.array(scores.videos, dtype=np.str_),
            "classes": np.array(classes, dtype=np.str_),
            "offsets": scores.offsets,
            "snippet_score": scores.snippet_score,
            "video_score": scores.video_score,
            "attention": scores.attention,
        },
    )


def read_epoch_scores(path: str | Path) -> dict[int, VideoScores]:
    """Scores after single epochs, by epoch; empty where none were kept. Raises InputError where one is incomplete."""
    arrays = read_arrays(path, KEYS)
    names = [key.removeprefix("epoch").removesuffix("/attention") for key in arrays if key.endswith("/attention")]
    epochs = sorted(int(name) for name in names if name.isdigit())
    for epoch in epochs:
        for key in EPOCH_KEYS:
            name = f"epoch{epoch}/{key}"
            expected = f"an array of shape {arrays[key].shape}"
            if name not in arrays or arrays[name].shape != arrays[key].shape:
                got = arrays[name].shape if name in arrays else "none"
                raise InputError(file=path, key=name, expected=expected, got=got)
            if not np.isfinite(arrays[name]).all():
                raise InputError(file=path, key=name, expected="finite numbers", got="NaN or infinity")
    videos, offsets = tuple(arrays["videos"].tolist()), arrays["offsets"]
    return {
        epoch: VideoScores(videos, offsets, *(arrays[f"epoch{epoch}/{key}"] for key in EPOCH_KEYS)) for epoch in epochs
    }


def read_scores(path: str | Path) -> tuple[VideoScores, tuple[str, ...]]:
    """Scores and class names. Raises InputError where shapes disagree or a score is not finite."""
    arrays = read_arrays(path, KEYS)
    videos, classes = tuple(arrays["videos"].tolist()), tuple(arrays["classes"].tolist())
    offsets, snippet = arrays["offsets"], arrays["snippet_score"]
    n_rows, n_columns = (int(offsets[-1]) if offsets.ndim == 1 and len(offsets) else 0), len(classes) + 1
    expected = {
        "offsets": (len(videos) + 1,),
        "snippet_score": (n_rows, n_columns),
        "video_score": (len(videos), n_columns),
        "attention": (n_rows,),
    }
    for key, shape in expected.items():
        if arrays[key].shape != shape:
            raise InputError(file=path, key=key, expected=f"an array of shape {shape}", got=arrays[key].shape)
    for key in ("snippet_score", "video_score", "attention"):
        if not np.isfinite(arrays[key]).all():
            raise InputError(file=path, key=key, expected="finite numbers", got="NaN or infinity")
    return VideoScores(videos, offsets, snippet, arrays["video_score"], arrays["attention"]), classes
