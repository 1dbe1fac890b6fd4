"""Annotations from the files people have, as plain records: who may be trained on, how long, which actions, when.

The forms: docs/evaluation.md#input and docs/data.md. Video-level labels alone are enough to train on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wtal.base.errors import InputError, nearest
from wtal.base.seeds import seed_of_text
from wtal.data.annotations.forms import annotation_files, parsed_annotations
from wtal.data.annotations.keys import keys_in_words
from wtal.data.annotations.raw import RawAnnotations, RawVideo
from wtal.data.annotations.subsets import subset_key
from wtal.data.annotations.tools.export import Rates
from wtal.data.annotations.values import instance_of, positive_of

__all__ = ["AnnotatedVideo", "Annotations", "annotation_files", "classes_of", "read_annotations", "with_subsets"]


@dataclass(frozen=True, slots=True)
class AnnotatedVideo:
    """What is known of one video without its features."""

    name: str
    subset: str  # in the words of the annotations; "" where they name none
    seconds: float | None  # None where nobody says
    instances: tuple[tuple[str, float, float], ...]  # class, start, end in seconds; in the order of the file
    listed: tuple[str, ...] | None = None  # classes of the whole video, where they are listed apart from the instances
    frames_per_second: float | None = None  # None where nobody says
    n_frames: int | None = None  # None where nobody says
    ambiguous: tuple[tuple[float, float], ...] = ()  # stretches of no class, in seconds


@dataclass(frozen=True, slots=True)
class Annotations:
    """All videos of an annotation, in its order."""

    path: Path
    classes: tuple[str, ...]
    videos: tuple[AnnotatedVideo, ...]
    seen_keys: tuple[str, ...] = ()  # of the entries, or columns, or arrays, for a refusal to name
    notes: tuple[str, ...] = ()  # what was done to read them, a sentence each

    @property
    def subsets(self) -> tuple[str, ...]:
        """The subsets that occur, in order of appearance."""
        return tuple(dict.fromkeys(video.subset for video in self.videos))

    def of_subset(self, subset: str) -> tuple[AnnotatedVideo, ...]:
        """The videos of a subset, named in any of the words that mean the same (`val`, `Validation`).

        Raises InputError where there is none, naming the subsets there are.
        """
        chosen = tuple(video for video in self.videos if subset_key(video.subset) == subset_key(subset))
        if not chosen:
            expected = f"videos of the subset {subset!r} ({nearest(subset, self.subsets)})"
            raise InputError(file=self.path, key="subset", expected=expected, got="none")
        return chosen


def read_annotations(path: str | Path, rates: Rates = None) -> Annotations:
    """The annotations at a path, whichever of the forms they have.

    rates: frames a second, for exports of tools whose bounds are frames: of each video by name, or of all.

    Raises InputError for a missing or damaged file, a bound that is no number, reversed or negative, a video or a
    class given twice, a class spelt in two ways, and where no video has any label, naming the keys that were seen.
    """
    raw = parsed_annotations(path, rates=rates)
    videos = tuple(_video(raw, video) for video in raw.videos)
    classes = raw.classes
    if classes is None:
        classes = tuple(sorted({name for video in videos for name in classes_of(video)}))
    else:
        _check_known(raw.path / "labels.npy", videos, classes)
    if not any(classes_of(video) for video in videos):
        got = f"none in {len(videos)} videos, whose keys are {keys_in_words(raw.keys)}"
        raise InputError(file=path, expected="a label of some video under 'annotations' or 'label'", got=got)
    n_ambiguous = sum(len(video.ambiguous) for video in videos)
    notes = raw.notes
    if n_ambiguous:
        notes += (f"intervals labelled Ambiguous, which is no class, are left out: {n_ambiguous}",)
    found = Annotations(raw.path, classes, videos, raw.keys, notes)
    _check_spelling(found)
    names: set[str] = set()
    for video in found.videos:
        if video.name in names:
            raise InputError(file=raw.path, key=video.name, expected="each video once", got="it twice")
        names.add(video.name)
    return found


def with_subsets(annotations: Annotations, train: str, test: str, test_share: float) -> Annotations:
    """The annotations with a subset for each video, where none has one; the same names always fall the same way.

    A video goes to the test subset by the digest of its name, unless a class would be left without a training video.
    """
    if any(video.subset for video in annotations.videos):
        return annotations
    order = sorted(annotations.videos, key=lambda video: seed_of_text(video.name))
    left = dict.fromkeys(annotations.classes, 0)
    for video in order:
        for name in classes_of(video):
            left[name] += 1
    chosen: set[str] = set()
    for video in order:
        if len(chosen) >= max(1, round(test_share * len(order))):
            break
        if all(left[name] > 1 for name in classes_of(video)):
            chosen.add(video.name)
            for name in classes_of(video):
                left[name] -= 1
    videos = tuple(replace(video, subset=test if video.name in chosen else train) for video in annotations.videos)
    return replace(annotations, videos=videos)


def classes_of(video: AnnotatedVideo) -> set[str]:
    """Every class that a video is said to have, by its instances or by a list."""
    return {name for name, _, _ in video.instances} | set(video.listed or ())


def _check_spelling(annotations: Annotations) -> None:
    spelt: dict[str, str] = {}
    for name in annotations.classes:
        plain = re.sub(r"[\W_]+", "", name.casefold())
        if not plain:
            raise InputError(file=annotations.path, key="class", expected="a name", got=repr(name))
        if plain in spelt:
            expected = "each class spelt in one way"
            got = f"{spelt[plain]!r} and {name!r}"
            raise InputError(file=annotations.path, key="class", expected=expected, got=got)
        spelt[plain] = name


def _video(raw: RawAnnotations, video: RawVideo) -> AnnotatedVideo:
    timed, untimed = [], []
    for row in video.rows:
        if row.segment is None:
            untimed.append(row.class_name)
        else:
            timed.append(instance_of(raw.bounds_file, row.key, row.class_name, row.segment))
    listed = video.listed
    if listed is None and untimed:
        listed = tuple(dict.fromkeys([*(class_name for class_name, _, _ in timed), *untimed]))
    rows = (
        instance_of(raw.bounds_file, row.key, row.class_name, row.segment) for row in video.ambiguous if row.segment
    )
    frames = _stated(raw, video, "n_frames", "duration_frame", "a number of frames above 0")
    return AnnotatedVideo(
        name=video.name,
        subset=video.subset,
        seconds=_stated(raw, video, "seconds", "duration", "seconds above 0"),
        instances=tuple(timed),
        listed=listed,
        frames_per_second=_stated(raw, video, "frames_per_second", "fps", "frames a second above 0"),
        n_frames=None if frames is None else int(frames),
        ambiguous=tuple((start, end) for _, start, end in rows),
    )


def _stated(raw: RawAnnotations, video: RawVideo, field: str, key: str, expected: str) -> float | None:
    """A number above 0 that a file states of a video, if it states one. Raises InputError."""
    value = getattr(video, field)
    return None if value is None else positive_of(value, raw.path, f"{video.key}/{key}", expected)


def _check_known(path: Path, videos: Sequence[AnnotatedVideo], classes: Sequence[str]) -> None:
    for video in videos:
        for name in sorted(classes_of(video) - set(classes)):
            expected = f"a class of classlist.npy ({nearest(name, classes)})"
            raise InputError(file=path, key=video.name, expected=expected, got=repr(name))
