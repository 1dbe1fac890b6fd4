"""Archives of named arrays (.npz), and the one check of kind, order and range of what is in them.

The header of an array is looked at before its numbers are read, so that none is larger than it was expected to be.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.base.edges.regular import check_size, opened
from wtal.base.errors import InputError, listed_in_words
from wtal.base.records import Floats, Integers

WHOLE = "a whole .npz archive of plain arrays"
LIMIT = 2**53  # whole numbers beyond are not those that were meant, once they have been through a float
ENDING = ".npy"
Shape = tuple[int, ...]
NUMBERS = "fiu"  # kinds of types that are real numbers


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """An open archive. Every method raises InputError naming file and array where that is not as it is asked for."""

    path: Path
    archive: zipfile.ZipFile

    @property
    def names(self) -> list[str]:
        """The names of the arrays."""
        return [name.removesuffix(ENDING) for name in self.archive.namelist()]

    def header(self, key: str) -> tuple[Shape, np.dtype[Any]]:
        """Shape and type of an array, of which no number is read."""
        with self.archive.open(self._member(key)) as member:
            shape, _, kind = _read_header(member)
        return shape, kind

    def array(self, key: str) -> NDArray[Any]:
        """An array as it is, never of objects. Raises InputError where its checksum is not the one that was written."""
        name = self._member(key)
        check_size(self.path, self.archive.getinfo(name).file_size, "archive", key=key)
        with self.archive.open(name) as member:
            found: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
            if member.read(1):  # to its end, where the checksum is compared
                raise InputError(file=self.path, key=key, expected=WHOLE, got="bytes after an array")
        return found

    def of_names(self, key: str) -> tuple[str, ...]:
        """Names [N], each once."""
        shape, kind = self.header(key)
        if kind.kind != "U" or len(shape) != 1:
            raise InputError(file=self.path, key=key, expected="a list of names", got=_described(shape, kind))
        names = tuple(self.array(key).tolist())
        if len(set(names)) < len(names):
            raise InputError(file=self.path, key=key, expected="each name once", got="one twice")
        return names

    def word(self, key: str, known: Sequence[str]) -> str:
        """One of some words."""
        shape, kind = self.header(key)
        word = str(self.array(key)) if kind.kind == "U" and shape == () else _described(shape, kind)
        if word not in known:
            raise InputError(file=self.path, key=key, expected=f"one of {', '.join(known)}", got=repr(word))
        return word

    def offsets(self, key: str, count: int) -> Integers:
        """First rows [V + 1] of so many lists, each of one row or more, and the number of rows."""
        found = self.whole(key, (count + 1,), least=0)
        if found[0] != 0 or (np.diff(found) < 1).any():
            expected = "rising row numbers, the first of them 0"
            raise InputError(file=self.path, key=key, expected=expected, got="others")
        return found

    def whole(self, key: str, shape: Shape, least: int = -LIMIT, most: int = LIMIT) -> Integers:
        """Whole numbers of a shape and range."""
        self._check_header(key, shape, "iu", "whole numbers")
        found = self.array(key)
        if found.size and not (found.min() >= least and found.max() <= most):
            expected = f"numbers from {least} to {most}" if most < LIMIT else f"numbers of {least} or above"
            raise InputError(file=self.path, key=key, expected=expected, got=f"{found.min()} to {found.max()}")
        return found.astype(np.int64, copy=False)

    def numbers(self, key: str, shape: Shape, least: float = -np.inf, most: float = np.inf) -> NDArray[Any]:
        """Finite real numbers of a shape and range, of the type that they have."""
        self._check_header(key, shape, NUMBERS, "numbers")
        found = self.array(key)
        if not np.isfinite(found).all():
            raise InputError(file=self.path, key=key, expected="finite numbers", got="NaN or infinity")
        if found.size and not (found.min() >= least and found.max() <= most):
            expected = f"numbers in [{least:g}, {most:g}]" if most < np.inf else f"finite numbers, {least:g} or above"
            raise InputError(file=self.path, key=key, expected=expected, got=f"{found.min():g} to {found.max():g}")
        return found

    def intervals(self, first: str, second: str, shape: Shape) -> tuple[Floats, Floats]:
        """Starts and ends, each end at or after its start."""
        start, end = (self.numbers(key, shape).astype(np.float64, copy=False) for key in (first, second))
        if (end < start).any():
            row = int(np.flatnonzero(end < start)[0])
            got = f"{start[row]:g} to {end[row]:g} in row {row}"
            raise InputError(file=self.path, key=second, expected=f"ends at or after {first}", got=got)
        return start, end

    def _check_header(self, key: str, shape: Shape, kinds: str, words: str) -> None:
        found, kind = self.header(key)
        if found != shape:
            raise InputError(file=self.path, key=key, expected=f"an array of shape {shape}", got=found)
        if kind.kind not in kinds:
            raise InputError(file=self.path, key=key, expected=words, got=f"values of type {kind}")

    def _member(self, key: str) -> str:
        if key not in self.names:
            got = f"only {listed_in_words(sorted(self.names), 20)}"
            raise InputError(file=self.path, key=key, expected="an array of that name", got=got)
        return f"{key}{ENDING}" if f"{key}{ENDING}" in self.archive.namelist() else key


@contextmanager
def open_arrays(path: str | Path) -> Iterator[ArrayFile]:
    """An .npz file whose arrays are read when they are asked for, pickles refused. Raises InputError if damaged."""
    try:
        with opened(path) as handle, zipfile.ZipFile(handle) as archive:
            check_size(path, sum(entry.file_size for entry in archive.infolist()), "archive")
            if len(set(archive.namelist())) < len(archive.namelist()):
                raise InputError(file=path, expected="each array once", got="one twice")
            yield ArrayFile(Path(path), archive)
    except InputError:
        raise
    except Exception as error:  # zlib.error and friends: whatever a damaged archive makes the decoder say
        got = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(file=path, expected=WHOLE, got=got) from None


def _read_header(member: Any) -> tuple[Shape, bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(member)


def _described(shape: Shape, kind: np.dtype[Any]) -> str:
    return f"an array of shape {shape} and type {kind}"
