"""Detections from whichever form they have; docs/evaluation.md, Input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wtal.base.errors import InputError
from wtal.base.files import read_text
from wtal.base.records import Detections
from wtal.data.annotations.file_kind import DESCRIBED, kind_of
from wtal.evaluate.read.class_names import Names, with_class_names
from wtal.evaluate.read.detection_tables import LINE, read_results_pickle, read_toolkit_text
from wtal.evaluate.read.detections import read_csv_detections, read_json_detections
from wtal.evaluate.read.ground_truth import GroundTruth
from wtal.evaluate.read.npy_detections import read_object_array

READ = (
    "detections as ActivityNet's JSON (.json), a table with video,label,start,end,score (.csv), W-TALC's arrays "
    f"(.npy), ActionFormer's eval_results.pkl, or the THUMOS toolkit's text (.txt), {LINE} a line"
)
Tell = Callable[[str], None]


def read_any_detections(
    path: str | Path,
    truth: GroundTruth,
    *,
    snippets_per_second: float | None = None,
    class_names: Names | None = None,
    tell: Tell = lambda sentence: None,
) -> Detections:
    """Detections in seconds from a file of any form that is read, in its order; what was done to read it is told.

    snippets_per_second: of the bounds in an .npy file, None where they are seconds. class_names: for class numbers.
    Raises InputError naming the place of what is malformed, or the forms that are read.
    """
    path = Path(path)
    kind = kind_of(path)
    if kind == "text" and _has_header(path):
        kind = "csv"
    if kind == "npy":
        return read_object_array(path, truth.instances, snippets_per_second)
    if kind == "json":
        found = read_json_detections(path, tell)
    elif kind == "csv":
        found = read_csv_detections(path)
    elif kind == "pickle":
        found = read_results_pickle(path, READ)
    elif kind == "text":
        found = read_toolkit_text(path, READ)
    else:
        raise InputError(file=path, expected=READ, got=DESCRIBED[kind])
    if not len(found):
        raise InputError(file=path, key="results", expected="at least one detection", got="none")
    named = with_class_names(path, found, truth, class_names, is_toolkit=kind == "text")
    if named is not found and class_names is None:
        pairs = [f"{number} is {name}" for number, name in zip(found.classes, named.classes)]
        whose = "THUMOS14's list" if kind == "text" else "the ground truth"
        tell(f"class numbers are read by {whose}: {', '.join(pairs[:3])}{', ...' if pairs[3:] else ''}")
    return named


def _has_header(path: Path) -> bool:
    first = read_text(path).partition("\n")[0].lower()
    return "video" in first and "label" in first and any(mark in first for mark in ",;\t")
