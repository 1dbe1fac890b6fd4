"""BORIS: a project file (.boris), or its table of aggregated events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.data.annotations.raw import RawAnnotations
from wtal.data.annotations.tools.export import Export, Rates
from wtal.data.annotations.values import number_of

BEHAVIOUR, START, STOP = "behavior", "start (s)", "stop (s)"
MEDIA_COLUMNS = ("media file name", "media file", "observation id")


def is_boris_project(values: Any) -> bool:
    """Whether a JSON file is a project of BORIS."""
    return isinstance(values, Mapping) and "observations" in values and "behaviors_conf" in values


def is_boris_table(header: Sequence[str]) -> bool:
    """Whether the header of a table is that of aggregated events."""
    return {BEHAVIOUR, START, STOP} <= {name.strip().lower() for name in header}


def read_boris_project(path: Path, values: Mapping[str, Any], rates: Rates) -> RawAnnotations:
    """State events from start to stop, and point events as labels of the whole video.

    Raises InputError where an event is none, or a state is never left.
    """
    export = Export(path, rates)
    behaviours = values["behaviors_conf"].values()
    points = {row["code"] for row in behaviours if str(row.get("type", "")).lower().startswith("point")}
    for name, observation in values["observations"].items():
        players = observation.get("file") or {}
        files = players.get("1") if isinstance(players, Mapping) else None
        if not files:
            raise InputError(file=path, key=f"observations/{name}", expected="a file of player 1", got="none")
        if len(files) > 1:
            raise InputError(file=path, key=f"observations/{name}", expected="one file", got=f"{len(files)} in a row")
        video = export.video(files[0], f"observations/{name}/file")
        length = (observation.get("media_info") or {}).get("length") or {}
        export.seconds[video] = length.get(files[0])
        _add_events(export, video, name, observation.get("events") or [], points)
    _note_points(export, points)
    return export.annotations(("observations", "events"))


def _add_events(export: Export, video: str, name: str, events: list[Any], points: set[str]) -> None:
    begun: dict[tuple[str, ...], float] = {}
    for number, event in enumerate(sorted(events, key=lambda event: float(event[0]))):
        key = f"observations/{name}/events[{number}]"
        time = number_of(event[0]) if isinstance(event, list) and len(event) >= 3 else None
        if time is None:
            expected = "time, subject and behaviour"
            raise InputError(file=export.path, key=key, expected=expected, got=f"{event!r:.60}")
        code = str(event[2])
        if code in points:
            export.add(video, code, None, key)
            continue
        own = (str(event[1]), code)
        if own in begun:
            export.add(video, code, [begun.pop(own), time], key)
        else:
            begun[own] = time
    for (_, code), start in begun.items():
        got = f"none of {code} from {start:g} s on"
        raise InputError(file=export.path, key=f"observations/{name}", expected="an end of each state", got=got)


def read_boris_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], rates: Rates) -> RawAnnotations:
    """Aggregated events, a line each. Raises InputError naming the line that is none."""
    export, names = Export(path, rates), [name.strip().lower() for name in header]
    media = next((column for column in MEDIA_COLUMNS if column in names), None)
    if media is None:
        raise InputError(file=path, expected=f"a column {MEDIA_COLUMNS[0]!r}", got=", ".join(header))
    points = False
    for line, values in enumerate(rows, start=2):
        if not any(value.strip() for value in values):
            continue
        key, row = f"line {line}", dict(zip(names, values))
        video = export.video(row[media], key)
        is_point = row.get("behavior type", "").strip().upper() == "POINT"
        points = points or is_point
        segment = None if is_point else [row.get(START), row.get(STOP)]
        export.add(video, row.get(BEHAVIOUR), segment, key)
    _note_points(export, {"point"} if points else set())
    return export.annotations(names)


def _note_points(export: Export, points: set[str]) -> None:
    if points and any(row.segment is None for rows in export.rows.values() for row in rows):
        export.notes.append("point events have no bounds, and are read as labels of the whole video")
