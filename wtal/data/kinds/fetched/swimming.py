"""Swimmers with a watch (Brunner et al., ISWC 2019): a recording is a video, its weak label the set of its styles.

Sensor data, not video. There is no official split: every third swimmer tests, every third of the others is held out.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import read_text
from wtal.base.records import Floats, Integers
from wtal.data.fetch.manifest import Manifest, read_manifest
from wtal.data.kinds.fetched.files import fetched_files, read_columns
from wtal.data.kinds.fetched.swimming_settings import SwimmingData
from wtal.data.kinds.fetched.videos import Described, stored_videos
from wtal.data.kinds.packaged import subset_of_person
from wtal.data.kinds.sensor_features import (
    FEATURE_SIZE,
    STREAMS,
    Windows,
    window_features,
)
from wtal.data.store.tables import SUBSETS, Subset
from wtal.data.store.write import DataSet, StoredVideo

logger = logging.getLogger(__name__)

SAMPLES_PER_SECOND = 30
SENSORS = ("ACC_0", "ACC_1", "ACC_2", "GYRO_0", "GYRO_1", "GYRO_2")
LABEL = "label"
CLASSES = {1: "freestyle", 2: "breaststroke", 3: "backstroke", 4: "butterfly"}
BACKGROUND = (0, 5)  # nothing, a turn
UNDOCUMENTED = (-1, 6)  # no page says what they mean
TEST_SWIMMERS = (4, 7, 12, 15, 20, 24, 27, 30, 34, 38)  # every third of the 31
VALIDATION_SWIMMERS = (5, 11, 18, 23, 28, 33, 39)  # every third of the others; settings are chosen on these


@dataclass(frozen=True, slots=True)
class SwimmingRecording:
    """One recording of one swimmer."""

    swimmer: int
    name: str
    samples: Floats  # [S, 6]
    label: Integers  # [S]


def swimming_data_set(settings: SwimmingData, manifest: Manifest | None = None) -> DataSet:
    """The data set that the settings ask for; manifest: that of the published recordings unless given.

    Raises InputError where a recording is missing, is another than was fetched, or cannot be read.
    """
    files = fetched_files(manifest or read_manifest("swimming"), settings.folder)
    recordings: dict[Subset, list[SwimmingRecording]] = {"train": [], "test": []}
    n_rows = n_undocumented = 0
    for file in files.manifest.files:
        swimmer = _swimmer(files.folder, file.path)
        subset = subset_of_person(swimmer, settings.split, TEST_SWIMMERS, VALIDATION_SWIMMERS)
        if subset is None:
            continue
        recording = read_recording(files.folder / file.path, swimmer)
        n_rows += len(recording.label)
        n_undocumented += int(np.isin(recording.label, UNDOCUMENTED).sum())
        recordings[subset].append(recording)
    share = f"{100 * n_undocumented / max(n_rows, 1):.1f} % of the rows"
    fault = f"labels -1 and 6, which nothing documents, are taken as unlabelled ({share})"
    logger.info(f"note: swimming: {fault}")
    return DataSet(
        dataset="swimming",
        classes=tuple(CLASSES.values()),
        snippets_per_second=SAMPLES_PER_SECOND / settings.samples_per_snippet,
        feature_size=FEATURE_SIZE,
        streams=STREAMS,
        source=files.source([fault]),
        licence=files.manifest.licence,
        citation=files.manifest.citation,
        videos=_videos(recordings, settings),
    )


def _swimmer(folder: Path, path: str) -> int:
    number = path.partition("/")[0]
    if not number.isdecimal():
        raise InputError(file=folder / path, expected="a folder named by the swimmer's number", got=repr(number))
    return int(number)


def read_recording(path: Path, swimmer: int) -> SwimmingRecording:
    """A published recording, its columns told by their names. Raises InputError where it is damaged."""
    heading = read_text(path).partition("\n")[0].strip().split(",")
    wanted = (*SENSORS, LABEL)
    lacking = [name for name in wanted if name not in heading]
    if lacking:
        raise InputError(file=path, key=lacking[0], expected="a column of that name", got=f"{','.join(heading)!r:.60}")
    table = read_columns(path, [heading.index(name) for name in wanted], delimiter=",", heading=1)
    label = table[:, -1].astype(np.int64)
    known = np.isin(table[:, -1], (*CLASSES, *BACKGROUND, *UNDOCUMENTED))
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        raise InputError(file=path, key=f"row {row}, label", expected="a whole number, -1 to 6", got=table[row, -1])
    return SwimmingRecording(swimmer, f"swimmer{swimmer:02d}_{path.stem.lower()}", table[:, :-1], label)


def styles_of(label: Integers) -> list[tuple[str, int, int]]:
    """Runs of one style in the labels of samples [S]: class, start and end, half-open, in samples."""
    edges = [0, *(np.flatnonzero(np.diff(label)) + 1).tolist(), len(label)]
    return [
        (CLASSES[int(label[start])], start, end)
        for start, end in itertools.pairwise(edges)
        if end > start and int(label[start]) in CLASSES
    ]


def _videos(recordings: dict[Subset, list[SwimmingRecording]], settings: SwimmingData) -> Iterator[StoredVideo]:
    step = settings.samples_per_snippet
    windows = Windows(SAMPLES_PER_SECOND, step, settings.window_samples)

    def described(one: SwimmingRecording) -> Described:
        rows = window_features(one.samples, len(one.samples) // step, windows)
        return Described(one.name, rows, list(styles_of(one.label)))

    needed = "a recording of a training swimmer"
    found = {subset: [described(one) for one in recordings[subset]] for subset in SUBSETS}
    yield from stored_videos(found, step, SAMPLES_PER_SECOND, folder=settings.folder, needed=needed)
