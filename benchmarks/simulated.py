"""Made-up suites whose true difference is known, at the level of scores and at the level of detections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wtal.base.records import Detections, Floats, Instances
from wtal.evaluate import EvaluationOptions, Matches, evaluate_matches, match_detections
from wtal.evaluate.score.intervals import SeedScores
from wtal.evaluate.score.uncertainty import resampled_means

OPTIONS = EvaluationOptions(tiou=(0.3, 0.5, 0.7))
CLASSES = ("reach", "lift", "turn", "throw", "fall")


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of a paired difference, points."""

    name: str
    seeds: float  # over seeds, whatever the videos
    videos: float  # over sets of test videos, the same for every seed
    both: float  # of a seed on a set of test videos: the interaction


def score_suite(
    random: np.random.Generator, spread: Spread, n_seeds: int, weights: Floats, kind: str = "normal"
) -> SeedScores:
    """Differences of a suite whose true difference is 0: each video has an effect of its own, and one for each seed.

    weights [R, V]: how often each video is in each resample. kind: `normal`, or `heavy`, where a few videos weigh most.
    """
    n_videos = weights.shape[1]
    draw = random.standard_normal if kind == "normal" else lambda size: random.standard_t(5, size) * np.sqrt(3 / 5)
    scale = np.sqrt(n_videos)
    video = scale * (spread.videos * draw((1, n_videos)) + spread.both * draw((n_seeds, n_videos)))  # [S, V]
    seed = spread.seeds * random.standard_normal((n_seeds, 1))
    return SeedScores((video.mean(axis=1, keepdims=True) + seed)[:, 0], video @ weights.T / n_videos + seed)


@dataclass(frozen=True, slots=True)
class System:
    """What a made-up method is like: how well it finds things, and how much that hangs on seed and video."""

    skill: float
    seeds: float  # standard deviation over seeds, for each class
    videos: float  # over videos, beside what all methods share
    both: float  # of a seed on a video


BETTER = System(skill=0.9, seeds=0.45, videos=0.4, both=0.25)
WORSE = System(skill=0.7, seeds=0.45, videos=0.4, both=0.25)
SHARED = 0.85  # of the variance of what happens to an instance: the same for every seed and system


@dataclass(frozen=True, slots=True)
class TestSet:
    """Videos with their instances, and what makes each hard, the same for every method and for each method."""

    truth: Instances
    shared: Floats  # [V]
    own: Floats  # [2, V]
    chance: Floats  # [4, M] of each instance: found or not, bounds, score


def draw_test_set(random: np.random.Generator, n_videos: int) -> TestSet:
    """Videos of one or two classes, one to seven instances each, 20 s apart."""
    counts = 1 + random.poisson(2, n_videos)
    video = np.repeat(np.arange(n_videos), counts)
    place = np.arange(len(video)) - np.repeat(np.cumsum(counts) - counts, counts)
    common = random.choice(len(CLASSES), size=(n_videos, 2), p=(0.35, 0.25, 0.2, 0.12, 0.08))
    label = common[video, random.integers(2, size=len(video))]
    start = 20.0 * place + 5 * random.random(len(video))
    end = start + 2 + 8 * random.random(len(video))
    names = tuple(f"video {number:05d}" for number in range(n_videos))
    truth = Instances(names, CLASSES, video, label, start, end)
    chance = random.standard_normal((4, len(video)))
    return TestSet(truth, random.standard_normal(n_videos), random.standard_normal((2, n_videos)), chance)


def draw_seed(random: np.random.Generator) -> Floats:
    """What a seed does to both systems and to each: [3, C], the first shared, since runs of a seed begin alike."""
    return random.standard_normal((3, len(CLASSES)))


def detect(random: np.random.Generator, test: TestSet, system: System, number: int, seed: Floats) -> Matches:
    """The detections of one seed of a system (number 0 or 1) on a test set, matched."""
    truth = test.truth
    n_videos, n_instances = len(truth.videos), len(truth.video)
    of_class = system.seeds * (seed[0] + seed[1 + number]) / np.sqrt(2)
    of_video = 0.6 * test.shared + system.videos * test.own[number] + system.both * random.standard_normal(n_videos)
    skill = system.skill + of_class[truth.class_index] + of_video[truth.video]
    chance = np.sqrt(SHARED) * test.chance + np.sqrt(1 - SHARED) * random.standard_normal((4, n_instances))
    found = skill + 1.5 * chance[0] > -0.8
    length = truth.end - truth.start
    jitter = chance[1:3] * 0.22 * length * np.exp(-0.35 * skill)
    start = truth.start + jitter[0]
    end = np.maximum(truth.end + jitter[1], start + 0.1)
    score = skill + chance[3]
    n_false = random.poisson(1.5, n_videos)
    where = np.repeat(np.arange(n_videos), n_false)
    false_start = 100 * random.random(len(where))
    columns = (
        (truth.video[found], where),
        (truth.class_index[found], random.integers(len(CLASSES), size=len(where))),
        (start[found], false_start),
        (end[found], false_start + 2 + 8 * random.random(len(where))),
        (score[found], 0.2 + of_video[where] + random.standard_normal(len(where))),
    )
    detections = Detections(truth.videos, CLASSES, *(np.concatenate(both) for both in columns))
    return match_detections(detections, truth, OPTIONS)


def detection_suite(
    random: np.random.Generator, n_seeds: int, n_videos: int, weights: np.ndarray
) -> tuple[SeedScores, SeedScores]:
    """Two systems of as many seeds on one test set: their average mAP, on all videos and under resamples [R, V]."""
    test = draw_test_set(random, n_videos)
    points, resampled = np.empty((2, n_seeds)), np.empty((2, n_seeds, len(weights)))
    for place in range(n_seeds):
        seed = draw_seed(random)
        for number, system in enumerate((BETTER, WORSE)):
            matches = detect(random, test, system, number, seed)
            points[number, place] = evaluate_matches(matches).headline
            resampled[number, place] = resampled_means(matches, weights).mean(axis=1)
    return SeedScores(points[0], resampled[0]), SeedScores(points[1], resampled[1])


def true_figures(random: np.random.Generator, n_seeds: int, n_videos: int) -> tuple[Floats, Floats]:
    """Average mAP [S] of each system on a very large set of videos, for many seeds."""
    points = np.empty((2, n_seeds))
    test = draw_test_set(random, n_videos)
    for place in range(n_seeds):
        seed = draw_seed(random)
        for number, system in enumerate((BETTER, WORSE)):
            points[number, place] = evaluate_matches(detect(random, test, system, number, seed)).headline
    return points[0], points[1]
