"""Files on their way to their names: a `.part` that is never a link, and what lay there before, moved aside."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

from wtal.base.edges.regular import opened


def bytes_of(partial: Path) -> int:
    """How many bytes of a file are here. A link, or a second name of another file, is taken away: it is not ours."""
    try:
        found = partial.lstat()
    except FileNotFoundError:
        return 0
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        partial.unlink()
        return 0
    return found.st_size


def open_partial(partial: Path, *, goes_on: bool) -> BinaryIO:
    """A partial file, to be written at its end or anew."""
    if not goes_on:
        partial.unlink(missing_ok=True)
    how = os.O_APPEND if goes_on else os.O_CREAT | os.O_EXCL
    return os.fdopen(os.open(partial, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | how, 0o666), "wb")


def copy_to_partial(source: Path, partial: Path) -> None:
    """Copy a regular file. Raises InputError where the source is none."""
    with opened(source) as reading, open_partial(partial, goes_on=False) as writing:
        shutil.copyfileobj(reading, writing)


def settle(partial: Path, target: Path) -> None:
    """Give a whole file its name."""
    with partial.open("rb+") as written:
        os.fsync(written.fileno())
    partial.replace(target)


def move_aside(path: Path) -> Path:
    """Move a bad file to a name beside it that nobody reads or has; returns that."""
    number, aside = 1, path.with_name(f"{path.name}.bad")
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{path.name}.bad{number}")
    path.rename(aside)
    return aside
