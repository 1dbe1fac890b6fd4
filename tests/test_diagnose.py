"""The diagnosis on cases small enough to check on paper, and against a plain one on many random cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_diagnosis import plain_hits, plain_kind, plain_normalised
from plain_evaluation import _prepared
from test_evaluate_matches_plain import cases

from wtal.base.records import Detections, Instances
from wtal.evaluate import (
    ActivityNetProtocol,
    EvaluationOptions,
    SnippetProtocol,
    evaluate_matches,
    match_detections,
)
from wtal.evaluate.diagnose.characteristics import Buckets, buckets_of, computed_characteristics, quintile_edges
from wtal.evaluate.diagnose.diagnose import diagnose_matches
from wtal.evaluate.diagnose.error_kinds import KINDS, error_kinds, overlaps_of
from wtal.evaluate.score.controls import oracle

CLASSES = ("run", "jump")
RUN, JUMP = 0, 1
AT_HALF = EvaluationOptions(tiou=(0.5,))


def truth_of(*rows, videos=("a", "b")):
    """Instances from rows (video, class, start, end)."""
    video, label, start, end = (np.array(column) for column in zip(*rows))
    return Instances(videos, CLASSES, video, label, start.astype(float), end.astype(float))


def found_of(*rows, videos=("a", "b")):
    """Detections by falling score from rows (video, class, start, end)."""
    video, label, start, end = (np.array(column) for column in zip(*rows))
    score = np.linspace(1, 0.1, len(rows))
    return Detections(videos, CLASSES, video, label, start.astype(float), end.astype(float), score)


# Video a: runs from 0 to 10 and from 20 to 30, a jump from 50 to 60. Of eight running predictions two are right.
TRUTH = truth_of((0, RUN, 0, 10), (0, RUN, 20, 30), (0, JUMP, 50, 60))
FOUND = found_of(
    (0, RUN, 0, 10),  # true positive
    (0, RUN, 0, 9),  # double detection: tIoU 0.9 with a run that is taken
    (0, RUN, 50, 60),  # wrong label: a jump
    (0, RUN, 20, 24),  # localisation: tIoU 0.4 with a run
    (0, RUN, 50, 53),  # confusion: tIoU 0.3 with a jump
    (0, RUN, 80, 90),  # background
    (0, RUN, 20, 30),  # true positive
    (0, RUN, 20, 20.9),  # background: tIoU 0.09
    (0, JUMP, 50, 60),  # true positive
)
N = 3 / 2  # three instances of two classes


def diagnosis_of(found, truth, options=AT_HALF, buckets=()):
    return diagnose_matches(match_detections(found, truth, options), found, truth, buckets)


def names_of(found, truth, options=AT_HALF):
    """The kind of each detection in the order of the matches, class by class, falling score."""
    matches = match_detections(found, truth, options)
    return [[KINDS[kind] for kind in row] for row in error_kinds(matches, overlaps_of(matches, found, truth))]


def test_each_kind_of_error_is_what_its_definition_says():
    (kinds,) = names_of(FOUND, TRUTH)
    running = ["true positive", "double detection", "wrong label", "localisation", "confusion", "background"]
    assert kinds == [*running, "true positive", "background", "true positive"]


def test_kinds_change_with_the_threshold():
    found = found_of((0, RUN, 20, 24), (0, JUMP, 20, 24), (0, RUN, 20, 25))
    options = EvaluationOptions(tiou=(0.1, 0.4, 0.45, 0.6))
    assert names_of(found, TRUTH, options) == [
        ["true positive", "double detection", "wrong label"],
        ["true positive", "double detection", "wrong label"],
        ["localisation", "true positive", "confusion"],
        ["localisation", "localisation", "confusion"],
    ]


def test_where_classes_overlap_equally_the_own_class_decides():
    both = truth_of((0, JUMP, 0, 10), (0, RUN, 0, 10))
    assert names_of(found_of((0, RUN, 0, 4)), both) == [["localisation"]]
    nearer = truth_of((0, JUMP, 0, 8), (0, RUN, 0, 10))
    assert names_of(found_of((0, RUN, 0, 3)), nearer) == [["confusion"]]
    assert names_of(found_of((0, RUN, 0, 4)), nearer) == [["wrong label"]]


def test_predictions_of_other_or_unknown_videos_are_background():
    options = EvaluationOptions(tiou=(0.5,), unknown_videos="count")
    found = found_of((1, RUN, 0, 10), (2, RUN, 0, 10), videos=("a", "b", "elsewhere"))
    assert names_of(found, TRUTH, options) == [["background", "background"]]


def test_the_profile_counts_slices_of_as_many_predictions_as_a_class_has_instances():
    (profile,) = diagnosis_of(FOUND, TRUTH).profile
    expected = np.zeros((10, 6), dtype=int)
    expected[0] = [2, 1, 0, 0, 0, 0]  # the first two running predictions and the first jump
    expected[1] = [0, 0, 1, 1, 0, 0]
    expected[2] = [0, 0, 0, 0, 1, 1]
    expected[3] = [1, 0, 0, 0, 0, 1]
    np.testing.assert_array_equal(profile, expected)


def test_only_the_top_ten_times_as_many_predictions_as_instances_count():
    truth = truth_of((0, RUN, 0, 10), videos=("a",))
    wrong = [(0, RUN, 100 + 2 * number, 101 + 2 * number) for number in range(10)]
    late = diagnosis_of(found_of(*wrong, (0, RUN, 0, 10), videos=("a",)), truth)
    assert late.profile.sum() == 10
    assert late.plain.tolist() == [0.0]
    assert late.normalised_of_all.tolist() == [pytest.approx(100 / 11)]
    assert late.missed.tolist() == [0.0]
    just = diagnosis_of(found_of(*wrong[1:], (0, RUN, 0, 10), videos=("a",)), truth)
    assert just.plain.tolist() == [pytest.approx(10.0)]


def test_normalised_precision_and_the_gain_of_removing_errors_are_as_on_paper():
    result = diagnosis_of(FOUND, TRUTH)
    assert result.constant == N
    # running: hits at rank 1 (recall 1/2) and 7 (recall 1, five wrong); jumping: one hit, rank 1
    assert result.plain.tolist() == [pytest.approx(100 * ((1 + 2 / 7) / 2 + 1) / 2)]
    assert result.normalised.tolist() == [pytest.approx(100 * ((1 + N / (N + 5)) / 2 + 1) / 2)]
    # double, wrong label, localisation, confusion: one fewer each; background: one before the second hit too
    plain = 100 * ((1 + 2 / 6) / 2 + 1) / 2
    normalised = 100 * ((1 + N / (N + 4)) / 2 + 1) / 2
    np.testing.assert_allclose(result.plain_without, np.full((5, 1), plain), rtol=1e-12)
    np.testing.assert_allclose(result.normalised_without, np.full((5, 1), normalised), rtol=1e-12)


def test_a_bucket_leaves_out_predictions_that_took_instances_of_others():
    halves = Buckets("length", (1.0,), np.array([0, 1, 1]))  # the first run; the second run and the jump
    first, second = diagnosis_of(FOUND, TRUTH, buckets=(halves,)).buckets
    assert (first.name, first.described, first.n_instances) == ("XS", "(0, 1]", 1)
    assert (second.name, second.described, second.n_instances) == ("S", "> 1", 2)
    assert first.normalised.tolist() == [100.0]
    # the second run: one hit with recall 1 after five wrong ones, for the first prediction is neither right nor wrong
    assert second.normalised.tolist() == [pytest.approx(100 * (N / (N + 5) + 1) / 2)]
    assert (first.missed.tolist(), second.missed.tolist()) == ([0.0], [0.0])


def test_missed_instances_are_counted_by_bucket_and_threshold():
    halves = Buckets("length", (1.0,), np.array([0, 1, 1]))
    found = found_of((0, RUN, 0, 10), (0, RUN, 20, 24))
    result = diagnosis_of(found, TRUTH, EvaluationOptions(tiou=(0.3, 0.5)), (halves,))
    assert result.missed.tolist() == [pytest.approx(100 / 3), pytest.approx(200 / 3)]
    assert [bucket.missed.tolist() for bucket in result.buckets] == [[0.0, 0.0], [50.0, 100.0]]


def test_an_empty_bucket_has_no_figure():
    halves = Buckets("length", (1.0,), np.array([0, 0, 0]))
    _, empty = diagnosis_of(FOUND, TRUTH, buckets=(halves,)).buckets
    assert empty.n_instances == 0
    assert math.isnan(empty.normalised[0])
    assert math.isnan(empty.missed[0])


def test_the_ground_truth_itself_has_no_error_and_misses_nothing():
    result = diagnosis_of(oracle(TRUTH), TRUTH)
    assert result.profile[0].sum(axis=0).tolist() == [3, 0, 0, 0, 0, 0]
    assert (result.plain[0], result.normalised[0], result.missed[0]) == (100, 100, 0)


def test_characteristics_are_counted_over_every_class_of_the_video():
    truth = truth_of((0, RUN, 0, 10), (0, JUMP, 20, 30.5), (1, RUN, 1, 4))
    found = computed_characteristics(truth, {"a": 100.0, "b": 6.0})
    assert found["length"].tolist() == [10, 10.5, 3]
    assert found["coverage"].tolist() == [0.1, 0.105, 0.5]
    assert found["instances"].tolist() == [2, 2, 1]
    assert "coverage" not in computed_characteristics(truth, None)


def test_a_bucket_holds_its_upper_edge_whatever_the_last_bit_says():
    length = np.array([3.0, 3.000001, 8.2 - 2.2, 62.4 - 59.4, 18.0, 18.1])
    (buckets,) = buckets_of({"length": length}, {"length": (3, 6, 12, 18)})
    assert [buckets.names[number] for number in buckets.bucket] == ["XS", "S", "S", "XS", "L", "XL"]
    assert [buckets.described(number) for number in range(5)] == ["(0, 3]", "(3, 6]", "(6, 12]", "(12, 18]", "> 18"]


def test_quintiles_cut_into_fifths_and_drop_equal_edges():
    edges = quintile_edges({"length": np.arange(1.0, 11), "instances": np.array([1.0, 1, 1, 1, 7])})
    (length, instances) = buckets_of({"length": np.arange(1.0, 11), "instances": np.array([1.0, 1, 1, 1, 7])}, edges)
    assert np.bincount(length.bucket).tolist() == [2, 2, 2, 2, 2]
    assert len(instances.names) <= 3
    assert instances.names[instances.bucket[0]] == "XS"


def by_class(rows, classes):
    return [[row for row in rows if row.label == name] for name in classes]


@pytest.mark.parametrize("protocol", [ActivityNetProtocol, SnippetProtocol])
@settings(deadline=None, max_examples=300, derandomize=True)
@given(data=st.data())
def test_kinds_and_normalised_precision_equal_a_plain_diagnosis(protocol, data):
    detections, truth, options = data.draw(cases(protocol))
    matches = match_detections(detections, truth, options)
    kinds = error_kinds(matches, overlaps_of(matches, detections, truth))
    result = diagnose_matches(matches, detections, truth)
    found, instances, _ = _prepared(detections, truth, options)
    constant = len(instances) / len({row.label for row in instances})
    for number, threshold in enumerate(options.tiou):
        expected, normalised = [], []
        for own_found, own in zip(by_class(found, truth.classes), by_class(instances, truth.classes)):
            own_found = sorted(own_found, key=lambda row: -row.score)
            hits = plain_hits(own_found, own, threshold)
            for row, hit in zip(own_found, hits):
                expected.append("true positive" if hit else plain_kind(row, instances, threshold))
            normalised.append(plain_normalised([hit is not None for hit in hits], len(own), constant))
        assert [KINDS[kind] for kind in kinds[number]] == expected
        known = [value for value in normalised if not math.isnan(value)]
        assert result.normalised_of_all[number] == pytest.approx(sum(known) / len(known), abs=1e-9)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(case=cases(ActivityNetProtocol))
def test_removing_errors_never_lowers_the_score_and_one_bucket_of_all_is_the_whole(case):
    detections, truth, options = case
    matches = match_detections(detections, truth, options)
    whole = Buckets("length", (), np.zeros(len(truth), dtype=np.int64))
    result = diagnose_matches(matches, detections, truth, (whole,))
    assert (result.plain_without >= result.plain - 1e-9).all()
    assert (result.normalised_without >= result.normalised - 1e-9).all()
    np.testing.assert_array_equal(result.buckets[0].normalised, result.normalised_of_all)
    np.testing.assert_array_equal(result.buckets[0].missed, result.missed)
    n_top = result.profile.sum(axis=(1, 2))
    assert (n_top == n_top[0]).all()
    if options.missing_class == "zero" and n_top[0] == len(matches.detection_class):
        np.testing.assert_allclose(result.plain, evaluate_matches(matches).mean, atol=1e-9)
