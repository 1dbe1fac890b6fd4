"""JSON as it is read everywhere: each key once, no number too long to be one, no deeper than anything has a use for."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError

MOST_DIGITS = 1000  # of a whole number; beyond some more Python itself refuses to read one
DEEPEST = 100  # groups in groups
_HALF_LETTER = re.compile(r"\\u[dD][89abcdefABCDEF]")  # of a pair that stands for one letter


class _Fault(ValueError):
    """What is wrong with a text that a parser would let through."""


def parse_json(path: str | Path, text: str) -> Any:
    """The value of a JSON text; NaN and infinity are let through, so that the reader of a value can name its place.

    Raises InputError naming line and column where it is broken, and for a key that stands twice, a whole number of
    more than 1,000 digits, groups nested deeper than 100, or half of a letter.
    """
    try:
        value = json.loads(text, object_pairs_hook=_each_key_once, parse_int=_whole_number)
        _check_depth(value)
        if _HALF_LETTER.search(text):
            _check_letters(value)
    except json.JSONDecodeError as error:
        got = f"{error.msg} at line {error.lineno} column {error.colno}" if text.strip() else "an empty file"
        raise InputError(file=path, expected="JSON", got=got) from None
    except RecursionError:
        raise InputError(file=path, expected="JSON", got="nesting too deep to read") from None
    except _Fault as fault:
        key, expected, got = fault.args
        raise InputError(file=path, key=key, expected=expected, got=got) from None
    return value


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = Counter(name for name, _ in pairs)
        twice = next(name for name, count in names.items() if count > 1)
        raise _Fault(twice, "each key once", "it twice")
    return values


def _whole_number(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _Fault("", f"whole numbers of at most {MOST_DIGITS} digits", f"one of {len(text)}")
    return int(text)


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEEPEST):
        entries = (entry for group in level for entry in (group.values() if isinstance(group, dict) else group))
        level = [entry for entry in entries if isinstance(entry, (dict, list))]
        if not level:
            return
    raise RecursionError


def _check_letters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _Fault("", "text of whole letters", ascii(error.object[error.start : error.end])) from None
