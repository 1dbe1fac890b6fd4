"""The systems whose detections a page sets side by side: the variants of a suite, or anybody's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wtal.base.errors import InputError
from wtal.base.records import Detections, Instances, VideoScores
from wtal.evaluate.score.evaluation import Matches, match_detections
from wtal.localise.scores_file import read_scores
from wtal.report.explorer.names import shown_of
from wtal.report.inputs.plan import Plan
from wtal.report.inputs.scoring import detections_of_run, options_of_variant
from wtal.report.inputs.truth import Truth
from wtal.suite.paths import TEST_SCORES, SuitePaths


@dataclass(frozen=True, slots=True)
class System:
    """One system: its detections of each seed, matched; the first seed's are shown video by video."""

    name: str
    title: str
    detections: tuple[Detections, ...]  # of each seed
    matches: tuple[Matches, ...]  # of each seed
    scores: VideoScores | None = None  # of the first seed, where they are known


def systems_of_suite(plan: Plan, results: Path, truth: Truth) -> list[System]:
    """The shown variants with the detections of every seed and the scores of the first. Raises InputError."""
    shown = shown_of(plan.file.variants, plan.bases, plan.whole_method)
    return [_system(plan, results, truth, name) for name in shown]


def _system(plan: Plan, results: Path, truth: Truth, name: str) -> System:
    options, entry = options_of_variant(plan, name, truth), plan.file.variants[name]
    found, matched = [], []
    for seed in plan.file.seeds:
        path, rounds = detections_of_run(plan, results, name, seed, truth)
        found.append(rounds[-1])
        matched.append(match_detections(rounds[-1], truth.instances, options, source=str(path)))
    path = SuitePaths(results).round(entry.owners[-1], plan.file.seeds[0], entry.rounds) / TEST_SCORES
    return System(name, entry.title, tuple(found), tuple(matched), scores_of(path, truth.instances))


def scores_of(path: Path, truth: Instances) -> VideoScores:
    """Scores of every video of the truth. Raises InputError where classes differ or a video lacks."""
    scores, classes = read_scores(path)
    if classes != truth.classes:
        raise InputError(file=path, key="classes", expected="the classes of the data", got=", ".join(classes))
    absent = sorted(set(truth.videos) - set(scores.videos))
    if absent:
        raise InputError(file=path, key="videos", expected=f"scores of {absent[0]}", got="none")
    return scores


def titles_of(systems: Sequence[System]) -> list[dict[str, str]]:
    """Name and title of each, as the page holds them."""
    return [{"name": system.name, "title": system.title} for system in systems]
