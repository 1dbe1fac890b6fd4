"""Proposals, fusion and pseudo labels: laws, refusals and cases small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wtal.base.records import Proposals, Segments, VideoScores
from wtal.localise.detect import detect
from wtal.localise.fusion.gaussian import GaussianFusion, greedy_clusters
from wtal.localise.fusion.nms import Nms
from wtal.localise.fusion.soft_nms import SoftNms
from wtal.localise.labels.make import INFEASIBLE, NOTHING_TO_SOLVE, pseudo_labels
from wtal.localise.labels.naive import NaiveLabels
from wtal.localise.labels.optimised import OptimisedLabels
from wtal.localise.labels.programme import Solution
from wtal.localise.propose import proposals_of_class
from wtal.suite.contracts import Fusion, LabelMaker
from wtal.suite.method_settings import DetectionSettings, ProposalSettings
from wtal.suite.step_settings import DetectSettings, LabelRoundSettings

ONE = ProposalSettings(thresholds=(0.5,))
COLD = GaussianFusion(temperature=0.02)
SOLUTIONS: tuple[Solution, ...] = ("centre", "vertex", "minimum_norm")
SCORES = hnp.arrays(np.float32, st.integers(0, 60), elements=st.floats(0, 1, width=32))


def label_round(**changes: object) -> LabelRoundSettings:
    values: dict[str, object] = {
        "round_index": 1,
        "refresh_epoch": 10,
        "proposals": ProposalSettings(thresholds=(0.1, 0.3, 0.5)),
        "fusion": COLD,
        "maker": OptimisedLabels(),
        "classes": "label",
    }
    return LabelRoundSettings(**(values | changes))  # type: ignore[arg-type]


def proposals(rows: list[tuple[float, float, float]]) -> Proposals:
    start, end, contrast = map(np.array, zip(*rows))
    return Proposals(start.astype(float), end.astype(float), contrast.astype(float), contrast.astype(float))


def test_a_run_above_the_threshold_becomes_one_proposal_with_the_means_by_hand() -> None:
    scores = np.zeros(12)
    scores[4:8] = 0.8  # run [4, 8); margin 0.0785 * 4 ** 0.9 = 0.273, one snippet on the left, none on the right
    found = proposals_of_class(scores, ONE)
    assert (found.start.tolist(), found.end.tolist()) == ([4.0], [9.0])
    assert found.inner[0] == pytest.approx(0.8 * 4 / 5)  # the snippet after the run counts as inside
    assert found.contrast[0] == pytest.approx(0.64)


def test_runs_shorter_than_the_least_length_are_no_proposals() -> None:
    assert len(proposals_of_class(np.array([0, 1, 0, 0, 1, 1, 0.0]), ONE)) == 1


def test_relative_thresholds_do_not_change_with_the_scale_of_the_scores() -> None:
    scores = np.random.default_rng(0).random(50)
    settings = ProposalSettings(thresholds=(0.2, 0.5), threshold_kind="relative")
    large, small = proposals_of_class(scores, settings), proposals_of_class(scores * 0.01, settings)
    np.testing.assert_array_equal(large.start, small.start)
    np.testing.assert_array_equal(large.end, small.end)


@given(SCORES)
def test_proposals_lie_inside_the_video_and_hold_its_scores(scores: np.ndarray) -> None:
    settings = ProposalSettings(thresholds=(0.25, 0.5, 0.75))
    found = proposals_of_class(scores, settings)
    assert np.all(found.start >= 0)
    assert np.all(found.end <= len(scores) + 1)
    assert np.all(found.end - found.start >= settings.minimum_length + 1)
    assert np.all((found.inner >= 0) & (found.inner <= 1 + 1e-9))
    for start, end in zip(found.start.astype(int), found.end.astype(int)):
        assert scores[start : end - 1].min() > 0.25


@given(SCORES, st.sampled_from([COLD, Nms(), SoftNms()]))
def test_every_fusion_keeps_its_shape_and_stays_within_its_proposals(scores: np.ndarray, fusion: Fusion) -> None:
    settings = ProposalSettings(thresholds=(0.25, 0.5, 0.75))
    found = proposals_of_class(scores, settings)
    fused = fusion(found)
    assert len(fused.start) == len(fused.end) == len(fused.score) <= len(found)
    if len(found):
        assert len(fused) >= 1 or found.contrast.max() < 0
        assert np.all(fused.start >= found.start.min() - 1e-9)
        assert np.all(fused.end <= found.end.max() + 1e-9)
        assert np.all(fused.score <= found.contrast.max() + 1e-9)


@given(SCORES)
def test_clusters_take_every_proposal_exactly_once(scores: np.ndarray) -> None:
    settings = ProposalSettings(thresholds=(0.25, 0.5, 0.75))
    found = proposals_of_class(scores, settings)
    rows = [row for cluster in greedy_clusters(found, 0.25) for row in cluster]
    assert sorted(rows) == list(range(len(found)))


def test_gaussian_fusion_of_two_equal_scores_is_their_mean() -> None:
    fused = COLD(proposals([(0, 10, 0.5), (2, 12, 0.5), (30, 40, 0.1)]))
    np.testing.assert_allclose(fused.start, [1, 30])
    np.testing.assert_allclose(fused.end, [11, 40])


def test_a_cold_fusion_trusts_the_best_inner_score_and_does_not_overflow() -> None:
    fused = GaussianFusion(temperature=1e-4)(proposals([(0, 10, 0.9), (2, 12, 0.5)]))
    np.testing.assert_allclose([fused.start[0], fused.end[0], fused.score[0]], [0, 10, 0.9])


def test_the_overlap_is_a_share_of_the_lower_scored_proposal() -> None:
    # 3 of the 12 snippets (both ends counted) of the second one are shared: 0.25 is not above 0.25.
    apart = proposals([(0, 10, 0.9), (8, 19, 0.5)])
    assert len(COLD(apart)) == 2
    assert len(COLD(proposals([(0, 10, 0.9), (7, 18, 0.5)]))) == 1


def test_nms_keeps_the_best_and_drops_what_overlaps_it() -> None:
    kept = Nms()(proposals([(0, 10, 0.5), (1, 10, 0.9), (30, 40, 0.1)]))
    assert kept.start.tolist() == [1.0, 30.0]
    assert kept.score.tolist() == [0.9, 0.1]


def test_soft_nms_decays_by_tiou_and_never_raises_a_negative_score() -> None:
    decayed = SoftNms()(proposals([(0, 10, 0.8), (0, 10, 0.6)]))
    np.testing.assert_allclose(decayed.score, [0.8, 0.6 * np.exp(-1 / 0.3)])
    negative = SoftNms()(proposals([(0, 10, -0.2), (0, 10, -0.4)]))
    assert negative.score.tolist() == []  # none reaches the floor
    assert SoftNms(floor=None)(proposals([(0, 10, -0.2), (0, 10, -0.4)])).score.tolist() == [-0.2, -0.4]


def test_soft_nms_as_released_drops_nothing_and_raises_negative_scores() -> None:
    released = SoftNms(floor=None, negative="decayed")
    found = released(proposals([(0, 10, 0.8), (0, 10, -0.4), (0, 10, 0.001)]))
    decay = np.exp(-1 / 0.3)
    assert found.score.tolist() == pytest.approx([0.8, 0.001 * decay, -0.4 * decay**2])


def test_added_length_is_in_every_length_of_both_kinds_of_suppression() -> None:
    some = proposals([(0, 4, 0.8), (4.5, 8.5, 0.4)])  # apart by half a snippet: with one more, half of 9.5 is shared
    assert SoftNms(added_length=1.0)(some).score[1] == pytest.approx(0.4 * np.exp(-((0.5 / 9.5) ** 2) / 0.3))
    assert [len(Nms(tiou=0.05, added_length=added)(some)) for added in (0.0, 1.0)] == [2, 1]


def scores_of(snippet: np.ndarray, video: list[float]) -> VideoScores:
    """One video; snippet scores [T, C] of its action classes."""
    table = np.concatenate([snippet, np.zeros((len(snippet), 1))], axis=1).astype(np.float32)
    return VideoScores(
        videos=("a",),
        offsets=np.array([0, len(table)]),
        snippet_score=table,
        video_score=np.array([[*video, 0.0]], dtype=np.float32),
        attention=np.ones(len(table), dtype=np.float32),
    )


def bump(n_snippets: int, start: int, end: int, height: float) -> np.ndarray:
    column = np.zeros(n_snippets)
    column[start:end] = height
    return column


def test_a_label_sums_to_its_segments_score_and_spreads_over_it() -> None:
    scores = scores_of(bump(40, 10, 20, 0.6)[:, None], [0.9])
    labels = pseudo_labels(scores, np.array([[True]]), label_round())
    assert labels.label[:, 0].sum() == pytest.approx(labels.segment_score[0], abs=1e-6)
    assert np.ptp(labels.label[10:20, 0]) < 1e-6  # the centre treats equal snippets equally
    assert labels.label[:10, 0].max() < 1e-6
    assert labels.status.tolist() == [[0, NOTHING_TO_SOLVE]]


def test_the_vertex_puts_the_mass_on_few_snippets_and_the_least_norm_is_least() -> None:
    snippet = bump(60, 5, 25, 0.4) + bump(60, 40, 50, 0.9) + bump(60, 12, 18, 0.3)
    scores = scores_of(snippet[:, None], [0.9])
    made = {}
    for solution in SOLUTIONS:
        settings = label_round(maker=OptimisedLabels(solution=solution))
        made[solution] = pseudo_labels(scores, np.array([[True]]), settings).label[:, 0]
    for label in made.values():
        assert label.sum() == pytest.approx(made["centre"].sum(), abs=1e-5)
    norms = {name: float(np.square(label).sum()) for name, label in made.items()}
    assert norms["minimum_norm"] <= norms["centre"] + 1e-6 < norms["vertex"]
    assert (made["vertex"] > 1e-6).sum() < (made["centre"] > 1e-6).sum()


def test_labels_are_made_for_the_classes_of_the_video_alone_unless_scores_decide() -> None:
    snippet = np.stack([bump(30, 5, 10, 0.9), bump(30, 15, 22, 0.9)], axis=1)
    scores = scores_of(snippet, [0.9, 0.8])
    by_label = pseudo_labels(scores, np.array([[True, False]]), label_round())
    by_score = pseudo_labels(scores, np.array([[True, False]]), label_round(classes="score"))
    assert by_label.label[:, 1].sum() == 0
    assert by_score.label[:, 1].sum() > 0


def test_a_programme_without_solution_is_relaxed_and_its_violation_recorded() -> None:
    # Two segments over the same snippets that ask for different sums.
    snippet = bump(30, 10, 16, 0.9)
    settings = label_round(fusion=SoftNms(floor=0.0), proposals=ProposalSettings(thresholds=(0.1, 0.5)))
    labels = pseudo_labels(scores_of(snippet[:, None], [0.9]), np.array([[True]]), settings)
    assert labels.status[0, 0] == INFEASIBLE
    assert labels.violation[0, 0] > 0.01
    assert np.isfinite(labels.label).all()
    assert labels.label.max() <= 1


def test_a_video_without_any_proposal_gets_an_empty_label_of_the_ordinary_shape() -> None:
    labels = pseudo_labels(scores_of(np.zeros((30, 1)), [0.9]), np.array([[True]]), label_round())
    assert labels.label.shape == (30, 2)
    assert labels.label.sum() == 0
    assert len(labels.segment_score) == 0


def test_naive_labels_take_the_mean_or_the_maximum_on_overlaps() -> None:
    segments = Segments(np.array([0.0, 2.0]), np.array([4.0, 6.0]), np.array([0.6, 0.2]))
    mean = NaiveLabels().label(segments, 8)
    highest = NaiveLabels(overlap="maximum").label(segments, 8)
    np.testing.assert_allclose(mean, [0.6, 0.6, 0.4, 0.4, 0.2, 0.2, 0, 0])
    np.testing.assert_allclose(highest, [0.6, 0.6, 0.6, 0.6, 0.2, 0.2, 0, 0])


@hypothesis_settings(deadline=None, max_examples=40)
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(4, 50), st.just(2)), elements=st.floats(0, 1, width=32)),
    st.sampled_from([OptimisedLabels(), OptimisedLabels(infeasible="last_iterate"), NaiveLabels()]),
    st.sampled_from([COLD, Nms(), SoftNms()]),
)
def test_a_label_is_never_nan_and_optimised_ones_stay_in_range(
    snippet: np.ndarray, maker: LabelMaker, fusion: Fusion
) -> None:
    settings = label_round(maker=maker, fusion=fusion)
    labels = pseudo_labels(scores_of(snippet, [0.9, 0.4]), np.array([[True, True]]), settings)
    assert np.isfinite(labels.label).all()
    if maker.kind == "optimised":
        assert labels.label.min() >= 0
        assert labels.label.max() <= 1


def test_detections_are_in_seconds_by_class_and_falling_score_and_never_background() -> None:
    snippet = np.stack([bump(40, 4, 10, 0.5) + bump(40, 20, 30, 0.9), bump(40, 12, 16, 0.7)], axis=1)
    settings = DetectSettings(
        proposals=ProposalSettings(thresholds=(0.1,)),
        detection=DetectionSettings(fusion=GaussianFusion()),
        report_best_test_epoch=False,
    )
    found = detect(scores_of(snippet, [0.9, 0.05]), ("run", "jump"), settings, 2.0)
    assert found.class_index.tolist() == [0, 0]  # the second class is below the threshold of video scores
    assert found.start.tolist() == [10.0, 2.0]
    assert found.end.tolist() == [15.5, 5.5]
    nothing = detect(scores_of(snippet, [0.0, 0.0]), ("run", "jump"), settings, 2.0)
    assert len(nothing) == 0
    assert nothing.score.shape == (0,)
