"""Annotations as parsed from any form and not yet judged; THUMOS14's ambiguous intervals are told from instances."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from wtal.data.annotations.names import without_media

AMBIGUOUS = "Ambiguous"  # no class: where THUMOS14's annotators could not tell
THUMOS_NAME = re.compile(r"video_(test|validation)_\d{7}")


class RawRow(NamedTuple):
    """One annotation."""

    class_name: str
    segment: Any  # whatever stands for [start, end] in seconds; None for a label of the whole video
    key: str  # where it stands, such as `a[0]` or `line 2, a`
    number: int | None = None  # of the class, where the file states it


@dataclass(frozen=True, slots=True)
class RawVideo:
    """What a file says of one video; None where it says nothing."""

    name: str
    subset: str  # "" where none is named
    rows: tuple[RawRow, ...]
    listed: tuple[str, ...] | None = None  # classes of the whole video, where they are listed apart
    seconds: Any = None  # the duration
    frames_per_second: Any = None
    n_frames: Any = None
    key: str = ""  # where its entry stands
    ambiguous: tuple[RawRow, ...] = ()  # intervals that are of no class


@dataclass(frozen=True, slots=True)
class RawAnnotations:
    """All that a file or folder says, in its order."""

    path: Path
    bounds_file: Path  # that the stretches stand in
    classes: tuple[str, ...] | None  # where the file lists them
    videos: tuple[RawVideo, ...]
    keys: tuple[str, ...] = ()  # of the entries, or columns, or arrays
    notes: tuple[str, ...] = ()  # what was done to read it, a sentence each

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes as listed, else all that occur, by name."""
        if self.classes is not None:
            return self.classes
        return tuple(sorted({row.class_name for video in self.videos for row in video.rows}))

    @property
    def class_of_number(self) -> dict[int, set[str]]:
        """The names of each class number that the file states."""
        found: dict[int, set[str]] = {}
        for video in self.videos:
            for row in video.rows:
                if row.number is not None:
                    found.setdefault(row.number, set()).add(row.class_name)
        return found


def apart_from_ambiguous(found: RawAnnotations) -> RawAnnotations:
    """The same with THUMOS14's ambiguous intervals set apart from the instances.

    They are known by their label, `Ambiguous`, in a video that is named as THUMOS14 names its videos; anywhere else the
    label is of a class like any other.
    """
    videos = tuple(_apart(video) if _marks(video) and _is_of_thumos(video) else video for video in found.videos)
    left = any(row.class_name == AMBIGUOUS for video in videos for row in video.rows)
    classes = found.classes
    if classes is not None and not left and any(video.ambiguous for video in videos):
        classes = tuple(name for name in classes if name != AMBIGUOUS)
    return replace(found, videos=videos, classes=classes)


def _marks(video: RawVideo) -> bool:
    return AMBIGUOUS in (video.listed or ()) or any(row.class_name == AMBIGUOUS for row in video.rows)


def _is_of_thumos(video: RawVideo) -> bool:
    return THUMOS_NAME.fullmatch(without_media(video.name)) is not None


def _apart(video: RawVideo) -> RawVideo:
    own = tuple(row for row in video.rows if row.class_name == AMBIGUOUS)
    rows = tuple(row for row in video.rows if row.class_name != AMBIGUOUS)
    listed = video.listed
    if listed is not None:
        listed = tuple(name for name in listed if name != AMBIGUOUS)
    return replace(video, rows=rows, listed=listed, ambiguous=own)
