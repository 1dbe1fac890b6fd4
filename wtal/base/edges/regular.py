"""Bytes of files: regular files alone, and no more of them than a file of their kind may have.

`WTAL_MOST_BYTES=json=4e9,checkpoint=8e9` lets larger files of these kinds in.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Literal, get_args

from wtal.base.errors import InputError

FileKind = Literal["yaml", "json", "text", "array", "archive", "checkpoint"]
MIB, GIB = 1 << 20, 1 << 30
# Far above what a file of a public data set has, and below what a machine has. An archive counts unpacked.
MOST_BYTES: dict[FileKind, int] = {
    "yaml": MIB,
    "json": GIB,
    "text": GIB,
    "array": 4 * GIB,
    "archive": 8 * GIB,
    "checkpoint": 4 * GIB,
}
SETTING = "WTAL_MOST_BYTES"
_WORDS_OF_MODE = (
    (stat.S_ISDIR, os.strerror(errno.EISDIR)),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def most_bytes(kind: FileKind) -> int:
    """The bytes that a file of a kind may have. Raises InputError where WTAL_MOST_BYTES is malformed."""
    text = os.environ.get(SETTING, "")
    chosen: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        try:
            chosen[name.strip()] = int(float(number))
        except (ValueError, OverflowError):
            chosen[name.strip()] = 0
    if any(name not in get_args(FileKind) or value < 1 for name, value in chosen.items()):
        expected = f"KIND=BYTES with commas between, of {', '.join(get_args(FileKind))}"
        raise InputError(file=SETTING, expected=expected, got=repr(text))
    return chosen.get(kind, MOST_BYTES[kind])


def check_size(path: str | Path, n_bytes: int, kind: FileKind, *, key: str = "") -> None:
    """Refuse more bytes than a file of a kind may have. Raises InputError."""
    most = most_bytes(kind)
    if n_bytes > most:
        expected = f"at most {most:,} bytes ({SETTING}={kind}=BYTES lets more in)"
        raise InputError(file=path, key=key, expected=expected, got=f"{n_bytes:,} bytes or more")


@contextmanager
def opened(path: str | Path) -> Iterator[BufferedReader]:
    """A regular file, open for reading. Raises InputError for anything else: it could have no end, or never begin."""
    try:
        # Without a writer the opening of a pipe waits for one, unless it is asked not to.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        got = getattr(error, "strerror", None) or error
        raise InputError(file=path, expected="a readable file", got=got) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise InputError(file=path, expected="a readable file", got=mode_in_words(mode))
    with os.fdopen(descriptor, "rb") as handle:
        yield handle


def mode_in_words(mode: int) -> str:
    """What lies at a path, by its mode, such as `a named pipe`."""
    return next((words for holds, words in _WORDS_OF_MODE if holds(mode)), "a file")


def read_bounded(path: str | Path, kind: FileKind) -> bytes:
    """The content of a regular file. Raises InputError where it cannot be read, or is larger than its kind may be."""
    with opened(path) as handle:
        size, pieces = os.fstat(handle.fileno()).st_size, []
        check_size(path, size, kind)
        try:
            while piece := handle.read(max(size, MIB)):  # a file may grow, or say that it has no bytes at all
                pieces.append(piece)
                check_size(path, sum(map(len, pieces)), kind)
        except OSError as error:
            raise InputError(file=path, expected="a readable file", got=error.strerror or error) from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def check_regular(path: str | Path) -> None:
    """Refuse what is no regular file, or cannot be opened. Raises InputError."""
    with opened(path):
        pass
