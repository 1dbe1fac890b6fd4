"""The bootstrap gives what scoring each resampled set of videos anew would give, paired and repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from wtal.base.errors import InputError
from wtal.base.records import Detections, Instances, VideoScores
from wtal.evaluate import (
    ActivityNetProtocol,
    EvaluationOptions,
    SnippetProtocol,
    StepProtocol,
    evaluate_detections,
    evaluate_matches,
    match_detections,
)
from wtal.evaluate.score.controls import oracle, random_segments, whole_videos
from wtal.evaluate.score.uncertainty import bootstrap_average, draw_videos, resampled_means

CLASSES = ("run", "jump", "swim")


def made_up(seed, n_videos=12, n_truth=30, n_found=120):
    random = np.random.default_rng(seed)
    videos = tuple(f"v{i}" for i in range(n_videos))
    truth = Instances(
        videos,
        CLASSES,
        random.integers(n_videos, size=n_truth),
        random.integers(3, size=n_truth),
        *np.sort(random.random((2, n_truth)) * 20, axis=0),
    )
    near = random.integers(n_truth, size=n_found)
    noise = random.normal(size=(2, n_found))
    bounds = np.sort(np.stack([truth.start[near], truth.end[near]]) + noise, axis=0)
    score = random.permutation(n_found) / n_found  # no ties
    return Detections(videos, CLASSES, truth.video[near], truth.class_index[near], *bounds, score), truth


def repeated(record, counts):
    """A record in which each video stands as often as it was drawn, each copy under a name of its own."""
    columns = {name: [] for name in record.__slots__ if name not in ("videos", "classes")}
    for row, video in enumerate(record.video):
        for copy in range(counts[video]):
            for name, values in columns.items():
                values.append(f"{record.videos[video]} copy {copy}" if name == "video" else getattr(record, name)[row])
    names = [f"{name} copy {copy}" for name, count in zip(record.videos, counts) for copy in range(count)]
    number_of = {name: number for number, name in enumerate(names)}
    columns["video"] = [number_of[name] for name in columns["video"]]
    arrays = {name: np.array(values) for name, values in columns.items()}
    return type(record)(videos=tuple(names), classes=record.classes, **arrays)


@pytest.mark.parametrize("protocol", [ActivityNetProtocol, StepProtocol, SnippetProtocol])
def test_a_resample_scores_as_its_videos_would_if_they_were_really_repeated(protocol):
    detections, truth = made_up(0)
    options = EvaluationOptions(protocol=protocol(), tiou=(0.3, 0.5, 0.7), snippets_per_second=2.0)
    weights = draw_videos(truth.videos, 25, "repeated")
    fast = resampled_means(match_detections(detections, truth, options), weights)
    for row, counts in enumerate(weights):
        whole = evaluate_detections(repeated(detections, counts), repeated(truth, counts), options)
        np.testing.assert_allclose(fast[row], whole.mean, rtol=0, atol=1e-10)


def test_every_video_once_is_the_plain_score():
    detections, truth = made_up(1)
    for protocol in (ActivityNetProtocol, StepProtocol):
        matches = match_detections(detections, truth, EvaluationOptions(protocol=protocol()))
        ones = np.ones((1, len(truth.videos)), dtype=np.int32)
        np.testing.assert_allclose(resampled_means(matches, ones)[0], evaluate_matches(matches).mean, atol=1e-11)


def test_blocks_of_any_size_give_the_same_figures(monkeypatch):
    detections, truth = made_up(2)
    matches = match_detections(detections, truth, EvaluationOptions())
    weights = draw_videos(truth.videos, 20, "blocks")
    whole = resampled_means(matches, weights)
    monkeypatch.setattr("wtal.evaluate.score.uncertainty.VALUES_AT_ONCE", 3 * len(detections))
    np.testing.assert_array_equal(resampled_means(matches, weights), whole)


def test_a_resample_draws_as_many_videos_as_there_are_whatever_their_order():
    names = tuple("dbace")
    weights = draw_videos(names, 50)
    assert (weights.sum(axis=1) == len(names)).all()
    turned = draw_videos(names[::-1], 50)
    np.testing.assert_array_equal(weights, turned[:, ::-1])
    np.testing.assert_array_equal(weights, draw_videos(names, 50, "0"))
    assert (weights != draw_videos(names, 50, "another text")).any()


def systems():
    detections, truth = made_up(3)
    options = EvaluationOptions(tiou=(0.3, 0.5))
    worse = Detections(
        detections.videos,
        CLASSES,
        *(getattr(detections, name) for name in ("video", "class_index")),
        detections.start + 1.0,
        detections.end + 1.0,
        detections.score,
    )
    good, bad = (match_detections(each, truth, options) for each in (detections, worse))
    return {"good": [good, bad], "bad": [bad], "same": [bad]}


def test_seeds_are_averaged_and_differences_are_paired():
    result = bootstrap_average(systems(), comparisons=[("good", "bad"), ("same", "bad")], n_resamples=200, level=0.9)
    means = [evaluate_matches(matches).mean.mean() for matches in systems()["good"]]
    assert result.average["good"].estimate == pytest.approx(np.mean(means), abs=1e-12)
    assert (result.n_resamples, result.level, result.average_name) == (200, 0.9, "0.3:0.5")
    nothing = result.differences["same", "bad"]
    assert (nothing.estimate, nothing.low, nothing.high, nothing.verdict) == (0, 0, 0, "not separated")
    assert len(result.per_threshold["bad"]) == len(result.differences_per_threshold["good", "bad"]) == 2
    assert result == bootstrap_average(
        systems(), comparisons=[("good", "bad"), ("same", "bad")], n_resamples=200, level=0.9
    )


def test_the_interval_of_one_system_lies_around_its_figure_although_the_resamples_lean():
    alone = bootstrap_average(systems(), n_resamples=200).average["bad"]
    (matches,) = systems()["bad"]
    weights = draw_videos(matches.videos, 200)
    assert resampled_means(matches, weights).mean() > alone.estimate + 1
    assert alone.high - alone.estimate == pytest.approx(alone.estimate - alone.low)
    assert alone.n_seeds == (1,)


def test_several_seeds_widen_the_interval_by_their_spread():
    good = bootstrap_average(systems(), n_resamples=100).average["good"]
    assert good.low < good.videos_low < good.estimate < good.videos_high < good.high
    assert good.n_seeds == (2,)


def test_systems_that_cannot_be_compared_are_refused():
    detections, truth = made_up(4)
    one = match_detections(detections, truth, EvaluationOptions(tiou=(0.5,)))
    other = match_detections(detections, truth, EvaluationOptions(tiou=(0.5,), exclude_videos=("v0",)))
    with pytest.raises(InputError, match="the same videos and tIoU"):
        bootstrap_average({"one": [one], "other": [other]}, n_resamples=10)
    with pytest.raises(InputError, match="expected one of one; got 'two'"):
        bootstrap_average({"one": [one]}, comparisons=[("one", "two")], n_resamples=10)
    with pytest.raises(InputError, match="at least one system with one seed"):
        bootstrap_average({"one": []}, "suite")


def test_controls_are_what_their_names_say():
    _, truth = made_up(5)
    assert evaluate_detections(oracle(truth), truth).headline == pytest.approx(100, abs=1e-12)
    seconds = dict.fromkeys(truth.videos, 20.0)
    scores = VideoScores(
        truth.videos,
        np.zeros(len(truth.videos) + 1, np.int64),
        np.zeros((0, 4), np.float32),
        np.tile(np.array([0.9, 0.1, 0.5, 1.0], np.float32), (len(truth.videos), 1)),
        np.zeros(0, np.float32),
    )
    whole = whole_videos(scores, CLASSES, 0.2, seconds)
    assert len(whole) == 2 * len(truth.videos)
    assert set(whole.end) == {20.0}
    one, again = (random_segments(truth, seconds, np.random.default_rng(0)) for _ in range(2))
    np.testing.assert_array_equal(one.start, again.start)
    assert (one.end >= one.start).all()
    assert one.end.max() <= 20
