"""Pseudo labels of a round: scores to proposals to fused segments to one label a snippet and class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.records import Floats, VideoScores
from wtal.localise.fuse import segments_of_pairs
from wtal.localise.labels.file import PseudoLabels
from wtal.localise.propose import outer_margin
from wtal.suite.contracts import LabelMaker, LabelRequest, SnippetLabel, VideoLabel, VideoRequest
from wtal.suite.step_settings import LabelRoundSettings
from wtal.suite.training_settings import CollapseSettings

NOTHING_TO_SOLVE, SOLVED, INFEASIBLE = -1, 0, 1
TENTH, WIDE = 0.1, 0.95  # of a label's maximum where it covers a snippet; of a video that a wide label covers


@dataclass(frozen=True, slots=True)
class _Entry:
    """One class of one video that gets a label, and what it is made from."""

    video: int
    label: int
    request: LabelRequest


def pseudo_labels(
    scores: VideoScores,
    video_labels: NDArray[np.bool_],
    settings: LabelRoundSettings,
    previous: PseudoLabels | None = None,
) -> PseudoLabels:
    """The labels of one round. video_labels: [V, C], rows in the order of the scores, as are those of `previous`.

    A label is never NaN; what could not be met is recorded in `violation`. Source: docs/labels.md#the-contract.
    Raises InputError where a label maker gives something else than it was asked for, or lacks the attention it needs.
    """
    maker = settings.maker
    if maker.target == "attention" and (scores.attention == 1).all():
        expected = "attention that is not 1 in every snippet, as of a network that has none"
        raise InputError(file=f"the label maker {maker.kind}", key="attention", expected=expected, got="ones")
    classes = [_classes(*both, settings) for both in zip(scores.video_score, video_labels)]
    entries = _entries(scores, classes, settings, previous)
    label = np.zeros(scores.snippet_score.shape, dtype=np.float64)
    weight = np.ones_like(label)
    status = np.full(scores.video_score.shape, NOTHING_TO_SOLVE, dtype=np.int8)
    violation = np.zeros(scores.video_score.shape, dtype=np.float32)
    for entry, made in zip(entries, _made(maker, [entry.request for entry in entries])):
        rows = scores.rows(entry.video)
        label[rows, entry.label] = made.label
        weight[rows, entry.label] = 1.0 if made.weight is None else made.weight
        status[entry.video, entry.label] = SOLVED if made.is_exact else INFEASIBLE
        violation[entry.video, entry.label] = made.residual
    for video, numbers in enumerate(classes):
        rows = scores.rows(video)
        snippets, attention = scores.snippet_score[rows].astype(np.float64), scores.attention[rows].astype(np.float64)
        whole = maker.of_video(VideoRequest(snippets, attention, numbers), VideoLabel(label[rows], weight[rows]))
        _check(maker, whole, snippets.shape)
        label[rows], weight[rows] = whole.label, whole.weight
    return _gathered(scores, entries, settings, VideoLabel(label, weight), status, violation)


def _entries(
    scores: VideoScores,
    classes: Sequence[NDArray[np.intp]],
    settings: LabelRoundSettings,
    previous: PseudoLabels | None,
) -> list[_Entry]:
    """A request for each video and class that gets a label and has any segment."""
    entries = []
    margin = partial(outer_margin, settings=settings.proposals)
    pairs = [(video, int(label)) for video, labels in enumerate(classes) for label in labels]
    videos, labels = [video for video, _ in pairs], [label for _, label in pairs]
    found = segments_of_pairs(scores, videos, labels, settings.proposals, settings.fusion)
    for number, (video, label) in enumerate(pairs):
        segments = found.of(number)
        if len(segments):
            column = scores.snippet_score[scores.rows(video), label].astype(np.float64)
            before = None
            if previous is not None:
                before = previous.label[previous.rows(video), label].astype(np.float64)
            entries.append(_Entry(video, label, LabelRequest(segments, column, before, margin)))
    return entries


def _classes(
    video_score: NDArray[np.float32], video_label: NDArray[np.bool_], settings: LabelRoundSettings
) -> NDArray[np.intp]:
    if settings.classes == "label":
        return np.flatnonzero(video_label)
    return np.flatnonzero(video_score >= settings.proposals.class_threshold)  # background is not excluded


def _made(maker: LabelMaker, requests: Sequence[LabelRequest]) -> list[SnippetLabel]:
    """What a label maker gives, refused unless it is finite and of the shape of what was asked for."""
    where = f"the label maker {maker.kind}"
    found = maker(requests)
    if len(found) != len(requests):
        raise InputError(file=where, expected=f"{len(requests)} labels, one for each request", got=len(found))
    for request, made in zip(requests, found):
        _check(maker, made, (request.n_snippets,))
    return found


def _check(maker: LabelMaker, made: SnippetLabel | VideoLabel, shape: tuple[int, ...]) -> None:
    """Refuse labels and weights that are not finite or of another shape, and weights below 0."""
    size = " x ".join(map(str, shape))
    for name, least, range_in_words in (("label", -np.inf, ""), ("weight", 0.0, ", 0 or above")):
        values = getattr(made, name)
        if values is None:
            continue
        fits = np.shape(values) == shape and bool((np.isfinite(values) & (values >= least)).all())
        if not fits:
            expected = f"{size} finite numbers{range_in_words}, by snippet"
            got = f"an array of shape {np.shape(values)}"
            raise InputError(file=f"the label maker {maker.kind}", key=name, expected=expected, got=got)


def label_signs(labels: PseudoLabels, video_labels: NDArray[np.bool_], settings: CollapseSettings) -> tuple[str, ...]:
    """A clause for each sign that labels have collapsed: nearly all empty, or nearly all as wide as their videos.

    A label covers the snippets where it is above a tenth of its maximum; of labels that are not made of segments
    nothing is said. video_labels: [V, C].
    """
    if (labels.target, labels.kind) != ("logits", "positive"):
        return ()
    covered = []
    for video, label in np.argwhere(video_labels):
        values = labels.label[labels.rows(int(video)), label]
        covered.append(float((values > TENTH * values.max()).mean()) if values.max() > 0 else 0.0)
    empty, wide = np.mean(np.array(covered) == 0), np.mean(np.array(covered) >= WIDE)
    warnings = []
    if empty >= settings.label_share:
        warnings.append(
            f"{empty:.0%} of the labels are empty: hardly any proposal was found where a class is known to be"
        )
    if wide >= settings.label_share:
        warnings.append(f"{wide:.0%} of the labels cover their whole video")
    return tuple(warnings)


def _gathered(
    scores: VideoScores,
    entries: Sequence[_Entry],
    settings: LabelRoundSettings,
    made: VideoLabel,
    status: NDArray[np.int8],
    violation: NDArray[np.float32],
) -> PseudoLabels:
    counts = [len(entry.request.segments) for entry in entries]

    def column(name: str) -> Floats:
        return np.concatenate([np.zeros(0), *(getattr(entry.request.segments, name) for entry in entries)])

    return PseudoLabels(
        videos=scores.videos,
        offsets=scores.offsets,
        label=made.label.astype(np.float32),
        weight=made.weight.astype(np.float32),
        target=settings.maker.target,
        kind=settings.maker.label_kind,
        segment_video=np.repeat([entry.video for entry in entries], counts).astype(np.int64),
        segment_class=np.repeat([entry.label for entry in entries], counts).astype(np.int64),
        segment_start=column("start"),
        segment_end=column("end"),
        segment_score=column("score"),
        status=status,
        violation=violation,
    )
