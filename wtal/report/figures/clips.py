"""The clips of the timelines: which they are, and everything that happened to each, read from the files of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.records import Floats, Instances, Segments, VideoScores
from wtal.data.store.tables import Subset
from wtal.evaluate.read.detections import read_detections_of_round
from wtal.localise.fusion.nms import Nms
from wtal.localise.labels.file import read_labels
from wtal.localise.propose import proposals_in
from wtal.localise.scores_file import read_scores
from wtal.report.figures.tracks import Curves, DrawnVideo, Track, segment_spans, spans_of, truth_spans
from wtal.report.inputs.plan import Plan, figure_settings
from wtal.report.inputs.truth import Truth, read_truth
from wtal.suite.contracts import Fusion
from wtal.suite.method_settings import MethodSettings
from wtal.suite.paths import LABELS, ROUNDS, TEST_SCORES, TRAIN_SCORES, SuitePaths

MOST_SHOWN = 5  # classes in one timeline


def choose_clips(truth: Instances, count: int) -> list[str]:
    """Clips with most classes, then most instances, one from each of `count` equal parts of the sorted list."""
    ordered = sorted(truth.videos)
    number_of = {name: number for number, name in enumerate(truth.videos)}
    chosen = []
    for part in np.array_split(np.arange(len(ordered)), min(count, len(ordered))):
        names = [ordered[number] for number in part]
        rows = {name: truth.video == number_of[name] for name in names}
        chosen.append(max(names, key=lambda name: (len(set(truth.class_index[rows[name]])), int(rows[name].sum()))))
    return chosen


def read_clips(plan: Plan, data: Path, results: Path) -> list[DrawnVideo]:
    """The clips of the timelines of the whole method's first seed: half from training (with labels), half from test.

    Raises InputError where scores, labels or detections are missing or disagree with the data.
    """
    count = figure_settings(plan).timeline_videos
    n_train = count // 2 if plan.file.variants[plan.whole_method].rounds else 0
    clips: list[DrawnVideo] = []
    if n_train:
        clips += _train_clips(plan, read_truth(data, "train"), results, n_train)
    if count - n_train:
        clips += _test_clips(plan, read_truth(data, "test"), results, count - n_train)
    return clips


def _round_folder(plan: Plan, results: Path, index: int) -> Path:
    owner = plan.file.variants[plan.whole_method].owners[index]
    return SuitePaths(results).round(owner, plan.file.seeds[0], index)


def _scores_of(path: Path, truth: Truth) -> VideoScores:
    scores, classes = read_scores(path)
    if classes != truth.instances.classes:
        raise InputError(file=path, key="classes", expected="the classes of the data", got=", ".join(classes))
    unknown = [name for name in truth.instances.videos if name not in scores.videos]
    if unknown:
        raise InputError(file=path, key="videos", expected=f"scores of {unknown[0]}", got="none")
    return scores


def _train_clips(plan: Plan, truth: Truth, results: Path, count: int) -> list[DrawnVideo]:
    method, rounds = plan.method(plan.whole_method), plan.file.variants[plan.whole_method].rounds
    scores = _scores_of(_round_folder(plan, results, rounds - 1) / TRAIN_SCORES, truth)
    labels = [_labels(_round_folder(plan, results, index) / LABELS, scores) for index in range(1, rounds + 1)]
    clips = []
    for video in choose_clips(truth.instances, count):
        number = scores.videos.index(video)
        rows = scores.rows(number)
        shown = _true_classes(truth.instances, video) or _labelled_classes(labels[-1][rows])
        tracks: list[Track] = [("ground truth (hidden)", truth_spans(truth.instances, video, shown))]
        tracks += _score_tracks(scores, rows, shown, f"snippet score after round {rounds - 1}")
        tracks += _fusion_tracks(scores, number, shown, [method.labels.fusion_of(rounds)], method, truth)
        own = [pseudo_label[rows][:, shown].astype(np.float64) for pseudo_label in labels]
        tracks += _label_tracks(own)
        clips.append(_clip(plan, truth, "train", video, shown, tracks))
    return clips


def _test_clips(plan: Plan, truth: Truth, results: Path, count: int) -> list[DrawnVideo]:
    method, rounds = plan.method(plan.whole_method), plan.file.variants[plan.whole_method].rounds
    scores = _scores_of(_round_folder(plan, results, rounds) / TEST_SCORES, truth)
    first = _scores_of(_round_folder(plan, results, 0) / TEST_SCORES, truth) if rounds else None
    path = SuitePaths(results).run(plan.whole_method, plan.file.seeds[0]) / ROUNDS
    found = read_detections_of_round(path, rounds)
    if found.classes != truth.instances.classes:
        raise InputError(file=path, key="classes", expected="the classes of the data", got=", ".join(found.classes))
    own_fusion = method.detection.fusion
    fusions = [own_fusion] if own_fusion.kind == "nms" else [Nms(), own_fusion]
    clips = []
    for video in choose_clips(truth.instances, count):
        number = scores.videos.index(video)
        shown = _test_classes(truth.instances, scores, number, video)
        tracks: list[Track] = [("ground truth", truth_spans(truth.instances, video, shown))]
        if first is not None:
            rows = first.rows(first.videos.index(video))
            tracks += [("snippet score after round 0", Curves(_shown_scores(first, rows, shown)))]
        rows = scores.rows(number)
        tracks += _score_tracks(scores, rows, shown, f"snippet score after round {rounds}")
        tracks += _fusion_tracks(scores, number, shown, fusions, method, truth)
        own = np.array([found.videos[place] == video for place in found.video], dtype=bool)
        columns = (column[own] for column in (found.class_index, found.start, found.end, found.score))
        tracks.append(("detections (height: score)", spans_of(shown, *columns)))
        clips.append(_clip(plan, truth, "test", video, shown, tracks))
    return clips


def _clip(
    plan: Plan,
    truth: Truth,
    subset: Subset,
    video: str,
    shown: Sequence[int],
    tracks: Sequence[Track],
) -> DrawnVideo:
    names = tuple(truth.instances.classes[class_index] for class_index in shown)
    about = (truth.seconds[video], truth.snippets_per_second, plan.whole_method, plan.file.seeds[0])
    return DrawnVideo(video, subset, *about, names, tuple(tracks))


def _true_classes(truth: Instances, video: str) -> list[int]:
    own = truth.class_index[truth.video == truth.videos.index(video)]
    return sorted(set(own.tolist()), key=lambda class_index: -int((own == class_index).sum()))[:MOST_SHOWN]


def _labelled_classes(pseudo_label: Floats) -> list[int]:
    """The classes with the most of a pseudo label [T, K], for a video without instances: labels alone were given."""
    mass = np.abs(pseudo_label[:, :-1]).sum(axis=0)
    most: list[int] = np.argsort(-mass, kind="stable").tolist()
    return [class_index for class_index in most if mass[class_index] > 0][:MOST_SHOWN] or most[:1]


def _test_classes(truth: Instances, scores: VideoScores, number: int, video: str) -> list[int]:
    """The true classes, then the one that the network is surest of beside them."""
    shown = _true_classes(truth, video)
    surest = np.argsort(-scores.video_score[number, : len(truth.classes)], kind="stable").tolist()
    others = [class_index for class_index in surest if class_index not in shown]
    return [*shown, *others[:1]][:MOST_SHOWN]


def _labels(path: Path, scores: VideoScores) -> Floats:
    labels, _ = read_labels(path)
    if labels.videos != scores.videos or labels.label.shape != scores.snippet_score.shape:
        expected = f"labels {scores.snippet_score.shape} of the {len(scores.videos)} videos of the scores"
        raise InputError(file=path, key="label", expected=expected, got=labels.label.shape)
    return labels.shown()


def _shown_scores(scores: VideoScores, rows: slice, shown: Sequence[int]) -> Floats:
    return scores.snippet_score[rows][:, list(shown)].astype(np.float64)


def _label_tracks(labels: Sequence[Floats]) -> list[Track]:
    """The labels [T, shown] of every round to one scale, and how the last round changed them."""
    ceiling = max(float(values.max()) for values in labels)
    tracks: list[Track] = [
        (f"pseudo labels, round {index}", Curves(values, ceiling=ceiling))
        for index, values in enumerate(labels, start=1)
    ]
    if len(labels) > 1:
        title = f"Δ: labels of round {len(labels)} less those of round {len(labels) - 1}"
        tracks.append((title, Curves(labels[-1] - labels[-2], is_signed=True)))
    return tracks


def _score_tracks(scores: VideoScores, rows: slice, shown: Sequence[int], title: str) -> list[Track]:
    return [(title, Curves(_shown_scores(scores, rows, shown)))]


def _fusion_tracks(
    scores: VideoScores,
    number: int,
    shown: Sequence[int],
    fusions: Sequence[Fusion],
    method: MethodSettings,
    truth: Truth,
) -> list[Track]:
    """Proposals before fusion, and the segments after each kind of it."""
    rate = truth.snippets_per_second
    proposals = [proposals_in(scores, number, column, method.proposals) for column in shown]
    before = [Segments(found.start, found.end, found.contrast) for found in proposals]
    tracks: list[Track] = [("proposals, before fusion", segment_spans(before, rate))]
    for fusion in fusions:
        after = [fusion(found) for found in proposals]
        tracks.append((f"segments after {fusion.title or fusion.kind}", segment_spans(after, rate)))
    return tracks
