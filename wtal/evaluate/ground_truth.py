"""Ground truth from the files people have: object arrays, ActivityNet's JSON, this project's store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wtal.data.annotation_values import text_of
from wtal.data.store import read_store
from wtal.errors import InputError
from wtal.evaluate.malformed import check_segment, is_number
from wtal.evaluate.options import AmbiguousIntervals
from wtal.files import read_json, read_text
from wtal.records import Instances
from wtal.unpickle import read_array

ARRAYS = ("classlist", "segments", "labels", "subset", "videoname")
SAME_SUBSET = ({"train", "training"}, {"val", "validation"}, {"test", "testing"})


def read_ground_truth(path: str | Path, subset: str | None = None) -> Instances:
    """The instances of a subset, in annotation order, seconds.

    path: a folder of the THUMOS14 or ActivityNet arrays (classlist.npy, segments.npy, labels.npy, subset.npy,
    videoname.npy), a store written by `wtal prepare`, or a JSON file in ActivityNet's format. subset: None where only
    one has annotations; train and training, val and validation are the same.
    Raises InputError where a file is missing, damaged or contradicts another, and for an unknown subset.
    """
    path = Path(path)
    if path.is_file():
        return _from_json(path, subset)
    if (path / "annotations.csv").is_file():
        return _from_store(path, subset)
    if (path / "segments.npy").is_file():
        return _from_arrays(path, subset)
    expected = "a folder with segments.npy or annotations.csv, or an ActivityNet JSON file"
    raise InputError(file=path, expected=expected, got="a folder without" if path.is_dir() else "no such path")


def _from_store(folder: Path, subset: str | None) -> Instances:
    names = {"train": "train", "training": "train", "test": "test", None: "test"}
    if subset not in names:
        raise InputError(file=folder, key="subset", expected="train or test", got=repr(subset))
    return read_store(folder).instances("train" if names[subset] == "train" else "test")


def _from_arrays(folder: Path, subset: str | None) -> Instances:
    columns = {name: read_array(folder / f"{name}.npy") for name in ARRAYS}
    n_videos = len(columns["videoname"])
    for name in ARRAYS[1:]:
        if columns[name].ndim < 1 or len(columns[name]) != n_videos:
            expected = f"{n_videos} entries, one for each of videoname.npy"
            raise InputError(file=folder / f"{name}.npy", expected=expected, got=columns[name].shape)
    classes = tuple(read_text_array(folder / "classlist.npy"))
    names, subsets = (read_text_array(folder / f"{name}.npy") for name in ("videoname", "subset"))
    rows = []
    for number, (segments, labels) in enumerate(zip(columns["segments"], columns["labels"])):
        if not isinstance(segments, (list, tuple, np.ndarray)) or not isinstance(labels, (list, tuple, np.ndarray)):
            raise InputError(
                file=folder / "segments.npy", key=names[number], expected="a list", got=f"{segments!r:.60}"
            )
        if len(segments) != len(labels):
            expected = f"as many labels as segments, {len(segments)}"
            raise InputError(file=folder / "labels.npy", key=names[number], expected=expected, got=len(labels))
        rows.append([(segment, label) for segment, label in zip(segments, labels)])
    return _instances(folder / "segments.npy", subset, subsets, names, rows, classes)


def read_text_array(path: Path) -> list[str]:
    """The texts of an array, such as the names of videos. Raises InputError where something else is in it."""
    return [text_of(entry, path) for entry in read_array(path).reshape(-1)]


def _from_json(path: Path, subset: str | None) -> Instances:
    values = read_json(path)
    database = values.get("database") if isinstance(values, Mapping) else None
    if not isinstance(database, Mapping) or not database:
        raise InputError(file=path, key="database", expected="annotations by video", got=f"{database!r:.60}")
    subsets, rows, classes = [], [], set()
    for video, entry in database.items():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("subset"), str):
            raise InputError(file=path, key=f"database/{video}/subset", expected="text", got=f"{entry!r:.60}")
        annotations = entry.get("annotations", [])
        if not isinstance(annotations, list):
            key = f"database/{video}/annotations"
            raise InputError(file=path, key=key, expected="a list", got=f"{annotations!r:.60}")
        for number, row in enumerate(annotations):
            if not isinstance(row, Mapping) or not isinstance(row.get("label"), str) or "segment" not in row:
                key = f"database/{video}/annotations[{number}]"
                expected = '{"label": text, "segment": [start, end]}'
                raise InputError(file=path, key=key, expected=expected, got=f"{row!r:.60}")
        subsets.append(entry["subset"])
        rows.append([(row["segment"], row["label"]) for row in annotations])
        classes |= {row["label"] for row in annotations}
    return _instances(path, subset, subsets, list(database), rows, tuple(sorted(classes)))


def _instances(
    path: Path,
    subset: str | None,
    subsets: Sequence[str],
    names: Sequence[str],
    rows: Sequence[Sequence[tuple[Any, Any]]],
    classes: tuple[str, ...],
) -> Instances:
    """Instances of the chosen subset from rows of (segment, label) for each video."""
    chosen = _chosen_subset(path, subset, subsets, rows)
    kept = [number for number, name in enumerate(subsets) if name == chosen]
    class_of = {name: number for number, name in enumerate(classes)}
    if len(class_of) < len(classes) or len({names[number] for number in kept}) < len(kept):
        raise InputError(file=path, expected="each class and each video once", got="one twice")
    video, label, bounds = [], [], []
    for place, number in enumerate(kept):
        for row, (segment, name) in enumerate(rows[number]):
            segment = segment.tolist() if isinstance(segment, np.ndarray) else segment
            name = text_of(name, path)
            if name not in class_of:
                raise InputError(file=path, key=f"{names[number]}[{row}]", expected="a known class", got=repr(name))
            check_segment(path, f"{names[number]}[{row}]", segment)
            video.append(place)
            label.append(class_of[name])
            bounds.append(segment)
    table = np.array(bounds, dtype=np.float64).reshape(-1, 2)
    videos = tuple(names[number] for number in kept)
    return Instances(videos, classes, np.array(video, np.int64), np.array(label, np.int64), table[:, 0], table[:, 1])


def _chosen_subset(path: Path, subset: str | None, subsets: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    annotated = sorted({name for name, entries in zip(subsets, rows) if len(entries)})
    known = ", ".join(sorted(set(subsets))) or "none"
    if subset is None:
        if len(annotated) == 1:
            return annotated[0]
        raise InputError(file=path, key="subset", expected=f"the choice of one of {known}", got="none chosen")
    same = next((names for names in SAME_SUBSET if subset in names), {subset})
    found = [name for name in dict.fromkeys(subsets) if name == subset] or [
        n for n in dict.fromkeys(subsets) if n in same
    ]
    if not found:
        raise InputError(file=path, key="subset", expected=f"one of {known}", got=repr(subset))
    return found[0]


def read_ambiguous(path: str | Path) -> AmbiguousIntervals:
    """Ambiguous intervals, a line each: video, start, end in seconds. Raises InputError naming the line."""
    videos, bounds = [], []
    for line, text in enumerate(read_text(path).splitlines(), start=1):
        words = text.split()
        if not words:
            continue
        try:
            segment = [float(word) for word in words[1:]]
        except ValueError:
            segment = []
        if len(segment) != 2 or not all(is_number(bound) for bound in segment) or segment[1] < segment[0]:
            raise InputError(
                file=path, key=f"line {line}", expected="video, start and end in seconds", got=repr(text[:60])
            )
        videos.append(words[0])
        bounds.append(segment)
    table = np.array(bounds, dtype=np.float64).reshape(-1, 2)
    return AmbiguousIntervals(tuple(videos), table[:, 0], table[:, 1])
