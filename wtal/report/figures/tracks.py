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

    label: tuple[int, ...]  # place among the shown classes
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
class Clip:
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
    label = [place for place, own in enumerate(segments) for _ in range(len(own))]
    start, end = (np.concatenate([getattr(own, name) for own in segments]) for name in ("start", "end"))
    score = np.concatenate([own.score for own in segments])
    return Spans(
        tuple(label), *(tuple(column.tolist()) for column in (to_seconds(start, rate), to_seconds(end, rate), score))
    )


def truth_spans(truth: Instances, video: str, shown: Sequence[int]) -> Spans:
    """The instances of a video."""
    own = truth.video == truth.videos.index(video)
    return spans_of(shown, truth.label[own], truth.start[own], truth.end[own], np.ones(int(own.sum())))


def spans_of(shown: Sequence[int], label: Any, start: Any, end: Any, score: Any) -> Spans:
    """Rows of the shown classes; `label` becomes a place among them."""
    rows = [row for row in range(len(label)) if int(label[row]) in shown]
    places = tuple(shown.index(int(label[row])) for row in rows)
    return Spans(places, *(tuple(float(column[row]) for row in rows) for column in (start, end, score)))


def clip_values(clip: Clip) -> dict[str, Any]:
    """A clip as plain JSON values, rounded to four decimals; curves are a list for each shown class."""
    tracks: list[dict[str, Any]] = []
    for title, track in clip.tracks:
        if isinstance(track, Spans):
            columns = zip(track.label, track.start, track.end, track.score)
            spans = [[clip.classes[label], *(round(value, 4) for value in rest)] for label, *rest in columns]
            tracks.append({"title": title, "spans": spans})
        else:
            curves = {name: np.round(values, 4).tolist() for name, values in zip(clip.classes, track.values.T)}
            tracks.append({"title": title, "curves": curves})
    head = {"video": clip.video, "subset": clip.subset, "seconds": clip.seconds, "variant": clip.variant}
    return {**head, "seed": clip.seed, "classes": list(clip.classes), "tracks": tracks}
