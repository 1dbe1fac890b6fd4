"""The videos of a data set that are trained on and tested on, with what annotations and settings say of each."""

from __future__ import annotations

from wtal.base.errors import InputError
from wtal.data.annotations.read import AnnotatedVideo, Annotations, classes_of, read_annotations, with_subsets
from wtal.data.convert.settings import FeatureData
from wtal.data.store.emptiness import Labelled, background_warning, class_warnings, require_enough
from wtal.data.store.tables import Subset

Chosen = list[tuple[AnnotatedVideo, Subset]]


def chosen_videos(settings: FeatureData) -> tuple[Annotations, Chosen]:
    """The annotations, and the videos of both subsets: first those to train on, then those to test on.

    Raises InputError where what must not be empty is: a subset, the classes, the training videos of one.
    """
    annotations = read_annotations(settings.annotations)
    annotations = with_subsets(annotations, settings.train_subset, settings.test_subset, settings.test_share)
    excluded = set(settings.exclude_videos)
    unknown = sorted(excluded - {video.name for video in annotations.videos})
    if unknown:
        raise InputError(
            file=annotations.path, key="exclude_videos", expected="videos of the annotations", got=unknown[0]
        )
    chosen: Chosen = []
    for subset, name in (("train", settings.train_subset), ("test", settings.test_subset)):
        videos = [video for video in annotations.of_subset(name) if video.name not in excluded]
        chosen += [(video, "train" if subset == "train" else "test") for video in videos]
    expected = settings.expected_videos
    if expected is not None and len(chosen) != expected:
        got = f"{len(chosen)}"
        raise InputError(file=annotations.path, expected=f"{expected} videos in both subsets", got=got)
    require_enough(annotations.path, used_classes(annotations, chosen), labelled(settings, chosen))
    return annotations, chosen


def used_classes(annotations: Annotations, chosen: Chosen) -> tuple[str, ...]:
    """The classes that some video has, in the order of the annotations."""
    used = {name for video, _ in chosen for name in classes_of(video)}
    return tuple(name for name in annotations.classes if name in used)


def labelled(settings: FeatureData, chosen: Chosen) -> list[Labelled]:
    """Subset and weak labels of each video."""
    return [(subset, weak_labels(settings, video, subset)) for video, subset in chosen]


def weak_labels(settings: FeatureData, video: AnnotatedVideo, subset: Subset) -> set[str]:
    """The classes that a video is said to have; of a training video, by its instances or its list as settings say."""
    if subset == "test":
        return classes_of(video)
    own = {name for name, _, _ in video.instances}
    if settings.video_labels == "listed" and video.listed is not None:
        return set(video.listed)
    return own or set(video.listed or ())


def warnings_about(settings: FeatureData, annotations: Annotations, chosen: Chosen) -> list[str]:
    """A sentence for each thing that may be as it is and deserves a word."""
    told: dict[str, list[str]] = {}
    for name, words in class_warnings(used_classes(annotations, chosen), labelled(settings, chosen)):
        told.setdefault(words, []).append(name)
    background = background_warning(labelled(settings, chosen))
    return [f"{', '.join(names)}: {words}" for words, names in told.items()] + ([background] if background else [])
