"""The segments of a round as annotations, on which a detector trains that needs bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from wtal.base.files import write_bytes
from wtal.base.timebase import to_seconds
from wtal.data.store.read import Store
from wtal.localise.labels.file import PseudoLabels

TRAINING, TESTED = "training", "validation"  # ActivityNet's words for what is learnt from and what is scored


def segment_annotations(labels: PseudoLabels, store: Store) -> dict[str, Any]:
    """ActivityNet's JSON: segments cut to their videos, in seconds, background left out. labels: of this store.

    Training videos without a segment are left out: nobody knows what is in them. Test videos have no instance, for
    nothing of their truth is read; their names and lengths are what a detector needs to run on them.
    """
    found: dict[int, list[dict[str, Any]]] = {}
    seconds, rate = store.seconds[store.videos("train")], store.snippets_per_second
    starts = np.maximum(to_seconds(labels.segment_start, rate), 0.0)
    ends = np.minimum(to_seconds(labels.segment_end, rate), seconds[labels.segment_video])
    columns = (labels.segment_video, labels.segment_class, starts, ends, labels.segment_score.astype(np.float64))
    for video, number, start, end, score in zip(*(column.tolist() for column in columns)):
        if number < len(store.classes) and start < end:
            entry = {"label": store.classes[number], "label_id": number, "segment": [start, end], "score": score}
            found.setdefault(video, []).append(entry)
    database = {}
    for video, number in enumerate(store.videos("train").tolist()):
        if video in found:
            database[store.names[number]] = _video(store, number, TRAINING, found[video])
    for number in store.videos("test").tolist():
        database[store.names[number]] = _video(store, number, TESTED, [])
    return {"version": "wtal", "database": database}


def _video(store: Store, number: int, subset: str, instances: list[dict[str, Any]]) -> dict[str, Any]:
    """One video; a frame is a snippet, as features of a store have it."""
    return {
        "subset": subset,
        "duration": float(store.seconds[number]),
        "fps": float(store.snippets_per_second),
        "frame": int(store.n_snippets[number]),
        "annotations": instances,
    }


def write_segment_annotations(path: str | Path, values: dict[str, Any]) -> None:
    """Write what `segment_annotations` gives."""
    write_bytes(path, orjson.dumps(values) + b"\n")
