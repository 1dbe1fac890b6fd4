"""The part of the data store that a report reads: videos, their lengths, instances, names; never the features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wtal.config import from_mapping
from wtal.data.store_tables import (
    ANNOTATION_COLUMNS,
    ANNOTATIONS,
    META,
    VIDEOS,
    StoreMeta,
    Subset,
    check_known,
    places,
    read_bounds,
    read_videos,
)
from wtal.files import read_json, read_rows
from wtal.records import Instances


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of the videos of one subset."""

    instances: Instances
    seconds: dict[str, float]  # length by video
    snippets_per_second: float


def read_meta(data: Path) -> StoreMeta:
    """What the store says of itself. Raises InputError where meta.json is missing or broken."""
    return from_mapping(StoreMeta, read_json(data / META), file=data / META)


def read_truth(data: Path, subset: Subset) -> Truth:
    """The ground truth of a subset, in store order. Raises InputError naming file, line and column."""
    meta, table = read_meta(data), read_videos(data / VIDEOS)
    lengths = zip(table["names"], table["subset"], table["seconds"].tolist())
    seconds = {name: length for name, part, length in lengths if part == subset}
    known, number_of, class_of = places(table["names"]), places(tuple(seconds)), places(meta.classes)
    path, rows = data / ANNOTATIONS, []
    for line, row in enumerate(read_rows(path, ANNOTATION_COLUMNS), start=2):
        check_known(row["video"], known, "video", path, line)
        check_known(row["class"], class_of, "class", path, line)
        bounds = read_bounds(row, path, line)
        if row["video"] in number_of:
            rows.append((number_of[row["video"]], class_of[row["class"]], *bounds))
    values = np.array(rows, dtype=np.float64).reshape(-1, 4)
    video, label = values[:, 0].astype(np.int64), values[:, 1].astype(np.int64)
    instances = Instances(tuple(seconds), meta.classes, video, label, values[:, 2], values[:, 3])
    return Truth(instances, seconds, meta.snippets_per_second)
