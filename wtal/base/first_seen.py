"""A lock file: what was first seen of files that nobody has stated a sha256 for, held against them from then on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.base.files import read_json, to_json, write_if_changed

SECTIONS = ("files", "accepted", "annotations", "videos", "streams", "features")


def read_lock(path: str | Path) -> dict[str, Any]:
    """The lock at a path; an empty one where there is none. Raises InputError where it is damaged."""
    path = Path(path)
    if not path.exists():
        return {}
    values = read_json(path)
    if not isinstance(values, dict) or not set(values) <= set(SECTIONS):
        expected = f"a lock with {', '.join(SECTIONS)} (delete it to record anew)"
        raise InputError(file=path, expected=expected, got=f"{values!r:.60}")
    for section, entries in values.items():
        if not isinstance(entries, dict):
            raise InputError(file=path, key=section, expected="entries by name", got=f"{entries!r:.60}")
        for name, value in entries.items() if section == "files" else ():
            if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
                expected = "a sha256, 64 hexadecimal digits (delete the entry to record it anew)"
                raise InputError(file=path, key=f"{section}/{name}", expected=expected, got=f"{value!r:.60}")
    return values


def hold_to_lock(path: str | Path, section: str, seen: Mapping[str, Any]) -> list[str]:
    """Hold what is seen now against the lock and record what is new; returns the names that are new.

    Raises InputError naming the first entry that differs from what was first seen.
    """
    lock = read_lock(path)
    entries = lock.setdefault(section, {})
    for name, value in seen.items():
        if name in entries and entries[name] != value:
            expected = f"what was first seen, {entries[name]} (delete the lock's entry if it is right to differ)"
            raise InputError(file=path, key=f"{section}/{name}", expected=expected, got=value)
    new = [name for name in seen if name not in entries]
    entries.update(seen)
    if new:
        write_if_changed(path, to_json(lock))
    return new


def record(path: str | Path, section: str, values: Mapping[str, Any]) -> None:
    """Write down what is worth knowing and not held against anything, once."""
    lock = read_lock(path)
    if section not in lock:
        lock[section] = dict(values)
        write_if_changed(path, to_json(lock))
