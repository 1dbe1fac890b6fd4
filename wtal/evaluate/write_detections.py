"""Detections written to a file, apart from their readers: no reader's change makes detections stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from wtal.base.files import write_bytes, write_rows
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
