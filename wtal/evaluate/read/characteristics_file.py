"""Characteristics of instances in files of DETAD's own format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import read_json
from wtal.base.records import Floats, Instances
from wtal.data.annotations.values import number_of, pair_of

DETAD_KEYS = {"coverage": "coverage", "length": "length", "instances": "num-instances"}


def read_characteristics(path: str | Path, truth: Instances) -> dict[str, Floats]:
    """The characteristics of each instance [N] from a file in DETAD's format.

    Raises InputError where the file is malformed or lacks an instance of the ground truth.
    """
    values = read_json(path)
    database = values.get("database") if isinstance(values, Mapping) else None
    if not isinstance(database, Mapping):
        raise InputError(file=path, key="database", expected="annotations by video", got=f"{database!r:.60}")
    known: dict[tuple[str, str, float, float], dict[str, float]] = {}
    for video, entry in database.items():
        annotations = entry.get("annotations") if isinstance(entry, Mapping) else None
        if not isinstance(annotations, list):
            raise InputError(file=path, key=f"database/{video}/annotations", expected="a list", got=f"{entry!r:.60}")
        for number, row in enumerate(annotations):
            key, found = _annotation(path, f"database/{video}/annotations[{number}]", row)
            known[(video, *key)] = found
    rows = []
    for row in range(len(truth)):
        video, class_name = truth.videos[truth.video[row]], truth.classes[truth.class_index[row]]
        start, end = round(float(truth.start[row]), 3), round(float(truth.end[row]), 3)
        match = known.get((video, class_name, start, end))
        if match is None:
            expected = f"the instance of {class_name} at {start:g} to {end:g} s of the ground truth"
            raise InputError(file=path, key=f"database/{video}", expected=expected, got="no such annotation")
        rows.append(match)
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in DETAD_KEYS}


def _annotation(path: str | Path, key: str, row: Any) -> tuple[tuple[str, float, float], dict[str, float]]:
    if not isinstance(row, Mapping) or not isinstance(row.get("label"), str):
        raise InputError(file=path, key=key, expected="an annotation with a label", got=f"{row!r:.60}")
    bounds = pair_of(row.get("segment"))
    if bounds is None:
        got = f"{row.get('segment')!r:.60}"
        raise InputError(file=path, key=f"{key}/segment", expected="[start, end] in seconds", got=got)
    found = {}
    for name, theirs in DETAD_KEYS.items():
        number = number_of(row.get(theirs))
        if number is None:
            raise InputError(file=path, key=f"{key}/{theirs}", expected="a number", got=f"{row.get(theirs)!r:.60}")
        found[name] = number
    return (row["label"], round(bounds[0], 3), round(bounds[1], 3)), found
