"""Detections as ActionFormer pickles them and as the THUMOS toolkit's text; class numbers are names of digits here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.errors import InputError, listed_in_words
from wtal.base.files import read_text
from wtal.base.npy.read import read_pickle
from wtal.base.records import Detections, Integers
from wtal.data.annotations.values import number_of, pair_of

KEYS = ("video-id", "t-start", "t-end", "label", "score")
LINE = "`video start end class score`"


def read_results_pickle(path: Path, forms: str) -> Detections:
    """Detections of ActionFormer's eval_results.pkl, in its order; nothing in the file is ever run.

    Raises InputError where it holds anything else, naming the forms that are read.
    """
    try:
        values = read_pickle(path)
    except InputError as error:
        expected = f"eval_results.pkl with {', '.join(KEYS)}, plain lists and arrays of numbers, or {forms}"
        raise InputError(file=path, expected=expected, got=error.got) from None
    columns = _columns(path, values, forms)
    names = [_name(path, "video-id", row, value) for row, value in enumerate(columns["video-id"])]
    labels = [_name(path, "label", row, value) for row, value in enumerate(columns["label"])]
    table = np.empty((len(names), 3))
    for row, (start, end, score) in enumerate(zip(columns["t-start"], columns["t-end"], columns["score"])):
        bounds, number = pair_of([start, end]), number_of(score)
        if bounds is None or number is None:
            expected = "start, end and score, finite, the end at or after the start"
            raise InputError(file=path, key=f"row {row}", expected=expected, got=f"{[start, end, score]!r:.80}")
        table[row] = (*bounds, number)
    return detections_of(names, labels, table)


def _columns(path: Path, values: Any, forms: str) -> dict[str, list[Any]]:
    """The five columns as lists of one length."""
    if not isinstance(values, Mapping) or not set(KEYS) <= set(values):
        got = f"a pickled {type(values).__name__}"
        if isinstance(values, Mapping):
            got = f"a pickle with the keys {listed_in_words(values, 8)}"
        raise InputError(file=path, expected=f"eval_results.pkl with {', '.join(KEYS)}, or {forms}", got=got)
    columns = {key: values[key] for key in KEYS}
    lists = {key: column.tolist() if isinstance(column, np.ndarray) else column for key, column in columns.items()}
    for key, column in lists.items():
        if not isinstance(column, (list, tuple)):
            raise InputError(file=path, key=key, expected="a list or an array", got=f"{column!r:.60}")
        if len(column) != len(lists["video-id"]):
            expected = f"as many values as video-id, {len(lists['video-id'])}"
            raise InputError(file=path, key=key, expected=expected, got=len(column))
    return {key: list(column) for key, column in lists.items()}


def _name(path: Path, key: str, row: int, value: Any) -> str:
    """A name, or a whole number as a name."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value
    number = number_of(value)
    if key != "label" or number is None or number != int(number):
        raise InputError(file=path, key=f"{key}[{row}]", expected="a name or a class number", got=f"{value!r:.60}")
    return str(int(number))


def read_toolkit_text(path: Path, forms: str) -> Detections:
    """Detections of the THUMOS toolkit's text, a line each, in its order; a class by its number or its name.

    Raises InputError naming the line that is none, and the forms that are read.
    """
    names, labels, rows = [], [], []
    for line, text in enumerate(read_text(path).splitlines(), start=1):
        words = text.split()
        if not words:
            continue
        bounds = pair_of(words[1:3])
        score = number_of(words[-1])
        if len(words) < 5 or bounds is None or score is None:
            expected = f"{LINE} of the THUMOS toolkit, end at or after start, or {forms}"
            raise InputError(file=path, key=f"line {line}", expected=expected, got=repr(text[:60]))
        label = " ".join(words[3:-1])
        number = number_of(label)
        names.append(words[0])
        labels.append(label if number is None or number != int(number) else str(int(number)))
        rows.append((*bounds, score))
    return detections_of(names, labels, np.array(rows, dtype=np.float64).reshape(-1, 3))


def detections_of(names: Sequence[str], labels: Sequence[str], table: np.ndarray) -> Detections:
    """Detections from the names of their videos and classes [N], and start, end and score [N, 3]."""
    (videos, video), (classes, label) = numbered(names), numbered(labels)
    return Detections(videos, classes, video, label, *(column.copy() for column in table.T))


def numbered(names: Sequence[str]) -> tuple[tuple[str, ...], Integers]:
    """Each name once, in order of appearance, and the number among these of every name [N]."""
    number_of_name = {name: number for number, name in enumerate(dict.fromkeys(names))}
    numbers = np.fromiter(map(number_of_name.__getitem__, names), dtype=np.int64, count=len(names))
    return tuple(number_of_name), numbers
