"""The keys under which annotations were looked for and seen, so that a refusal can name both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError, listed_in_words

LABELS = "annotations"  # the key of an entry that holds a video's labels
MOST_KEYS = 20  # that a sentence names


def keys_of(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The keys of some entries, each once, in order of appearance."""
    return tuple(dict.fromkeys(str(key) for entry in entries for key in entry))


def keys_in_words(keys: Iterable[str]) -> str:
    """Keys in a sentence, at most twenty."""
    return listed_in_words(keys, MOST_KEYS)


def check_keys(path: Path, database: Mapping[str, Any]) -> None:
    """Refuse entries that hold what looks like labels under another key than `annotations`, naming the keys seen.

    Such videos would be taken for background. An entry with neither is background.
    """
    elsewhere = [entry for entry in database.values() if isinstance(entry, Mapping) and _has_labels_elsewhere(entry)]
    if elsewhere:
        expected = f"the labels of each video in a list under {LABELS!r}, an empty one for background"
        got = f"{len(elsewhere)} of {len(database)} videos without, whose keys are {keys_in_words(keys_of(elsewhere))}"
        raise InputError(file=path, expected=expected, got=got)


def _has_labels_elsewhere(entry: Mapping[str, Any]) -> bool:
    return LABELS not in entry and any(_looks_like_labels(value) for value in entry.values())


def _looks_like_labels(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "label" in value
    return isinstance(value, list) and bool(value) and all(isinstance(row, (Mapping, str)) for row in value)
