"""Where a detection file goes wrong: a slow look at every value, taken only once a file is known to be unusual."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wtal.base.edges.json_text import parse_json
from wtal.base.errors import InputError, listed_in_words
from wtal.data.annotations.values import number_of, pair_of, texts_among


def parsed_slowly(path: str | Path, content: bytes) -> Any:
    """The JSON value of a file, numbers such as NaN let through so that their place can be named.

    Raises InputError where it is no JSON at all, or a key stands twice.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise InputError(file=path, expected="UTF-8 text", got=f"byte {error.start} that is not") from None
    return parse_json(path, text)


def first_fault(path: str | Path, values: Any) -> None:
    """Raise InputError for the first value that is not as ActivityNet's format has it; nothing where all are."""
    if not isinstance(values, Mapping):
        raise InputError(file=path, expected='{"results": {video: [...]}}', got=f"a {_kind(values)}")
    if "results" not in values:
        got = f"the keys {listed_in_words(values, 5)}"
        raise InputError(file=path, key="results", expected="detections by video", got=got)
    results = values["results"]
    if not isinstance(results, Mapping):
        raise InputError(file=path, key="results", expected="detections by video", got=f"a {_kind(results)}")
    for name, rows in results.items():
        video = name if name.isprintable() else repr(name)
        if not isinstance(rows, list):
            raise InputError(file=path, key=f"results/{video}", expected="a list of detections", got=f"a {_kind(rows)}")
        for number, row in enumerate(rows):
            _check_row(path, f"results/{video}[{number}]", row)


def _check_row(path: str | Path, key: str, row: Any) -> None:
    expected = '{"label": text, "segment": [start, end], "score": number}'
    if not isinstance(row, Mapping):
        raise InputError(file=path, key=key, expected=expected, got=f"a {_kind(row)}")
    for name in ("label", "segment", "score"):
        if name not in row:
            raise InputError(file=path, key=f"{key}/{name}", expected=expected, got=f"no {name}")
    if not isinstance(row["label"], str):
        raise InputError(file=path, key=f"{key}/label", expected="the name of a class", got=f"{row['label']!r:.60}")
    if number_of(row["score"]) is None:
        raise InputError(file=path, key=f"{key}/score", expected="a finite number", got=f"{row['score']!r:.60}")
    check_segment(path, f"{key}/segment", row["segment"])


def check_segment(path: str | Path, key: str, segment: Any) -> None:
    """Raise InputError unless a value is [start, end] in seconds, the end at or after the start."""
    if pair_of(segment) is None:
        expected = "[start, end] in seconds, end at or after start"
        raise InputError(file=path, key=key, expected=expected, got=f"{segment!r:.80}")


def numbers_from_text(results: dict[str, list[dict[str, Any]]]) -> int:
    """Turn numbers that stand as text, in results without a fault, into numbers; returns how many there were."""
    count = 0
    for rows in results.values():
        for row in rows:
            count += texts_among(row["segment"]) + texts_among(row["score"])
            row["segment"], row["score"] = pair_of(row["segment"]), number_of(row["score"])
    return count


def _kind(value: Any) -> str:
    names = {list: "list", str: "text", int: "number", float: "number", bool: "truth value", type(None): "null"}
    return names.get(type(value), "group of keys")
