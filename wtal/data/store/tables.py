"""The files of a feature store: their names and columns, and readers that refuse what is not whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError, nearest, require
from wtal.base.files import digest_of_file, read_rows
from wtal.base.ranges import require_rate
from wtal.suite.streams import Streams, require_streams

Subset = Literal["train", "test"]
SUBSETS: tuple[Subset, ...] = get_args(Subset)

FEATURES, VIDEOS, LABELS = "features.npy", "videos.csv", "video_labels.csv"
ANNOTATIONS, META = "annotations.csv", "meta.json"
HASHED = (FEATURES, VIDEOS, LABELS, ANNOTATIONS)
STORE_FILES = (*HASHED, META)
VIDEO_COLUMNS = ("video", "subset", "first_row", "n_snippets", "seconds")
CHECKSUM = "crc32"  # of a video's rows as they lie on disk; a store that was not made by `wtal prepare` may lack it
LABEL_COLUMNS = ("video", "class")
ANNOTATION_COLUMNS = ("video", "class", "start", "end")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreMeta:
    """What a store is made of, where it comes from and the sha256 of its files."""

    dataset: str
    classes: tuple[str, ...]
    snippets_per_second: float
    feature_size: int
    streams: Streams  # of the columns, in order; none where nobody has named them
    source: str
    licence: str
    citation: str
    files: dict[str, str]  # sha256 of each file by name
    labels_are_listed: bool = False  # weak labels come from a list, and may contradict the instances
    origin: dict[str, Any] | None = None  # of features of `wtal extract`: the extractor, its weights and its grid

    def __post_init__(self) -> None:
        names = list(self.classes)
        require(bool(names) and len(set(names)) == len(names), "classes", "at least one class, each once", names)
        require(all(name.strip() for name in names), "classes", "names that are not empty", names)
        require_rate(self.snippets_per_second, "snippets_per_second")
        require(self.feature_size >= 1, "feature_size", "a whole number, 1 or above", self.feature_size)
        require_streams(self.streams, self.feature_size)
        absent = [name for name in HASHED if name not in self.files]
        require(not absent, "files", f"the sha256 of {', '.join(HASHED)}", f"none of {', '.join(absent)}")


def check_digest(folder: Path, name: str, meta: StoreMeta) -> None:
    """Refuse a file of the store whose sha256 is not the one that was written."""
    found = digest_of_file(folder / name)
    if found != meta.files[name]:
        expected = f"the file that was prepared, sha256 {meta.files[name][:12]}... (run `wtal prepare` again)"
        raise InputError(file=folder / name, expected=expected, got=f"{found[:12]}...")


def number_of_each(names: tuple[str, ...]) -> dict[str, int]:
    """Each name with its number."""
    return {name: number for number, name in enumerate(names)}


def check_known(name: str, known: Mapping[str, int], what: str, path: Path, line: int) -> None:
    """Refuse a name in a table that the store does not know, with the nearest one."""
    if name not in known:
        expected = f"a {what} of the store ({nearest(name, known)})" if len(known) < 1000 else f"a {what} of the store"
        raise InputError(file=path, key=f"line {line}", expected=expected, got=repr(name))


def _number(row: Mapping[str, str], column: str, path: Path, line: int) -> float:
    try:
        value = float(row[column])
    except (ValueError, TypeError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(file=path, key=f"line {line}, {column}", expected="a finite number", got=repr(row[column]))
    return value


def read_bounds(row: Mapping[str, str], path: Path, line: int) -> tuple[float, float]:
    """Start and end of an annotation in seconds; a zero-length one is allowed, a reversed one is not."""
    start, end = _number(row, "start", path, line), _number(row, "end", path, line)
    if not 0 <= start <= end:
        expected = "seconds with 0 <= start <= end"
        raise InputError(file=path, key=f"line {line}", expected=expected, got=f"start {start}, end {end}")
    return start, end


def read_videos(path: Path) -> dict[str, Any]:
    """The videos in store order: names, subset, first_row [V], n_snippets [V], seconds [V], checksums [V] if any."""
    rows = read_rows(path, VIDEO_COLUMNS)
    names = tuple(row["video"] for row in rows)
    seen: set[str] = set()
    first_rows, counts, seconds, next_row = [], [], [], 0
    for line, row in enumerate(rows, start=2):
        key = f"line {line}"
        if not row["video"] or row["video"] in seen:
            raise InputError(file=path, key=key, expected="a video name that is new", got=repr(row["video"]))
        seen.add(row["video"])
        if row["subset"] not in SUBSETS:
            raise InputError(file=path, key=f"{key}, subset", expected="train or test", got=repr(row["subset"]))
        first, count = (_number(row, column, path, line) for column in ("first_row", "n_snippets"))
        if count < 1 or count % 1:
            raise InputError(file=path, key=row["video"], expected="one snippet or more", got=row["n_snippets"])
        if first != next_row:
            raise InputError(file=path, key=f"{key}, first_row", expected=f"{next_row}", got=row["first_row"])
        duration = _number(row, "seconds", path, line)
        if duration <= 0:
            raise InputError(file=path, key=row["video"], expected="seconds above 0", got=row["seconds"])
        first_rows.append(next_row)
        counts.append(int(count))
        seconds.append(duration)
        next_row += int(count)
    subset = tuple(row["subset"] for row in rows)
    for name in SUBSETS:
        if name not in subset:
            raise InputError(file=path, key="subset", expected=f"at least one {name} video", got="none")
    arrays = {"first_row": np.array(first_rows, np.int64), "n_snippets": np.array(counts, np.int64)}
    checksums = None
    if CHECKSUM in rows[0]:
        checksums = np.array([_number(row, CHECKSUM, path, line) for line, row in enumerate(rows, start=2)], np.int64)
    return {"names": names, "subset": subset, **arrays, "seconds": np.array(seconds), "checksums": checksums}


def read_video_labels(path: Path, table: Mapping[str, Any], meta: StoreMeta) -> NDArray[np.bool_]:
    """The weak labels [V, C]; every class must occur in a training video."""
    video_number, class_index = number_of_each(table["names"]), number_of_each(meta.classes)
    labels = np.zeros((len(video_number), len(class_index)), dtype=np.bool_)
    for line, row in enumerate(read_rows(path, LABEL_COLUMNS), start=2):
        check_known(row["video"], video_number, "video", path, line)
        check_known(row["class"], class_index, "class", path, line)
        labels[video_number[row["video"]], class_index[row["class"]]] = True
    in_training = labels[np.array(table["subset"]) == "train"].any(axis=0)
    for name, found in zip(meta.classes, in_training):
        if not found:
            raise InputError(file=path, key=name, expected="at least one training video of the class", got="none")
    return labels


def open_rows(path: Path, n_rows: int, feature_size: int) -> NDArray[Any]:
    """The features of all videos [N, D], memory-mapped and read-only; never a pickle."""
    if not path.is_file():
        raise InputError(file=path, expected="the features of the store", got="no such file")
    expected = f"a whole .npy file of {n_rows} rows of {feature_size} float32 or float16"
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # whatever a damaged header makes numpy and its tokeniser say
        raise InputError(file=path, expected=expected, got=(str(error).splitlines() or ["another file"])[0]) from None
    if not isinstance(rows, np.memmap) or rows.dtype not in (np.dtype("<f4"), np.dtype("<f2")):
        raise InputError(file=path, expected=expected, got=f"type {getattr(rows, 'dtype', 'unknown')}")
    if rows.shape != (n_rows, feature_size) or not rows.flags.c_contiguous:
        raise InputError(file=path, expected=expected, got=f"shape {rows.shape}")
    surplus = path.stat().st_size - rows.offset - rows.nbytes
    if surplus:
        raise InputError(file=path, expected=expected, got=f"{surplus} bytes more")
    return rows
