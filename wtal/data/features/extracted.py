"""What `wtal extract` writes beside the array of a video: which extractor made it, from which weights, how."""

from __future__ import annotations

from collections.abc import Iterable
from math import isclose
from pathlib import Path
from typing import Any, cast

from wtal.base.errors import InputError
from wtal.base.files import read_json
from wtal.base.schema import from_mapping
from wtal.suite.streams import Streams

FORMAT = "wtal extracted features 1"
IDENTITY = ("extractor", "weights", "frames_per_second", "frames_per_snippet", "stride")  # what may not be mixed

Origin = dict[str, Any]  # the values of IDENTITY


def record_path(array: Path) -> Path:
    """Where the record of an array lies."""
    return array.with_suffix(".json")


def read_record(array: Path) -> dict[str, Any] | None:
    """The record beside an array; None where there is none, or a JSON file of something else.

    Raises InputError where it is broken.
    """
    path = record_path(array)
    if array.suffix.lower() != ".npy" or not path.is_file():
        return None
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return None
    for key in IDENTITY:
        if key not in content:
            raise InputError(file=path, key=key, expected="an entry of that name", got="none")
    return content


def recorded_streams(arrays: Iterable[Path]) -> Streams:
    """The streams that the record beside the first array names, in the order of its columns; none without a record."""
    for array in arrays:
        record = read_record(array)
        if record is not None and "streams" in record:
            kind = cast("type[tuple[()]]", Streams)
            return from_mapping(kind, record["streams"], file=record_path(array), key="streams")
    return ()


def origin_of(record: dict[str, Any]) -> Origin:
    """What made the features, which those of no other video of a data set may differ in."""
    return {key: record[key] for key in IDENTITY}


def is_rate_of(origin: Origin | None, rate: float | None) -> bool:
    """Whether records say that features were made with so many snippets a second, so that lengths need not tell it."""
    return origin is not None and rate is not None and isclose(origin["frames_per_second"] / origin["stride"], rate)


def common_origin(arrays: Iterable[Path], wanted: Origin | None = None, why: str = "") -> Origin | None:
    """What made the features of all arrays that have a record; None where none has.

    wanted: what must have made them, if that is known, and in words why. Raises InputError naming a file of another.
    """
    for array in dict.fromkeys(arrays):
        record = read_record(array)
        if record is None:
            continue
        found = origin_of(record)
        if wanted is None:
            wanted, why = found, f"as {array.name} has it"
        for key in IDENTITY:
            if found[key] != wanted.get(key):
                got, expected = _in_words(found[key]), f"{_in_words(wanted.get(key))}, {why}"
                raise InputError(file=record_path(array), key=key, expected=expected, got=got)
    return wanted


def _in_words(value: object) -> str:
    """An entry of a record, short enough for a sentence."""
    if isinstance(value, dict) and "sha256" in value:
        return f"{value.get('file')}, sha256 {str(value['sha256'])[:12]}..."
    if isinstance(value, dict) and "kind" in value:
        own = ", ".join(f"{key} {value[key]}" for key in sorted(value) if key != "kind")
        return f"{value['kind']} ({own})" if own else str(value["kind"])
    return str(value)
