"""Names of videos and classes on both sides of an evaluation: which count, which are refused."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

import numpy as np

from wtal.errors import InputError
from wtal.evaluate.options import EvaluationOptions
from wtal.records import Detections, Instances, Integers


def hint(name: str, known: Collection[str]) -> str:
    """The known name closest to a misspelt one, or an example and how many there are."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"{len(known)} are known, such as {next(iter(known))!r}" if known else "none is known"


def considered_videos(truth: Instances, options: EvaluationOptions) -> tuple[Integers, tuple[str, ...]]:
    """The new number of each video of the ground truth, -1 where it is left out, and the names that stay."""
    number_of = {name: number for number, name in enumerate(truth.videos)}
    stays = np.ones(len(truth.videos), dtype=bool)
    for name in options.exclude_videos:
        number = find_video(name, number_of)
        if number is None:
            expected = f"a video of the ground truth ({hint(name, number_of)})"
            raise InputError(file="ground truth", key="exclude_videos", expected=expected, got=repr(name))
        stays[number] = False
    numbers = np.where(stays, np.cumsum(stays) - 1, -1).astype(np.int64)
    return numbers, tuple(name for name, kept in zip(truth.videos, stays) if kept)


def considered_instances(truth: Instances, video_number: Integers, options: EvaluationOptions) -> Integers:
    rows = np.flatnonzero(video_number[truth.video] >= 0)
    if options.deduplicate:
        columns = (truth.video, truth.label, truth.start, truth.end)
        _, first = np.unique(np.stack([column[rows] for column in columns], axis=1), axis=0, return_index=True)
        rows = rows[np.sort(first)]
    if not len(rows):
        raise InputError(file="ground truth", expected="at least one instance", got="none in the videos considered")
    return rows.astype(np.int64)


def find_video(name: str, number_of: Mapping[str, int]) -> int | None:
    """The number of a video by its name, which may have or lack ActivityNet's prefix `v_`."""
    for candidate in (name, f"v_{name}", name.removeprefix("v_")):
        if candidate in number_of:
            return number_of[candidate]
    return None


def named(
    detections: Detections,
    truth: Instances,
    video_number: Integers,
    options: EvaluationOptions,
    source: str,
) -> tuple[Integers, Integers]:
    """Video and class number [N] of each detection in the ground truth's numbering; video -1 drops a detection.

    video_number: as `considered_videos` gives it. A counted unknown video gets the number after the last.
    """
    videos = _video_numbers(detections, truth, video_number, options, source)
    classes = np.full(len(detections.classes), -1, dtype=np.int64)
    class_of = {name: number for number, name in enumerate(truth.classes)}
    for place in np.unique(detections.label):
        name = detections.classes[place]
        if name not in class_of:
            expected = f"a class of the ground truth ({hint(name, class_of)})"
            raise InputError(file=source, key="label", expected=expected, got=repr(name))
        classes[place] = class_of[name]
    return videos[detections.video], classes[detections.label]


def _video_numbers(
    detections: Detections, truth: Instances, video_number: Integers, options: EvaluationOptions, source: str
) -> Integers:
    n_kept = int((video_number >= 0).sum())
    number_of = {name: number for number, name in enumerate(truth.videos)}
    videos = np.full(len(detections.videos), -1, dtype=np.int64)
    seen: dict[int, str] = {}
    for place in np.unique(detections.video):
        name = detections.videos[place]
        number = find_video(name, number_of)
        if number is None:
            if options.unknown_videos == "refuse":
                expected = (
                    f"a video of the ground truth ({hint(name, number_of)}; unknown videos can be dropped or counted)"
                )
                raise InputError(file=source, key="results", expected=expected, got=repr(name))
            videos[place] = n_kept if options.unknown_videos == "count" else -1
            continue
        if seen.setdefault(number, name) != name:
            got = f"{seen[number]!r} and {name!r}"
            raise InputError(file=source, key="results", expected="each video once", got=got)
        videos[place] = video_number[number]
    return videos
