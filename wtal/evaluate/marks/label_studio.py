"""Detections as tasks of Label Studio with predictions, to be looked through and corrected there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtal.evaluate.marks.found import FoundSegment

FRAME_RATE = 25  # of its time line: frameRate="$fps" of its <Video>, whatever that of the file is


def label_studio_task(marks: Sequence[FoundSegment], media: str) -> dict[str, Any]:
    """The task of one video. media: its address, as Label Studio can open it."""
    task: dict[str, Any] = {"data": {"video": media, "fps": FRAME_RATE}}
    result = [
        {
            "id": f"{number}",
            "type": "timelinelabels",
            "from_name": "timelineLabels",
            "to_name": "video",
            "score": mark.score,
            "value": {"ranges": [_frames(mark)], "timelinelabels": [mark.label]},
        }
        for number, mark in enumerate(marks)
    ]
    score = max((mark.score for mark in marks), default=0.0)
    task["predictions"] = [{"model_version": "wtal", "score": score, "result": result}]
    return task


def _frames(mark: FoundSegment) -> dict[str, int]:
    """First and last frame of the time line, from 1."""
    first = round(mark.start * FRAME_RATE)
    return {"start": first + 1, "end": max(first + 1, round(mark.end * FRAME_RATE))}
