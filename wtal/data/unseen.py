"""Features of videos that nobody annotated, read for prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.data.layouts import Entry, check_streams, open_features, open_video, read_entry, shape_of, stream_names
from wtal.data_settings import Streams, described
from wtal.errors import InputError


def unseen_videos(path: Path, feature_size: int, streams: Streams) -> tuple[list[str], list[NDArray[Any]]]:
    """Names and features [T, D] of videos to predict: an .npy file, a folder, an .h5 file, or a folder for each stream.

    streams: those that the features of the training had, in order, which folders or data sets are put side by side in.
    Raises InputError for anything but finite floating-point features of `feature_size` columns in these streams.
    """
    alone = path.suffix == ".npy"
    opened = {path.stem: open_video(path)} if alone else open_features(path, streams=stream_names(streams)).by_name
    entries = dict(opened)
    if not entries:
        raise InputError(file=path, expected="features by the names of their videos", got="an array without names")
    arrays = []
    for name, entry in entries.items():
        count, columns = shape_of(entry)
        if columns != feature_size:
            hint = "; snippets are rows" if count == feature_size else ""
            parts = f" ({described(streams)})" if streams else ""
            expected = f"{feature_size} columns{parts}, as the checkpoint was trained on{hint}"
            raise InputError(file=entry.place, key=name, expected=expected, got=f"{count} rows of {columns}")
        check_streams(entry, streams, name, "as the checkpoint was trained on")
        arrays.append(read_floats(entry))
    return list(entries), arrays


def read_floats(entry: Entry) -> NDArray[Any]:
    """The features of a video [T, D], finite floating-point numbers. Raises InputError where they are anything else."""
    rows = read_entry(entry)
    if rows.dtype.kind != "f":
        raise InputError(file=entry.place, expected="features as float16, float32 or float64", got=rows.dtype)
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        snippet = int(np.flatnonzero(~finite)[0])
        key = f"snippet {snippet}"
        raise InputError(file=entry.place, key=key, expected="finite features", got="NaN or infinity")
    return rows
