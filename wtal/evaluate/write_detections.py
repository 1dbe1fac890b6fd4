"""Detections written to a file, apart from their readers: no reader's change makes detections stale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from wtal.base.files import write_arrays, write_bytes, write_rows
from wtal.base.records import Detections

COLUMNS = ("video", "label", "start", "end", "score")


def write_detections(path: str | Path, detections: Detections) -> None:
    """Write detections as ActivityNet's JSON, or as CSV where the name ends so; every video appears in the JSON."""
    columns = (detections.start.tolist(), detections.end.tolist(), detections.score.tolist())
    named = zip(detections.video.tolist(), detections.class_index.tolist(), *columns)
    if Path(path).suffix.lower() == ".csv":
        rows = ((detections.videos[v], detections.classes[c], s, e, p) for v, c, s, e, p in named)
        write_rows(path, COLUMNS, rows)
        return
    results: dict[str, list[dict[str, Any]]] = {video: [] for video in detections.videos}
    for v, c, start, end, score in named:
        results[detections.videos[v]].append({"label": detections.classes[c], "segment": [start, end], "score": score})
    write_bytes(path, orjson.dumps({"version": "wtal", "results": results}) + b"\n")


def write_detections_of_rounds(path: str | Path, rounds: Sequence[Detections]) -> None:
    """Write the detections of every round of a run, round 0 first; all of the same videos and classes."""
    fields = {"label": "class_index"}  # where a record calls a column otherwise
    columns = {name: np.concatenate([getattr(each, fields.get(name, name)) for each in rounds]) for name in COLUMNS}
    index = np.repeat(np.arange(len(rounds)), [len(each) for each in rounds])
    names = {"videos": np.array(rounds[0].videos), "classes": np.array(rounds[0].classes)}
    write_arrays(path, {"round": index, **columns, **names})
