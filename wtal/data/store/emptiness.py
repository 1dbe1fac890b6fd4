"""What must not be empty in a data set, and what may be but deserves a word: decided alike however the data come in.

A training video without a label is neither: it is background, and used as such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wtal.base.errors import InputError
from wtal.data.store.tables import SUBSETS, Subset

Labelled = tuple[Subset, Collection[str]]  # a video's subset and the classes it is said to have


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is empty and must not be."""

    name: str  # of the class or the subset
    words: str
    expected: str
    got: str


def lacks(classes: Sequence[str], videos: Iterable[Labelled]) -> list[Lack]:
    """What a data set must have and lacks: a class, videos of both subsets, a training video of every class."""
    labelled = list(videos)
    there = {subset for subset, _ in labelled}
    empty = [subset for subset in SUBSETS if subset not in there]
    found = [Lack(subset, f"no {subset} video", f"at least one {subset} video", "none") for subset in empty]
    if not classes:
        found.append(Lack("classes", "no class at all", "at least one class", "none"))
    if found:
        return found
    taught = Counter(name for subset, names in labelled if subset == "train" for name in names)
    if not taught:
        n_train = sum(subset == "train" for subset, _ in labelled)
        expected = "labels of training videos"
        return [Lack("train", "no training video has a label", expected, f"none in {n_train} videos")]
    expected, words = "at least one training video of each class", "a class of test videos that no training video has"
    return [Lack(name, words, expected, "none") for name in classes if not taught[name]]


def require_enough(file: str | Path, classes: Sequence[str], videos: Iterable[Labelled]) -> None:
    """Raise InputError naming the first thing that a data set lacks; file: where the user can mend it."""
    for lack in lacks(classes, videos):
        raise InputError(file=file, key=lack.name, expected=lack.expected, got=lack.got)


def class_warnings(classes: Sequence[str], videos: Iterable[Labelled]) -> list[tuple[str, str]]:
    """What may be as it is and deserves a word, each with the name it is about."""
    labelled = list(videos)
    found = []
    if len(classes) == 1:
        words = "one class alone: it can be told from background, and from nothing else"
        found.append((classes[0], words))
    tested = {name for subset, names in labelled if subset == "test" for name in names}
    if tested:
        words = "a class that no test video has: trained and detected, but no part of the mAP"
        found += [(name, words) for name in classes if name not in tested]
    return found


def background_warning(videos: Iterable[Labelled]) -> str | None:
    """How many training videos have no label, and what becomes of them."""
    count = sum(subset == "train" and not names for subset, names in videos)
    if not count:
        return None
    return f"{count} training {'video has' if count == 1 else 'videos have'} no label: used as background"
