"""Reads the pickled tables of the sensor recordings without running anything that a pickle could name.

The file names twelve globals of pandas and numpy. Each stands for something that only keeps what it is given; every
other name is refused. No object of pandas is made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wtal.base.errors import InputError
from wtal.base.npy.arrays import ARRAY_NAMES, Array, Made, Maker, Refused
from wtal.base.npy.stack_machine import Interpreter, Name

PLAIN_KINDS = ("<f8", "<f4", "<i8", "<i4")


class _Table(Made):
    """Stands in for a data frame: keeps the block manager."""

    def set_state(self, state: Any) -> None:
        self.blocks = state["_data"]


class _Blocks(Made):
    """Stands in for a block manager: the values and the column names of each block."""

    def set_state(self, state: Any) -> None:
        _, self.values, self.columns, *_ = state


class _Index(Made):
    """Stands in for an index: keeps its names, or nothing for a range."""

    def __init__(self, kind: Name, values: dict[str, Any]) -> None:
        self.data = values.get("data")


def _new_object(kind: Name, *_: Any) -> Any:
    made = {"DataFrame": _Table, "BlockManager": _Blocks}.get(kind.place[1])
    if made is None:
        raise Refused("an object of a kind that no recording has")
    return made()


# The whole list, as the names are written in the file; None: only mentioned, never called.
NAMES: dict[tuple[str, str], Maker | None] = {
    ("pandas.core.frame", "DataFrame"): None,
    ("pandas.core.internals.managers", "BlockManager"): None,
    ("pandas.core.indexes.base", "Index"): None,
    ("pandas.core.indexes.base", "_new_Index"): _Index,
    ("pandas.core.indexes.range", "RangeIndex"): None,
    ("__builtin__", "object"): None,
    ("__builtin__", "slice"): slice,
    ("copy_reg", "_reconstructor"): _new_object,
    **{
        name: ARRAY_NAMES[name]
        for name in [
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("_codecs", "encode"),
        ]
    },
}


def _names(array: Array) -> list[str]:
    """The entries of an array of text."""
    entries = [] if array.value is None else array.value.tolist()
    if not all(isinstance(entry, str) for entry in entries):
        raise Refused("column names that are not text")
    return entries


def _numbers(array: Array) -> np.ndarray[Any, Any]:
    if array.value is None or array.value.dtype.str not in PLAIN_KINDS:
        raise Refused("a block that is no array of numbers")
    return array.value


def _columns(table: _Table) -> dict[str, np.ndarray[Any, Any]]:
    blocks = zip(table.blocks.values, table.blocks.columns, strict=True)
    return {
        name: row for values, index in blocks for name, row in zip(_names(index.data), _numbers(values), strict=True)
    }


def read_tables(content: bytes, *, file: str) -> dict[int, list[dict[str, np.ndarray[Any, Any]]]]:
    """The tables of each person, in order; a table is its columns by name, each [rows].

    Raises InputError where the pickle names anything but the twelve names, or is not built as the recordings are.
    """
    try:
        people = Interpreter(memoryview(content), NAMES).run()
        return {int(person): [_columns(table) for table in tables] for person, tables in people.items()}
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged or hostile pickle makes the reader say
        got = f"{error or type(error).__name__}".splitlines()[0]
        raise InputError(file=file, expected="a pickle of the recordings' tables alone", got=got) from None
