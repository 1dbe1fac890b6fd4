"""Object arrays of old .npy files, read without ever calling what a pickle names."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import read_bytes
from wtal.base.npy.arrays import Array, Made, Piece, Refused
from wtal.base.npy.stack_machine import Interpreter, Name

EXPECTED = "an array of numbers, text, lists and arrays"
DEEPEST = 16  # lists in lists


class _Finisher:
    """Puts finished arrays in the place of their stand-ins, visiting no more values than the stream has bytes."""

    def __init__(self, budget: int) -> None:
        self.budget = budget

    def value(self, value: Any, depth: int = 0) -> Any:
        self.budget -= 1
        if self.budget < 0 or depth > DEEPEST:
            raise Refused("values nested or shared without end")
        if isinstance(value, Array):
            return self._array(value.value, depth)
        if isinstance(value, list):
            return [self.value(entry, depth + 1) for entry in value]
        if isinstance(value, tuple):
            return tuple(self.value(entry, depth + 1) for entry in value)
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise Refused("a table whose keys are not names, each once")
            return {key: self.value(entry, depth + 1) for key, entry in value.items()}
        if isinstance(value, Piece):
            return value.tobytes()
        if isinstance(value, (Name, Made)):
            raise Refused("something that is no value")
        return value

    def _array(self, array: np.ndarray | None, depth: int) -> np.ndarray:
        if array is None:
            raise Refused("an array that was never filled")
        if array.dtype != object:
            return array
        finished = np.empty(array.size, dtype=object)
        for place, entry in enumerate(array.reshape(-1)):
            finished[place] = self.value(entry, depth + 1)
        return finished.reshape(array.shape)


def read_array(path: str | Path) -> np.ndarray:
    """An .npy file, an array of objects too; those may hold numbers, text, bytes, lists, tuples, arrays, and tables of
    these by name.

    Raises InputError where the file is missing, damaged, or holds anything else; nothing in it is ever run.
    """
    content = read_bytes(path)
    try:
        value = _array_of(content)
    except Refused as error:
        raise InputError(file=path, expected=EXPECTED, got=error) from None
    except Exception as error:  # whatever a damaged header or text makes numpy and its tokeniser say
        got = (f"{type(error).__name__}: {error}".splitlines() or ["something else"])[0][:120]
        raise InputError(file=path, expected=EXPECTED, got=got) from None
    return value


def _array_of(content: bytes) -> np.ndarray:
    """The array of an .npy file's bytes."""
    handle = BytesIO(content)
    version = np.lib.format.read_magic(handle)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers written by Python 2 are read well enough
        shape, _, kind = read_header(handle)
        if not kind.hasobject:
            return np.asarray(np.load(BytesIO(content), allow_pickle=False))
    if kind.fields:
        raise Refused("an array type with fields")
    value = values_of_stream(content[handle.tell() :])
    if not isinstance(value, np.ndarray):
        raise Refused(f"a {type(value).__name__}")
    if value.shape != shape:
        raise Refused(f"an array of shape {value.shape} where the header says {shape}")
    return value


def read_pickle(path: str | Path) -> Any:
    """The plain value of a pickle file; the same values as in `read_array`.

    Raises InputError where the file is missing, damaged, or holds anything else; nothing in it is ever run.
    """
    try:
        return values_of_stream(read_bytes(path))
    except Refused as error:
        raise InputError(file=path, expected=EXPECTED, got=error) from None
    except Exception as error:  # whatever a damaged stream makes numpy and struct say
        got = (f"{type(error).__name__}: {error}".splitlines() or ["something else"])[0][:120]
        raise InputError(file=path, expected=EXPECTED, got=got) from None


def values_of_stream(content: bytes) -> Any:
    """The plain value of a pickle stream of harmless instructions."""
    return _Finisher(len(content)).value(Interpreter(memoryview(content)).run())
