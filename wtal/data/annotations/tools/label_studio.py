"""Label Studio: its JSON export, with time line labels in frames, labels in seconds and choices for a whole video."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.data.annotations.raw import RawAnnotations
from wtal.data.annotations.tools.export import Export, Rates, video_name

UPLOADED = re.compile(r"[0-9a-f]{8}-")  # begins the name of a file that was uploaded
RATE_KEYS = ("fps", "frame_rate", "framerate")


def is_label_studio(values: Any) -> bool:
    """Whether a JSON file is an export of Label Studio."""
    return (
        isinstance(values, list)
        and bool(values)
        and all(isinstance(task, Mapping) and isinstance(task.get("data"), Mapping) for task in values)
    )


def read_label_studio(path: Path, values: Sequence[Mapping[str, Any]], rates: Rates) -> RawAnnotations:
    """The first annotation of each task that was not cancelled; tasks without one are left out, and counted.

    Raises InputError where a result is none, or stretches are frames and the rate is not known.
    """
    export, n_open = Export(path, rates), 0
    for number, task in enumerate(values):
        key = f"[{number}]"
        done = [entry for entry in task.get("annotations") or () if not entry.get("was_cancelled")]
        if not done:
            n_open += 1
            continue
        video = export.video(_file(task["data"]), f"{key}/data")
        stated = next((task["data"][name] for name in RATE_KEYS if name in task["data"]), None)
        for row, result in enumerate(done[0].get("result") or ()):
            _add(export, video, result, f"{key}/result[{row}]", stated)
    if n_open:
        export.notes.append(f"{n_open} of {len(values)} tasks are not annotated, and left out")
    return export.annotations(("data", "annotations"))


def _file(data: Mapping[str, Any]) -> str | None:
    texts = [value for key, value in sorted(data.items(), key=lambda item: item[0] != "video") if value]
    for text in texts:
        if isinstance(text, str) and (video_name(text) != text or text is data.get("video")):
            name = re.search(r"[^/\\]*$", text)
            return UPLOADED.sub("", name[0], count=1) if name else text
    return None


def _add(export: Export, video: str, result: Any, key: str, stated: Any) -> None:
    kind, value = result.get("type"), result.get("value") or {}
    if kind == "choices":
        for label in value.get("choices") or ():
            export.add(video, label, None, key)
    elif kind == "timelinelabels":
        for label in value.get("timelinelabels") or ():
            for stretch in value.get("ranges") or ():
                first, last = _frame(export, stretch, "start", key), _frame(export, stretch, "end", key)
                export.add(video, label, export.frames(video, max(0, first - 1), last, stated), key)
    elif "labels" in value and {"start", "end"} <= set(value):
        for label in value["labels"]:
            export.add(video, label, [value["start"], value["end"]], key)


def _frame(export: Export, stretch: Any, name: str, key: str) -> int:
    """The number of a frame, from 1."""
    found = stretch.get(name) if isinstance(stretch, Mapping) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise InputError(file=export.path, key=f"{key}/{name}", expected="the number of a frame", got=repr(found))
    return found
