"""One's own videos: features and annotations inspected video by video, and a suite written for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from wtal.base.errors import InputError
from wtal.data.annotations.read import AnnotatedVideo, Annotations, classes_of, read_annotations, with_subsets
from wtal.data.annotations.subsets import words_for
from wtal.data.convert.settings import FeatureData
from wtal.data.features.alignment import (
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
from wtal.data.features.axes import Axis, Shapes, snippets_axis
from wtal.data.features.extracted import Origin, common_origin, is_rate_of, recorded_streams
from wtal.data.features.for_prediction import read_floats
from wtal.data.features.layouts import Entry, Features, open_features, shapes_of, streams_of
from wtal.data.store.emptiness import class_warnings, lacks
from wtal.data.store.tables import Subset

TRAIN_NAMES = ("train",)  # and the words that mean the same
TEST_NAMES = ("test", "validation")
ERRORS = ("begins after the video's end", "ends after the video's end")
NO_FEATURES, FEATURES, LENGTH = "no features", "features", "length"  # kinds of problems
BACKGROUND = {"train": "used as background", "test": "whatever is found in it counts as wrong"}


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
    ignores_missing: bool = False  # videos without features are left out
    snippets_are: Axis | None = None  # rows or columns of the arrays; None: told by the other axis


@dataclass(slots=True)
class Inspection:
    """What was found. Problems stop a data set, notes do not; each is (kind, video or class, words)."""

    request: Request
    settings: FeatureData
    videos: list[tuple[AnnotatedVideo, Subset]]
    classes: tuple[str, ...]
    left_out: tuple[str, ...] = ()  # videos without features
    rate: float | None = None
    rate_is_derived: bool = False
    origin: Origin | None = None  # what made the features, where a record says so
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
    videos: list[tuple[AnnotatedVideo, Subset]] = [(video, "train") for video in annotations.of_subset(train)]
    videos += [(video, "test") for video in annotations.of_subset(test)]
    found = Inspection(request, settings, videos, ())
    entries = _with_features(found, features, annotations)
    found.classes = tuple(sorted({name for video, _ in found.videos for name in classes_of(video)}))
    found.notes += [("annotations", request.annotations, note) for note in annotations.notes]
    _look_at_truth(found)
    counts = _look_at_features(found, entries)
    _look_at_unknown(found, features, annotations)
    if _tells_of_rate(found, counts):
        _look_at_rate(found, counts)
    _look_at_annotations(found, counts)
    return found


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
        train = next((name for usual in TRAIN_NAMES for name in words_for(usual, known)), None)
    if test is None:
        usual = [name for means in TEST_NAMES for name in words_for(means, known) if name != train]
        timed = [name for name in usual if any(video.instances for video in annotations.of_subset(name))]
        test = next(iter([*timed, *usual]), None)
    for option, chosen in (("--train-subset", train), ("--test-subset", test)):
        if chosen is None or not words_for(chosen, known):
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
        found.settings = replace(found.settings, exclude_videos=(*found.left_out, *untimed))
        found.videos = [(video, subset) for video, subset in found.videos if video.name not in untimed]
        found.notes += [("left out", name, "left out: a test video with labels but no bounds") for name in untimed]
    labelled = [(subset, classes_of(video)) for video, subset in found.videos]
    found.problems += [("class", lack.name, lack.words) for lack in lacks(found.classes, labelled)]
    taught = Counter(name for subset, names in labelled if subset == "train" for name in names)
    few = [name for name in found.classes if 0 < taught[name] < 3]
    found.notes += [("class", name, f"a class with {taught[name]} training videos alone") for name in few]
    found.notes += [("classes", name, words) for name, words in class_warnings(found.classes, labelled)]
    found.notes += [("pair", "classes", sentence) for sentence in crowded([video for video, _ in found.videos])]


def _with_features(found: Inspection, features: Features, annotations: Annotations) -> dict[str, Entry]:
    """The features of the videos that have some, in order; the others are left out or a problem each, as asked for."""
    entries = _entries(features, annotations)
    names = [video.name for video, _ in found.videos]
    missing = [name for name in names if entries[name] is None]
    if len(missing) == len(names):
        some = ", ".join(list(features.by_name)[:3])
        raise InputError(file=features.path, expected=f"features named like the videos, such as {names[0]}", got=some)
    if found.request.ignores_missing:
        found.left_out = tuple(missing)
        found.settings = replace(found.settings, exclude_videos=found.left_out)
        found.videos = [(video, subset) for video, subset in found.videos if video.name not in set(missing)]
    else:
        found.problems += [(NO_FEATURES, name, f"no features in {features.path}") for name in missing]
    return {name: entry for name in names if (entry := entries[name]) is not None}


def _look_at_features(found: Inspection, entries: Mapping[str, Entry]) -> dict[str, int]:
    """Every feature read once; returns the snippets of each video that has good ones."""
    shapes: dict[str, Shapes] = {}
    for video, _ in found.videos:
        if video.name not in entries:
            continue
        try:
            shapes[video.name] = shapes_of(entries[video.name])
        except InputError as error:
            found.problems.append((FEATURES, video.name, str(error)))
    axis = _axis(found, shapes)
    if axis is None or not shapes:
        return {}
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for name in shapes:
        try:
            rows = read_floats(replace(entries[name], snippets_are=axis))
        except InputError as error:
            found.problems.append((FEATURES, name, str(error)))
            continue
        counts[name], sizes[name] = rows.shape
    if sizes:
        found.feature_size = Counter(sizes.values()).most_common(1)[0][0]
    for name, size in sizes.items():
        if size != found.feature_size:
            other = "columns" if axis == "rows" else "rows"
            found.problems.append(("columns", name, f"{size} {other} where most videos have {found.feature_size}"))
            del counts[name]  # whatever is wrong with it, its rows need not be snippets
    found.n_snippets = sum(counts.values())
    told = next((name for name in entries if name in counts), None)
    if told is not None:
        entry = replace(entries[told], snippets_are=axis)
        streams = streams_of(shapes[told], entry) or recorded_streams(entry.files)
        found.settings, found.origin = replace(found.settings, streams=streams), common_origin(entry.files)
    return counts


def _axis(found: Inspection, shapes: Mapping[str, Shapes]) -> Axis | None:
    """Along which axis of the arrays snippets lie; where it may be either, that is a problem and the result is None."""
    axis = found.request.snippets_are
    if axis is None:
        seconds = [video.seconds for video, _ in found.videos if video.name in shapes]
        axis = snippets_axis(list(shapes.values()), None, seconds, found.request.rate) if shapes else "rows"
    if axis is None:
        first, second = next(iter(shapes.values()))[0]
        words = f"arrays of {first} by {second}, and either may be snippets: say --snippets-are rows or columns"
        found.problems.append(("axes", "every video", words))
    if axis == "columns":
        found.settings = replace(found.settings, snippets_are="columns")
        found.notes.append(("axes", "arrays", "[features, snippets], and read as such (--snippets-are rows: not so)"))
    return axis


def _look_at_unknown(found: Inspection, features: Features, annotations: Annotations) -> None:
    entries = features.find(video.name for video in annotations.videos).values()
    known = {entry.where for entry in entries if entry is not None}
    words = "features of a video that the annotations do not know; not used"
    found.notes += [("unknown", name, words) for name, entry in features.by_name.items() if entry.where not in known]


def _entries(features: Features, annotations: Annotations) -> dict[str, Entry | None]:
    """The features of each video: by name, or, in an object array, by its place in the annotations."""
    names = [video.name for video in annotations.videos]
    if features.layout != "object_array":
        return features.find(names)
    if len(names) != len(features.in_order):
        expected = f"{len(names)} arrays, one for each annotated video in their order"
        raise InputError(file=features.path, expected=expected, got=len(features.in_order))
    return dict(zip(names, features.in_order))


def _tells_of_rate(found: Inspection, counts: Mapping[str, int]) -> bool:
    """Whether anything can be said of the rate: not where no video that has a duration could be read."""
    stated = [video.name for video, _ in found.videos if video.seconds is not None]
    return not stated or any(name in counts for name in stated)


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
        return
    if found.rate_is_derived or is_rate_of(found.origin, found.rate):
        return
    if another := another_rate(own, seconds, found.rate):
        found.notes.append(("rate", "snippets per second", another))


def _look_at_annotations(found: Inspection, counts: dict[str, int]) -> None:
    for video, subset in found.videos:
        seconds = video.seconds
        if seconds is None and found.rate and video.name in counts:
            seconds = counts[video.name] / found.rate
        for kind, stretches in remarks(video, seconds).items():
            words = f"{kind}: {', '.join(stretches[:3])}{', ...' if len(stretches) > 3 else ''}"
            if kind in ERRORS and seconds is not None:
                words += f" ({seconds:.1f} s)"
            if kind == "no label":
                words = f"no label: {BACKGROUND[subset]}"
            is_problem = kind in ERRORS and not found.request.keeps_past_end
            (found.problems if is_problem else found.notes).append((kind, video.name, words))
