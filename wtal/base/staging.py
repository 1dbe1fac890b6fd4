"""Where a store is being written: a hidden folder inside its own, held by one process, that the next may take up."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

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
