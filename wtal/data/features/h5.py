"""Features in an HDF5 file: a data set a video, or a group a video with one data set, or with one a stream."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wtal.base.edges.regular import check_regular, check_size
from wtal.base.errors import InputError, listed_in_words


def h5_entries(path: Path, streams: Sequence[str]) -> dict[str, tuple[Callable[[], list[Any]], tuple[str, ...]]]:
    """Data sets of each video by its name, and which streams they are, where they are called so.

    The file stays open until its last data set is let go.

    Raises InputError where h5py is not installed, the file is damaged, or a group holds something else.
    """
    if importlib.util.find_spec("h5py") is None:
        raise InputError(file=path, expected="the package h5py to read it (pip install h5py)", got="no such package")
    h5py = importlib.import_module("h5py")
    check_regular(path)
    with _refused(path, "", "a whole HDF5 file"):
        file = h5py.File(path, "r")
        names = sorted(file)
    found = {}
    for name in names:
        sets = _sets(path, name, file, streams)
        if sets is None:
            expected = f"one data set a video, or one for each of {', '.join(streams)}"
            raise InputError(file=path, key=name, expected=expected, got=listed_in_words(file[name], 8))
        found[name] = _getter(path, name, sets), tuple(streams) if len(sets) > 1 else ()
    if not found:
        raise InputError(file=path, expected="a data set or group a video", got="none")
    return found


def _sets(path: Path, name: str, file: Any, streams: Sequence[str]) -> list[Any] | None:
    """The data sets of a video. Raises InputError where a link leads nowhere, or one is no data set of a sane size."""
    with _refused(path, name, "a data set of this file"):
        node = file[name]
        chosen = [node] if not hasattr(node, "keys") else _of_group(node, streams)
        for each in chosen or ():
            if not hasattr(each, "shape") or each.shape is None:
                raise InputError(file=path, key=name, expected="a data set of numbers", got=type(each).__name__)
            check_size(path, each.dtype.itemsize * math.prod(each.shape), "array", key=name)
    return chosen


@contextmanager
def _refused(path: Path, name: str, expected: str) -> Iterator[None]:
    """Make an InputError of whatever a damaged file, or a link that leads nowhere, makes the library say."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(file=path, key=name, expected=expected, got=f"{error}"[:120]) from None


def _of_group(group: Any, streams: Sequence[str]) -> list[Any] | None:
    names = list(group)
    if len(names) == 1 and not hasattr(group[names[0]], "keys"):
        return [group[names[0]]]
    if len(streams) > 1 and all(stream in names for stream in streams):
        return [group[stream] for stream in streams]
    return None


def _getter(path: Path, name: str, sets: list[Any]) -> Callable[[], list[Any]]:
    return lambda: [_Guarded(path, name, each) for each in sets]


class _Guarded:
    """A data set whose shape is known, and whose numbers are read as an array when they are asked for."""

    def __init__(self, path: Path, name: str, each: Any) -> None:
        self.path, self.name, self.each, self.shape = path, name, each, tuple(each.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """The numbers. Raises InputError where they cannot be read."""
        with _refused(self.path, self.name, "numbers that can be read"):  # a damaged block, an unknown filter
            found = self.each[()]
        return found if dtype is None else found.astype(dtype)
