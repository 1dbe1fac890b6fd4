"""CVAT: `CVAT for video 1.1` (tracks) and `CVAT for images 1.1` of a video's frames (tags), as XML."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

from wtal.base.errors import InputError
from wtal.data.annotations.raw import RawAnnotations
from wtal.data.annotations.tools.export import Export, Rates

ROOT = "annotations"


def read_cvat(path: Path, root: Element, rates: Rates) -> RawAnnotations:
    """The stretches of tracks and tags by their labels; frames count as those of the video, step and start undone.

    root: of the file, ROOT. Raises InputError where the frame rate, which CVAT leaves out, is not known.
    """
    export = Export(path, rates)
    tasks = root.findall("./meta/task") or root.findall("./meta/project/tasks/task") or root.findall("./meta/job")
    if not tasks:
        raise InputError(file=path, key="meta", expected="a task with its source", got="none")
    by_id: dict[str, tuple[str, Element]] = {}
    for task in tasks:
        source = task.findtext("source") or root.findtext("./meta/source") or task.findtext("name")
        by_id[task.findtext("id") or ""] = (export.video(source, "meta/task"), task)
    alone = next(iter(by_id.values()))
    for number, track in enumerate(root.findall("track")):
        video, task = by_id.get(track.get("task_id", ""), alone)
        _add_track(export, video, task, track, f"track[{number}]")
    tags: dict[tuple[str, str], list[int]] = {}
    for image in root.findall("image"):
        video, _ = by_id.get(image.get("task_id", ""), alone)
        for tag in image.findall("tag"):
            tags.setdefault((video, tag.get("label", "")), []).append(_whole(path, image, "id"))
    for (video, label), frames in tags.items():
        task = next(own for name, own in by_id.values() if name == video)
        for first, after in _runs(sorted(set(frames))):
            export.add(video, label, _seconds(export, video, task, first, after), "image")
    return export.annotations(("track", "image/tag"))


def _add_track(export: Export, video: str, task: Element, track: Element, key: str) -> None:
    """A stretch for each time that the track is seen: from a shape that is not outside to the next that is."""
    shapes = sorted((_whole(export.path, shape, "frame"), shape.get("outside") == "1") for shape in track)
    begun: int | None = None
    for frame, is_outside in shapes:
        if is_outside and begun is not None:
            export.add(video, track.get("label"), _seconds(export, video, task, begun, frame), key)
            begun = None
        elif not is_outside and begun is None:
            begun = frame
    if begun is not None:
        size = task.findtext("size") or ""
        after = int(size) if size.isdigit() else shapes[-1][0] + 1
        export.add(video, track.get("label"), _seconds(export, video, task, begun, max(after, begun + 1)), key)


def _seconds(export: Export, video: str, task: Element, first: int, after: int) -> list[float]:
    start, step = task.findtext("start_frame") or "0", re.search(r"step=(\d+)", task.findtext("frame_filter") or "")
    begin, every = int(start) if start.isdigit() else 0, int(step[1]) if step else 1
    return export.frames(video, begin + first * every, begin + after * every)


def _whole(path: Path, element: Element, name: str) -> int:
    text = element.get(name) or ""
    if not text.isdigit():
        raise InputError(file=path, key=f"{element.tag}/{name}", expected="the number of a frame", got=repr(text))
    return int(text)


def _runs(frames: list[int]) -> list[tuple[int, int]]:
    """First frame and the one after the last of each run of frames that follow one another."""
    gaps = [number for number, (before, after) in enumerate(pairwise(frames), start=1) if after != before + 1]
    bounds = [0, *gaps, len(frames)]
    return [(frames[start], frames[end - 1] + 1) for start, end in pairwise(bounds)]
