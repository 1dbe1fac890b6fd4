"""Whether features, durations and annotations of a data set belong together: pure functions, sentences as results."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from wtal.data.annotations import AnnotatedVideo
from wtal.records import Floats, Integers

FEWEST = 5  # videos from which something is said of a whole set
OFF_LINE = 0.1  # share of the videos that may be out of line before the set is refused
SLACK = (2.0, 0.02)  # snippets, and share of the expected number, by which a video may differ
SAME = 0.9  # tIoU from which two instances are taken for the same stretch


def out_of_line(counts: Integers, seconds: Floats, rate: float) -> NDArray[np.bool_]:
    """Which videos [V] have another number of snippets than their duration says: true beyond 2 snippets + 2 %."""
    expected = seconds * rate
    outside: NDArray[np.bool_] = np.abs(counts - expected) > SLACK[0] + SLACK[1] * expected
    return outside


def measured_rate(counts: Integers, seconds: Floats) -> float:
    """Snippets a second: the median over videos [V] of counts over durations, exact where videos are whole seconds.

    A snippet lost at the end of each video is allowed for by weighing long videos more.
    """
    order = np.argsort(seconds)
    longest = order[len(order) // 2 :]
    return float(np.median(counts[longest] / seconds[longest]))


def rate_problem(counts: Integers, seconds: Floats, rate: float) -> str | None:
    """What is wrong with the snippet counts [V] of a whole set against durations [V], or None.

    Told apart: one length for every video, another rate, the same lengths in another order, and anything else.
    """
    outside = out_of_line(counts, seconds, rate)
    if len(counts) < FEWEST or outside.mean() <= OFF_LINE:
        return None
    share = f"{int(outside.sum())} of {len(counts)} videos have another number of snippets than their duration says"
    if len(np.unique(counts)) == 1 and np.std(seconds) > 0.1 * np.mean(seconds):
        return f"every video has {counts[0]} snippets whatever its duration: features resampled to one length"
    found = measured_rate(counts, seconds)
    if abs(found / rate - 1) > SLACK[1] and out_of_line(counts, seconds, found).mean() <= OFF_LINE:
        return f"{found:.4g} snippets a second where the settings say {rate:.6g}: another rate (snippets_per_second)"
    if not out_of_line(np.sort(counts), np.sort(seconds), rate).mean() > OFF_LINE:
        return f"{share}, and yet the lengths are those of the set: the videos are in another order"
    return share


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
    return any(tiou(start, end, *other) >= SAME for other in others)


def tiou(start: float, end: float, other_start: float, other_end: float) -> float:
    """Temporal intersection over union of two intervals; 0 where both are empty."""
    union = max(end, other_end) - min(start, other_start)
    return max(0.0, min(end, other_end) - max(start, other_start)) / union if union > 0 else 0.0


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
