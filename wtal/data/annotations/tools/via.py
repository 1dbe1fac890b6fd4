"""VIA, the VGG annotator, version 3: a project of videos with temporal segments, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.data.annotations.raw import RawAnnotations
from wtal.data.annotations.tools.export import Export, Rates


def is_via(values: Any) -> bool:
    """Whether a JSON file is a project of VIA 3."""
    return isinstance(values, Mapping) and {"attribute", "file", "view", "metadata"} <= set(values)


def read_via(path: Path, values: Mapping[str, Any], rates: Rates) -> RawAnnotations:
    """Segments `z: [start, end]` in seconds, labelled by each of their attributes; without z, labels of a video.

    Raises InputError where an entry refers to what is not there.
    """
    export = Export(path, rates)
    videos = {}
    for view, entry in values["view"].items():
        files = [values["file"].get(str(file)) for file in entry.get("fid_list", ())]
        if len(files) != 1 or files[0] is None:
            raise InputError(file=path, key=f"view/{view}", expected="one file", got=entry.get("fid_list"))
        videos[str(view)] = export.video(files[0].get("fname") or files[0].get("src"), f"file of view {view}")
    for name, entry in values["metadata"].items():
        key = f"metadata/{name}"
        video = videos.get(str(entry.get("vid")))
        if video is None:
            raise InputError(file=path, key=key, expected="a view of the project", got=repr(entry.get("vid")))
        if entry.get("xy"):
            continue  # a region of a picture
        times = entry.get("z") or []
        if len(times) not in (0, 2):
            raise InputError(file=path, key=key, expected="z with start and end", got=f"{times!r:.60}")
        for attribute, value in (entry.get("av") or {}).items():
            export.add(video, _label(values["attribute"].get(str(attribute)), value), times or None, key)
    return export.annotations(("file", "metadata"))


def _label(attribute: Any, value: Any) -> Any:
    """The text of a value, which may be the number of an option, or of several."""
    options = attribute.get("options") if isinstance(attribute, Mapping) else None
    return options.get(str(value), value) if isinstance(options, Mapping) else value
