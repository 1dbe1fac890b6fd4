"""Made-up videos in which each ingredient of the method can be seen to act.

Every action has a body and, in its middle, a core: the core alone tells the classes apart well, so that a classifier
is content with a part of the action. The action fades in and out over its bounds, which are therefore ambiguous.
Beside it lies its context: it occurs with the action and nowhere else, but is no part of it. The rest is background.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wtal.base.records import Floats
from wtal.base.seeds import seed_of_text
from wtal.base.timebase import to_seconds
from wtal.data.kinds.synthetic_settings import SyntheticData
from wtal.data.store.tables import SUBSETS, Subset
from wtal.data.store.write import DataSet, StoredVideo
from wtal.suite.streams import Stream

SNIPPETS_PER_SECOND = 25 / 16
STREAMS = ("rgb", "flow")
SLOT = 14  # snippets that one action with its surroundings takes up where there is room
FADE = 3.0  # snippets over which an action fades in and out, at most half of its length
CORE = (0.35, 0.65)  # of the action's length
STRENGTH = {"body": 1.6, "core": 3.0, "context": 2.0, "background": 1.5}
NOISE = 0.25
BACKGROUNDS = 3  # kinds of background


@dataclass(frozen=True, slots=True)
class Directions:
    """What each ingredient adds to the features; rows of L2 norm 1 in each of the two streams."""

    body: Floats  # [C, D]
    core: Floats  # [C, D]
    context: Floats  # [C, D]
    background: Floats  # [BACKGROUNDS, D]


@dataclass(frozen=True, slots=True)
class Action:
    """One action in a video; bounds in snippets, real-valued."""

    class_index: int
    start: float
    end: float
    context: tuple[float, float]  # a stretch that touches the action from outside


def synthetic_data_set(settings: SyntheticData) -> DataSet:
    """The made-up data set of these settings; equal settings give equal videos."""
    size = settings.feature_size
    return DataSet(
        dataset="synthetic",
        classes=tuple(f"action_{class_index + 1:02d}" for class_index in range(settings.classes)),
        snippets_per_second=SNIPPETS_PER_SECOND,
        feature_size=len(STREAMS) * size,
        streams=tuple(Stream(name=name, columns=size) for name in STREAMS),
        source=f"made up by wtal, seed {settings.seed}",
        licence="none needed: made-up numbers",
        citation="none",
        videos=_videos(settings),
    )


def directions(settings: SyntheticData) -> Directions:
    """The directions that belong to these settings; bodies of all classes share a part, as actions do."""
    n_classes, width = settings.classes, len(STREAMS) * settings.feature_size
    generator = _generator(settings, "directions")
    shared = generator.standard_normal((1, width))
    body = 0.6 * shared + 0.8 * generator.standard_normal((n_classes, width))
    core, context = (generator.standard_normal((n_classes, width)) for _ in range(2))
    background = generator.standard_normal((BACKGROUNDS, width))
    return Directions(*(_unit_in_each_stream(rows) for rows in (body, core, context, background)))


def actions_of(settings: SyntheticData, name: str, labels: list[int]) -> tuple[int, list[Action]]:
    """The number of snippets of a video and its actions, each label at least once, one after the other."""
    generator = _generator(settings, name, "actions")
    n_snippets = int(generator.integers(settings.snippets[0], settings.snippets[1] + 1))
    spare = max(0, n_snippets // SLOT - len(labels))
    repeated = generator.choice(labels, size=int(generator.integers(0, spare + 1))).tolist()
    order = generator.permutation([*labels, *repeated]).tolist()
    slot = n_snippets / len(order)
    actions = []
    for slot_index, class_index in enumerate(order):
        length = slot * generator.uniform(0.3, 0.55)
        start = slot_index * slot + (slot - length) * generator.uniform(0.3, 0.7)
        reach = slot * generator.uniform(0.15, 0.25)
        end = start + length
        is_before = generator.random() < 0.5
        actions.append(Action(class_index, start, end, (start - reach, start) if is_before else (end, end + reach)))
    return n_snippets, actions


def features_of(settings: SyntheticData, name: str, n_snippets: int, actions: list[Action]) -> NDArray[np.float32]:
    """The features [T, D] of one video: background, then each action's body, core and context, then noise."""
    generator, known = _generator(settings, name, "features"), directions(settings)
    centre = np.arange(n_snippets, dtype=np.float64) + 0.5
    quiet = np.ones(n_snippets)
    features = np.zeros((n_snippets, known.body.shape[1]))
    for action in actions:
        length = action.end - action.start
        presence = _plateau(centre, action.start, action.end, min(FADE, length / 2))
        first, last = (action.start + share * length for share in CORE)
        core = _plateau(centre, first, last, min(1.0, length / 6))
        context = _plateau(centre, *action.context, 0.5) * (1 - presence)
        features += STRENGTH["body"] * np.outer(presence, known.body[action.class_index])
        features += STRENGTH["core"] * np.outer(presence * core, known.core[action.class_index])
        features += STRENGTH["context"] * np.outer(context, known.context[action.class_index])
        quiet *= 1 - np.maximum(presence, context)
    kind = generator.integers(BACKGROUNDS, size=n_snippets)
    features += STRENGTH["background"] * quiet[:, None] * known.background[kind]
    features += NOISE * generator.standard_normal(features.shape)
    return features.astype(np.float32)


def _videos(settings: SyntheticData) -> Iterator[StoredVideo]:
    for subset in SUBSETS:
        n_videos = settings.train_videos if subset == "train" else settings.test_videos
        for number in range(n_videos):
            yield _video(settings, subset, number, n_videos)


def _video(settings: SyntheticData, subset: Subset, number: int, n_videos: int) -> StoredVideo:
    name = f"{subset}_{number + 1:04d}"
    generator = _generator(settings, name, "labels")
    # Every class falls to some video of the subset; a second one joins by chance.
    labels = [class_index for class_index in range(settings.classes) if class_index % n_videos == number] or [
        number % settings.classes
    ]
    if generator.random() < 0.35 and len(labels) == 1:
        labels.append(int((labels[0] + generator.integers(1, settings.classes)) % settings.classes))
    n_snippets, actions = actions_of(settings, name, labels)
    bounds = to_seconds([[action.start, action.end] for action in actions], SNIPPETS_PER_SECOND).round(3).tolist()
    return StoredVideo(
        name=name,
        subset=subset,
        seconds=n_snippets / SNIPPETS_PER_SECOND,
        features=features_of(settings, name, n_snippets, actions),
        instances=tuple(
            (f"action_{action.class_index + 1:02d}", start, end) for action, (start, end) in zip(actions, bounds)
        ),
    )


def _generator(settings: SyntheticData, *purpose: str) -> Generator:
    """Random numbers of one purpose, whatever else was drawn before."""
    return np.random.default_rng(seed_of_text("/".join(["synthetic", str(settings.seed), *purpose])))


def _plateau(centre: Floats, start: float, end: float, fade: float) -> Floats:
    """1 inside, 0 outside, one half at the bounds, a straight line of width `fade` between; at snippet centres [T]."""
    width = max(fade, 1e-9)
    rising = np.clip((centre - start) / width + 0.5, 0, 1)
    falling = np.clip((end - centre) / width + 0.5, 0, 1)
    plateau: Floats = np.minimum(rising, falling)
    return plateau


def _unit_in_each_stream(rows: Floats) -> Floats:
    streams = rows.reshape(len(rows), len(STREAMS), -1)
    unit: Floats = streams / np.sqrt((streams**2).sum(axis=2, keepdims=True))
    return unit.reshape(rows.shape)
