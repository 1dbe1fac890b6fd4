"""Detections in files: ActivityNet's JSON, CSV with video,label,start,end,score, and the rounds of a run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from wtal.base.edges.array_file import open_arrays
from wtal.base.errors import InputError
from wtal.base.files import read_bytes, read_text, table_rows, text_of_bytes
from wtal.base.records import Detections, Instances, Integers
from wtal.data.annotations.table_forms import csv_rows
from wtal.data.annotations.values import number_of
from wtal.evaluate.read.detection_tables import detections_of, numbered
from wtal.evaluate.read.json_faults import first_fault, numbers_from_text, parsed_slowly
from wtal.evaluate.write_detections import COLUMNS

ALIASES = {"video-id": "video", "t-start": "start", "t-end": "end"}  # of ActivityNet's toolkit and ActionFormer
MOST_ROUNDS = 1000
KEYS = (b'"segment"', b'"label"', b'"score"')  # of a detection, each once


def read_detections(path: str | Path) -> Detections:
    """Detections in seconds from a .json or .csv file, in its order.

    Raises InputError naming the place of whatever is malformed: a missing key, a wrong type, a score that is not
    finite, a segment that ends before it starts, a video given twice, no detection at all.
    """
    detections = read_csv_detections(path) if Path(path).suffix.lower() == ".csv" else read_json_detections(path)
    if not len(detections):
        raise InputError(file=path, key="results", expected="at least one detection", got="none")
    return detections


def read_json_detections(path: str | Path, tell: Callable[[str], None] = lambda sentence: None) -> Detections:
    """Detections in ActivityNet's JSON; numbers may stand as text, and it is told. Raises as `read_detections` does."""
    content = read_bytes(path, "json")
    if content[:2] in (b"\xef\xbb", b"\xff\xfe", b"\xfe\xff"):  # byte-order marks
        content = text_of_bytes(path, content).encode()
    try:
        values = orjson.loads(content)
    except orjson.JSONDecodeError:
        values = parsed_slowly(path, content)
    columns = _columns(values)
    if columns is None or any(content.count(key) != len(columns[0]) for key in KEYS) or _has_more(content, values):
        # Something is wrong, or a key stands twice, or merely looks unusual: look at every value in turn.
        parsed_slowly(path, content)
        first_fault(path, values)
    if columns is None:
        count = numbers_from_text(values["results"])
        tell(f"{count} numbers stand as text, and are read as numbers")
        columns = _columns(values)
    if columns is None:
        raise InputError(file=path, expected="detections in ActivityNet's JSON format", got="something else")
    label, start, end, score = columns
    results: dict[str, list[Any]] = values["results"]
    video = np.repeat(np.arange(len(results), dtype=np.int64), [len(rows) for rows in results.values()])
    if not (np.isfinite(score) & np.isfinite(start) & np.isfinite(end) & (end >= start)).all():
        first_fault(path, values)
    classes, labels = numbered(label)
    return Detections(tuple(results), classes, video, labels, start, end, score)


def _has_more(content: bytes, values: Any) -> bool:
    """Whether more lists are written than there are videos and detections, as where a video stands twice."""
    return content.count(b"[") != len(values["results"]) + content.count(KEYS[0])


def _columns(values: Any) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray] | None:
    """Label, start, end and score of well-formed results, or None."""
    try:
        results = values["results"]
        rows = list(itertools.chain.from_iterable(results.values()))
        label = [row["label"] for row in rows]
        bounds = [bound for row in rows for bound in row["segment"]]
        score = [row["score"] for row in rows]
        if any(not isinstance(entries, list) for entries in results.values()):
            return None
        if not set(map(type, bounds)) | set(map(type, score)) <= {float, int} or not set(map(type, label)) <= {str}:
            return None
        if set(map(len, (row["segment"] for row in rows))) - {2}:
            return None
        table = np.array(bounds, dtype=np.float64).reshape(-1, 2)
        return label, table[:, 0].copy(), table[:, 1].copy(), np.array(score, dtype=np.float64)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None


def read_csv_detections(path: str | Path) -> Detections:
    """Detections in a CSV table. Raises as `read_detections` does."""
    reader = iter(table_rows(path, csv_rows(read_text(path))))
    header = [ALIASES.get(name.lower(), name.lower()) for name in next(reader, [])]
    for column in COLUMNS:
        if column not in header:
            raise InputError(file=path, key=column, expected="a column of that name", got=header or "an empty file")
    column_numbers = [header.index(column) for column in COLUMNS]
    video, label, numbers = [], [], []
    for line, row in enumerate(reader, start=2):
        if not row:
            continue
        if len(row) != len(header):
            raise InputError(file=path, key=f"line {line}", expected=f"{len(header)} values", got=len(row))
        values = [row[column_number] for column_number in column_numbers]
        video.append(values[0])
        label.append(values[1])
        numbers.append(_numbers(path, line, values[2:]))
    return detections_of(video, label, np.array(numbers, dtype=np.float64).reshape(-1, 3))


def _numbers(path: str | Path, line: int, values: Sequence[str]) -> list[float]:
    numbers = []
    for column, text in zip(COLUMNS[2:], values):
        number = number_of(text)
        if number is None:
            key = f"line {line}, {column}"
            raise InputError(file=path, key=key, expected="a finite number", got=repr(text))
        numbers.append(number)
    if numbers[1] < numbers[0]:
        key = f"line {line}"
        raise InputError(file=path, key=key, expected="an end at or after the start", got=f"{numbers[:2]}")
    return numbers


def read_detections_of_rounds(path: str | Path, at_least: int = 1, of: Instances | None = None) -> list[Detections]:
    """The detections of every round of a run, round 0 first.

    at_least: so many, of which those that the file does not know have none. of: the truth whose videos and classes
    they must be of, in its order. Raises InputError where an array is missing, of another kind or length, a number
    names nothing, a segment ends before it starts, or rounds do not rise.
    """
    rounds, found = _all_rounds(path)
    for key in ("videos", "classes"):
        if of is not None and getattr(found, key) != getattr(of, key):
            raise InputError(file=path, key=key, expected=f"the {key} of the data, in their order", got="others")
    n_rounds = int(rounds[-1]) + 1 if len(rounds) else 1
    return [_of_round(rounds, found, number) for number in range(max(n_rounds, at_least))]


def read_detections_of_round(path: str | Path, round_index: int) -> Detections:
    """The detections of one round of a run, none where it has none; raises as `read_detections_of_rounds` does."""
    return _of_round(*_all_rounds(path), round_index)


def _all_rounds(path: str | Path) -> tuple[Integers, Detections]:
    """The round of each detection, and the detections of all of them."""
    with open_arrays(path) as file:
        videos, classes = file.of_names("videos"), file.of_names("classes")
        shape = file.header("round")[0][:1]
        rounds = file.whole("round", shape, 0, MOST_ROUNDS)
        video = file.whole("video", shape, 0, len(videos) - 1)
        label = file.whole("label", shape, 0, len(classes) - 1)
        start, end = file.intervals("start", "end", shape)
        score = file.numbers("score", shape).astype(np.float64, copy=False)
    if (np.diff(rounds) < 0).any():
        raise InputError(file=path, key="round", expected="rounds in order", got="others")
    return rounds, Detections(videos, classes, video, label, start, end, score)


def _of_round(rounds: Integers, found: Detections, number: int) -> Detections:
    rows = np.flatnonzero(rounds == number)
    video, label = found.video[rows], found.class_index[rows]
    return Detections(found.videos, found.classes, video, label, found.start[rows], found.end[rows], found.score[rows])
