"""The errors a user can cause, each one sentence that can be acted on without opening the code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class WtalError(Exception):
    """Anything the command line reports in one sentence, with exit code 2."""


class InputError(WtalError):
    """Bad input: names the file, the key in it, what was expected and what was found."""

    def __init__(self, *, file: str | Path, expected: str, got: object, key: str = "") -> None:
        self.file, self.key, self.expected, self.got = str(file), key, expected, got
        where = f"{self.file}: {key}" if key else self.file
        super().__init__(f"{where}: expected {expected}; got {got}")


class SettingError(WtalError):
    """A setting outside its range; the reader of the file adds the file's name and the path of the key."""

    def __init__(self, key: str, expected: str, got: object) -> None:
        self.key, self.expected, self.got = key, expected, got
        super().__init__(f"{key}: expected {expected}; got {got!r}")


class SolverError(WtalError):
    """A linear programme that its solver gave up on: which one, and what the solver said."""


class CollapseError(WtalError):
    """Training that cannot go on: which epoch, what happened, what to try."""


def require(holds: bool, key: str, expected: str, got: object) -> None:
    """Refuse a setting unless `holds`. Raises SettingError naming key, expected and got."""
    if not holds:
        raise SettingError(key, expected, got)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint naming the known word closest to a misspelt one, or the whole list where none is close."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known) or 'none'}"


def listed_in_words(names: Iterable[object], most: int) -> str:
    """Names in a sentence, at most so many; one with a letter that cannot be printed as Python would write it."""
    listed = [str(name) for name in names]
    shown = [name if name.isprintable() else ascii(name) for name in listed[:most]]
    return (", ".join(shown) or "(none)") + (", ..." if len(listed) > most else "")
