"""Names of videos and classes on both sides of an evaluation: which count, which are refused."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from wtal.base.errors import InputError
from wtal.base.records import Detections, Instances, Integers
from wtal.data.annotations.names import VideoNames
from wtal.evaluate.score.options import EvaluationOptions


def hint(name: str, known: Collection[str]) -> str:
    """The known name closest to a misspelt one, or an example and how many there are."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"{len(known)} are known, such as {next(iter(known))!r}" if known else "none is known"


@dataclass(frozen=True, slots=True)
class Named:
    """Video and class number [N] of each detection in the ground truth's numbering, and what was unknown."""

    video: Integers  # -1 drops a detection
    class_index: Integers
    unknown_videos: tuple[str, ...]
    unknown_classes: tuple[str, ...]
    n_of_unknown_videos: int  # detections
    n_of_unknown_classes: int  # detections, in videos that count
    absent_videos: tuple[str, ...]  # considered, and not named


def considered_videos(truth: Instances, options: EvaluationOptions) -> tuple[Integers, tuple[str, ...]]:
    """The new number [V] of each video of the ground truth, -1 where it is left out, and the names that stay."""
    known = VideoNames(truth.videos)
    stays = np.ones(len(truth.videos), dtype=bool)
    for name in options.exclude_videos:
        number = known.find(name, "exclude_videos")
        if number is None:
            expected = f"a video of the ground truth ({hint(name, known.number_of)})"
            raise InputError(file="ground truth", key="exclude_videos", expected=expected, got=repr(name))
        stays[number] = False
    numbers = np.where(stays, np.cumsum(stays) - 1, -1).astype(np.int64)
    return numbers, tuple(name for name, kept in zip(truth.videos, stays) if kept)


def considered_instances(truth: Instances, video_number: Integers, options: EvaluationOptions) -> tuple[Integers, int]:
    """The rows [G] of the instances that count, and how many exact duplicates were removed from them.

    video_number: of each video of the ground truth [V], -1 where it is left out.
    """
    rows = np.flatnonzero(video_number[truth.video] >= 0)
    n_rows = len(rows)
    if options.deduplicate:
        columns = (truth.video, truth.class_index, truth.start, truth.end)
        _, first = np.unique(np.stack([column[rows] for column in columns], axis=1), axis=0, return_index=True)
        rows = rows[np.sort(first)]
    if not len(rows):
        raise InputError(file="ground truth", expected="at least one instance", got="none in the videos considered")
    return rows.astype(np.int64), n_rows - len(rows)


def named(
    detections: Detections,
    truth: Instances,
    video_number: Integers,
    options: EvaluationOptions,
    source: str,
) -> Named:
    """The numbers of the detections' videos and classes in the ground truth.

    video_number: [V] as `considered_videos` gives it. A counted unknown video gets the number after the last. Raises
    InputError for unknown names unless options say otherwise, and for a video under two names.
    """
    videos, unknown, absent = _video_numbers(detections, truth, video_number, options, source)
    video = videos[detections.video]
    classes, unknown_classes = _class_numbers(
        detections, np.unique(detections.class_index[video >= 0]), truth, options, source
    )
    class_index = classes[detections.class_index]
    of_unknown_class, of_unknown_video = (class_index < 0) & (video >= 0), np.isin(detections.video, unknown)
    return Named(
        video=np.where(of_unknown_class, -1, video),
        class_index=np.maximum(class_index, 0),
        unknown_videos=tuple(detections.videos[position] for position in unknown),
        unknown_classes=unknown_classes,
        n_of_unknown_videos=int(of_unknown_video.sum()),
        n_of_unknown_classes=int(of_unknown_class.sum()),
        absent_videos=absent,
    )


def _class_numbers(
    detections: Detections, used: Integers, truth: Instances, options: EvaluationOptions, source: str
) -> tuple[Integers, tuple[str, ...]]:
    """The number of each class, -1 where it is unknown or unused, and the names of the unknown among those used."""
    classes = np.full(len(detections.classes), -1, dtype=np.int64)
    class_of = {name: number for number, name in enumerate(truth.classes)}
    unknown = []
    for position in used.tolist():
        name = detections.classes[position]
        if name in class_of:
            classes[position] = class_of[name]
            continue
        if options.unknown_classes == "refuse":
            expected = f"a class of the ground truth, or --unknown-classes drop or count ({hint(name, class_of)})"
            raise InputError(file=source, key="label", expected=expected, got=repr(name))
        unknown.append(name)
    return classes, tuple(unknown)


def _video_numbers(
    detections: Detections, truth: Instances, video_number: Integers, options: EvaluationOptions, source: str
) -> tuple[Integers, list[int], tuple[str, ...]]:
    """The number of each video, the places of the unknown, and the names of those considered that are not named."""
    n_kept, known = int((video_number >= 0).sum()), VideoNames(truth.videos)
    videos = np.full(len(detections.videos), -1, dtype=np.int64)
    used = set(np.unique(detections.video).tolist())
    seen: dict[int, str] = {}
    listed, unknown = set(), []
    for position, name in enumerate(detections.videos):
        number = known.find(name, source)
        if number is not None:
            listed.add(number)
        if position not in used:
            continue
        if number is None:
            if options.unknown_videos == "refuse":
                near = hint(name, known.number_of)
                expected = f"a video of the ground truth, or --unknown-videos drop or count ({near})"
                raise InputError(file=source, key="results", expected=expected, got=repr(name))
            videos[position] = n_kept if options.unknown_videos == "count" else -1
            unknown.append(position)
            continue
        if seen.setdefault(number, name) != name:
            got = f"{seen[number]!r} and {name!r}"
            raise InputError(file=source, key="results", expected="each video once", got=got)
        videos[position] = video_number[number]
    absent = tuple(
        name for number, name in enumerate(truth.videos) if video_number[number] >= 0 and number not in listed
    )
    if absent and options.require_all_videos:
        got = f"{n_kept - len(absent)}, without {', '.join(absent)}"
        raise InputError(file=source, key="results", expected=f"all {n_kept} videos of the subset", got=got)
    return videos, unknown, absent
