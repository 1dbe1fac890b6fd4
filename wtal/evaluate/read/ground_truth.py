"""Ground truth from the files people have: whatever `wtal.data` parses, and this project's store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.records import Instances
from wtal.data.annotations.forms import READ, parsed_annotations
from wtal.data.annotations.json_forms import ROW
from wtal.data.annotations.raw import RawAnnotations, RawRow, RawVideo
from wtal.data.annotations.subsets import subset_key, words_for
from wtal.data.annotations.table_forms import stretches_of
from wtal.data.annotations.values import number_of, pair_of
from wtal.data.store.read import read_store
from wtal.evaluate.score.options import AmbiguousIntervals


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The instances of a subset, and what else their file says; None where it does not tell."""

    instances: Instances
    seconds: dict[str, float] | None = None  # length by video, where it is told of every video with an instance
    snippets_per_second: float | None = None
    ambiguous: AmbiguousIntervals | None = None  # intervals of no class that it marks
    class_names: dict[int, str] = field(default_factory=dict)  # by number, where it numbers its classes
    notes: tuple[str, ...] = ()  # what was done to read it, a sentence each

    @property
    def n_ambiguous(self) -> int:
        """How many intervals are of no class."""
        return 0 if self.ambiguous is None else len(self.ambiguous.start)


def read_ground_truth(path: str | Path, subset: str | None = None) -> GroundTruth:
    """The instances of a subset, in annotation order, seconds, and what else their file says.

    path: annotations in any form that `wtal.data` parses, or a store written by `wtal prepare`. subset: in any word
    that means the same (`val`, `Validation`); None where only one has annotations, or the file names none.
    Raises InputError where a file is missing, damaged or contradicts another, and for an unknown subset.
    """
    path = Path(path)
    if (path / "annotations.csv").is_file():
        return _from_store(path, subset)
    if not path.exists():
        raise InputError(file=path, expected=f"{READ}, or a store of `wtal prepare`", got="no such path")
    found = parsed_annotations(path, with_lists=False)
    videos, notes = _of_subset(found, subset)
    return GroundTruth(
        _instances(found, videos),
        seconds=_seconds(found.videos),
        ambiguous=_ambiguous(found, videos),
        class_names=class_names_of(found),
        notes=(*found.notes, *notes),
    )


def _from_store(folder: Path, subset: str | None) -> GroundTruth:
    meant = "test" if subset is None else subset_key(subset)
    if meant not in ("train", "test"):
        raise InputError(file=folder, key="subset", expected="train or test", got=repr(subset))
    store = read_store(folder)
    seconds = dict(zip(store.names, store.seconds.tolist()))
    return GroundTruth(store.instances("train" if meant == "train" else "test"), seconds, store.snippets_per_second)


def _seconds(videos: Sequence[RawVideo]) -> dict[str, float] | None:
    found = {video.name: number_of(video.seconds) for video in videos if video.rows}
    return {name: seconds for name, seconds in found.items() if seconds} if all(found.values()) else None


def _of_subset(found: RawAnnotations, subset: str | None) -> tuple[list[RawVideo], list[str]]:
    """The videos of the chosen subset, and sentences on how it was found."""
    words = list(dict.fromkeys(video.subset for video in found.videos))
    if words == [""]:
        note = f"no subset is named, so all {len(found.videos)} videos are taken for {subset or 'one'}"
        return list(found.videos), [note]
    known = ", ".join(sorted(word for word in words if word))
    if subset is None:
        annotated = list(dict.fromkeys(video.subset for video in found.videos if video.rows and video.subset))
        if len({subset_key(word) for word in annotated}) != 1:
            expected = f"the choice of one of {known}"
            raise InputError(file=found.path, key="subset", expected=expected, got="none chosen")
        subset = annotated[0]
    chosen = words_for(subset, words)
    if not chosen:
        raise InputError(file=found.path, key="subset", expected=f"one of {known}", got=repr(subset))
    notes = [f"{' and '.join(chosen)} are read as one subset"] if len(chosen) > 1 else []
    return [video for video in found.videos if video.subset in chosen], notes


def _instances(found: RawAnnotations, videos: Sequence[RawVideo]) -> Instances:
    """The instances of the chosen videos."""
    classes, names = found.class_names, tuple(video.name for video in videos)
    class_of = {name: number for number, name in enumerate(classes)}
    if len(class_of) < len(classes) or len(set(names)) < len(names):
        raise InputError(file=found.bounds_file, expected="each class and each video once", got="one twice")
    video, class_index, bounds = [], [], []
    for number, each in enumerate(videos):
        for row in each.rows:
            if row.class_name not in class_of:
                got = repr(row.class_name)
                raise InputError(file=found.bounds_file, key=row.key, expected="a known class", got=got)
            video.append(number)
            class_index.append(class_of[row.class_name])
            bounds.append(_bounds(found, row))
    table = np.array(bounds, dtype=np.float64).reshape(-1, 2)
    return Instances(
        names, classes, np.array(video, np.int64), np.array(class_index, np.int64), table[:, 0], table[:, 1]
    )


def _bounds(found: RawAnnotations, row: RawRow) -> tuple[float, float]:
    if row.segment is None:
        expected = f"{ROW}: a label without bounds cannot be scored"
        raise InputError(file=found.bounds_file, key=row.key, expected=expected, got="no segment")
    bounds = pair_of(row.segment)
    if bounds is None:
        expected, got = "[start, end] in seconds, end at or after start", f"{row.segment!r:.80}"
        raise InputError(file=found.bounds_file, key=row.key, expected=expected, got=got)
    return bounds


def _ambiguous(found: RawAnnotations, videos: Sequence[RawVideo]) -> AmbiguousIntervals | None:
    rows = [(video.name, _bounds(found, row)) for video in videos for row in video.ambiguous]
    table = np.array([bounds for _, bounds in rows], dtype=np.float64).reshape(-1, 2)
    return AmbiguousIntervals(tuple(name for name, _ in rows), table[:, 0], table[:, 1]) if rows else None


def class_names_of(found: RawAnnotations) -> dict[int, str]:
    """The class of each number that the file states; a number of two classes names none."""
    return {number: next(iter(names)) for number, names in found.class_of_number.items() if len(names) == 1}


def read_ambiguous(path: str | Path) -> AmbiguousIntervals:
    """Ambiguous intervals, a line each: video, start, end in seconds. Raises InputError naming the line."""
    rows = [row for _, row in stretches_of(Path(path))]
    table = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 2)
    return AmbiguousIntervals(tuple(row[0] for row in rows), table[:, 0], table[:, 1])
