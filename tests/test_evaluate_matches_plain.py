"""The evaluator against a plain one, bit for bit, on many small cases full of ties and degenerate intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_evaluation import exact_mean, plain_per_class

from wtal.base.records import Detections, Instances
from wtal.evaluate import (
    ActivityNetProtocol,
    AmbiguousIntervals,
    EvaluationOptions,
    SnippetProtocol,
    StepProtocol,
    WtalcProtocol,
    evaluate_detections,
)

CLASSES = ("jump", "run", "swim")
VIDEOS = ("v_a", "v_b", "c")
FOUND_VIDEOS = ("v_a", "b", "v_c", "unheard of")
THRESHOLDS = ((0.5,), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), (0.25, 1.0))

bounds = st.integers(-1, 8).map(lambda quarter: quarter / 4) | st.floats(-1, 3)
segments = st.tuples(bounds, bounds)
instance_rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), segments), min_size=1, max_size=9)
scores = st.sampled_from((0.1, 0.5, 0.9)) | st.floats(0, 1)
detection_rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), segments, scores), max_size=14)


def columns(rows):
    """Rows of (video, class, (start, end), ...) as arrays."""
    video, label = (np.array([row[place] for row in rows], dtype=np.int64) for place in (0, 1))
    start, end = (np.array([row[2][place] for row in rows], dtype=np.float64) for place in (0, 1))
    return video, label, start, end


@st.composite
def cases(draw, protocol):
    truth = Instances(VIDEOS, CLASSES, *columns(draw(instance_rows)))
    rows = draw(detection_rows)
    score = np.array([row[3] for row in rows], dtype=np.float64)
    detections = Detections(FOUND_VIDEOS, CLASSES, *columns(rows), score)
    doubtful = draw(st.lists(st.tuples(st.sampled_from(("v_a", "c", "elsewhere")), segments), max_size=2))
    ambiguous = AmbiguousIntervals(
        tuple(video for video, _ in doubtful),
        np.array([start for _, (start, _) in doubtful]),
        np.array([end for _, (_, end) in doubtful]),
    )
    excluded = draw(st.sampled_from(((), ("c",)))) if (truth.video != 2).any() else ()
    options = EvaluationOptions(
        protocol=protocol(),
        tiou=draw(st.sampled_from(THRESHOLDS)),
        snippets_per_second=draw(st.sampled_from((2.0, 25 / 16))),
        missing_class=draw(st.sampled_from(("zero", "zero_all"))),
        unknown_videos=draw(st.sampled_from(("drop", "count"))),
        exclude_videos=excluded,
        ambiguous=draw(st.sampled_from((None, ambiguous))),
        deduplicate=draw(st.booleans()),
    )
    return detections, truth, options


def assert_same(detections, truth, options):
    result = evaluate_detections(detections, truth, options)
    plain = plain_per_class(detections, truth, options)
    np.testing.assert_array_equal(result.per_class, plain)
    for column, mean in enumerate(result.mean):
        assert math.isclose(mean, exact_mean([row[column] for row in plain]), rel_tol=1e-14, abs_tol=1e-12)


@pytest.mark.parametrize("protocol", [ActivityNetProtocol, SnippetProtocol, StepProtocol, WtalcProtocol])
def test_every_small_case_is_scored_as_the_plain_evaluator_scores_it(protocol):
    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(case=cases(protocol))
    def check(case):
        assert_same(*case)

    check()


@pytest.mark.parametrize("protocol", [ActivityNetProtocol, SnippetProtocol, StepProtocol, WtalcProtocol])
def test_a_thousand_crowded_cases_are_scored_as_the_plain_evaluator_scores_them(protocol):
    random = np.random.default_rng(7)
    for _ in range(1000):
        n_truth, n_found = random.integers(1, 13), random.integers(0, 30)
        truth = Instances(
            VIDEOS,
            CLASSES,
            random.integers(2, size=n_truth),
            random.integers(2, size=n_truth),  # the last class is always empty
            *np.sort(random.integers(12, size=(2, n_truth)) / 2, axis=0),
        )
        detections = Detections(
            FOUND_VIDEOS,
            CLASSES,
            random.integers(3, size=n_found),
            random.integers(3, size=n_found),
            *np.sort(random.integers(13, size=(2, n_found)) / 2, axis=0),
            random.integers(4, size=n_found) / 4,
        )
        options = EvaluationOptions(protocol=protocol(), tiou=(0.1, 0.3, 0.5, 0.7), snippets_per_second=2.0)
        assert_same(detections, truth, options)


def test_chains_of_second_choices_end_as_the_plain_evaluator_ends_them():
    # Each detection overlaps two neighbours and is displaced by the next better one, all along the line.
    n = 40
    start = np.arange(n, dtype=np.float64)
    truth = Instances(("a",), ("run",), np.zeros(n, int), np.zeros(n, int), start, start + 1)
    found = np.arange(n - 1, dtype=np.float64)
    detections = Detections(
        ("a",),
        ("run",),
        np.zeros(n - 1, int),
        np.zeros(n - 1, int),
        found + 0.4,
        found + 1.5,
        np.linspace(0.1, 0.9, n - 1),
    )
    assert_same(detections, truth, EvaluationOptions(tiou=(0.1, 0.2, 0.3, 0.4)))


def test_pairs_taken_in_several_pieces_give_the_same_matches(monkeypatch):
    random = np.random.default_rng(1)
    truth = Instances(("a",), ("run",), np.zeros(9, int), np.zeros(9, int), *np.sort(random.random((2, 9)), axis=0))
    bounds = np.sort(random.random((2, 50)), axis=0)
    detections = Detections(("a",), ("run",), np.zeros(50, int), np.zeros(50, int), *bounds, random.random(50))
    whole = evaluate_detections(detections, truth).per_class
    monkeypatch.setattr("wtal.evaluate.score.matching.PAIRS_AT_ONCE", 20)
    np.testing.assert_array_equal(evaluate_detections(detections, truth).per_class, whole)
