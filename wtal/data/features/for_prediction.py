"""Features of videos that nobody annotated, read for prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.data.annotations.names import display_names
from wtal.data.features.axes import Axis, snippets_axis
from wtal.data.features.extracted import Origin, common_origin
from wtal.data.features.layouts import (
    Entry,
    check_streams,
    open_features,
    open_video,
    read_entry,
    shape_of,
    shapes_of,
    stream_names,
)
from wtal.suite.streams import Streams, streams_in_words


def videos_to_predict(
    path: Path, feature_size: int, streams: Streams, origin: Origin | None = None
) -> tuple[list[str], list[NDArray[Any]], Axis]:
    """Names and features [T, D] of videos to predict: an .npy file, a folder, an .h5 file, or a folder for each stream.

    The third value says along which axis of the files the snippets lay: the other one has `feature_size` entries.
    streams: those that the features of the training had, in order, which folders or data sets are put side by side in.
    origin: what made the features of the training, if known; those with a record beside them must be of the same.
    Raises InputError for anything but finite floating-point features of `feature_size` columns in these streams.
    """
    alone = path.suffix.lower() == ".npy"
    opened = {path.stem: open_video(path)} if alone else open_features(path, streams=stream_names(streams)).by_name
    entries = dict(opened)
    if not entries:
        raise InputError(file=path, expected="features by the names of their videos", got="an array without names")
    files = (file for entry in entries.values() for file in entry.files)
    common_origin(files, origin, "as the checkpoint was trained on")
    shapes = {name: shapes_of(entry) for name, entry in entries.items()}
    axis = snippets_axis(list(shapes.values()), feature_size, [], None) or "rows"
    arrays = []
    for name, entry in entries.items():
        turned = replace(entry, snippets_are=axis)
        count, columns = shape_of(shapes[name], turned)
        if columns != feature_size:
            hint = f"; snippets are {axis}" if count == feature_size else ""
            parts = f" ({streams_in_words(streams)})" if streams else ""
            expected = f"{feature_size} columns{parts}, as the checkpoint was trained on{hint}"
            n_rows, n_columns = (count, columns) if axis == "rows" else (columns, count)
            raise InputError(file=entry.where, key=name, expected=expected, got=f"{n_rows} rows of {n_columns}")
        check_streams(shapes[name], turned, streams, name, "as the checkpoint was trained on")
        arrays.append(read_floats(turned))
    names = display_names(entries)
    return [names[name] for name in entries], arrays, axis


def read_floats(entry: Entry) -> NDArray[Any]:
    """The features of a video [T, D], finite floating-point numbers. Raises InputError where they are anything else."""
    rows = read_entry(entry)
    if rows.dtype.kind != "f":
        raise InputError(file=entry.where, expected="features as float16, float32 or float64", got=rows.dtype)
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        snippet = int(np.flatnonzero(~finite)[0])
        key = f"snippet {snippet}"
        raise InputError(file=entry.where, key=key, expected="finite features", got="NaN or infinity")
    return rows
