"""The flat array of a store on its way to the disk: rows are appended, and can be taken up where they were synced."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.files import refused_unwritable

HEADER = 128  # bytes
PIECE = 1 << 22  # bytes that are read at once


class FeatureFile:
    """An .npy file of rows [N, D] that grows, and ends in the same bytes whether or not it was ever taken up."""

    def __init__(self, path: Path, feature_size: int, precision: str) -> None:
        """precision: float32 or float16, as which the rows lie on disk."""
        self.path, self.feature_size = path, feature_size
        self.kind: np.dtype[Any] = np.dtype(precision).newbyteorder("<")
        self.n_rows, self.checksum = 0, 0
        self.checksums: list[int] = []  # crc32 of the rows of each video
        self.handle: BinaryIO

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let rows be added while the block lasts, after those that were taken up. Raises InputError."""
        with refused_unwritable(self.path):
            self.handle = self.path.open("r+b" if self.n_rows else "wb")
        try:
            self._write_header()
            with refused_unwritable(self.path):
                self.handle.seek(self._length(self.n_rows))
                self.handle.truncate()
            yield
            self._write_header()
            self.sync()
        finally:
            with suppress(OSError):  # what could not be written was told when it was synced
                self.handle.close()

    def add(self, rows: NDArray[Any]) -> None:
        """Append the rows [T, D] of a video."""
        content = np.ascontiguousarray(rows, dtype=self.kind).tobytes()
        with refused_unwritable(self.path):
            self.handle.write(content)
        self.checksum = zlib.crc32(content, self.checksum)
        self.checksums.append(zlib.crc32(content))
        self.n_rows += len(rows)

    def sync(self) -> None:
        """Have everything that was added on the disk, so that a state that is written now is true."""
        with refused_unwritable(self.path):
            self.handle.flush()
            os.fsync(self.handle.fileno())

    def _length(self, n_rows: int) -> int:
        """The bytes of the file with that many rows."""
        return HEADER + n_rows * self.feature_size * self.kind.itemsize

    def _write_header(self) -> None:
        """The header of an .npy file, as long for any number of rows, so that it can be written first and last."""
        shape = f"({self.n_rows}, {self.feature_size})"
        text = f"{{'descr': '{self.kind.str}', 'fortran_order': False, 'shape': {shape}, }}"
        header = b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little") + text.ljust(HEADER - 11).encode() + b"\n"
        with refused_unwritable(self.path):
            self.handle.seek(0)
            self.handle.write(header)

    def state(self) -> dict[str, NDArray[Any]]:
        """What `take_up` needs to know of the rows that were added."""
        return {
            "features": np.array([self.n_rows, self.checksum]),
            "checksums": np.array(self.checksums),
            "precision": np.array(self.kind.str),
        }

    def take_up(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on after the rows of a state. Raises InputError where they are not in the file as they were written."""
        if str(state["precision"]) != self.kind.str:
            raise InputError(file=self.path, expected=f"rows of type {self.kind.str}", got=state["precision"])
        n_rows, checksum = map(int, state["features"])
        if _checksum(self.path, self._length(n_rows)) != checksum:
            raise InputError(file=self.path, expected=f"{n_rows:,} rows as they were written", got="others or fewer")
        self.n_rows, self.checksum = n_rows, checksum
        self.checksums = state["checksums"].tolist()


def _checksum(path: Path, n_bytes: int) -> int | None:
    """Of what follows the header in the first bytes of a file; None where there are fewer, or no file."""
    try:
        with path.open("rb") as handle:
            left, checksum = n_bytes - handle.seek(HEADER), 0
            while left and (piece := handle.read(min(left, PIECE))):
                checksum = zlib.crc32(piece, checksum)
                left -= len(piece)
    except OSError:
        return None
    return None if left else checksum
