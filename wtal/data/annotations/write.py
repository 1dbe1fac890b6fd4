"""Annotations written as ActivityNet's JSON, whichever form they were read from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wtal.base.files import to_json, write_text
from wtal.data.annotations.read import Annotations


def write_annotations(path: str | Path, annotations: Annotations) -> None:
    """Write every video with its instances, and labels of the whole video without a segment; seconds as they are."""
    database: dict[str, Any] = {}
    for video in annotations.videos:
        rows: list[dict[str, Any]] = [{"label": name, "segment": [start, end]} for name, start, end in video.instances]
        timed = {name for name, _, _ in video.instances}
        rows += [{"label": name} for name in video.listed or () if name not in timed]
        entry: dict[str, Any] = {"annotations": rows}
        entry |= {"subset": video.subset} if video.subset else {}
        entry |= {"duration": video.seconds} if video.seconds is not None else {}
        database[video.name] = entry
    write_text(path, to_json({"database": database}))
