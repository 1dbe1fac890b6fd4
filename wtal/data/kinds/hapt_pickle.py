"""Reads the pickled tables of the sensor recordings without running anything that a pickle could name.

The file names twelve globals of pandas and numpy. Each is mapped to a small stand-in that only keeps what it is
given; every other name is refused. No object of pandas or numpy is made by the pickle itself.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import Any

import numpy as np

from wtal.base.errors import InputError

PLAIN_KINDS: dict[str, np.dtype[Any]] = {name: np.dtype(f"<{name}") for name in ("f8", "f4", "i8", "i4")}


class _Table:
    """Stands in for a data frame: keeps the block manager."""

    def __setstate__(self, state: Any) -> None:
        self.blocks = state["_data"]


class _Blocks:
    """Stands in for a block manager: the axes, the values and the column names of each block."""

    def __setstate__(self, state: Any) -> None:
        self.axes, self.values, self.columns = state[0], state[1], state[2]


class _Index:
    """Stands in for an index: keeps its names, or nothing for a range."""

    def __init__(self, data: Any = None) -> None:
        self.data = data


class _RangeIndex(_Index):
    """Stands in for a range of row numbers, which says nothing."""


class _Kind:
    """Stands in for a numpy data type: keeps its name."""

    def __init__(self, name: str, *_: Any) -> None:
        self.name = name
        self.order = "|"

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]


class _Array:
    """Stands in for a numpy array: keeps shape, type and bytes until it is asked for."""

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.kind, self.is_fortran, self.content = state

    def names(self) -> list[str]:
        """The entries of an array of text."""
        if self.kind.name != "O8" or not isinstance(self.content, list):
            raise ValueError("an array of names that is not one")
        if not all(isinstance(name, str) for name in self.content):
            raise ValueError("column names that are not text")
        return self.content

    def numbers(self) -> np.ndarray[Any, Any]:
        """A plain array of numbers; its bytes must be exactly those that the shape asks for."""
        kind = PLAIN_KINDS.get(self.kind.name)
        if kind is None or self.kind.order != "<":
            raise ValueError(f"an array of type {self.kind.name!r}")
        if len(self.content) != math.prod(self.shape) * kind.itemsize:
            raise ValueError(f"{len(self.content)} bytes for an array of shape {self.shape}")
        flat: np.ndarray[Any, Any] = np.frombuffer(self.content, dtype=kind)
        return flat.reshape(self.shape, order="F" if self.is_fortran else "C")


def _new_index(kind: type, values: dict[str, Any]) -> _Index:
    return _Index(values["data"]) if kind is _Index else _RangeIndex()


def _new_array(*_: Any) -> _Array:
    return _Array()


def _new_object(kind: type, *_: Any) -> Any:
    if kind not in (_Table, _Blocks):
        raise pickle.UnpicklingError("an object of a kind that no recording has")
    return kind()


def _encode(text: str, codec: str) -> bytes:
    if codec != "latin1":
        raise pickle.UnpicklingError(f"text in codec {codec!r}")
    return text.encode("latin1")


STAND_INS: dict[tuple[str, str], Any] = {
    ("pandas.core.frame", "DataFrame"): _Table,
    ("pandas.core.internals.managers", "BlockManager"): _Blocks,
    ("pandas.core.indexes.base", "Index"): _Index,
    ("pandas.core.indexes.base", "_new_Index"): _new_index,
    ("pandas.core.indexes.range", "RangeIndex"): _RangeIndex,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("__builtin__", "object"): object,
    ("__builtin__", "slice"): slice,
    ("_codecs", "encode"): _encode,
    ("copy_reg", "_reconstructor"): _new_object,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in STAND_INS:
            raise pickle.UnpicklingError(f"{module}.{name}, which no recording needs")
        return STAND_INS[module, name]


def _columns(table: _Table) -> dict[str, np.ndarray[Any, Any]]:
    blocks = zip(table.blocks.values, table.blocks.columns, strict=True)
    return {
        name: row for values, index in blocks for name, row in zip(index.data.names(), values.numbers(), strict=True)
    }


def read_tables(content: bytes, *, file: str) -> dict[int, list[dict[str, np.ndarray[Any, Any]]]]:
    """The tables of each person, in order; a table is its columns by name, each [rows].

    Raises InputError where the pickle names anything but the twelve stand-ins, or is not built as the recordings are.
    """
    try:
        # fix_imports off: the names stay as they were written, so that the list above is the whole list.
        people = _Reader(io.BytesIO(content), fix_imports=False).load()
        return {int(person): [_columns(table) for table in tables] for person, tables in people.items()}
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged or hostile pickle makes the reader say
        got = f"{error or type(error).__name__}".splitlines()[0]
        raise InputError(file=file, expected="a pickle of the recordings' tables alone", got=got) from None
