"""The words for the subsets of a data set: one table of those that mean the same, in any case of letters."""

from __future__ import annotations

from collections.abc import Iterable

SAME = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
KEY_OF = {word: key for key, words in SAME.items() for word in words}


def subset_key(word: str) -> str:
    """What a word for a subset means: `train`, `validation`, `test`, or the word itself in small letters."""
    plain = word.strip().casefold()
    return KEY_OF.get(plain, plain)


def words_for(subset: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known words that mean the same subset as the one asked for, in their order; none where none does."""
    return tuple(word for word in known if subset_key(word) == subset_key(subset))
