"""Annotations from the files people have, as plain records: who may be trained on, how long, which actions, when.

Forms: a folder of arrays (THUMOS14 of W-TALC, ActivityNet of ProCL), ActivityNet's JSON, a CSV table with bounds, and
a CSV table of video-level labels alone.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wtal.data.annotation_values import durations_of, instance_of, seconds_of, text_of
from wtal.errors import InputError, nearest
from wtal.files import read_json, read_text
from wtal.unpickle import read_array

ARRAYS = ("videoname", "subset", "segments", "labels", "classlist", "duration")
LISTED = "labels_all"  # an array that may be missing
COLUMNS = ("video", "label", "start", "end", "subset")


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


@dataclass(frozen=True, slots=True)
class Annotations:
    """All videos of an annotation, in its order."""

    path: Path
    classes: tuple[str, ...]
    videos: tuple[AnnotatedVideo, ...]

    @property
    def subsets(self) -> tuple[str, ...]:
        """The subsets that occur, in order of appearance."""
        return tuple(dict.fromkeys(video.subset for video in self.videos))

    def of_subset(self, subset: str) -> tuple[AnnotatedVideo, ...]:
        """The videos of a subset. Raises InputError where there is none, naming the subsets there are."""
        chosen = tuple(video for video in self.videos if video.subset == subset)
        if not chosen:
            expected = f"videos of the subset {subset!r} ({nearest(subset, self.subsets)})"
            raise InputError(file=self.path, key="subset", expected=expected, got="none")
        return chosen


def read_annotations(path: str | Path) -> Annotations:
    """The annotations at a path, whichever of the forms they have.

    Raises InputError for a missing or damaged file, a bound that is no number, reversed or negative, a video or a
    class given twice, and a class spelt in two ways.
    """
    path = Path(path)
    if path.is_dir():
        found = _from_arrays(path)
    elif path.suffix.lower() == ".json":
        found = _from_json(path)
    elif path.suffix.lower() == ".csv":
        found = _from_table(path)
    else:
        expected = "a folder of annotation arrays, a .json file in ActivityNet's form or a .csv file"
        raise InputError(file=path, expected=expected, got="no such path" if not path.exists() else "another file")
    _check_spelling(found)
    names: set[str] = set()
    for video in found.videos:
        if video.name in names:
            raise InputError(file=path, key=video.name, expected="each video once", got="it twice")
        names.add(video.name)
    return found


def annotation_files(path: str | Path) -> tuple[Path, ...]:
    """The files that annotations at a path are read from, as far as they are there."""
    path = Path(path)
    files = [path / f"{name}.npy" for name in (*ARRAYS, LISTED)] if path.is_dir() else [path]
    return tuple(file for file in files if file.is_file())


def with_subsets(annotations: Annotations, train: str, test: str, test_share: float) -> Annotations:
    """The annotations with a subset for each video, where none has one; the same names always fall the same way.

    A video goes to the test subset by the digest of its name, unless a class would be left without a training video.
    """
    if any(video.subset for video in annotations.videos):
        return annotations
    order = sorted(annotations.videos, key=lambda video: hashlib.sha256(video.name.encode()).digest())
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
    return Annotations(annotations.path, annotations.classes, videos)


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


def _from_arrays(folder: Path) -> Annotations:
    columns = {name: read_array(folder / f"{name}.npy") for name in ARRAYS}
    n_videos = columns["videoname"].size
    place = folder / f"{LISTED}.npy"
    columns[LISTED] = np.asarray(read_array(place) if place.is_file() else [None] * n_videos, dtype=object)
    for name, column in columns.items():
        if name != "classlist" and len(column) != n_videos:
            expected = f"{n_videos} entries, one for each of videoname.npy"
            raise InputError(file=folder / f"{name}.npy", expected=expected, got=len(column))
    classes = tuple(text_of(entry, folder / "classlist.npy") for entry in columns["classlist"].reshape(-1))
    names = [text_of(entry, folder / "videoname.npy") for entry in columns["videoname"].reshape(-1)]
    subsets = [text_of(entry, folder / "subset.npy") for entry in columns["subset"].reshape(-1)]
    seconds = durations_of(columns["duration"], folder / "duration.npy", names)
    videos = []
    for number, name in enumerate(names):
        segments, labels = columns["segments"][number], columns["labels"][number]
        for file, entry in (("segments", segments), ("labels", labels)):
            if not isinstance(entry, (list, tuple, np.ndarray)):
                raise InputError(file=folder / f"{file}.npy", key=name, expected="a list", got=f"{entry!r:.60}")
        if len(segments) != len(labels):
            expected = f"as many labels as segments, {len(segments)}"
            raise InputError(file=folder / "labels.npy", key=name, expected=expected, got=len(labels))
        rows = [(text_of(label, folder / "labels.npy"), segment) for label, segment in zip(labels, segments)]
        instances = tuple(instance_of(folder / "segments.npy", name, label, segment) for label, segment in rows)
        whole = columns[LISTED][number]
        own = None if whole is None else tuple(text_of(label, place) for label in whole)
        videos.append(AnnotatedVideo(name, subsets[number], seconds[number], instances, own))
    _check_known(folder / "labels.npy", videos, classes)
    return Annotations(folder, classes, tuple(videos))


def _from_json(path: Path) -> Annotations:
    values = read_json(path)
    database = values.get("database", values) if isinstance(values, Mapping) else None
    if not isinstance(database, Mapping) or not database:
        raise InputError(file=path, key="database", expected="annotations by video", got=f"{database!r:.60}")
    videos = []
    for name, entry in database.items():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("annotations", []), list):
            raise InputError(file=path, key=f"database/{name}", expected="annotations in a list", got=f"{entry!r:.60}")
        subset, seconds = entry.get("subset", ""), entry.get("duration")
        if not isinstance(subset, str):
            raise InputError(file=path, key=f"database/{name}/subset", expected="text", got=repr(subset))
        if seconds is not None:
            (seconds,) = durations_of(np.array([seconds], dtype=object), path, [f"database/{name}/duration"])
        timed, untimed = [], []
        for number, row in enumerate(entry.get("annotations", [])):
            key = f"{name}/annotations[{number}]"
            if not isinstance(row, Mapping) or not isinstance(row.get("label"), str):
                expected = '{"label": text, "segment": [start, end]}'
                raise InputError(file=path, key=key, expected=expected, got=f"{row!r:.60}")
            if row.get("segment") is None:
                untimed.append(row["label"])
            else:
                timed.append(instance_of(path, key, row["label"], row["segment"]))
        videos.append(_video(str(name), subset, seconds, timed, untimed))
    return Annotations(path, _sorted_classes(videos), tuple(videos))


def _from_table(path: Path) -> Annotations:
    reader = csv.DictReader(io.StringIO(read_text(path).removeprefix("\ufeff")))
    header = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = header
    for column in header:
        if column not in COLUMNS:
            expected = f"a known column ({nearest(column, COLUMNS)})"
            raise InputError(file=path, key=column, expected=expected, got="another")
    for column in ("video", "label", *(("start", "end") if {"start", "end"} & set(header) else ())):
        if column not in header:
            raise InputError(file=path, key=column, expected="a column of that name", got=f"only {', '.join(header)}")
    subsets: dict[str, str] = {}
    timed: dict[str, list[tuple[str, float, float]]] = {}
    untimed: dict[str, list[str]] = {}
    for line, row in enumerate(reader, start=2):
        key = f"line {line}"
        if None in row or any(row[column] is None for column in header):
            raise InputError(file=path, key=key, expected=f"{len(header)} values", got="another number")
        name, label = row["video"].strip(), row["label"]
        if not name:
            raise InputError(file=path, key=key, expected="the name of a video", got="nothing")
        if subsets.setdefault(name, row.get("subset", "").strip()) != row.get("subset", "").strip():
            raise InputError(file=path, key=key, expected=f"{name} in one subset, {subsets[name]!r}", got=row["subset"])
        if label and row.get("start", "").strip():
            bounds = [seconds_of(path, key, row["start"]), seconds_of(path, key, row["end"])]
            timed.setdefault(name, []).append(instance_of(path, f"{key}, {name}", label, bounds))
        elif label:
            untimed.setdefault(name, []).append(label)
    if not subsets:
        raise InputError(file=path, expected="a line for each instance or label", got="no line")
    videos = [_video(name, of, None, timed.get(name, []), untimed.get(name, [])) for name, of in subsets.items()]
    return Annotations(path, _sorted_classes(videos), tuple(videos))


def _video(
    name: str, subset: str, seconds: float | None, timed: Sequence[tuple[str, float, float]], untimed: Sequence[str]
) -> AnnotatedVideo:
    listed = tuple(dict.fromkeys([*(label for label, _, _ in timed), *untimed])) if untimed else None
    return AnnotatedVideo(name, subset, seconds, tuple(timed), listed)


def _sorted_classes(videos: Sequence[AnnotatedVideo]) -> tuple[str, ...]:
    return tuple(sorted({name for video in videos for name in classes_of(video)}))


def _check_known(path: Path, videos: Sequence[AnnotatedVideo], classes: Sequence[str]) -> None:
    for video in videos:
        for name in sorted(classes_of(video) - set(classes)):
            expected = f"a class of classlist.npy ({nearest(name, classes)})"
            raise InputError(file=path, key=video.name, expected=expected, got=repr(name))
