"""Annotations from whichever public form they have: one parser for training and for scoring.

Each side makes its own records of what is parsed; a stretch that is none is refused there, where it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import read_json
from wtal.base.npy.read import read_array
from wtal.data.annotations.file_kind import DESCRIBED, kind_of
from wtal.data.annotations.json_forms import read_entries
from wtal.data.annotations.raw import RawAnnotations, RawRow, RawVideo, apart_from_ambiguous
from wtal.data.annotations.table_forms import CLASS_FILE, class_files, read_class_files, read_table
from wtal.data.annotations.tools.export import Rates
from wtal.data.annotations.tools.read import read_tool_files, read_tool_json, read_tool_xml, tool_files
from wtal.data.annotations.values import text_of, texts_among

ARRAYS = ("videoname", "subset", "segments", "labels", "classlist")
MAY_LACK = ("duration", "labels_all")  # arrays that may be missing
READ = (
    "a folder with segments.npy and the other annotation arrays or with the THUMOS toolkit's CLASS_test.txt, a .json "
    "file as ActivityNet, ActionFormer, G-TAD or MMAction2 have it, a .csv file with video,label,start,end, or an "
    "export of Label Studio, CVAT, ELAN, BORIS or VIA"
)


def parsed_annotations(path: str | Path, *, with_lists: bool = True, rates: Rates = None) -> RawAnnotations:
    """The annotations at a path, THUMOS14's ambiguous intervals set apart.

    with_lists: whether labels_all.npy is read too, which scoring has no use for. rates: frames a second, for exports
    whose bounds are frames.
    Raises InputError for a missing or damaged file, for one of another form, and where files contradict each other.
    """
    return apart_from_ambiguous(_parsed(Path(path), with_lists, rates))


def _parsed(path: Path, with_lists: bool, rates: Rates) -> RawAnnotations:
    if not path.exists() and not path.suffix:
        raise InputError(file=path, expected=READ, got="no such path")
    kind = kind_of(path)
    if kind == "json":
        values = read_json(path)
        return read_tool_json(path, values, rates) or read_entries(path, values)
    if kind == "csv":
        return read_table(path, rates)
    if kind == "xml":
        return read_tool_xml(path, rates)
    if kind == "text" and CLASS_FILE.fullmatch(path.name):
        return read_class_files(path, (path,))
    if kind != "folder":
        raise InputError(file=path, expected=READ, got=DESCRIBED[kind])
    if (path / "segments.npy").is_file():
        return _from_arrays(path, with_lists)
    files = class_files(path)
    if not files and (exports := tool_files(path)):
        return read_tool_files(path, exports, rates)
    if not files:
        raise InputError(file=path, expected=READ, got="a folder without")
    return read_class_files(path, files)


def annotation_files(path: str | Path) -> tuple[Path, ...]:
    """The files that annotations at a path are read from, as far as they are there."""
    path = Path(path)
    if not path.is_dir():
        return (path,) if path.is_file() else ()
    arrays = [path / f"{name}.npy" for name in (*ARRAYS, *MAY_LACK)]
    return tuple(file for file in arrays if file.is_file()) or class_files(path) or tool_files(path)


def text_array(path: Path) -> list[str]:
    """The texts of an array, such as the names of videos. Raises InputError where something else is in it."""
    return [text_of(entry, path) for entry in read_array(path).reshape(-1).tolist()]


def _from_arrays(folder: Path, with_lists: bool) -> RawAnnotations:
    names, subsets, classes = (text_array(folder / f"{name}.npy") for name in ("videoname", "subset", "classlist"))
    columns = {"subset": np.array(subsets, dtype=object)}
    for name in ("segments", "labels", *MAY_LACK):
        path_of_array = folder / f"{name}.npy"
        is_read = name not in MAY_LACK or (path_of_array.is_file() and (with_lists or name != "labels_all"))
        columns[name] = read_array(path_of_array) if is_read else _nothing(len(names))
    if columns["duration"].size == len(names):
        columns["duration"] = columns["duration"].reshape(-1)  # a column of a matrix, as MATLAB writes it
    for name, column in columns.items():
        if column.ndim < 1 or len(column) != len(names):
            expected = f"{len(names)} entries, one for each of videoname.npy"
            raise InputError(file=folder / f"{name}.npy", expected=expected, got=column.shape)
    videos, path_of_array = [], folder / "labels_all.npy"
    for number, name in enumerate(names):
        whole = columns["labels_all"][number]
        listed = None if whole is None else tuple([text_of(class_name, path_of_array) for class_name in whole])
        rows = _rows(folder, name, columns["segments"][number], columns["labels"][number])
        seconds = columns["duration"][number]
        videos.append(RawVideo(name, subsets[number].strip(), rows, listed, seconds, key=name))
    count = sum(texts_among(video.seconds) for video in videos)
    count += sum(texts_among(row.segment) for video in videos for row in video.rows)
    notes = (f"{count} numbers stand as text, and are read as numbers",) if count else ()
    return RawAnnotations(folder, folder / "segments.npy", tuple(classes), tuple(videos), ARRAYS, notes)


def _nothing(count: int) -> np.ndarray:
    return np.full(count, None, dtype=object)


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _rows(folder: Path, name: str, segments: Any, labels: Any) -> tuple[RawRow, ...]:
    path_of_array = folder / "labels.npy"
    for file, entry in (("segments", segments), ("labels", labels)):
        if not isinstance(entry, (list, tuple, np.ndarray)):
            raise InputError(file=folder / f"{file}.npy", key=name, expected="a list", got=f"{entry!r:.60}")
    if len(segments) != len(labels):
        expected = f"as many labels as segments, {len(segments)}"
        raise InputError(file=path_of_array, key=name, expected=expected, got=len(labels))
    pairs = enumerate(zip(labels, segments))
    return tuple(
        [
            RawRow(text_of(class_name, path_of_array), _listed(segment), f"{name}[{row}]")
            for row, (class_name, segment) in pairs
        ]
    )
