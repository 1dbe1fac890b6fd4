"""Published detections of real data sets get the published values, to every printed digit."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from wtal.base.records import Detections
from wtal.cli import main
from wtal.evaluate import EvaluationOptions, SnippetProtocol, evaluate_detections
from wtal.evaluate.read.detections import read_detections
from wtal.evaluate.read.ground_truth import read_ambiguous, read_ground_truth
from wtal.evaluate.score.classification import classification_mean, labels_of_instances
from wtal.evaluate.write_detections import write_detections

THUMOS14_ROWS = {
    "activitynet": ([68.3251, 62.4063, 53.5995, 44.0275, 33.4807, 22.9182, 12.2328], 42.4272),
    "snippet": ([68.0065, 62.9835, 54.0450, 45.6406, 37.1494, 24.9951, 12.3702], 43.5986),
    "step": ([67.3011, 61.3728, 52.5627, 43.0318, 32.5421, 22.1341, 11.6902], 41.5193),
}
WITHOUT_WRONG_VIDEOS = [69.3682, 64.2834, 55.0932, 46.5329, 37.8368, 25.5341, 12.6287], 44.4682


@pytest.fixture(scope="module")
def published(shared):
    return shared / "published_detections" / "pmil_base_thumos14_test.json"


def printed(*arguments):
    """The JSON that the command prints, run as a process."""
    command = [sys.executable, "-m", "wtal", "evaluate", "--format", "json", *map(str, arguments)]
    return json.loads(subprocess.check_output(command, text=True))


def assert_digits(result, mean_average_precision, mean, digits=4):
    assert np.round(result["mAP"], digits).tolist() == mean_average_precision
    assert round(result["mean"], digits) == mean


@pytest.mark.parametrize("protocol", THUMOS14_ROWS)
def test_thumos14_rows_are_printed_to_every_digit(shared, published, protocol):
    result = printed(
        *("--detections", published, "--dataset", "thumos14", "--ground-truth", shared / "thumos14"),
        *("--subset", "test", "--protocol", protocol, "--tiou", "0.1:0.7:0.1"),
    )
    assert result["protocol"] == protocol
    assert result["tiou"] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert (result["n_detections"], result["n_instances"], result["n_videos"]) == (31587, 3358, 212)
    assert_digits(result, *THUMOS14_ROWS[protocol])


def test_thumos14_without_the_wrongly_annotated_videos_is_printed_to_every_digit(shared, published):
    result = printed(
        *("--detections", published, "--dataset", "thumos14", "--ground-truth", shared / "thumos14"),
        *("--protocol", "snippet", "--exclude-videos", "wrongly-annotated"),
    )
    assert result["n_videos"] == 210
    assert_digits(result, *WITHOUT_WRONG_VIDEOS)


def test_the_same_detections_as_lists_of_snippets_for_each_class_score_the_same(shared, published, tmp_path):
    truth, found = read_ground_truth(shared / "thumos14", "test").instances, read_detections(published)
    lists = np.empty(len(truth.classes), dtype=object)
    lists[:] = [[] for _ in truth.classes]
    for v, c, start, end, score in zip(found.video, found.class_index, found.start, found.end, found.score):
        row = [truth.videos.index(found.videos[v]), start * 25 / 16, end * 25 / 16, score]
        lists[truth.classes.index(found.classes[c])].append(row)
    np.save(tmp_path / "segment_predict.npy", lists)
    files = ("--detections", tmp_path / "segment_predict.npy", "--ground-truth", shared / "thumos14")
    for protocol in ("activitynet", "snippet"):
        assert_digits(printed(*files, "--dataset", "thumos14", "--protocol", protocol), *THUMOS14_ROWS[protocol])


def test_removing_ambiguous_segments_changes_nothing_where_they_are_removed_already(shared, published, capsys):
    arguments = ["--dataset", "thumos14", "--ground-truth", str(shared / "thumos14"), "--protocol", "snippet"]
    assert main(["evaluate", "--detections", str(published), *arguments, "--ambiguous", "--format", "json"]) == 0
    assert_digits(json.loads(capsys.readouterr().out), *THUMOS14_ROWS["snippet"])


def test_a_class_without_detections_costs_its_share_or_everything(shared, published):
    truth = read_ground_truth(shared / "thumos14", "test").instances
    found = read_detections(published)
    kept = found.class_index != found.classes.index("CliffDiving")
    columns = (getattr(found, name)[kept] for name in ("video", "class_index", "start", "end", "score"))
    detections = Detections(found.videos, found.classes, *columns)
    options = EvaluationOptions(protocol=SnippetProtocol(), snippets_per_second=25 / 16)
    assert round(evaluate_detections(detections, truth, options).headline, 4) == 40.8177
    options = EvaluationOptions(protocol=SnippetProtocol(), snippets_per_second=25 / 16, missing_class="zero_all")
    result = evaluate_detections(detections, truth, options)
    assert result.mean.tolist() == [0.0] * 7
    assert result.headline == 0.0


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--unknown-videos", "drop"], 99.9274),
        (["--unknown-videos", "count"], 93.9333),
        (["--unknown-videos", "drop", "--deduplicate"], 99.8694),
        (["--unknown-videos", "count", "--deduplicate"], 93.8612),
    ],
)
def test_the_sample_submission_of_activitynet_is_scored_to_every_digit(shared, arguments, value):
    folder = shared / "activitynet13"
    result = printed(
        *("--detections", folder / "sample_detection_prediction.json", "--dataset", "activitynet13"),
        *("--ground-truth", folder, "--subset", "val", *arguments),
    )
    assert result["tiou"] == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    assert_digits(result, [value] * 10, value)


def test_videos_outside_the_ground_truth_are_refused_unless_told_otherwise(shared, capsys):
    folder = shared / "activitynet13"
    arguments = ["--detections", str(folder / "sample_detection_prediction.json"), "--dataset", "activitynet13"]
    assert main(["evaluate", *arguments, "--ground-truth", str(folder)]) == 2
    assert "expected a video of the ground truth" in capsys.readouterr().err


def test_ground_truth_as_detections_scores_100_less_duplicates_and_empty_instances(shared):
    truth = read_ground_truth(shared / "activitynet13", "validation").instances
    oracle = Detections(
        truth.videos, truth.classes, truth.video, truth.class_index, truth.start, truth.end, np.ones(len(truth))
    )
    result = evaluate_detections(oracle, truth)
    n_empty = int((truth.end <= truth.start).sum())
    assert n_empty == 3
    assert 99.9 < result.headline < 100


def test_parity_localisation_on_random_detections(shared, parity):
    case = json.loads((parity / "thumos_protocol.json").read_text())
    truth = read_ground_truth(shared / "thumos14", "test").instances
    rate, rows = case["snippets_per_second"], case["detections"]
    number_of = {name: number for number, name in enumerate(truth.videos)}
    detections = Detections(
        truth.videos,
        truth.classes,
        np.array([number_of[row["video"]] for row in rows]),
        np.array([truth.classes.index(row["label"]) for row in rows]),
        np.array([row["start_snippet"] / rate for row in rows]),
        np.array([row["end_snippet"] / rate for row in rows]),
        np.array([row["score"] for row in rows]),
    )
    ambiguous = read_ambiguous(shared / "thumos14" / "Ambiguous_test.txt")
    for key, intervals in (("kept", None), ("removed", ambiguous)):
        options = EvaluationOptions(
            protocol=SnippetProtocol(), tiou=tuple(case["tiou"]), snippets_per_second=rate, ambiguous=intervals
        )
        result = evaluate_detections(detections, truth, options)
        np.testing.assert_allclose(result.mean, case[f"mAP_percent_ambiguous_{key}"], rtol=0, atol=1e-9)
        assert (result.n_detections == len(rows)) is (intervals is None)


def test_parity_classification_on_random_scores(shared, parity):
    case = json.loads((parity / "thumos_protocol.json").read_text())["classification"]
    truth = read_ground_truth(shared / "thumos14", "test").instances
    is_positive = labels_of_instances(truth)
    place = [truth.videos.index(video) for video in case["videos"]]
    column = [truth.classes.index(name) for name in case["classes"]]
    value = classification_mean(case["scores"], is_positive[np.ix_(place, column)])
    assert value == pytest.approx(case["mAP_percent"], abs=1e-5)  # the reference accumulates in float32


def test_detections_written_as_json_and_csv_read_back_to_the_same_score(shared, published, tmp_path):
    truth = read_ground_truth(shared / "thumos14", "test").instances
    detections = read_detections(published)
    expected = evaluate_detections(detections, truth).per_class
    for name in ("copy.json", "copy.csv"):
        write_detections(tmp_path / name, detections)
        again = evaluate_detections(read_detections(tmp_path / name), truth).per_class
        np.testing.assert_array_equal(again, expected)
