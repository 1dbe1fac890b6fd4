"""One .npy file with an object array of a feature array for each video, as W-TALC's features come.

Such a file is a pickle. It is mapped, its instructions are followed without running anything they name, and each
array becomes a view of the file: a gigabyte of features costs no memory before it is read.
"""

from __future__ import annotations

import mmap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.base.edges.regular import opened
from wtal.base.errors import InputError
from wtal.base.npy.arrays import Array, Refused
from wtal.base.npy.stack_machine import Interpreter

EXPECTED = "an object array with one array of features for each video"


def holds_objects(path: Path) -> bool:
    """Whether an .npy file holds an object array. Raises InputError where it is no .npy file."""
    try:
        with opened(path) as handle:
            return _header(handle)[1].hasobject
    except InputError:
        raise
    except Exception as error:  # whatever a damaged header makes numpy and its tokeniser say
        raise InputError(file=path, expected="an .npy file", got=_first_line(error)) from None


def map_object_array(path: str | Path) -> list[NDArray[Any]]:
    """The feature arrays of an object array, one a video, as read-only views of the mapped file.

    Raises InputError where the file is missing, cut short, names anything to run, or holds something else than one
    array of numbers for each video.
    """
    path = Path(path)
    if not holds_objects(path):
        raise InputError(file=path, expected=EXPECTED, got="an array of plain numbers")
    try:
        with opened(path) as handle:
            shape, _ = _header(handle)
            mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
            value = Interpreter(memoryview(mapped)[handle.tell() :]).run()
        return _entries(value, shape)
    except Refused as error:
        raise InputError(file=path, expected=EXPECTED, got=error) from None
    except Exception as error:  # whatever a damaged stream makes numpy and struct say
        raise InputError(file=path, expected=EXPECTED, got=_first_line(error)) from None


def _header(handle: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(handle)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers written by Python 2 are read well enough
        shape, _, kind = read(handle)
    return shape, kind


def _entries(value: Any, shape: tuple[int, ...]) -> list[NDArray[Any]]:
    array = value.value if isinstance(value, Array) else None
    if array is None or array.dtype != object:
        raise Refused("no array of objects")
    if array.shape != shape:
        raise Refused(f"an array of shape {array.shape} where the header says {shape}")
    entries = []
    for number, entry in enumerate(array.reshape(-1)):
        if not isinstance(entry, Array) or entry.value is None or entry.value.dtype.kind not in "fiu":
            kind = entry.value.dtype if isinstance(entry, Array) and entry.value is not None else type(entry).__name__
            raise Refused(f"entry {number} that is no array of numbers ({kind})")
        entries.append(entry.value)
    return entries


def _first_line(error: Exception) -> str:
    return (f"{type(error).__name__}: {error}".splitlines() or ["something else"])[0][:120]
