"""Folders that processes hold while they work in them; the system lets go of one when its process ends, by any end.

A store is written in a hidden folder inside its own, held by one process, that the next may take up.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from wtal.base.errors import InputError
from wtal.base.files import refused_unwritable

SITE = ".preparing-"  # how a folder begins in which a store is being written
STATE = "state.npz"  # in it: how far a conversion was that can be taken up


@contextmanager
def staging_folder(folder: Path, *, takes_up: bool) -> Iterator[Path]:
    """A folder inside `folder` to build in, held by this process alone until the block, or the process, ends.

    takes_up: it may be one with a state that a process left which was killed or failed; all others that are not in use
    are removed. Where the block fails it stays if it has a state, and else nothing that was made for it stays.
    Raises InputError where the folder cannot be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    with ExitStack() as stack:
        with refused_unwritable(folder, "a folder that can be written"):
            folder.mkdir(parents=True, exist_ok=True)
            site = _site(folder, takes_up, stack)
        try:
            yield site
        except BaseException:
            if not (site / STATE).exists():
                shutil.rmtree(site, ignore_errors=True)
                for path in made:
                    if not any(path.iterdir()):
                        path.rmdir()
            raise
        shutil.rmtree(site, ignore_errors=True)


def _site(folder: Path, takes_up: bool, stack: ExitStack) -> Path:
    """A staging folder that is held as long as `stack`; every other one that nobody holds is removed."""
    chosen = None
    with _held(folder, waits=True):  # between making a site and holding it, nobody else may find it
        for site in sorted(folder.glob(f"{SITE}*")):
            with ExitStack() as holding:
                if not holding.enter_context(_held(site)):
                    continue
                if takes_up and chosen is None and (site / STATE).is_file():
                    chosen = site
                    stack.enter_context(holding.pop_all())
                else:
                    shutil.rmtree(site, ignore_errors=True)
        if chosen is None:
            chosen = Path(tempfile.mkdtemp(prefix=SITE, dir=folder))
            stack.enter_context(_held(chosen))
    return chosen


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder, made where it is not there, while the block lasts; one that is left empty goes.

    Raises InputError naming who else holds it.
    """
    with refused_unwritable(folder, "a folder that can be written"):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # where the file system has no locks, nobody is kept out
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                expected = "a folder in which no other job is at work"
                raise InputError(file=folder, expected=expected, got=_holder(handle)) from None
        try:
            yield
        finally:
            with suppress(OSError):
                folder.rmdir()
    finally:
        os.close(handle)


def _holder(handle: int) -> str:
    """Who holds an open folder, as far as the system says."""
    status = os.fstat(handle)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            _, kind, _, _, process, where, *_ = line.split()
            if kind == "FLOCK" and where == place:
                return f"process {process}, which holds it"
    return "one that holds it"


_joined: list[int] = []  # open as long as this process


def is_first_in(folder: Path) -> bool:
    """Join those that work in a folder until this process ends; whether nobody else does, as far as can be told."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    _joined.append(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(handle, fcntl.LOCK_SH)
    except BlockingIOError:
        fcntl.flock(handle, fcntl.LOCK_SH)
        return False
    except OSError:  # the file system has no locks
        return False
    return True


@contextmanager
def _held(folder: Path, *, waits: bool = False) -> Iterator[bool]:
    """Mark a folder as in use while the block, or this process, lasts; false where another has it or it is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except OSError:  # another process has it, or the file system has no locks
            yield False
        else:
            yield True
    finally:
        os.close(handle)
