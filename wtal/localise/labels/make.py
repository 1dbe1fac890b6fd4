"""Pseudo labels of a round: scores to proposals to fused segments to one label a snippet and class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.base.records import Floats, Segments, VideoScores
from wtal.base.timebase import cut_to_grid
from wtal.localise.fusion.fuse import fuse
from wtal.localise.labels.file import PseudoLabels
from wtal.localise.labels.optimised import label_program, solve_label_programs
from wtal.localise.propose import proposals_of_class
from wtal.suite.step_settings import LabelRoundSettings
from wtal.suite.training_settings import CollapseSettings

NOTHING_TO_SOLVE, SOLVED, INFEASIBLE = -1, 0, 1
TENTH, WIDE = 0.1, 0.95  # of a label's maximum where it covers a snippet; of a video that a wide label covers


@dataclass(frozen=True, slots=True)
class _Entry:
    """The fused segments of one class of one video, by falling score."""

    video: int
    label: int
    segments: Segments


def pseudo_labels(scores: VideoScores, video_labels: NDArray[np.bool_], settings: LabelRoundSettings) -> PseudoLabels:
    """The labels of one round. video_labels: [V, C], rows in the order of the scores.

    Source: docs/method.md#pseudo-labels-as-an-optimisation-problem. A label is never NaN; what could not be met is
    recorded in `violation`.
    """
    entries = fused_segments(scores, video_labels, settings)
    lengths = np.diff(scores.offsets)
    label = np.zeros(scores.snippet_score.shape, dtype=np.float64)
    status = np.full(scores.video_score.shape, NOTHING_TO_SOLVE, dtype=np.int8)
    violation = np.zeros(scores.video_score.shape, dtype=np.float32)
    if settings.kind == "optimised":
        programs = [
            label_program(entry.segments, int(lengths[entry.video]), settings.proposals, settings.bounds)
            for entry in entries
        ]
        solutions = solve_label_programs(programs, settings.lp_solution, settings.lp_infeasible)
        for entry, solution in zip(entries, solutions):
            label[scores.rows(entry.video), entry.label] = solution.label
            status[entry.video, entry.label] = SOLVED if solution.is_feasible else INFEASIBLE
            violation[entry.video, entry.label] = solution.violation
    else:
        for entry in entries:
            naive = naive_label(entry.segments, int(lengths[entry.video]), settings)
            label[scores.rows(entry.video), entry.label] = naive
            status[entry.video, entry.label] = SOLVED
    return _gathered(scores, entries, label, status, violation)


def fused_segments(scores: VideoScores, video_labels: NDArray[np.bool_], settings: LabelRoundSettings) -> list[_Entry]:
    """The segments that labels are made from, for each video and class that gets a label and has any."""
    entries = []
    for video in range(len(scores.videos)):
        rows = scores.snippet_score[scores.rows(video)]
        for label in _classes(scores.video_score[video], video_labels[video], settings):
            proposals = proposals_of_class(rows[:, label], settings.proposals)
            segments = fuse(proposals, settings.fusion, settings.temperature, settings.proposals)
            if len(segments):
                entries.append(_Entry(video, int(label), segments.by_falling_score()))
    return entries


def _classes(
    video_score: NDArray[np.float32], video_label: NDArray[np.bool_], settings: LabelRoundSettings
) -> NDArray[np.intp]:
    if settings.classes == "label":
        return np.flatnonzero(video_label)
    return np.flatnonzero(video_score >= settings.proposals.class_threshold)  # background is not excluded


def naive_label(segments: Segments, n_snippets: int, settings: LabelRoundSettings) -> NDArray[np.float64]:
    """The alternative of the ablation: each segment's score on its own snippets [T]; mean or maximum on overlaps."""
    start, end = cut_to_grid(segments.start, settings.bounds), cut_to_grid(segments.end, settings.bounds)
    snippet = np.arange(n_snippets)
    inside = (snippet >= start[:, None]) & (snippet < end[:, None])
    covered = inside.any(axis=0)
    if settings.naive_overlap == "maximum":
        highest = np.where(inside, segments.score[:, None], -np.inf).max(axis=0, initial=-np.inf)
        return np.where(covered, highest, 0.0)
    mean: NDArray[np.float64] = segments.score @ inside / np.maximum(inside.sum(axis=0), 1)
    return mean


def label_signs(labels: PseudoLabels, video_labels: NDArray[np.bool_], settings: CollapseSettings) -> tuple[str, ...]:
    """A clause for each sign that labels have collapsed: nearly all empty, or nearly all as wide as their videos.

    A label covers the snippets where it is above a tenth of its maximum. video_labels: [V, C].
    """
    covered = []
    for video, label in np.argwhere(video_labels):
        values = labels.label[labels.rows(int(video)), label]
        covered.append(float((values > TENTH * values.max()).mean()) if values.max() > 0 else 0.0)
    empty, wide = np.mean(np.array(covered) == 0), np.mean(np.array(covered) >= WIDE)
    signs = []
    if empty >= settings.label_share:
        signs.append(f"{empty:.0%} of the labels are empty: hardly any proposal was found where a class is known to be")
    if wide >= settings.label_share:
        signs.append(f"{wide:.0%} of the labels cover their whole video")
    return tuple(signs)


def _gathered(
    scores: VideoScores,
    entries: Sequence[_Entry],
    label: NDArray[np.float64],
    status: NDArray[np.int8],
    violation: NDArray[np.float32],
) -> PseudoLabels:
    counts = [len(entry.segments) for entry in entries]

    def column(name: str) -> Floats:
        return np.concatenate([np.zeros(0), *(getattr(entry.segments, name) for entry in entries)])

    return PseudoLabels(
        videos=scores.videos,
        offsets=scores.offsets,
        label=label.astype(np.float32),
        segment_video=np.repeat([entry.video for entry in entries], counts).astype(np.int64),
        segment_class=np.repeat([entry.label for entry in entries], counts).astype(np.int64),
        segment_start=column("start"),
        segment_end=column("end"),
        segment_score=column("score"),
        status=status,
        violation=violation,
    )
