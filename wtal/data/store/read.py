"""The feature store: one flat memory-mapped array of snippets, and tidy tables beside it, for any data set.

Training reads features, `videos.csv` and `video_labels.csv`; `annotations.csv` is opened by `Store.instances` alone.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.files import read_json, read_rows
from wtal.base.records import Floats, Instances, Integers, offsets_of
from wtal.base.schema import from_mapping
from wtal.data.store.tables import (
    ANNOTATION_COLUMNS,
    ANNOTATIONS,
    FEATURES,
    HASHED,
    LABELS,
    META,
    SUBSETS,
    VIDEOS,
    StoreMeta,
    Subset,
    check_digest,
    check_known,
    number_of_each,
    open_rows,
    read_bounds,
    read_video_labels,
    read_videos,
)


@dataclass(frozen=True, slots=True)
class Store:
    """A store that was opened and checked. Axes: V videos in store order, N snippets of all videos, D features."""

    folder: Path
    meta: StoreMeta
    names: tuple[str, ...]  # [V]
    subset: tuple[Subset, ...]  # [V]
    first_row: Integers  # [V]
    n_snippets: Integers  # [V]
    seconds: Floats  # [V]
    video_labels: NDArray[np.bool_]  # [V, C] the weak supervision
    rows: NDArray[Any]  # [N, D] float32 or float16, memory-mapped, read-only
    checksums: Integers | None = None  # [V] crc32 of each video's rows

    @property
    def classes(self) -> tuple[str, ...]:
        """The action classes, in the order of every array."""
        return self.meta.classes

    @property
    def snippets_per_second(self) -> float:
        """How many snippets a second of video has."""
        return self.meta.snippets_per_second

    @property
    def feature_size(self) -> int:
        """How many features a snippet has (D)."""
        return self.meta.feature_size

    def videos(self, subset: Subset) -> Integers:
        """The numbers of the videos of a subset, in store order, [V of the subset]."""
        return np.flatnonzero(np.array(self.subset) == subset).astype(np.int64)

    def video_names(self, subset: Subset) -> tuple[str, ...]:
        """The names of the videos of a subset, in store order."""
        return tuple(self.names[index] for index in self.videos(subset))

    def offsets(self, subset: Subset) -> Integers:
        """Where each video of a subset starts in the concatenation of the subset's snippets, [V of the subset + 1]."""
        return offsets_of(self.n_snippets[self.videos(subset)])

    def mapped(self, index: int) -> NDArray[Any]:
        """The features of video number `index` as they lie on disk, [T, D], held against their checksum.

        Raises InputError where they are not those that were prepared, which were all finite.
        """
        first, count = int(self.first_row[index]), int(self.n_snippets[index])
        rows = self.rows[first : first + count]
        if self.checksums is not None and zlib.crc32(rows.data) != self.checksums[index]:
            expected = "the features that were prepared (run `wtal prepare` again)"
            raise InputError(file=self.folder / FEATURES, key=self.names[index], expected=expected, got="others")
        return rows

    def features(self, index: int) -> NDArray[np.float32]:
        """The features of video number `index`, [T, D]. Raises InputError where they are not those prepared."""
        rows: NDArray[np.float32] = np.asarray(self.mapped(index), dtype=np.float32)
        return rows

    def instances(self, subset: Subset) -> Instances:
        """The hidden truth of a subset, in annotation order, seconds: for evaluation and diagnosis, never for training.

        Raises InputError where annotations.csv is missing, altered, or names an unknown video or class.
        """
        path = self.folder / ANNOTATIONS
        videos, rows = self.video_names(subset), read_rows(path, ANNOTATION_COLUMNS)
        video_number, known = number_of_each(videos), number_of_each(self.names)
        class_index = number_of_each(self.classes)
        bounds = [read_bounds(row, path, line) for line, row in enumerate(rows, start=2)]
        for line, row in enumerate(rows, start=2):
            check_known(row["video"], known, "video", path, line)
            check_known(row["class"], class_index, "class", path, line)
        check_digest(self.folder, ANNOTATIONS, self.meta)
        kept = [number for number, row in enumerate(rows) if row["video"] in video_number]
        return Instances(
            videos=videos,
            classes=self.classes,
            video=np.array([video_number[rows[number]["video"]] for number in kept], dtype=np.int64),
            class_index=np.array([class_index[rows[number]["class"]] for number in kept], dtype=np.int64),
            start=np.array([bounds[number][0] for number in kept], dtype=np.float64),
            end=np.array([bounds[number][1] for number in kept], dtype=np.float64),
        )


def read_store(folder: str | Path, *, verify: bool = False) -> Store:
    """Open a store, of whose features only the size is looked at; altered ones are refused when their video is read.

    verify: read every file whole, hold it against its sha256, and refuse a feature that is not finite.
    Raises InputError for a missing, truncated or altered file, a video without snippets, a class that no training
    video has, an unknown name or a wrong column.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(file=folder, expected="the folder of a store (`wtal prepare` writes it)", got="no such folder")
    if not (folder / META).is_file():
        raise InputError(file=folder / META, expected="the store's description", got="no such file")
    meta = from_mapping(StoreMeta, read_json(folder / META), file=folder / META)
    table = read_videos(folder / VIDEOS)
    labels = read_video_labels(folder / LABELS, table, meta)
    for name in (VIDEOS, LABELS):
        check_digest(folder, name, meta)
    rows = open_rows(folder / FEATURES, int(table["n_snippets"].sum()), meta.feature_size)
    store = Store(folder=folder, meta=meta, video_labels=labels, rows=rows, **table)
    if verify:
        _verify(store)
    return store


def _verify(store: Store) -> None:
    """Everything that opening alone does not read: features, annotations, and whether they agree with the labels."""
    for index, name in enumerate(store.names):
        finite = np.isfinite(store.mapped(index))
        if not finite.all():
            key = f"{name}, snippet {int(np.flatnonzero(~finite.all(axis=1))[0])}"
            raise InputError(file=store.folder / FEATURES, key=key, expected="finite features", got="NaN or infinity")
    for subset in SUBSETS:
        truth = store.instances(subset)
        labels = store.video_labels[store.videos(subset)]
        for video, class_index in zip(truth.video.tolist(), truth.class_index.tolist()):
            if not labels[video, class_index] and not store.meta.labels_are_listed:
                key = f"{truth.videos[video]}, {truth.classes[class_index]}"
                raise InputError(file=store.folder / LABELS, key=key, expected="a row for this instance", got="none")
    for name in HASHED:
        check_digest(store.folder, name, store.meta)
