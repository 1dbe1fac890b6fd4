"""The errors a user can cause, each one sentence that can be acted on without opening the code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

# Letters of a sentence's parts: what was got may be a file's whole content, and a name may have 300,000 letters.
MOST_LETTERS = {"file": 240, "key": 120, "expected": 600, "got": 240}
ELLIPSIS = " ... "


class WtalError(Exception):
    """Anything the command line reports in one sentence, with exit code 2."""


class InputError(WtalError):
    """Bad input: names the file, the key in it, what was expected and what was found."""

    def __init__(self, *, file: str | Path, expected: str, got: object, key: str = "") -> None:
        self.file, self.key, self.expected, self.got = str(file), key, expected, got
        parts = {"file": self.file, "key": key, "expected": expected, "got": got}
        said = {name: one_line(part, MOST_LETTERS[name]) for name, part in parts.items()}
        where = f"{said['file']}: {said['key']}" if key else said["file"]
        super().__init__(f"{where}: expected {said['expected']}; got {said['got']}")


class SettingError(WtalError):
    """A setting outside its range; the reader of the file adds the file's name and the path of the key."""

    def __init__(self, key: str, expected: str, got: object) -> None:
        self.key, self.expected, self.got = key, expected, got
        said = one_line(expected, MOST_LETTERS["expected"]), one_line(repr(got), MOST_LETTERS["got"])
        super().__init__(f"{one_line(key, MOST_LETTERS['key'])}: expected {said[0]}; got {said[1]}")


class SolverError(WtalError):
    """A linear programme that its solver gave up on: which one, and what the solver said."""


class CollapseError(WtalError):
    """Training that cannot go on: which epoch, what happened, what to try."""


def one_line(value: object, most: int) -> str:
    """A value as text for a sentence: on one line, its middle left out beyond so many letters."""
    text = str(value)
    if len(text) > most:
        half = (most - len(ELLIPSIS)) // 2
        text = f"{text[:half]}{ELLIPSIS}{text[-half:]}"
    return text if text.isprintable() else "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(letter: str) -> str:
    """A letter that cannot be printed, as Python would write it."""
    return ascii(letter)[1:-1]


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
