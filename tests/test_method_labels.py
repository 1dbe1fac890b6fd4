"""Proposals, fusion and label programmes by hand: every bound, margin, share and sign in numbers of a few digits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import pytest
from test_localise import bump, label_round, scores_of

from wtal.base.ranges import settings
from wtal.base.records import Proposals, Segments
from wtal.base.schema import from_mapping
from wtal.base.timebase import cut_to_grid
from wtal.localise.detect import detect, detected_classes
from wtal.localise.fusion.gaussian import GaussianFusion, greedy_clusters
from wtal.localise.fusion.nms import Nms
from wtal.localise.fusion.soft_nms import SoftNms
from wtal.localise.labels.make import INFEASIBLE, NOTHING_TO_SOLVE, SOLVED, pseudo_labels
from wtal.localise.labels.naive import NaiveLabels
from wtal.localise.labels.optimised import OptimisedLabels
from wtal.localise.labels.programme import LabelProgramme, label_programme, solve_label_programmes
from wtal.localise.propose import outer_margin, proposals_of_class
from wtal.suite.contracts import Fusion, LabelMaker
from wtal.suite.method_settings import DetectionSettings, ProposalSettings
from wtal.suite.step_settings import DetectSettings

ONE = ProposalSettings(thresholds=(0.5,))
WIDE = ProposalSettings(thresholds=(0.5,), margin_factor=1.0, margin_power=1.0)  # a margin as long as the segment


def test_the_margin_is_a_little_less_than_a_twelfth_of_the_length() -> None:
    found = outer_margin(np.array([1.0, 10.0, 100.0]), ProposalSettings())
    np.testing.assert_allclose(found, [0.0785, 0.0785 * 10**0.9, 0.0785 * 100**0.9], rtol=1e-12)
    assert found[2] == pytest.approx(4.953, abs=1e-3)


def test_inner_and_outer_means_count_the_snippets_they_should() -> None:
    scores = np.array([0.1, 0.4, 0.2, 0.9, 0.7, 0.8, 0.3, 0.25, 0.05, 0.45, 0.15, 0.35])
    found = proposals_of_class(scores, WIDE)
    # The run is [3, 6). Inside: 3, 4, 5 and 6. On the left 0, 1, 2; on the right from 7 up to 6 + 3 + 1, without that.
    inner, outer = (0.9 + 0.7 + 0.8 + 0.3) / 4, (0.1 + 0.4 + 0.2 + 0.25 + 0.05 + 0.45) / 6
    assert (found.start.tolist(), found.end.tolist()) == ([3.0], [7.0])
    assert found.inner[0] == pytest.approx(inner)
    assert found.contrast[0] == pytest.approx(inner - outer)


def test_a_margin_of_part_of_a_snippet_is_cut_down_on_both_sides() -> None:
    part = ProposalSettings(thresholds=(0.5,), margin_factor=0.5, margin_power=1.0)  # a run of 3 has a margin of 1.5
    scores = np.array([0.1, 0.4, 0.2, 0.9, 0.7, 0.8, 0.3, 0.25, 0.05, 0.45, 0.15, 0.35])
    outer = (0.4 + 0.2 + 0.25) / 3  # of [3, 6): from 1 on the left, 7 alone on the right
    found = proposals_of_class(scores, part)
    assert found.contrast[0] == pytest.approx((0.9 + 0.7 + 0.8 + 0.3) / 4 - outer)
    programme = label_programme(segments((3, 6, 0.2)), 12, partial(outer_margin, settings=part))
    assert programme.rows.tolist() == [[0, -1, -1, 1, 1, 1, -1, -1, 0, 0, 0, 0]]


def test_outer_means_end_before_the_last_snippet_and_begin_with_the_first() -> None:
    scores = np.array([0.2, 0.9, 0.7, 0.3, 0.1, 0.4])
    found = proposals_of_class(scores, WIDE)  # the run [1, 3): 0 on the left; 4 on the right, the last one left out
    assert found.inner[0] == pytest.approx((0.9 + 0.7 + 0.3) / 3)
    assert found.contrast[0] == pytest.approx((0.9 + 0.7 + 0.3) / 3 - (0.2 + 0.1) / 2)


def test_a_run_to_the_end_of_the_video_ends_one_beyond_it_and_has_its_own_snippets_inside() -> None:
    found = proposals_of_class(np.array([0.9, 0.7]), WIDE)
    assert (found.start.tolist(), found.end.tolist()) == ([0.0], [3.0])
    assert found.contrast[0] == found.inner[0] == pytest.approx(0.8)  # nothing is outside


def test_a_run_is_above_the_threshold_and_of_two_snippets_at_least() -> None:
    assert len(proposals_of_class(np.array([0.0, 0.5, 0.5, 0.0]), ONE)) == 0
    assert len(proposals_of_class(np.array([0.0, 0.6, 0.5, 0.0]), ONE)) == 0
    assert len(proposals_of_class(np.array([0.0, 0.6, 0.6, 0.0]), ONE)) == 1


def test_proposals_go_by_threshold_then_time_and_the_published_thresholds_are_twenty() -> None:
    settings = ProposalSettings(thresholds=(0.1, 0.5))
    found = proposals_of_class(np.array([0, 0.6, 0.6, 0.2, 0, 0.3, 0.3, 0]), settings)
    assert list(zip(found.start, found.end)) == [(1, 5), (5, 8), (1, 4)]
    np.testing.assert_allclose(ProposalSettings().thresholds, np.arange(0.001, 0.04, 0.002), atol=1e-12)


def test_plain_runs_leave_the_snippet_after_them_outside_and_count_the_last_one() -> None:
    plain = dataclasses.replace(WIDE, run_length="plain")
    scores = np.array([0.1, 0.4, 0.2, 0.9, 0.7, 0.8, 0.3, 0.25, 0.05])
    found = proposals_of_class(scores, plain)  # the run [3, 6): 0, 1, 2 on the left and 6, 7, 8 on the right
    assert (found.start.tolist(), found.end.tolist()) == ([3.0], [6.0])
    assert found.inner[0] == pytest.approx(0.8)
    assert found.contrast[0] == pytest.approx(0.8 - (0.1 + 0.4 + 0.2 + 0.3 + 0.25 + 0.05) / 6)
    part = proposals_of_class(scores, dataclasses.replace(plain, margin_factor=0.25))  # 3 / 4 of a snippet
    assert part.contrast[0] == pytest.approx(0.8 - 0.2)  # one on the left, none on the right


def test_runs_of_attention_are_the_same_for_every_class_and_scored_by_its_own_scores() -> None:
    settings = ProposalSettings(source="attention", thresholds=(0.5,), threshold_kind="relative", run_length="plain")
    attention = np.array([0.1, 0.4, 0.3, 0.1])
    found = [proposals_of_class(scores, settings, attention) for scores in (np.arange(4.0), np.zeros(4))]
    assert [(each.start.tolist(), each.end.tolist()) for each in found] == [([1.0], [3.0])] * 2
    assert [each.inner.tolist() for each in found] == [[1.5], [0.0]]


def test_the_video_score_is_added_to_the_contrast_alone() -> None:
    scores = np.array([0.0, 0.8, 0.8, 0.0])
    with_it = proposals_of_class(scores, dataclasses.replace(ONE, video_score_weight=0.2), video_score=0.5)
    without = proposals_of_class(scores, ONE)
    assert with_it.contrast[0] == pytest.approx(without.contrast[0] + 0.1)
    assert with_it.inner[0] == without.inner[0]


def test_a_first_snippet_that_is_alone_above_a_threshold_is_lost_only_where_that_is_asked_for() -> None:
    single = ProposalSettings(thresholds=(0.1, 0.5), minimum_length=1, run_length="plain")
    lost = dataclasses.replace(single, first_snippet="lost")
    scores = np.array([0.9, 0.2, 0.0, 0.3])
    assert [proposals_of_class(scores, one).start.tolist() for one in (single, lost)] == [[0, 3, 0], [0, 3]]


def test_a_video_in_which_no_class_reaches_the_threshold_has_its_best_one_where_that_is_asked_for() -> None:
    score = np.array([0.1, 0.15, 0.05])
    assert detected_classes(score, ProposalSettings()).tolist() == []
    assert detected_classes(score, ProposalSettings(class_fallback="best")).tolist() == [1]
    assert detected_classes(score, ProposalSettings(class_fallback="best", class_threshold=0.1)).tolist() == [0, 1]


def proposals(*rows: tuple[float, float, float, float]) -> Proposals:
    """From start, end, contrast and inner mean of each."""
    return Proposals(*(np.array(column, dtype=np.float64) for column in zip(*rows)))


def test_fusion_weighs_by_the_inner_mean_over_the_temperature_and_leads_by_contrast() -> None:
    # Weights of 1 and 3: the inner means differ by temperature times ln 3.
    found = proposals((10, 20, 0.5, 0.2), (12, 24, 0.4, 0.2 + 0.1 * np.log(3)))
    fused = GaussianFusion(temperature=0.1)(found)
    np.testing.assert_allclose([fused.start[0], fused.end[0], fused.score[0]], [11.5, 23.0, 0.425])
    assert greedy_clusters(found, 0.25)[0].tolist() == [0, 1]
    warm = GaussianFusion(temperature=0.05)(found)  # weights of 1 and 9
    np.testing.assert_allclose(warm.start, [11.8])


def test_overlap_counts_whole_snippets_and_is_a_share_of_the_members_own_length() -> None:
    # The short one shares 2 of its 5 snippets, the long one 11 of 101, with a leader of 11.
    leader, short, long = (0, 10, 0.9, 0.9), (9, 13, 0.5, 0.5), (0, 100, 0.5, 0.5)
    assert len(greedy_clusters(proposals(leader, short), 0.25)) == 1
    assert len(greedy_clusters(proposals(leader, long), 0.25)) == 2
    # 2 of 8: a quarter is not more than a quarter; 2 of 7 is.
    assert len(greedy_clusters(proposals(leader, (9, 16, 0.5, 0.5)), 0.25)) == 2
    assert len(greedy_clusters(proposals(leader, (9, 15, 0.5, 0.5)), 0.25)) == 1


def test_nms_drops_what_is_above_its_tiou_and_takes_no_mean() -> None:
    kept = Nms()(proposals((0, 10, 0.5, 0.1), (1, 9, 0.4, 0.9), (4, 14, 0.3, 0.9)))  # tIoU 0.8, and 6 of 14
    assert list(zip(kept.start, kept.end, kept.score)) == [(0, 10, 0.5), (4, 14, 0.3)]


def test_fusions_go_by_their_own_limits() -> None:
    some = proposals((0, 10, 0.8, 0.8), (5, 15, 0.4, 0.4))  # tIoU 1 / 3; 6 of 11 snippets with both ends counted
    assert [len(Nms(tiou=tiou)(some)) for tiou in (0.3, 0.4)] == [1, 2]
    assert [len(GaussianFusion(overlap=overlap)(some)) for overlap in (0.5, 0.6)] == [1, 2]
    assert SoftNms(sigma=0.5)(some).score.tolist() == pytest.approx([0.8, 0.4 * np.exp(-2 / 9)])
    assert [len(SoftNms(sigma=0.5, floor=floor)(some)) for floor in (0.39, 0.41)] == [2, 1]  # 0.320 of 0.8


def test_each_fusion_is_the_one_that_is_named() -> None:
    some = proposals((0, 10, 0.5, 0.5), (1, 11, 0.5, 0.5))
    starts = {
        kind: from_mapping(DetectionSettings, {"fusion": kind}, file="made-up").fusion(some).start.tolist()
        for kind in ("gaussian", "nms", "soft_nms")
    }
    assert starts == {"gaussian": pytest.approx([0.5]), "nms": [0.0], "soft_nms": [0.0, 1.0]}


def segments(*rows: tuple[float, float, float]) -> Segments:
    return Segments(*(np.array(column, dtype=np.float64) for column in zip(*rows)))


def test_a_row_adds_the_segment_takes_its_margins_away_and_asks_for_the_score() -> None:
    as_long = partial(outer_margin, settings=WIDE)
    programme = label_programme(segments((1, 3, 0.2), (4, 6, 0.6)), 12, as_long)
    # By falling score; right margins begin where the segment ends and go up to end + margin + 1, without that.
    assert programme.rows.tolist() == [
        [0, 0, -1, -1, 1, 1, -1, -1, -1, 0, 0, 0],
        [-1, 1, 1, -1, -1, -1, 0, 0, 0, 0, 0, 0],
    ]
    assert programme.score.tolist() == [0.6, 0.2]
    # The last snippet is in no margin, but it may be inside.
    assert label_programme(segments((1, 3, 0.2)), 5, as_long).rows.tolist() == [[-1, 1, 1, -1, 0]]
    assert label_programme(segments((2, 6, 0.2)), 5, as_long).rows.tolist() == [[-1, -1, 1, 1, 1]]


def test_bounds_are_cut_down_to_whole_snippets() -> None:
    assert cut_to_grid([2.9, 3.0, 3.0 - 1e-9, -0.5]).tolist() == [2, 3, 3, -1]
    assert cut_to_grid([2.9, 3.0, 3.0 - 1e-9, -0.5], "truncate").tolist() == [2, 3, 2, 0]


@pytest.mark.parametrize(
    ("solution", "label"),
    [("centre", [0.1, 0.1, 0.1, 0.0]), ("minimum_norm", [0.1, 0.1, 0.1, 0.0]), ("vertex", [0.3, 0.0, 0.0, 0.0])],
)
def test_one_segment_is_spread_over_its_snippets_or_put_on_one(solution: str, label: list[float]) -> None:
    programme = LabelProgramme(np.array([[1, 1, 1, 0]], dtype=np.int8), np.array([0.3]))
    found = solve_label_programmes([programme], solution)[0]  # type: ignore[arg-type]
    np.testing.assert_allclose(found.label, label, atol=1e-6)


def test_snippets_that_serve_two_segments_come_first_and_margins_stay_empty() -> None:
    # x0 + x1 + x2 = 1.2 and x2 + x3 + x4 = 1.2: the least sum puts all it can, 1, on x2, and 0.2 on the others' sums.
    rows = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1]], dtype=np.int8)
    found = solve_label_programmes([LabelProgramme(rows, np.array([1.2, 1.2]))])[0]
    np.testing.assert_allclose(found.label, [0.1, 0.1, 1.0, 0.1, 0.1], atol=1e-6)
    apart = LabelProgramme(np.array([[1, -1, 0]], dtype=np.int8), np.array([0.5]))
    np.testing.assert_allclose(solve_label_programmes([apart])[0].label, [0.5, 0.0, 0.0], atol=1e-6)


def test_the_centre_is_furthest_from_both_bounds_and_the_least_norm_is_another_point() -> None:
    # x0 + x1 + x2 = 1 and x0 - x2 = 0.2: the optima are (t + 0.2, 0.8 - 2t, t).
    programme = LabelProgramme(np.array([[1, 1, 1], [1, 0, -1]], dtype=np.int8), np.array([1.0, 0.2]))
    t = np.linspace(0, 0.4, 400_001)[1:-1]
    points = np.stack([t + 0.2, 0.8 - 2 * t, t])
    centre = points[:, np.argmax(np.log(points * (1 - points)).sum(axis=0))]
    least = points[:, np.argmin(np.square(points).sum(axis=0))]
    assert np.abs(centre - least).max() > 0.01
    np.testing.assert_allclose(solve_label_programmes([programme])[0].label, centre, atol=3e-4)
    np.testing.assert_allclose(solve_label_programmes([programme], "minimum_norm")[0].label, least, atol=1e-4)


def test_what_cannot_be_met_is_paid_for_in_violation_before_label() -> None:
    # Two segments over the same two snippets: any sum between their scores costs the same violation, the least is best.
    rows = np.array([[1, 1], [1, 1]], dtype=np.int8)
    for solution in ("centre", "vertex", "minimum_norm"):
        found = solve_label_programmes([LabelProgramme(rows, np.array([0.6, 0.2]))], solution)[0]  # type: ignore[arg-type]
        assert not found.is_exact
        assert found.label.sum() == pytest.approx(0.2, abs=1e-6)
        assert found.residual == pytest.approx(0.4, abs=1e-6)
    # Three snippets cannot sum to 5: all are full, though every unit of label costs.
    full = solve_label_programmes([LabelProgramme(np.ones((1, 3), dtype=np.int8), np.array([5.0]))])[0]
    np.testing.assert_allclose(full.label, [1, 1, 1], atol=1e-6)
    assert not full.is_exact


def test_naive_labels_write_the_score_on_whole_snippets_of_the_segment_alone() -> None:
    found = NaiveLabels().label(segments((1.0, 3.9, 0.4)), 5)
    assert found.tolist() == [0, 0.4, 0.4, 0, 0]
    negative = NaiveLabels(overlap="maximum").label(segments((0, 2, -0.4)), 3)
    assert negative.tolist() == [-0.4, -0.4, 0]


def test_a_label_goes_from_scores_to_its_optimum_through_the_rounds_own_temperature() -> None:
    # Nested runs [4, 12) and [6, 10) and no margin, so that contrasts are inner means.
    column = bump(20, 4, 12, 0.2) + bump(20, 6, 10, 0.4)
    settings = ProposalSettings(thresholds=(0.1, 0.3), margin_factor=0.0)
    # [4, 12] holds 4 of 0.6 and 4 of 0.2 over 9; [6, 10] holds 4 of 0.6 and one of 0.2 over 5.
    wide, narrow = 3.2 / 9, 2.6 / 5
    for temperature in (0.02, 0.2):
        weight = np.exp((np.array([wide, narrow]) - narrow) / temperature)
        weight /= weight.sum()
        labels = pseudo_labels(
            scores_of(column[:, None], [0.9]),
            np.array([[True]]),
            label_round(proposals=settings, fusion=GaussianFusion(temperature=temperature)),
        )
        assert labels.segment_start.tolist() == pytest.approx([weight @ [4, 6]])
        assert labels.segment_end.tolist() == pytest.approx([weight @ [13, 11]])
        assert labels.segment_score.tolist() == pytest.approx([weight @ [wide, narrow]])
        assert labels.label[:, 0].sum() == pytest.approx(labels.segment_score[0], abs=1e-6)
        first = int(labels.segment_start[0] + 1e-6)
        assert labels.label[:first, 0].max() < 1e-6
        assert labels.label[first, 0] > 0.01


def test_classes_by_score_include_background_from_the_threshold_on() -> None:
    snippet = np.stack([bump(30, 5, 10, 0.9)] * 3, axis=1)
    scores = scores_of(snippet[:, :2], [0.16, 0.15])
    scores.snippet_score[:, 2], scores.video_score[:, 2] = snippet[:, 2], 0.2
    labels = pseudo_labels(scores, np.array([[False, True]]), label_round(classes="score"))
    assert labels.status.tolist() == [[SOLVED, NOTHING_TO_SOLVE, SOLVED]]
    by_label = pseudo_labels(scores, np.array([[False, True]]), label_round())
    assert by_label.status.tolist() == [[NOTHING_TO_SOLVE, SOLVED, NOTHING_TO_SOLVE]]


def test_detection_begins_at_the_threshold_of_video_scores_and_fuses_at_its_own_temperature() -> None:
    column = bump(40, 4, 12, 0.2) + bump(40, 6, 10, 0.4)
    proposals = ProposalSettings(thresholds=(0.1, 0.3), class_threshold=0.25, margin_factor=0.0)
    starts = []
    for temperature in (0.02, 2.0):
        settings = DetectSettings(
            proposals=proposals,
            detection=DetectionSettings(fusion=GaussianFusion(temperature=temperature)),
            report_best_test_epoch=False,
        )
        found = detect(scores_of(np.stack([column] * 2, axis=1), [0.25, 0.24]), ("run", "jump"), settings, 2.0)
        assert found.class_index.tolist() == [0]
        starts += found.start.tolist()
    weights = [1 / (1 + np.exp((2.6 / 5 - 3.2 / 9) / temperature)) for temperature in (0.02, 2.0)]
    assert starts == pytest.approx([(6 - 2 * weight) / 2 for weight in weights])


@pytest.mark.parametrize("fusion", [Nms(), GaussianFusion()])
def test_detections_are_fused_as_detection_says(fusion: Fusion) -> None:
    settings = DetectSettings(
        proposals=ProposalSettings(thresholds=(0.1, 0.3), margin_factor=0.0),
        detection=DetectionSettings(fusion=fusion),
        report_best_test_epoch=False,
    )
    column = bump(40, 4, 12, 0.2) + bump(40, 6, 10, 0.4)
    found = detect(scores_of(column[:, None], [0.9]), ("run",), settings, 1.0)
    weight = 1 / (1 + np.exp((2.6 / 5 - 3.2 / 9) / 0.2))
    assert found.start.tolist() == pytest.approx([6.0] if fusion.kind == "nms" else [6 - 2 * weight])


def test_relative_thresholds_are_shares_of_the_videos_highest_score() -> None:
    settings = ProposalSettings(thresholds=(0.5,), threshold_kind="relative")
    found = proposals_of_class(np.array([0.0, 0.3, 0.41, 0.8, 0.41, 0.39, 0.1]), settings)
    assert (found.start.tolist(), found.end.tolist()) == ([2.0], [6.0])


@settings
class NoisyFusion(Fusion):
    """One segment, a hair before whole snippets."""

    kind: Literal["noisy"] = "noisy"

    def __call__(self, proposals: Proposals) -> Segments:
        return segments((5 - 1e-9, 9 - 1e-9, 0.4))


@pytest.mark.parametrize("maker", [OptimisedLabels, NaiveLabels])
def test_bounds_of_labels_are_cut_by_the_rule_that_is_set(maker: Callable[..., LabelMaker]) -> None:
    covered = {}
    for rounding in ("floor", "truncate"):
        scores = scores_of(bump(20, 5, 8, 0.9)[:, None], [0.9])
        cut = label_round(fusion=NoisyFusion(), maker=maker(rounding=rounding))
        labels = pseudo_labels(scores, np.array([[True]]), cut)
        covered[rounding] = np.flatnonzero(labels.label[:, 0] > 1e-3).tolist()
    assert covered == {"floor": [5, 6, 7, 8], "truncate": [4, 5, 6, 7]}


def test_the_last_iterate_is_kept_where_that_is_set() -> None:
    column = np.where(np.arange(20) // 4 == 2, 0.9, 0.2)  # a peak that asks for more than the whole may have
    made = {}
    for maker in (OptimisedLabels(infeasible="elastic"), OptimisedLabels(infeasible="last_iterate")):
        asked = label_round(fusion=Nms(), maker=maker)
        made[maker.infeasible] = pseudo_labels(scores_of(column[:, None], [0.9]), np.array([[True]]), asked)
    assert [labels.status[0, 0] for labels in made.values()] == [INFEASIBLE, INFEASIBLE]
    assert made["last_iterate"].violation[0, 0] != pytest.approx(made["elastic"].violation[0, 0], abs=1e-4)


def test_optimised_labels_are_solved_whatever_rule_cuts_their_bounds() -> None:
    scores = scores_of(bump(20, 5, 8, 0.9)[:, None], [0.9])
    makers = (OptimisedLabels(), OptimisedLabels(rounding="truncate"), NaiveLabels(rounding="truncate"))
    floor, truncate, naive = (pseudo_labels(scores, np.array([[True]]), label_round(maker=maker)) for maker in makers)
    np.testing.assert_array_equal(truncate.label, floor.label)  # the fused bounds are well inside their snippets
    assert not np.allclose(truncate.label, naive.label)
