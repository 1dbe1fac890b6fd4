"""The tracks of a clip's timeline: scored spans and curves over the lanes of a few classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wtal.base.records import Floats, Instances, Segments
from wtal.base.timebase import to_seconds
from wtal.data.store.tables import Subset


@dataclass(frozen=True, slots=True)
class Spans:
    """Scored intervals of the shown classes."""

    lane: tuple[int, ...]  # number among the shown classes
    start: tuple[float, ...]  # seconds
    end: tuple[float, ...]  # seconds
    score: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """A value for each snippet and shown class."""

    values: Floats  # [T, shown]
    is_signed: bool = False
    ceiling: float | None = None  # what a lane's height stands for; None: the largest value


Track = tuple[str, Spans | Curves]  # a title and what is drawn under it


@dataclass(frozen=True, slots=True)
class DrawnVideo:
    """One clip: its tracks from top to bottom, each of spans or curves over the same lanes."""

    video: str
    subset: Subset
    seconds: float
    snippets_per_second: float
    variant: str
    seed: int
    classes: tuple[str, ...]  # shown, one lane each
    tracks: tuple[Track, ...]


def segment_spans(segments: Sequence[Segments], rate: float) -> Spans:
    """The segments of every shown class, their bounds in seconds."""
    lane = [lane for lane, of_lane in enumerate(segments) for _ in range(len(of_lane))]
    start, end = (np.concatenate([getattr(of_lane, name) for of_lane in segments]) for name in ("start", "end"))
    score = np.concatenate([of_lane.score for of_lane in segments])
    return Spans(
        tuple(lane), *(tuple(column.tolist()) for column in (to_seconds(start, rate), to_seconds(end, rate), score))
    )


def truth_spans(truth: Instances, video: str, shown: Sequence[int]) -> Spans:
    """The instances of a video."""
    rows = np.flatnonzero(truth.video == truth.videos.index(video))
    return spans_of(shown, truth.class_index[rows], truth.start[rows], truth.end[rows], np.ones(len(rows)))


def spans_of(shown: Sequence[int], class_index: Any, start: Any, end: Any, score: Any) -> Spans:
    """Rows of the shown classes; `class_index` becomes the number of a lane."""
    rows = [row for row in range(len(class_index)) if int(class_index[row]) in shown]
    lanes = tuple(shown.index(int(class_index[row])) for row in rows)
    return Spans(lanes, *(tuple(float(column[row]) for row in rows) for column in (start, end, score)))


def clip_values(clip: DrawnVideo) -> dict[str, Any]:
    """A clip as plain JSON values, rounded to four decimals; curves are a list for each shown class."""
    tracks: list[dict[str, Any]] = []
    for title, track in clip.tracks:
        if isinstance(track, Spans):
            columns = zip(track.lane, track.start, track.end, track.score)
            spans = [[clip.classes[lane], *(round(value, 4) for value in rest)] for lane, *rest in columns]
            tracks.append({"title": title, "spans": spans})
        else:
            curves = {name: np.round(values, 4).tolist() for name, values in zip(clip.classes, track.values.T)}
            tracks.append({"title": title, "curves": curves})
    head = {"video": clip.video, "subset": clip.subset, "seconds": clip.seconds, "variant": clip.variant}
    return {**head, "seed": clip.seed, "classes": list(clip.classes), "tracks": tracks}
