"""One's own videos: features and annotations inspected video by video, and a suite written for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from wtal.data.alignment import (
    another_rate,
    crowded,
    derived_rate,
    frame_rates,
    is_of_each,
    lengths_out_of_line,
    other_frame_rates,
    rate_problem,
    remarks,
)
from wtal.data.annotations import AnnotatedVideo, Annotations, classes_of, read_annotations, with_subsets
from wtal.data.layouts import Entry, Features, open_features, streams_of
from wtal.data.unseen import read_floats
from wtal.data_settings import FeatureData
from wtal.errors import InputError, WtalError

TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "testing", "validation", "val")
MOST_TOLD = 10  # videos named for each kind of problem
ERRORS = ("begins after the video's end", "ends after the video's end")
LENGTH = "length"  # the kind of which each video is named


class ProblemsError(WtalError):
    """Everything that is wrong with one's own data, by video."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a user said of a new data set."""

    name: str
    features: str
    annotations: str
    rate: float | None = None  # snippets per second; None: from durations
    train_subset: str | None = None  # None: one of the usual names
    test_subset: str | None = None
    keeps_past_end: bool = False  # annotations past the end of their video stay


@dataclass(slots=True)
class Inspection:
    """What was found. Problems stop a data set, notes do not; each is (kind, video or class, words)."""

    request: Request
    settings: FeatureData
    videos: list[tuple[AnnotatedVideo, str]]  # with train or test
    classes: tuple[str, ...]
    rate: float | None = None
    rate_is_derived: bool = False
    feature_size: int = 0
    n_snippets: int = 0
    can_evaluate: bool = True
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[tuple[str, str, str]] = field(default_factory=list)

    def count(self, subset: str) -> int:
        """How many videos a subset has."""
        return sum(own == subset for _, own in self.videos)


def inspect(request: Request) -> Inspection:
    """Read annotations and every feature, and gather all that is wrong with them.

    Raises InputError where a file cannot be read at all; everything else is in the result.
    """
    annotations = read_annotations(request.annotations)
    train, test = _subset_names(annotations, request)
    settings = FeatureData(
        kind="features",
        name=request.name,
        features=request.features,
        annotations=request.annotations,
        train_subset=train,
        test_subset=test,
        snippets_per_second=request.rate,
        feature_size=None,
        streams=(),
        past_end="keep" if request.keeps_past_end else "refuse",
    )
    annotations = with_subsets(annotations, train, test, settings.test_share)
    if test not in annotations.subsets:
        expected = "enough videos of each class to set some aside for testing"
        raise InputError(file=annotations.path, expected=expected, got=f"{len(annotations.videos)} videos")
    features = open_features(request.features)
    videos = [(video, "train") for video in annotations.of_subset(train)]
    videos += [(video, "test") for video in annotations.of_subset(test)]
    classes = tuple(sorted({name for video, _ in videos for name in classes_of(video)}))
    found = Inspection(request, settings, videos, classes)
    _look_at_truth(found)
    counts = _look_at_features(found, features, annotations)
    _look_at_rate(found, counts)
    _look_at_annotations(found, counts)
    return found


def check(found: Inspection) -> None:
    """Raise ProblemsError, a line for each problem, if there is any."""
    if not found.problems:
        return
    several = "problem" if len(found.problems) == 1 else "problems"
    request = found.request
    head = f"{len(found.problems)} {several} with {request.features} and {request.annotations}; nothing was written"
    raise ProblemsError("\n".join([head, *told(found.problems)]))


def told(entries: Sequence[tuple[str, str, str]]) -> list[str]:
    """A line for each entry, at most ten of a kind but of lengths, of which every video counts."""
    seen: Counter[str] = Counter()
    lines = []
    for kind, name, words in entries:
        seen[kind] += 1
        if seen[kind] <= MOST_TOLD or kind == LENGTH:
            lines.append(f"  {name}: {words}")
    more = {kind: count - MOST_TOLD for kind, count in seen.items() if count > MOST_TOLD and kind != LENGTH}
    return lines + [f"  ... {count} more: {kind}" for kind, count in more.items()]


def _subset_names(annotations: Annotations, request: Request) -> tuple[str, str]:
    """The words that the annotations use for the subset to train on and the one to test on."""
    known = [name for name in annotations.subsets if name]
    train, test = request.train_subset, request.test_subset
    if not known:
        if train or test:
            expected = "no --train-subset and no --test-subset where the annotations name no subsets"
            raise InputError(file=annotations.path, key="subset", expected=expected, got=train or test)
        return "train", "test"
    if train is None:
        train = next((name for name in TRAIN_NAMES if name in known), None)
    if test is None:
        usual = [name for name in TEST_NAMES if name in known and name != train]
        timed = [name for name in usual if any(video.instances for video in annotations.of_subset(name))]
        test = next(iter([*timed, *usual]), None)
    for option, chosen in (("--train-subset", train), ("--test-subset", test)):
        if chosen is None or chosen not in known:
            got = f"{chosen!r}; there are {', '.join(known)}" if chosen else f"none; there are {', '.join(known)}"
            raise InputError(file=annotations.path, key=option, expected="the name of a subset", got=got)
    return str(train), str(test)


def _look_at_truth(found: Inspection) -> None:
    """Whether the test videos can be scored, and whether every class is taught."""
    timed = [video.name for video, subset in found.videos if subset == "test" and video.instances]
    untimed = [
        video.name for video, subset in found.videos if subset == "test" and not video.instances and video.listed
    ]
    if not timed:
        found.can_evaluate = False
    elif untimed:
        found.settings = replace(found.settings, exclude_videos=tuple(untimed))
        found.videos = [(video, subset) for video, subset in found.videos if video.name not in untimed]
        found.notes += [("left out", name, "left out: a test video with labels but no bounds") for name in untimed]
    taught = Counter(name for video, subset in found.videos if subset == "train" for name in classes_of(video))
    for name in found.classes:
        if not taught[name]:
            found.problems.append(("class", name, "a class of test videos that no training video has"))
        elif taught[name] < 3:
            found.notes.append(("class", name, f"a class with {taught[name]} training videos alone"))
    found.notes += [("pair", "classes", sentence) for sentence in crowded([video for video, _ in found.videos])]


def _look_at_features(found: Inspection, features: Features, annotations: Annotations) -> dict[str, int]:
    """Every feature read once; returns the snippets of each video that has good ones."""
    entries = _entries(features, annotations, [video.name for video, _ in found.videos])
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for name, entry in entries.items():
        if entry is None:
            found.problems.append(("no features", name, f"no features in {features.path}"))
            continue
        try:
            rows = read_floats(entry)
        except InputError as error:
            found.problems.append(("features", name, str(error)))
            continue
        counts[name], sizes[name] = rows.shape
    if sizes:
        found.feature_size = Counter(sizes.values()).most_common(1)[0][0]
    for name, size in sizes.items():
        if size != found.feature_size:
            found.problems.append(("columns", name, f"{size} columns where most videos have {found.feature_size}"))
    found.n_snippets = sum(counts.values())
    known = {entry.place for entry in (features.find(video.name) for video in annotations.videos) if entry}
    for name, entry in features.by_name.items():
        if entry.place not in known:
            found.notes.append(("unknown", name, "features of a video that the annotations do not know; not used"))
    told = next((entry for name, entry in entries.items() if entry is not None and name in counts), None)
    if told is not None:
        found.settings = replace(found.settings, streams=streams_of(told))
    return counts


def _entries(features: Features, annotations: Annotations, names: Sequence[str]) -> dict[str, Entry | None]:
    """The features of each video: by name, or, in an object array, by its place in the annotations."""
    if features.layout != "object_array":
        return {name: features.find(name) for name in names}
    place = {video.name: number for number, video in enumerate(annotations.videos)}
    if len(place) != len(features.in_order):
        expected = f"{len(place)} arrays, one for each annotated video in their order"
        raise InputError(file=features.path, expected=expected, got=len(features.in_order))
    return {name: features.in_order[place[name]] for name in names}


def _look_at_rate(found: Inspection, counts: dict[str, int]) -> None:
    """The rate that was given, or the one that durations say; and whether the lengths agree with it."""
    known = [video for video, _ in found.videos if video.seconds is not None and video.name in counts]
    own = np.array([counts[video.name] for video in known], dtype=np.int64)
    seconds, frames = np.array([video.seconds for video in known], dtype=np.float64), frame_rates(known)
    found.rate = found.request.rate
    if found.rate is None:
        if not known:
            words = "no durations to derive it from: give --rate, such as 1.5625 for 16 frames at 25 a second"
            found.problems.append(("rate", "snippets per second", words))
            return
        found.rate, told_of_it = derived_rate(own, seconds, frames)
        found.rate_is_derived = True
        found.notes += [("rate", f"{found.rate:g} snippets per second", words) for words in told_of_it]
    found.settings = replace(found.settings, snippets_per_second=found.rate, feature_size=found.feature_size or None)
    if not known:
        return
    problem, names = rate_problem(own, seconds, found.rate, frames), [video.name for video in known]
    single = lengths_out_of_line(names, own, seconds, found.rate) if not problem or is_of_each(problem) else []
    single += [] if frames is None else other_frame_rates(names, frames)
    (found.problems if problem else found.notes).extend((LENGTH, name, words) for name, words in single)
    if problem:
        found.problems.append(("rate", "snippets per second", problem))
    elif not found.rate_is_derived and (another := another_rate(own, seconds, found.rate)):
        found.notes.append(("rate", "snippets per second", another))


def _look_at_annotations(found: Inspection, counts: dict[str, int]) -> None:
    for video, _ in found.videos:
        seconds = video.seconds
        if seconds is None and found.rate and video.name in counts:
            seconds = counts[video.name] / found.rate
        for kind, stretches in remarks(video, seconds).items():
            words = f"{kind}: {', '.join(stretches[:3])}{', ...' if len(stretches) > 3 else ''}"
            if kind in ERRORS and seconds is not None:
                words += f" ({seconds:.1f} s)"
            is_problem = kind in ERRORS and not found.request.keeps_past_end
            (found.problems if is_problem else found.notes).append((kind, video.name, words))
