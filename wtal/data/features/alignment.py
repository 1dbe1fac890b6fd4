"""Whether features, durations and annotations of a data set belong together: pure functions, sentences as results."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from wtal.base.overlap import temporal_iou
from wtal.base.records import Floats, Integers
from wtal.data.annotations.read import AnnotatedVideo
from wtal.data.features.rate import follows_frames, lost_rows, measured_line, rate_by_frames, told_of_line, told_of_lost

FEWEST = 5  # videos from which something is said of a whole set
OFF_LINE = 0.1  # share of the videos that may be out of line before the set is refused
SLACK = (2.0, 0.02)  # snippets, and share of the expected number, by which a video may differ
NEAR = 0.01  # share by which a stated rate may differ from those that the lengths tell
OF_EACH = "videos have another number of snippets than their duration says"
SAME = 0.9  # tIoU from which two instances are taken for the same stretch


def out_of_line(counts: Integers, seconds: Floats, rate: float) -> NDArray[np.bool_]:
    """Which videos [V] have another number of snippets than their duration says: true beyond 2 snippets + 2 %.

    Rows that all videos lose alike, since windows are longer than their stride, are allowed for.
    """
    expected = expected_counts(counts, seconds, rate)
    outside: NDArray[np.bool_] = np.abs(counts - expected) > SLACK[0] + SLACK[1] * seconds * rate
    return outside


def is_of_each(problem: str) -> bool:
    """Whether a problem of a set is one of single videos, which are worth naming then."""
    return OF_EACH in problem


def expected_counts(counts: Integers, seconds: Floats, rate: float) -> Floats:
    """How many snippets one expects of videos [V], given what all of them lose at their ends."""
    return seconds * rate - lost_rows(counts, seconds, rate)


def lengths_out_of_line(names: Sequence[str], counts: Integers, seconds: Floats, rate: float) -> list[tuple[str, str]]:
    """Every video [V] that is out of line, by its name, with words on its length."""
    expected = expected_counts(counts, seconds, rate)
    return [
        (names[number], f"{counts[number]} snippets where {seconds[number]:.1f} s make {expected[number]:.0f}")
        for number in np.flatnonzero(out_of_line(counts, seconds, rate)).tolist()
    ]


def other_frame_rates(names: Sequence[str], frames_per_second: Floats) -> list[tuple[str, str]]:
    """Every video [V] whose frame rate is not the commonest, by its name, with words on it."""
    values, times = np.unique(frames_per_second, return_counts=True)
    usual = values[int(np.argmax(times))]
    return [
        (name, f"{own:.6g} frames a second where most videos have {usual:.6g}")
        for name, own in zip(names, frames_per_second.tolist())
        if own != usual
    ]


def rate_problem(counts: Integers, seconds: Floats, rate: float, frames_per_second: Floats | None = None) -> str | None:
    """What is wrong with the snippet counts [V] of a whole set against durations [V], or None.

    frames_per_second: of the videos [V], where all are stated. Told apart: one length for every video, a rate for each
    frame rate, another rate, the same lengths in another order, and anything else.
    """
    if frames_per_second is not None and len(counts) >= FEWEST and follows_frames(counts, seconds, frames_per_second):
        least, most = frames_per_second.min(), frames_per_second.max()
        stride = 1 / measured_line(counts, seconds * frames_per_second).rate
        sentence = f"a snippet is {stride:.4g} frames, of which videos have {least:.6g} to {most:.6g} a second"
        return f"{sentence}: no one rate fits them (extract them all at one)"
    outside = out_of_line(counts, seconds, rate)
    if len(counts) < FEWEST or outside.mean() <= OFF_LINE:
        return None
    share = f"{int(outside.sum())} of {len(counts)} {OF_EACH}"
    if len(np.unique(counts)) == 1 and np.std(seconds) > 0.1 * np.mean(seconds):
        return f"every video has {counts[0]} snippets whatever its duration: features resampled to one length"
    found = measured_line(counts, seconds).rate
    if abs(found / rate - 1) > SLACK[1] and out_of_line(counts, seconds, found).mean() <= OFF_LINE:
        return f"{found:.4g} snippets a second where the settings say {rate:.6g}: another rate (snippets_per_second)"
    if not out_of_line(np.sort(counts), np.sort(seconds), rate).mean() > OFF_LINE:
        return f"{share}, and yet the lengths are those of the set: the videos are in another order"
    return share


def frame_rates(videos: Sequence[AnnotatedVideo]) -> Floats | None:
    """The frames a second of videos [V], where there are any and all are stated."""
    stated = [video.frames_per_second for video in videos if video.frames_per_second is not None]
    return np.array(stated, dtype=np.float64) if videos and len(stated) == len(videos) else None


def derived_rate(counts: Integers, seconds: Floats, frames_per_second: Floats | None) -> tuple[float, list[str]]:
    """Snippets a second from snippets and durations [V] and stated frame rates, and what a user should know of it."""
    line = measured_line(counts, seconds)
    by_frames = None if frames_per_second is None else rate_by_frames(line, frames_per_second)
    if by_frames is None or frames_per_second is None:
        return float(f"{line.rate:.6g}"), told_of_line(line)
    stride = round(frames_per_second[0] / by_frames)
    told = f"by the stated {frames_per_second[0]:.6g} frames a second, of which a snippet is {stride}"
    return float(f"{by_frames:.9g}"), [told, *told_of_lost(line.lost)]


def another_rate(counts: Integers, seconds: Floats, rate: float) -> str | None:
    """A sentence where snippets and durations [V] of enough videos tell another rate than the one that is stated."""
    line = measured_line(counts, seconds)
    is_told = len(counts) >= FEWEST and line.if_one_is_lost is None
    if not is_told or line.least * (1 - NEAR) <= rate <= line.most * (1 + NEAR):
        return None
    return f"the lengths of the videos tell {line.rate:.5g} snippets a second where {rate:.6g} are stated"


def covers_class(videos: Sequence[AnnotatedVideo]) -> list[str]:
    """Sentences on classes whose every instance is an instance of another class too."""
    by_class: dict[str, list[tuple[int, float, float]]] = {}
    for number, video in enumerate(videos):
        for name, start, end in video.instances:
            by_class.setdefault(name, []).append((number, start, end))
    found = []
    for inner, outer in permutations(sorted(by_class), 2):
        where: dict[int, list[tuple[float, float]]] = {}
        for number, start, end in by_class[outer]:
            where.setdefault(number, []).append((start, end))
        if all(_has_same(start, end, where.get(number, [])) for number, start, end in by_class[inner]):
            found.append(f"every instance of {inner} ({len(by_class[inner])}) is also labelled {outer}")
    return found


def _has_same(start: float, end: float, others: Sequence[tuple[float, float]]) -> bool:
    other_start, other_end = np.array(others, dtype=np.float64).reshape(-1, 2).T
    return bool((temporal_iou(start, end, other_start, other_end) >= SAME).any())


def past_end(video: AnnotatedVideo, seconds: float) -> list[tuple[str, float, float]]:
    """The instances that begin at or after the end of their video."""
    return [instance for instance in video.instances if instance[1] >= seconds]


def beyond_end(video: AnnotatedVideo, seconds: float, slack: float) -> list[tuple[str, float, float]]:
    """The instances that begin inside their video and end more than `slack` seconds after it."""
    return [instance for instance in video.instances if instance[1] < seconds and instance[2] > seconds + slack]


def duplicates(video: AnnotatedVideo) -> list[tuple[str, float, float]]:
    """The instances that repeat an earlier one exactly."""
    seen: set[tuple[str, float, float]] = set()
    found = []
    for instance in video.instances:
        if instance in seen:
            found.append(instance)
        seen.add(instance)
    return found


def zero_length(video: AnnotatedVideo) -> list[tuple[str, float, float]]:
    """The instances without any length, which no detection can match."""
    return [instance for instance in video.instances if instance[1] == instance[2]]


def remarks(
    video: AnnotatedVideo, seconds: float | None, ambiguous: Sequence[tuple[float, float]] = ()
) -> dict[str, list[str]]:
    """What is odd about the annotations of one video, a list of stretches for each kind of remark."""
    found = {
        "repeats an instance": duplicates(video),
        "instance of no length": zero_length(video),
    }
    if seconds is not None:
        found["begins after the video's end"] = past_end(video, seconds)
        found["ends after the video's end"] = beyond_end(video, seconds, max(0.64, 0.01 * seconds))
    told = {kind: [f"{name} {start:g}-{end:g}" for name, start, end in rows] for kind, rows in found.items() if rows}
    if not video.instances and not video.listed:
        told["no label"] = ["no class at all"]
    own = {name for name, _, _ in video.instances}
    if video.listed is not None and own and own != set(video.listed):
        kind = "differ from" if own & set(video.listed) else "are none of"
        told[f"listed classes {kind} its instances'"] = [", ".join(sorted(own ^ set(video.listed)))]
    if ambiguous:
        told["ambiguous interval"] = [f"{start:g}-{end:g}" for start, end in ambiguous]
    return told


def overlap_of_ambiguous(video: AnnotatedVideo, ambiguous: Sequence[tuple[float, float]]) -> int:
    """How many pairs of instance and ambiguous interval of one video overlap."""
    pairs = [(row, interval) for row in video.instances for interval in ambiguous]
    return sum(min(end, last) > max(start, first) for (_, start, end), (first, last) in pairs)


def crowded(videos: Sequence[AnnotatedVideo]) -> list[str]:
    """Pairs of classes that no two videos tell apart: they occur in exactly the same videos."""
    where: dict[str, frozenset[int]] = {}
    for name in sorted({row[0] for video in videos for row in video.instances}):
        where[name] = frozenset(n for n, video in enumerate(videos) if any(row[0] == name for row in video.instances))
    return [
        f"{first} and {second} occur in exactly the same {len(where[first])} videos: weak labels cannot tell them apart"
        for first, second in combinations(where, 2)
        if where[first] == where[second]
    ]
