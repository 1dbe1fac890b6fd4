"""Every test video as the page shows it: instances and who finds them, detections and what is wrong with each, curves.

Of a video: `truth` has rows [class, start, end, [for each system at which thresholds it is found]], `detections` for
each system rows [class, start, end, score, kind at each threshold, best tIoU with its class, with another class];
thresholds are the bits of a number for instances and the digits of a text for detections, overlaps whole percent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Instances, Integers, VideoScores
from wtal.evaluate.diagnose.error_kinds import Overlaps, error_kinds, overlaps_of
from wtal.report.explorer.packing import packed
from wtal.report.explorer.systems import System

SIGNIFICANT = 4  # digits of a score


def videos_of(systems: Sequence[System], truth: Instances, seconds: Mapping[str, float] | None) -> list[dict[str, Any]]:
    """The videos that count, in their order, with what each system's first seed makes of them.

    seconds: lengths by video; where one is not known, the last bound in the video stands for it.
    """
    matched = [_Shown(system, truth) for system in systems]
    first = systems[0].matches[0]
    found = np.stack([shown.found for shown in matched], axis=1)  # [M, systems]
    videos = []
    for number, name in enumerate(first.videos):
        rows = np.flatnonzero(first.instance_video == number)
        places = first.instance_row[rows]
        columns = zip(first.instance_class[rows].tolist(), truth.start[places], truth.end[places], found[rows].tolist())
        instances = [[label, _second(start), _second(end), masks] for label, start, end, masks in columns]
        each = [shown.rows_of(number) for shown in matched]
        ends = [row[2] for row in (*instances, *(row for rows_of in each for row in rows_of))]
        length = (seconds or {}).get(name) or max(ends, default=1.0)
        video: dict[str, Any] = {"name": name, "seconds": _second(length), "truth": instances, "detections": each}
        classes = sorted({row[0] for row in (*instances, *(row for rows_of in each for row in rows_of))})
        curves = [_curves(system.scores, name, classes) for system in systems]
        if any(curves):
            video["curves"] = curves
        videos.append(video)
    return videos


class _Shown:
    """The first seed of a system, by video."""

    def __init__(self, system: System, truth: Instances) -> None:
        self.detections, self.matches = system.detections[0], system.matches[0]
        self.overlaps: Overlaps = overlaps_of(self.matches, self.detections, truth)
        self.kinds: NDArray[np.int8] = error_kinds(self.matches, self.overlaps)
        self.found = found_bits(self.matches.hits.threshold, self.matches.hits.instance, len(self.matches.instance_row))

    def rows_of(self, video: int) -> list[list[Any]]:
        """The detections of a video by falling score."""
        places = np.flatnonzero(self.matches.detection_video == video)
        rows = self.matches.detection_row[places]
        order = np.argsort(-self.detections.score[rows], kind="stable")
        return [self._row(int(places[position]), int(rows[position])) for position in order]

    def _row(self, place: int, row: int) -> list[Any]:
        found, overlaps = self.detections, self.overlaps
        label = int(self.matches.detection_class[place])
        kinds = "".join(map(str, self.kinds[:, place].tolist()))
        near = [int(100 * value) for value in (overlaps.same[place], overlaps.other[place])]
        score = float(f"{found.score[row]:.{SIGNIFICANT}g}")
        return [label, _second(found.start[row]), _second(found.end[row]), score, kinds, *near]


def found_bits(threshold: Integers, instance: Integers, n_instances: int) -> Integers:
    """At which thresholds each instance [M] is found, as the bits of a number."""
    found = np.zeros(n_instances, dtype=np.int64)
    np.bitwise_or.at(found, instance, np.left_shift(1, threshold))
    return found


def _second(value: float) -> float:
    return round(float(value), 2) + 0.0


def _curves(scores: VideoScores | None, name: str, classes: Sequence[int]) -> dict[str, Any]:
    """Snippet scores of the shown classes and attention of a video, 8 bits a value."""
    if scores is None or name not in scores.videos:
        return {}
    rows = scores.rows(scores.videos.index(name))
    held = {str(label): packed(scores.snippet_score[rows, label]) for label in classes}
    return {"scores": held, "attention": packed(scores.attention[rows])}


def losses(videos: Sequence[Mapping[str, Any]], threshold: int, one: int, other: int) -> list[float]:
    """By how much system `other` loses to `one` in each video: instances found less, then false positives more.

    threshold: number of the tIoU threshold.
    """
    found = [
        [sum(row[3][system] >> threshold & 1 for row in video["truth"]) for system in (one, other)] for video in videos
    ]
    wrong = [
        [sum(row[4][threshold] != "0" for row in video["detections"][system]) for system in (one, other)]
        for video in videos
    ]
    return [100.0 * (a - b) + (d - c) for (a, b), (c, d) in zip(found, wrong)]


def first_score(videos: Sequence[Mapping[str, Any]]) -> float:
    """The score from which detections are shown at first: two for each instance, of the system that has fewer above."""
    n_wanted = 2 * sum(len(video["truth"]) for video in videos)
    n_systems = max((len(video["detections"]) for video in videos), default=0)
    cuts = []
    for system in range(n_systems):
        scores = sorted((row[3] for video in videos for row in video["detections"][system]), reverse=True)
        cuts.append(scores[min(n_wanted, len(scores)) - 1] if scores else 0.0)
    return min(cuts, default=0.0)
