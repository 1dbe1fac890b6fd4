"""What a command wrote, said in a line on standard error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)


@contextmanager
def saying_written(*places: Path | None) -> Iterator[None]:
    """Name the files that the block writes: each of these, and those in the folders among them."""
    before = {place: _found(place) for place in places if place is not None}
    yield
    for place, known in before.items():
        new = [path for path, state in _found(place).items() if known.get(path) != state]
        if new:
            logger.info(f"wrote {', '.join(map(str, new))}")


def _found(place: Path) -> dict[Path, tuple[int, int]]:
    """The files of a place; one that is written anew is another file."""
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    states = ((path, path.stat()) for path in files if path.is_file())
    return {path: (state.st_ino, state.st_mtime_ns) for path, state in states}
