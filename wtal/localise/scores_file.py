"""The file of a network's scores, written by training and read by labels, detection and report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wtal.errors import InputError
from wtal.files import read_arrays, write_arrays
from wtal.records import VideoScores

KEYS = ("videos", "classes", "offsets", "snippet_score", "video_score", "attention")


def write_scores(path: str | Path, scores: VideoScores, classes: Sequence[str]) -> None:
    """Write scores with the names that make them readable on their own."""
    write_arrays(
        path,
        {
            "videos": np.array(scores.videos, dtype=np.str_),
            "classes": np.array(classes, dtype=np.str_),
            "offsets": scores.offsets,
            "snippet_score": scores.snippet_score,
            "video_score": scores.video_score,
            "attention": scores.attention,
        },
    )


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
