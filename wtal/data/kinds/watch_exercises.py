"""Exercise recorded by a smartwatch, composed into sessions: a second domain, small enough for a processor.

Ten people did sets of twenty repetitions of seven shoulder exercises with either arm. A set is cut into bouts; bouts
of one or two exercises make a session, whose weak label is the set of its exercises. Three of the seven are never
labelled: their bouts are the background, with short rests between all. The recordings hold no rest, so that is made up:
the arm goes from one bout's posture to the next while it moves a little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.files import digest_of_file
from wtal.base.npy.read import read_array
from wtal.base.records import Floats
from wtal.base.seeds import seed_of_text
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
from wtal.data.kinds.watch_settings import WatchData
from wtal.data.store.tables import SUBSETS, Subset
from wtal.data.store.write import DataSet, StoredVideo

PACKAGE = "seglearn"
PACKAGED_FILE = "seglearn/data/watch_dataset.npy"
SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
SENSORS = ["ax", "ay", "az", "wx", "wy", "wz"]

CLASSES = {
    "ABD": "abduction",
    "FEL": "forward_elevation",
    "IR": "internal_rotation",
    "ER": "external_rotation",
}
UNLABELLED = ("PEN", "TRAP", "ROW")  # pendulum, trapezius extension, upright row: real movement in the background
TEST_PEOPLE = (8, 9, 10)
VALIDATION_PEOPLE = (6, 7)  # of the training people; settings are looked at on these, never on test people

BOUT_SECONDS = (4.0, 11.0)  # least and most; the last bout of a set is longer by what is left
REST_SECONDS = (1.5, 4.0)  # least and most, before, between and after bouts
TWO_EXERCISES = 0.5  # share of sessions with two exercises
BACKGROUND = 0.6  # share of the gaps of a session that hold an unlabelled bout
UNREST = (0.15, 0.5)  # standard deviation of the movement during rest: g, and radians a second

SOURCE = (
    "Sets of shoulder exercises of ten people, accelerometer and gyroscope of a watch at 50 Hz: sensor data, not "
    "video; composed into sessions with made-up rest. "
    f"From the package {PACKAGE} 1.2.5, file {PACKAGED_FILE}, sha256 {SHA256}"
)
LICENCE = "BSD 3-clause, of the package"
CITATION = (
    "D. M. Burns, N. Leung, M. Hardisty, C. M. Whyne, P. Henry, S. McLachlin: Shoulder Physiotherapy Exercise "
    "Recognition: Machine Learning the Inertial Signals from a Smartwatch. Physiological Measurement 39, 2018"
)


@dataclass(frozen=True, slots=True)
class ExerciseSet:
    """One set of one exercise."""

    person: int
    side: str  # left or right
    exercise: str  # as the file has it, such as ABD
    samples: Floats  # [S, 6]


@dataclass(frozen=True, slots=True)
class Session:
    """A composed session; segments are exercise, start and end, in samples."""

    name: str
    samples: Floats  # [S, 6], a whole number of snippets
    segments: tuple[tuple[str, int, int], ...]

    @property
    def n_snippets(self) -> int:
        """How many snippets the session has."""
        return len(self.samples) // SAMPLES_PER_SNIPPET


def watch_data_set(settings: WatchData, sets: Sequence[ExerciseSet] | None = None) -> DataSet:
    """The data set that the settings ask for; sets: those of the package unless given.

    Raises InputError where the package is missing or its file is not the one with the known sha256.
    """
    sets = read_sets() if sets is None else sets
    sessions: dict[Subset, list[Session]] = {"train": [], "test": []}
    for person, side in sorted({(one.person, one.side) for one in sets}):
        subset = subset_of_session(person, settings.split)
        if subset:
            sets_of_person = [one for one in sets if (one.person, one.side) == (person, side)]
            sessions[subset] += compose(sets_of_person, settings)
    return DataSet(
        dataset="watch",
        classes=tuple(CLASSES.values()),
        snippets_per_second=SAMPLES_PER_SECOND / SAMPLES_PER_SNIPPET,
        feature_size=FEATURE_SIZE,
        streams=STREAMS,
        source=SOURCE,
        licence=LICENCE,
        citation=CITATION,
        videos=_videos(sessions),
    )


def find_packaged_recordings() -> Path:
    """Where the installed package keeps the recordings. Raises InputError where it is not there."""
    return packaged_file(PACKAGE, PACKAGED_FILE, "pip install --no-deps seglearn==1.2.5")


def read_sets(path: Path | None = None) -> list[ExerciseSet]:
    """The sets of the package, in its order. Raises InputError for any file but the known one."""
    path = path or find_packaged_recordings()
    found = digest_of_file(path)
    if found != SHA256:
        raise InputError(file=path, expected=f"the recordings, sha256 {SHA256[:12]}...", got=f"{found[:12]}...")
    table: dict[str, Any] = read_array(path).item()
    names = table["y_labels"]
    columns = zip(table["X"], table["y"].tolist(), table["side"].tolist(), table["subject"].tolist(), strict=True)
    return [
        ExerciseSet(int(person), "right" if side == 1 else "left", names[int(exercise)], samples)
        for samples, exercise, side, person in columns
    ]


def subset_of_session(person: int, split: str) -> Subset | None:
    """Where a person of these recordings belongs; None where in neither subset."""
    return subset_of_person(person, split, TEST_PEOPLE, VALIDATION_PEOPLE)


def compose(sets: Sequence[ExerciseSet], settings: WatchData) -> list[Session]:
    """The sessions of one person and arm: every labelled bout once, in an order that the seed alone decides."""
    person, side = sets[0].person, sets[0].side
    generator = np.random.default_rng(seed_of_text(f"watch/{settings.seed}/{person}/{side}"))
    left = {one.exercise: _bouts(one, generator) for one in sorted(sets, key=lambda one: one.exercise)}
    unlabelled = [bout for name in UNLABELLED for bout in left.pop(name, [])]
    unlabelled = [unlabelled[index] for index in generator.permutation(len(unlabelled))]
    sessions: list[Session] = []
    while any(left.values()):
        chosen = _chosen(left, settings.session_bouts, generator)
        for gap in range(len(chosen), -1, -1):
            if unlabelled and generator.random() < BACKGROUND:
                chosen.insert(gap, ("", unlabelled.pop()))
        name = f"person{person:02d}_{side}_session{len(sessions) + 1:02d}"
        sessions.append(_session(name, chosen, generator))
    return sessions


def _bouts(one: ExerciseSet, generator: Generator) -> list[Floats]:
    """A set cut into bouts of random lengths, shuffled."""
    edges, least = [0], int(BOUT_SECONDS[0] * SAMPLES_PER_SECOND)
    while len(one.samples) - edges[-1] >= least:
        edges.append(edges[-1] + int(generator.uniform(*BOUT_SECONDS) * SAMPLES_PER_SECOND))
    inner = [edge for edge in edges[1:] if edge <= len(one.samples) - least]
    bouts = np.split(one.samples, inner)
    return [bouts[index] for index in generator.permutation(len(bouts))]


def _chosen(left: dict[str, list[Floats]], counts: tuple[int, int], generator: Generator) -> list[tuple[str, Floats]]:
    """The bouts of the next session, taken out of `left`: of one or two exercises, those with most bouts left first."""
    shuffled = [list(left)[index] for index in generator.permutation(len(left))]
    exercises = sorted(shuffled, key=lambda name: -len(left[name]))[: 2 if generator.random() < TWO_EXERCISES else 1]
    wanted = int(generator.integers(counts[0], counts[1] + 1))
    chosen = []
    for turn in range(wanted):
        name = exercises[turn % len(exercises)]
        if left[name]:
            chosen.append((name, left[name].pop()))
    return [chosen[index] for index in generator.permutation(len(chosen))]


def _session(name: str, bouts: Sequence[tuple[str, Floats]], generator: Generator) -> Session:
    """Bouts, unlabelled where their exercise is "", with rest around them, cut to whole snippets."""
    pieces: list[Floats] = []
    segments: list[tuple[str, int, int]] = []
    posture, index = bouts[0][1][0], 0
    for exercise, samples in bouts:
        pieces += [_rest(posture, samples[0], generator), samples]
        start = index + len(pieces[-2])
        index = start + len(samples)
        posture = samples[-1]
        if exercise:
            segments.append((CLASSES[exercise], start, index))
    pieces.append(_rest(posture, posture, generator))
    whole = sum(map(len, pieces)) // SAMPLES_PER_SNIPPET * SAMPLES_PER_SNIPPET
    return Session(name, np.concatenate(pieces)[:whole], tuple(segments))


def _rest(before: Floats, after: Floats, generator: Generator) -> Floats:
    """Made-up rest [S, 6]: a smooth way from one sample to another, with slow movement that fades at its ends."""
    n_samples = int(generator.uniform(*REST_SECONDS) * SAMPLES_PER_SECOND)
    way = np.linspace(0, 1, n_samples)[:, None]
    smooth = way**2 * (3 - 2 * way)
    window = np.hanning(SAMPLES_PER_SECOND)
    noise = generator.standard_normal((n_samples + len(window) - 1, len(SENSORS)))
    slow = np.stack([np.convolve(column, window, mode="valid") for column in noise.T], axis=1)
    slow /= np.sqrt((window**2).sum())
    fade = np.minimum(1, 4 * np.minimum(way, 1 - way))
    rest: Floats = (1 - smooth) * before + smooth * after + np.repeat(UNREST, 3) * fade * slow
    return rest


def _videos(sessions: dict[Subset, list[Session]]) -> Iterator[StoredVideo]:
    raw: dict[str, NDArray[np.float32]] = {
        one.name: window_features(one.samples, one.n_snippets) for subset in SUBSETS for one in sessions[subset]
    }
    mean, deviation = training_statistics([raw[one.name] for one in sessions["train"]])
    for subset in SUBSETS:
        for one in sessions[subset]:
            yield StoredVideo(
                name=one.name,
                subset=subset,
                seconds=len(one.samples) / SAMPLES_PER_SECOND,
                features=standardised(raw[one.name], mean, deviation),
                instances=tuple(
                    (name, start / SAMPLES_PER_SECOND, end / SAMPLES_PER_SECOND) for name, start, end in one.segments
                ),
            )
