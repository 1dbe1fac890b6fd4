"""Annotations in JSON: of ActivityNet's toolkit, ActionFormer and OpenTAD, G-TAD and AFSD, BSN and MMAction2.

All of them are entries by video, under `database` or at the top, each with `annotations` of `label` and `segment` in
seconds. What else an entry may state: `subset`; `duration` or `duration_second`; `fps` or `rfps`; `duration_frame`; and
in an annotation `label_id`, the number of its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError, listed_in_words
from wtal.base.files import read_json
from wtal.data.annotations.keys import check_keys, keys_of
from wtal.data.annotations.raw import RawAnnotations, RawRow, RawVideo
from wtal.data.annotations.values import number_of, texts_among

ABOUT_ALL = ("version", "taxonomy", "source", "external_data", "licence", "license")  # keys that are no video's
SECONDS, RATES, FRAMES = ("duration", "duration_second"), ("fps", "rfps"), ("duration_frame",)
ROW = '{"label": text, "segment": [start, end]}'


def read_entries(path: Path, values: Any = None) -> RawAnnotations:
    """The annotations of a JSON file. values: its content, once read. Raises InputError where it is of no form."""
    database = _database(path, read_json(path) if values is None else values)
    check_keys(path, database)
    videos = tuple(_video(path, str(name), entry) for name, entry in database.items())
    return RawAnnotations(path, path, None, videos, keys_of(database.values()), (*_texts(videos), *_subsets(videos)))


def _database(path: Path, values: Any) -> Mapping[str, Any]:
    """The entries by video."""
    database = values.get("database") if isinstance(values, Mapping) else None
    if isinstance(values, Mapping) and "database" not in values and "results" not in values:
        database = {name: entry for name, entry in values.items() if not _is_about_all(name, entry)}
        if not all(isinstance(entry, Mapping) for entry in database.values()):
            database = None
    if isinstance(database, Mapping) and database:
        return database
    got = f"{database!r:.60}"
    if database is None and isinstance(values, Mapping):
        got = f"the keys {listed_in_words(values, 5)}"
        got += ", which are of detections" if "results" in values else ""
    expected = "annotations by video, as ActivityNet, ActionFormer, G-TAD or MMAction2 have them"
    raise InputError(file=path, key="database", expected=expected, got=got)


def _is_about_all(name: str, entry: Any) -> bool:
    return name.casefold() in ABOUT_ALL and not (isinstance(entry, Mapping) and "annotations" in entry)


def _video(path: Path, name: str, entry: Any) -> RawVideo:
    key = f"database/{name}"
    if not isinstance(entry, Mapping):
        raise InputError(file=path, key=key, expected="annotations in a list", got=f"{entry!r:.60}")
    subset, rows = entry.get("subset"), entry.get("annotations")
    if subset is not None and not isinstance(subset, str):
        raise InputError(file=path, key=f"{key}/subset", expected="text", got=repr(subset))
    if rows is not None and not isinstance(rows, list):
        raise InputError(file=path, key=f"{key}/annotations", expected="a list", got=f"{rows!r:.60}")
    return RawVideo(
        name=name,
        subset=(subset or "").strip(),
        rows=tuple(_row(path, name, number, row) for number, row in enumerate(rows or ())),
        seconds=_first(entry, SECONDS),
        frames_per_second=_first(entry, RATES),
        n_frames=_first(entry, FRAMES),
        key=key,
    )


def _first(entry: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((entry[key] for key in keys if entry.get(key) is not None), None)


def _row(path: Path, video: str, number: int, row: Any) -> RawRow:
    if not isinstance(row, Mapping) or not isinstance(row.get("label"), str):
        key = f"database/{video}/annotations[{number}]"
        raise InputError(file=path, key=key, expected=ROW, got=f"{row!r:.60}")
    own = number_of(row.get("label_id"))
    stated = int(own) if own is not None and own == int(own) else None
    return RawRow(row["label"], row.get("segment"), f"{video}[{number}]", stated)


def _texts(videos: tuple[RawVideo, ...]) -> tuple[str, ...]:
    """A sentence on numbers that stand as text, if any do."""
    values = [row.segment for video in videos for row in video.rows if row.segment is not None]
    count = sum(map(texts_among, values))
    for video in videos:
        count += texts_among([video.seconds, video.frames_per_second, video.n_frames])
    return (f"{count} numbers stand as text, and are read as numbers",) if count else ()


def _subsets(videos: tuple[RawVideo, ...]) -> tuple[str, ...]:
    """A sentence on videos of no subset, if there are some beside others."""
    without = [video.name for video in videos if not video.subset]
    if not without or len(without) == len(videos):
        return ()
    return (f"{len(without)} of {len(videos)} videos name no subset and belong to none, first {without[0]}",)
