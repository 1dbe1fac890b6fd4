"""What the readers of annotation tools share: rows by video, frames as seconds, XML that is nothing but text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from wtal.base.errors import InputError
from wtal.base.files import read_bytes
from wtal.data.annotations.names import without_media
from wtal.data.annotations.raw import RawAnnotations, RawRow, RawVideo

Rates = Mapping[str, float] | float | None  # frames a second: of each video by name, of all, or not known


class Export:
    """Collects what a tool says of each video, whose names lose folder and media ending."""

    def __init__(self, path: Path, rates: Rates) -> None:
        self.path, self.rates = path, rates
        self.rows: dict[str, list[RawRow]] = {}
        self.seconds: dict[str, Any] = {}
        self.notes: list[str] = []

    def video(self, file: object, key: str) -> str:
        """The name of the video that a path or an address is of, noted as annotated. Raises InputError."""
        name = video_name(file) if isinstance(file, str) else ""
        if not name:
            raise InputError(file=self.path, key=key, expected="the file of a video", got=repr(file))
        self.rows.setdefault(name, [])
        return name

    def add(self, video: str, label: object, segment: Any, key: str) -> None:
        """A stretch of a video [start, end] in seconds, or with None a label of all of it. Raises InputError."""
        if not isinstance(label, str) or not label.strip():
            raise InputError(file=self.path, key=key, expected="the name of a class", got=repr(label))
        self.rows[video].append(RawRow(label.strip(), segment, f"{key}, {video}"))

    def rate(self, video: str, stated: Any = None) -> float:
        """Frames a second of a video whose stretches are in frames. Raises InputError where nobody says.

        stated: by the file itself.
        """
        found = self.rates.get(video) if isinstance(self.rates, Mapping) else self.rates
        if isinstance(stated, int | float) and not isinstance(stated, bool) and stated > 0:
            found = float(stated)
        if found is None:
            expected = "frames a second, since its bounds are frames (wtal convert-annotations --frame-rate)"
            raise InputError(file=self.path, key=video, expected=expected, got="none")
        return found

    def frames(self, video: str, first: int, after: int, stated: Any = None) -> list[float]:
        """The stretch from the start of one frame to that of another, numbered from 0, in seconds."""
        rate = self.rate(video, stated)
        return [first / rate, after / rate]

    def annotations(self, keys: Iterable[str]) -> RawAnnotations:
        """All that was collected. keys: those that were read, for a refusal to name. Raises InputError if nothing."""
        if not self.rows:
            raise InputError(file=self.path, expected="a video that was annotated", got="none")
        videos = tuple(
            RawVideo(name, "", tuple(rows), seconds=self.seconds.get(name), key=name)
            for name, rows in self.rows.items()
        )
        return RawAnnotations(self.path, self.path, None, videos, tuple(keys), tuple(self.notes))


def video_name(file: str) -> str:
    """The name of a video from a path or an address, such as `file:///C:/clips/jump%201.mp4`: `jump 1`."""
    path = unquote(urlsplit(file).path) if "://" in file else file
    return without_media(PurePosixPath(path.replace("\\", "/")).name)


def joined(path: Path, parts: Iterable[RawAnnotations]) -> RawAnnotations:
    """The annotations of several files as one; a video that is in two has the rows of both."""
    rows: dict[str, RawVideo] = {}
    keys: dict[str, None] = {}
    notes: list[str] = []
    for part in parts:
        for video in part.videos:
            known = rows.get(video.name)
            both = video.rows if known is None else (*known.rows, *video.rows)
            seconds = video.seconds if known is None or known.seconds is None else known.seconds
            rows[video.name] = RawVideo(video.name, video.subset, both, seconds=seconds, key=video.name)
        keys |= dict.fromkeys(part.keys)
        notes += part.notes
    return RawAnnotations(path, path, None, tuple(rows.values()), tuple(keys), tuple(notes))


def xml_of(path: Path) -> ElementTree.Element:
    """The root of an XML file without entities of its own. Raises InputError where it is broken."""
    content = read_bytes(path)
    if re.search(rb"<!ENTITY", content):
        raise InputError(file=path, expected="XML without entities of its own", got="<!ENTITY")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(file=path, expected="XML", got=error) from None
