"""Annotations in tables: CSV with a row for each instance or label, and the THUMOS toolkit's text, a file a class."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from wtal.base.errors import InputError, nearest
from wtal.base.files import read_text, table_rows
from wtal.data.annotations.raw import AMBIGUOUS, RawAnnotations, RawRow, RawVideo
from wtal.data.annotations.tools.boris import is_boris_table, read_boris_table
from wtal.data.annotations.tools.export import Rates
from wtal.data.annotations.values import number_of, pair_of

COLUMNS = ("video", "label", "start", "end", "subset")
CLASS_FILE = re.compile(r"(?P<label>[^.].*)_(?P<subset>test|val|validation)\.txt", re.IGNORECASE)


def csv_rows(text: str) -> Iterator[list[str]]:
    """The rows of a table, the header first with its names stripped; values stand between `,`, `;` or tabs."""
    header = text.partition("\n")[0]
    marks = [mark for mark in ",;\t" if mark in header]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=marks[0] if len(marks) == 1 else ",")
    for number, row in enumerate(reader):
        yield [name.strip() for name in row] if not number else row


def seconds_of(path: Path, key: str, text: str) -> float:
    """The number that a table holds. Raises InputError."""
    number = number_of(text)
    if number is None:
        raise InputError(file=path, key=key, expected="start and end in seconds", got=repr(text))
    return number


def read_table(path: Path, rates: Rates = None) -> RawAnnotations:
    """The annotations of a CSV table, or of BORIS's. Raises InputError naming the column or line that is none."""
    header, *rows = list(table_rows(path, csv_rows(read_text(path)))) or [[]]
    if is_boris_table(header):
        return read_boris_table(path, header, rows, rates)
    header = [name.lower() for name in header]
    _check_header(path, header)
    subsets: dict[str, str] = {}
    found: dict[str, list[RawRow]] = {}
    for line, values in enumerate(rows, start=2):
        if not values:
            continue
        key = f"line {line}"
        if len(values) != len(header):
            raise InputError(file=path, key=key, expected=f"{len(header)} values", got="another number")
        row = dict(zip(header, values))
        name, class_name, subset = row["video"].strip(), row["label"], row.get("subset", "").strip()
        if not name:
            raise InputError(file=path, key=key, expected="the name of a video", got="nothing")
        if subsets.setdefault(name, subset) != subset:
            raise InputError(file=path, key=key, expected=f"{name} in one subset, {subsets[name]!r}", got=row["subset"])
        if class_name and row.get("start", "").strip():
            bounds = [seconds_of(path, key, row["start"]), seconds_of(path, key, row["end"])]
            found.setdefault(name, []).append(RawRow(class_name, bounds, f"{key}, {name}"))
        elif class_name:
            found.setdefault(name, []).append(RawRow(class_name, None, f"{key}, {name}"))
    if not subsets:
        raise InputError(file=path, expected="a line for each instance or label", got="no line")
    videos = tuple(RawVideo(name, subset, tuple(found.get(name, ()))) for name, subset in subsets.items())
    return RawAnnotations(path, path, None, videos, tuple(header))


def _check_header(path: Path, header: list[str]) -> None:
    for column in header:
        if column not in COLUMNS:
            expected = f"a known column ({nearest(column, COLUMNS)})"
            raise InputError(file=path, key=column, expected=expected, got="another")
    for column in ("video", "label", *(("start", "end") if {"start", "end"} & set(header) else ())):
        if column not in header:
            raise InputError(file=path, key=column, expected="a column of that name", got=f"only {', '.join(header)}")


def class_files(folder: Path) -> tuple[Path, ...]:
    """The toolkit's files in a folder, such as HighJump_test.txt, by name."""
    return tuple(sorted(file for file in folder.iterdir() if CLASS_FILE.fullmatch(file.name) and file.is_file()))


def read_class_files(path: Path, files: tuple[Path, ...]) -> RawAnnotations:
    """The annotations of the toolkit's files, `video start end` a line; a file's name says class and subset.

    Raises InputError naming the file and line, and for a video in two subsets.
    """
    subsets: dict[str, str] = {}
    found: dict[str, list[RawRow]] = {}
    labels: list[str] = []
    for file in files:
        named = CLASS_FILE.fullmatch(file.name)
        if named is None:
            raise InputError(file=file, expected="a name such as HighJump_test.txt", got=file.name)
        class_name, subset = named["label"], "test" if named["subset"].lower() == "test" else "validation"
        labels += [class_name] if class_name not in labels and class_name != AMBIGUOUS else []
        for line, (name, start, end) in stretches_of(file):
            if subsets.setdefault(name, subset) != subset:
                raise InputError(file=file, key=f"line {line}", expected=f"{name} in one subset", got="it in two")
            found.setdefault(name, []).append(RawRow(class_name, [start, end], f"{file.name} line {line}, {name}"))
    if not found:
        raise InputError(file=path, expected="a line for each instance", got="no line")
    videos = []
    for name, subset in sorted(subsets.items()):
        rows = tuple(row for row in found[name] if row.class_name != AMBIGUOUS)
        ambiguous = tuple(row for row in found[name] if row.class_name == AMBIGUOUS)
        videos.append(RawVideo(name, subset, rows, ambiguous=ambiguous))
    return RawAnnotations(path, path, tuple(labels), tuple(videos), ("video", "start", "end"))


def stretches_of(file: Path) -> Iterator[tuple[int, tuple[str, float, float]]]:
    """Line number, and video, start and end in seconds, of every line that is not empty. Raises InputError."""
    for line, text in enumerate(read_text(file).splitlines(), start=1):
        words = text.split()
        if not words:
            continue
        bounds = pair_of(words[1:])
        if bounds is None:
            got = repr(text[:60])
            raise InputError(file=file, key=f"line {line}", expected="video, start and end in seconds", got=got)
        yield line, (words[0], *bounds)
