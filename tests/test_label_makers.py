"""Union, attention and complementary labels, the support filter, and segments written as annotations."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from round_run import ROOT, label_file, tiny_store
from test_localise import bump, label_round, proposals, scores_of

from wtal.base.errors import InputError
from wtal.base.files import to_json, write_text
from wtal.base.records import Proposals, Segments, VideoScores
from wtal.base.schema import from_mapping, to_mapping
from wtal.data.annotations.read import read_annotations
from wtal.data.store.read import Store, read_store
from wtal.localise.fusion.nms import Nms
from wtal.localise.fusion.support_filter import SupportFilter
from wtal.localise.labels.annotation_file import segment_annotations
from wtal.localise.labels.attention import AttentionLabels
from wtal.localise.labels.complementary import ComplementaryLabels
from wtal.localise.labels.file import PseudoLabels, read_labels, write_labels
from wtal.localise.labels.make import label_signs, pseudo_labels
from wtal.localise.labels.naive import NaiveLabels
from wtal.localise.labels.optimised import OptimisedLabels
from wtal.localise.labels.union import UnionLabels
from wtal.localise.scores_file import write_scores
from wtal.suite.contracts import LabelMaker, LabelRequest, SnippetLabel, VideoLabel, VideoRequest
from wtal.suite.method_settings import ProposalSettings
from wtal.suite.step_settings import LabelRoundSettings
from wtal.suite.training_settings import CollapseSettings

N_CLASSES = 3
# What a network may say of a video: probabilities of classes and background, times attention.
SNIPPETS = hnp.arrays(np.float64, st.tuples(st.integers(1, 30), st.just(N_CLASSES + 2)), elements=st.floats(0.01, 1))
LABELS = st.lists(st.booleans(), min_size=N_CLASSES, max_size=N_CLASSES)


def made(drawn: np.ndarray, video_label: list[bool], maker: LabelMaker, **changes: object) -> PseudoLabels:
    """The labels of one video. drawn: [T, K + 1], of which the last column is attention."""
    share = drawn[:, :-1] / drawn[:, :-1].sum(axis=1, keepdims=True)
    attention = drawn[:, -1] * 0.99
    scores = VideoScores(
        ("a",),
        np.array([0, len(drawn)]),
        (share * attention[:, None]).astype(np.float32),
        np.full((1, N_CLASSES + 1), 0.5, dtype=np.float32),
        attention.astype(np.float32),
    )
    return pseudo_labels(scores, np.array([video_label]), label_round(maker=maker, **changes))


@given(SNIPPETS, LABELS)
def test_rows_of_union_labels_sum_to_one_and_share_it_alike(drawn: np.ndarray, video_label: list[bool]) -> None:
    labels = made(drawn, video_label, UnionLabels(), fusion=Nms(), proposals=ProposalSettings(thresholds=(0.1, 0.3)))
    np.testing.assert_allclose(labels.label.sum(axis=1), 1, rtol=1e-6)
    for row in labels.label:
        assert len(np.unique(row[row > 0])) == 1
    assert (labels.label[labels.label[:, -1] > 0, -1] == 1).all()  # background alone or none
    assert not labels.label[:, :-1][:, ~np.array(video_label)].any()
    covered = np.zeros(len(drawn), dtype=bool)
    for start, end in zip(labels.segment_start.astype(int), labels.segment_end.astype(int)):
        covered[start:end] = True
    np.testing.assert_array_equal(labels.label[:, -1] == 0, covered)


def test_where_two_classes_overlap_a_union_label_is_half_of_each() -> None:
    scores = scores_of(np.stack([bump(12, 2, 6, 0.9), bump(12, 4, 9, 0.8)], axis=1), [0.9, 0.9])
    labels = pseudo_labels(scores, np.array([[True, True]]), label_round(maker=UnionLabels(), fusion=Nms()))
    expected = [[0, 0, 1]] * 2 + [[1, 0, 0]] * 2 + [[0.5, 0.5, 0]] * 3 + [[0, 1, 0]] * 3 + [[0, 0, 1]] * 2
    assert labels.label.tolist() == expected  # the snippet after a run counts as inside
    assert (labels.target, labels.kind) == ("logits", "positive")


def test_a_union_cuts_bounds_as_its_rounding_says() -> None:
    scores = scores_of(np.zeros((8, 1)), [0.9])
    asked = request_of(proposals([(2 - 1e-9, 5 - 1e-9, 0.5)]), scores)
    floored, truncated = (UnionLabels(rounding=rounding)([asked])[0].label for rounding in ("floor", "truncate"))
    assert np.flatnonzero(floored).tolist() == [2, 3, 4]
    assert np.flatnonzero(truncated).tolist() == [1, 2, 3]


def request_of(found: Proposals, scores: VideoScores) -> LabelRequest:
    segments = Segments(found.start, found.end, found.contrast)
    return LabelRequest(segments, scores.snippet_score[:, 0].astype(float), None, lambda length: length)


@given(SNIPPETS, LABELS, st.floats(0.1, 0.9), st.floats(0, 0.3))
def test_attention_labels_are_attention_and_what_it_leaves_to_background(
    drawn: np.ndarray, video_label: list[bool], threshold: float, margin: float
) -> None:
    attention, own = (drawn[:, -1] * 0.99).astype(np.float32), np.array(video_label)
    soft = made(drawn, video_label, AttentionLabels(form="soft"))
    hard = made(drawn, video_label, AttentionLabels(form="hard", threshold=threshold, margin=margin))
    for labels in (soft, hard):
        assert (labels.target, labels.kind) == ("attention", "positive")
        assert not labels.label[:, :-1][:, ~own].any()
        np.testing.assert_allclose(
            labels.label[:, :-1][:, own], 1 - labels.label[:, [-1]].repeat(own.sum(), axis=1), atol=1e-6
        )
    if not own.any():  # background: attention is to be 0, and that is sure
        assert (soft.label[:, -1] == 1).all()
        assert (hard.label[:, -1] == 1).all()
        assert (hard.weight == 1).all()
        return
    np.testing.assert_allclose(1 - soft.label[:, -1], attention, atol=1e-6)
    assert (soft.weight == 1).all()
    exactly = attention.astype(np.float64)
    np.testing.assert_array_equal(hard.label[:, -1], np.where(exactly > threshold, 0, 1))
    np.testing.assert_array_equal(hard.weight[:, 0], np.where(np.abs(exactly - threshold) >= margin, 1, 0))
    assert (hard.weight == hard.weight[:, :1]).all()


@given(SNIPPETS, LABELS)
def test_complementary_labels_exclude_what_the_video_has_not_and_never_everything(
    drawn: np.ndarray, video_label: list[bool]
) -> None:
    labels, own = made(drawn, video_label, ComplementaryLabels()), np.array([*video_label, True])
    assert (labels.target, labels.kind) == ("logits", "complementary")
    assert np.isin(labels.label, (0, 1)).all()
    assert (labels.label[:, ~own] == 1).all()
    assert (labels.label[:, own].min(axis=1) == 0).all()
    assert (labels.weight == 1).all()
    careful = made(drawn, video_label, ComplementaryLabels(entropy=0.5))
    assert (careful.label <= labels.label).all()  # a stricter bound excludes no more


def test_a_sure_snippet_is_not_what_scores_less_and_an_unsure_one_is_only_not_what_the_video_has_not() -> None:
    column = np.array([0.0, 0.5, 1.0])  # of the one class of the video, so that background is 1, 0.5, 0
    request = VideoRequest(np.stack([column, 0 * column, 0 * column], axis=1), column, np.array([0]))
    nothing = VideoLabel(np.zeros((3, 3)), np.ones((3, 3)))
    label = ComplementaryLabels().of_video(request, nothing).label
    assert label.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 1]]
    flat = VideoRequest(np.full((3, 3), 0.2), column, np.array([0]))
    assert ComplementaryLabels().of_video(flat, nothing).label.tolist() == [[0, 1, 0]] * 3


PROPOSALS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 12), st.floats(-0.5, 1)).map(
        lambda row: (row[0], row[0] + row[1], row[2])
    ),
    min_size=1,
    max_size=20,
)
BOUNDS = st.tuples(st.floats(0, 4), st.floats(-0.2, 0.9))


@given(PROPOSALS, BOUNDS, BOUNDS)
def test_a_stricter_support_filter_keeps_some_of_what_a_laxer_one_keeps(
    rows: list[tuple[float, float, float]], one: tuple[float, float], other: tuple[float, float]
) -> None:
    found = proposals(rows)
    (low, high), (bad, good) = (sorted(pair) for pair in zip(one, other))

    def kept(support: float, score: float) -> list[tuple[float, float, float]]:
        segments = SupportFilter(support=support, score=score)(found)
        return list(zip(segments.start.tolist(), segments.end.tolist(), segments.score.tolist()))

    lax = kept(low, bad)
    assert set(kept(high, bad)) <= set(lax)
    assert set(kept(low, good)) <= set(lax)
    assert kept(0, -1.0) == [tuple(map(float, row)) for row in rows]
    assert all(score > bad for _, _, score in lax)


def test_support_is_the_sum_of_the_overlaps_with_the_others_alone() -> None:
    found = proposals([(0, 10, 0.9), (0, 5, 0.8), (5, 10, 0.3), (20, 30, 0.9), (40, 50, 0.5), (40, 50, 0.5)])
    assert SupportFilter(support=1.0, score=0.5)(found).start.tolist() == [0.0]  # 0.5 + 0.5, with one that scores low
    assert SupportFilter(support=1.0, score=0.4)(found).start.tolist() == [0.0, 40.0, 40.0]
    assert SupportFilter(support=0.1, score=-1.0)(found).start.tolist() == [0.0, 0.0, 5.0, 40.0, 40.0]
    unlike = dataclasses.replace(found, inner=found.contrast - 1)
    assert len(SupportFilter(support=0, score=0.4)(unlike)) == 5  # the contrast is what is asked for
    assert len(SupportFilter()(found.take(np.zeros(0, dtype=np.intp)))) == 0


class Wrong(NaiveLabels):
    """Labels of a video that do not fit it."""

    def of_video(self, request: VideoRequest, made: VideoLabel) -> VideoLabel:
        return VideoLabel(made.label[1:], made.weight)


def test_labels_of_a_video_that_do_not_fit_are_refused_in_a_sentence() -> None:
    scores = scores_of(bump(20, 5, 8, 0.5)[:, None], [0.9])
    with pytest.raises(InputError, match=r"the label maker naive: label: expected 20 x 2 finite numbers, by snippet"):
        pseudo_labels(scores, np.array([[True]]), label_round(maker=Wrong()))


@pytest.mark.parametrize("maker", [AttentionLabels(form="soft"), ComplementaryLabels()], ids=lambda maker: maker.kind)
def test_labels_that_are_not_made_of_segments_are_no_sign_of_a_collapse(maker: LabelMaker) -> None:
    labels = made(np.full((20, N_CLASSES + 2), 0.5), [True, False, False], maker)
    assert label_signs(labels, np.array([[True, False, False]]), CollapseSettings()) == ()
    named = dataclasses.replace(labels, target="logits", kind="positive")
    assert label_signs(named, np.array([[True, False, False]]), CollapseSettings())


@given(SNIPPETS, LABELS)
def test_labels_said_not_to_be_signed_never_are(drawn: np.ndarray, video_label: list[bool]) -> None:
    for maker in (UnionLabels(), AttentionLabels(), ComplementaryLabels(), OptimisedLabels()):
        assert not maker.is_signed
        assert made(drawn, video_label, maker).label.min() >= 0
    assert NaiveLabels.is_signed  # a segment may score less than what is around it


# Through the commands


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return read_store(tiny_store(tmp_path_factory.mktemp("store") / "data"))


def scores_in(store: Store, *, attention: float = 0.8) -> VideoScores:
    """Scores of a store's training videos: each class for a while, one after the other."""
    offsets, n_classes = store.offsets("train"), len(store.classes)
    snippet = np.full((int(offsets[-1]), n_classes + 1), 0.05, dtype=np.float32)
    for first in offsets[:-1].tolist():
        for number in range(n_classes):
            snippet[first + 7 * number + 2 : first + 7 * number + 6, number] = 0.7
    video = np.full((len(offsets) - 1, n_classes + 1), 0.9, dtype=np.float32)
    return VideoScores(
        store.video_names("train"), offsets, snippet, video, np.full(len(snippet), attention, dtype=np.float32)
    )


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wtal", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def solved(
    store: Store, folder: Path, maker: LabelMaker, scores: VideoScores | None = None
) -> subprocess.CompletedProcess[str]:
    """`wtal solve-labels` as a process, which leaves labels.npz in the folder."""
    base = from_mapping(LabelRoundSettings, json.loads(label_file(folder).read_text()), file="labels.json")
    write_text(folder / "labels.json", to_json(to_mapping(dataclasses.replace(base, maker=maker))))
    write_scores(folder / "scores.npz", scores_in(store) if scores is None else scores, store.classes)
    files = ("--settings", folder / "labels.json", "--scores", folder / "scores.npz", "--data", store.folder)
    return process("solve-labels", *files, "--out", folder / "labels.npz")


@pytest.mark.parametrize(
    "maker", [UnionLabels(), AttentionLabels(margin=0.1), ComplementaryLabels()], ids=lambda maker: maker.kind
)
def test_a_label_file_says_what_learns_from_it_and_how(maker: LabelMaker, store: Store, tmp_path: Path) -> None:
    done = solved(store, tmp_path, maker)
    assert done.returncode == 0, done.stderr
    labels, _ = read_labels(tmp_path / "labels.npz")
    assert (labels.target, labels.kind) == (type(maker).target, type(maker).label_kind)
    assert labels.weight.shape == labels.label.shape == (int(store.offsets("train")[-1]), len(store.classes) + 1)
    assert labels.label.any()
    before = (tmp_path / "labels.npz").read_bytes()
    assert solved(store, tmp_path, maker).returncode == 0
    assert (tmp_path / "labels.npz").read_bytes() == before


def test_attention_labels_of_a_network_that_has_none_are_refused(store: Store, tmp_path: Path) -> None:
    done = solved(store, tmp_path, AttentionLabels(), scores_in(store, attention=1.0))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "wtal solve-labels: the label maker attention: attention: expected attention that is not 1 in every snippet, "
        "as of a network that has none; got ones"
    ]
    assert not (tmp_path / "labels.npz").exists()


def test_exported_segments_are_read_back_as_annotations(store: Store, tmp_path: Path) -> None:
    assert solved(store, tmp_path, NaiveLabels()).returncode == 0
    files = ("--labels", tmp_path / "labels.npz", "--data", store.folder, "--out", tmp_path / "annotations.json")
    done = process("export-labels", "--format", "activitynet", *files)
    assert done.returncode == 0, done.stderr
    labels, classes = read_labels(tmp_path / "labels.npz")
    found = read_annotations(tmp_path / "annotations.json")
    assert done.stdout.startswith(f"{tmp_path}/annotations.json: {len(labels.segment_start)} instances in ")
    assert found.classes == tuple(sorted(classes))
    trained = {video.name: video for video in found.of_subset("training")}
    assert [video.name for video in found.of_subset("validation")] == list(store.video_names("test"))
    assert not any(video.instances for video in found.of_subset("validation"))
    rate = store.snippets_per_second
    for video, number in enumerate(store.videos("train").tolist()):
        rows = labels.segment_video == video
        one = trained[store.names[number]]
        assert one.seconds == store.seconds[number]
        assert [name for name, _, _ in one.instances] == [classes[index] for index in labels.segment_class[rows]]
        bounds = np.array([bounds for _, *bounds in one.instances])
        np.testing.assert_allclose(bounds[:, 0], labels.segment_start[rows] / rate)
        np.testing.assert_allclose(
            bounds[:, 1], np.minimum(labels.segment_end[rows] / rate, store.seconds[number]), rtol=1e-12
        )


def test_what_a_detector_cannot_learn_from_is_left_out(store: Store, tmp_path: Path) -> None:
    labels = pseudo_labels(
        scores_in(store),
        store.video_labels[store.videos("train")],
        label_round(maker=NaiveLabels(), proposals=ProposalSettings(thresholds=(0.3,))),
    )
    beyond, number = store.n_snippets[store.videos("train")[0]], len(labels.segment_start)
    of_first, of_second = labels.segment_video == 0, labels.segment_video == 1
    labels = dataclasses.replace(
        labels,
        segment_class=np.where(of_second, len(store.classes), labels.segment_class),  # background
        segment_start=np.where(of_first & (np.arange(number) == 0), beyond, labels.segment_start),
        segment_end=np.where(of_first, beyond + 1, labels.segment_end),
    )
    database = segment_annotations(labels, store)["database"]
    first, second = (store.names[index] for index in store.videos("train")[:2])
    assert second not in database
    entries = database.get(first, {"annotations": []})["annotations"]
    assert len(entries) == of_first.sum() - 1
    assert all(entry["segment"][1] == database[first]["duration"] for entry in entries)
    assert all(store.classes[entry["label_id"]] == entry["label"] for entry in entries)
    write_labels(tmp_path / "labels.npz", dataclasses.replace(labels, videos=labels.videos[::-1]), store.classes)
    files = ("--labels", tmp_path / "labels.npz", "--data", store.folder, "--out", tmp_path / "x")
    done = process("export-labels", *files)
    assert done.returncode == 2
    assert "expected the store's training videos" in done.stderr


def test_a_maker_of_videos_alone_gives_nothing_for_a_class() -> None:
    scores = scores_of(bump(12, 2, 6, 0.9)[:, None], [0.9])
    asked = request_of(proposals([(2, 7, 0.5)]), scores)
    for maker in (AttentionLabels(), ComplementaryLabels()):
        only: list[SnippetLabel] = maker([asked])
        assert [one.label.tolist() for one in only] == [[0.0] * 12]
