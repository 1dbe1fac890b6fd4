"""Hand gestures of SHREC 2021 (Caputo et al.): a sequence is a video, its weak label the set of its gestures.

The official split. Features come from joint positions alone; the published rotations are not read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wtal.base.errors import InputError
from wtal.base.files import read_text
from wtal.base.records import Floats
from wtal.data.fetch.manifest import Manifest, read_manifest
from wtal.data.kinds.fetched.files import FetchedFiles, fetched_files, read_columns
from wtal.data.kinds.fetched.hand_features import FEATURE_SIZE, JOINTS, ROWS_PER_SECOND, STREAMS, hand_features
from wtal.data.kinds.fetched.shrec21_settings import Shrec21Data
from wtal.data.kinds.fetched.videos import Described, stored_videos
from wtal.data.store.tables import SUBSETS, Subset
from wtal.data.store.write import DataSet, StoredVideo

logger = logging.getLogger(__name__)

CLASSES = (
    *("ONE", "TWO", "THREE", "FOUR", "OK", "MENU"),  # still
    *("LEFT", "RIGHT", "CIRCLE", "V", "CROSS"),  # the hand moves
    *("GRAB", "PINCH", "DENY", "TAP", "EXPAND", "KNOB"),  # the fingers move
)
FOLDERS: dict[Subset, str] = {"train": "training_set", "test": "test_set"}
ANNOTATIONS: dict[Subset, str] = {
    "train": "training_set/annotations_revised_training.txt",
    "test": "test_set/annotations_revised.txt",
}
VALUES_PER_JOINT = 7  # three of the position, four of the rotation
COLUMNS = [VALUES_PER_JOINT * joint + axis for joint in range(JOINTS) for axis in range(3)]
# The last third of the training sequences, held out to choose settings on. A run of neighbours, since neighbours show
# the same hand (the lengths of its bones tell), as the test sequences show none of the training hands.
VALIDATION_SEQUENCES = range(73, 109)


@dataclass(frozen=True, slots=True)
class Gesture:
    """An annotated gesture, half-open, in rows."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class HandSequence:
    """One sequence of one hand."""

    number: int
    joints: Floats  # [S, 20, 3]
    gestures: tuple[Gesture, ...]


def shrec21_data_set(settings: Shrec21Data, manifest: Manifest | None = None) -> DataSet:
    """The data set that the settings ask for; manifest: that of the published files unless given.

    Raises InputError where a file is missing, is another than was fetched, or cannot be read.
    """
    files = fetched_files(manifest or read_manifest("shrec21"), settings.folder)
    faults: list[str] = []
    sequences: dict[Subset, list[HandSequence]] = {"train": [], "test": []}
    for official in SUBSETS:
        for one in _read_sequences(files, official, faults):
            subset = subset_of_sequence(one.number, official, settings.split)
            if subset:
                sequences[subset].append(one)
    for fault in faults:
        logger.info(f"note: shrec21: {fault}")
    return DataSet(
        dataset="shrec21",
        classes=CLASSES,
        snippets_per_second=ROWS_PER_SECOND / settings.rows_per_snippet,
        feature_size=FEATURE_SIZE,
        streams=STREAMS,
        source=files.source(faults),
        licence=files.manifest.licence,
        citation=files.manifest.citation,
        videos=_videos(sequences, settings),
    )


def subset_of_sequence(number: int, official: Subset, split: str) -> Subset | None:
    """Where a sequence belongs; in the split `validation` the true test sequences are in neither subset."""
    if split == "test":
        return official
    if official == "test":
        return None
    return "test" if number in VALIDATION_SEQUENCES else "train"


def _read_sequences(files: FetchedFiles, subset: Subset, faults: list[str]) -> Iterator[HandSequence]:
    """The sequences of a subset, in their order; a sentence for each faulty gesture is added to `faults`."""
    annotations = files.folder / ANNOTATIONS[subset]
    gestures = read_gestures(annotations)
    paths = [
        files.folder / file.path
        for file in files.manifest.files
        if file.part == "recordings" and PurePosixPath(file.path).parts[0] == FOLDERS[subset]
    ]
    for path in sorted(paths, key=_number):
        number = _number(path)
        if number not in gestures:
            expected = f"a line of sequence {number} in {annotations.name}"
            raise InputError(file=annotations, key=str(number), expected=expected, got="none")
        table = read_columns(path, COLUMNS, delimiter=";")
        words = f"{'training' if subset == 'train' else 'test'} sequence {number}"
        kept = sound_gestures(gestures[number], len(table), words, faults)
        yield HandSequence(number, table.reshape(len(table), JOINTS, 3), kept)


def _number(path: Path) -> int:
    if not path.stem.isdecimal():
        raise InputError(file=path, expected="a file named by the sequence's number", got=repr(path.stem))
    return int(path.stem)


def read_gestures(path: Path) -> dict[int, list[Gesture]]:
    """The annotated gestures by sequence, faulty ones too. Raises InputError naming the line that cannot be read.

    A line is `number;CLASS;first;last;CLASS;first;last;...`; rows are counted from 1, as the last rows of gestures that
    end with their sequence tell.
    """
    found: dict[int, list[Gesture]] = {}
    for line_number, line in enumerate(read_text(path).splitlines(), start=1):
        words = [word.strip() for word in line.split(";")]
        while words and not words[-1]:
            words.pop()
        if not words:
            continue
        number, *rest = words
        triples = list(zip(rest[::3], rest[1::3], rest[2::3]))
        whole = number.isdecimal() and len(rest) % 3 == 0
        sound = all(label in CLASSES and first.isdecimal() and last.isdecimal() for label, first, last in triples)
        sound = sound and all(int(first) for _, first, _ in triples)
        if not (whole and sound):
            expected = "number;CLASS;first;last;... with the known classes"
            raise InputError(file=path, key=f"line {line_number}", expected=expected, got=f"{line!r:.80}")
        found[int(number)] = [Gesture(label, int(first) - 1, int(last)) for label, first, last in triples]
    return found


def sound_gestures(gestures: list[Gesture], n_rows: int, where: str, faults: list[str]) -> tuple[Gesture, ...]:
    """Gestures inside a sequence of `n_rows` rows: one that ends before it starts is dropped, one past the end clipped.

    Either is told in a sentence that is added to `faults`.
    """
    kept = []
    for one in gestures:
        named = f"{where}: {one.label} from row {one.start + 1} to {one.end}"
        if one.end <= one.start:
            faults.append(f"{named} ends before it starts, and is dropped")
        elif one.start >= n_rows:
            faults.append(f"{named} starts past the last row, {n_rows}, and is dropped")
        elif one.end > n_rows:
            faults.append(f"{named} is clipped to the last row, {n_rows}")
            kept.append(Gesture(one.label, one.start, n_rows))
        else:
            kept.append(one)
    return tuple(kept)


def _videos(sequences: dict[Subset, list[HandSequence]], settings: Shrec21Data) -> Iterator[StoredVideo]:
    step = settings.rows_per_snippet

    def described(one: HandSequence) -> Described:
        gestures = [(gesture.label, gesture.start, gesture.end) for gesture in one.gestures]
        return Described(f"sequence{one.number:03d}", hand_features(one.joints, step, settings.window_rows), gestures)

    recordings = {subset: [described(one) for one in sequences[subset]] for subset in SUBSETS}
    yield from stored_videos(recordings, step, ROWS_PER_SECOND, folder=settings.folder, needed="a training sequence")
