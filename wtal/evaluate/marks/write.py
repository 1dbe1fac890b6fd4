"""Detections written in the form that a name's ending, or the user, asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from wtal.base.errors import InputError
from wtal.base.files import to_json, write_text
from wtal.base.records import Detections
from wtal.evaluate.marks.elan import elan_text
from wtal.evaluate.marks.found import marks_of
from wtal.evaluate.marks.label_studio import label_studio_task
from wtal.evaluate.marks.subtitles import srt_text, vtt_text
from wtal.evaluate.write_detections import write_detections

Form = Literal["srt", "vtt", "eaf", "label-studio"]  # beside the two of `write_detections`
FORMS: tuple[Form, ...] = get_args(Form)


def form_of(path: Path, chosen: Form | None = None) -> Form | None:
    """The form that is asked for, else that of the name's ending; None for CSV and JSON."""
    ending = path.suffix.lower().removeprefix(".")
    return chosen or next((form for form in FORMS if form == ending), None)


def write_marks(
    path: Path, detections: Detections, form: Form | None, media: Mapping[str, str] | None = None
) -> list[Path]:
    """Write detections in a form; gives the files.

    Subtitles and .eaf are of one video: of several, `path` is a folder, which gets a file each, or without an ending
    a folder of one. media: the address of each video by its name, where known; else it is taken for NAME.mp4.
    Raises InputError where several videos are to go into one file, or nothing can be written.
    """
    addresses = {name: (media or {}).get(name, f"{name}.mp4") for name in detections.videos}
    if form is None:
        write_detections(path, detections)
        return [path]
    if form == "label-studio":
        tasks = [label_studio_task(marks_of(detections, v), addresses[n]) for v, n in enumerate(detections.videos)]
        write_text(path, to_json(tasks))
        return [path]
    if path.suffix and len(detections.videos) > 1:
        expected = f"a folder, without an ending, since .{form} is of one video each"
        raise InputError(file="--out", expected=expected, got=f"{path} for {len(detections.videos)} videos")
    written = []
    for number, name in enumerate(detections.videos):
        marks = marks_of(detections, number)
        text = {"srt": srt_text, "vtt": vtt_text}[form](marks) if form != "eaf" else elan_text(marks, addresses[name])
        file = path if path.suffix else path / f"{name}.{form}"
        write_text(file, text)
        written.append(file)
    return written
