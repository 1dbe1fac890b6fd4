"""Features in an HDF5 file: a data set a video, or a group a video with one data set, or with one a stream."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError


def h5_entries(path: Path, streams: Sequence[str]) -> dict[str, tuple[Callable[[], list[Any]], tuple[str, ...]]]:
    """Data sets of each video by its name, and which streams they are, where they are called so.

    The file stays open until its last data set is let go.

    Raises InputError where h5py is not installed, the file is damaged, or a group holds something else.
    """
    if importlib.util.find_spec("h5py") is None:
        raise InputError(file=path, expected="the package h5py to read it (pip install h5py)", got="no such package")
    h5py = importlib.import_module("h5py")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(file=path, expected="a whole HDF5 file", got=f"{error}"[:120]) from None
    found = {}
    for name in sorted(file):
        sets = _sets(file[name], streams)
        if sets is None:
            expected = f"one data set a video, or one for each of {', '.join(streams)}"
            raise InputError(file=path, key=name, expected=expected, got=f"{', '.join(file[name]) or 'an empty group'}")
        found[name] = _getter(sets), tuple(streams) if len(sets) > 1 else ()
    if not found:
        raise InputError(file=path, expected="a data set or group a video", got="none")
    return found


def _sets(node: Any, streams: Sequence[str]) -> list[Any] | None:
    if not hasattr(node, "keys"):
        return [node]
    names = list(node)
    if len(names) == 1 and not hasattr(node[names[0]], "keys"):
        return [node[names[0]]]
    if len(streams) > 1 and all(stream in names for stream in streams):
        return [node[stream] for stream in streams]
    return None


def _getter(sets: list[Any]) -> Callable[[], list[Any]]:
    return lambda: sets
