"""What the page is told of single videos: kinds, overlaps, who finds what, what errors cost, how much of it fits."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from report_run import CLASSES, N_TEST, N_TRAIN, SNIPPETS, make_run

from wtal.base.errors import InputError
from wtal.base.files import read_json
from wtal.base.records import Detections, Instances
from wtal.cli import main
from wtal.evaluate.diagnose.diagnose import diagnose_matches
from wtal.evaluate.score.evaluation import match_detections
from wtal.evaluate.score.options import EvaluationOptions
from wtal.report.explorer.costs import costs_of
from wtal.report.explorer.explorer import explorer_value, write_explorer
from wtal.report.explorer.packing import MOST_POINTS, chosen, packed, packed_signed, size_of
from wtal.report.explorer.systems import System
from wtal.report.explorer.videos import first_score, losses, videos_of

TRUTH = Instances(
    videos=("a", "b"), classes=("run", "jump"),
    video=np.array([0, 0, 1]), class_index=np.array([0, 1, 0]),
    start=np.array([0.0, 50.0, 5.0]), end=np.array([10.0, 52.0, 9.0]),
)  # fmt: skip
OPTIONS = EvaluationOptions(tiou=(0.3, 0.5))


def system(name: str, rows: list[tuple[int, int, float, float, float]]) -> System:
    """A system of one seed from rows of video, class, start, end, score."""
    columns = list(zip(*rows)) if rows else [()] * 5
    numbers = [np.array(column, dtype=np.int64) for column in columns[:2]]
    found = Detections(
        TRUTH.videos, TRUTH.classes, *numbers, *(np.array(column, dtype=np.float64) for column in columns[2:])
    )
    return System(name, name.title(), (found,), (match_detections(found, TRUTH, OPTIONS),))


GOOD = system("good", [(0, 0, 0.0, 10.0, 0.9), (0, 1, 50.0, 52.0, 0.8), (1, 0, 5.0, 9.0, 0.7)])
BAD = system(
    "bad", [(0, 0, 0.0, 4.0, 0.9), (0, 0, 0.0, 10.0, 0.5), (0, 0, 50.0, 52.0, 0.4), (0, 0, 80.0, 90.0, 0.123456)]
)


def test_every_detection_has_its_kind_at_each_threshold_and_its_overlaps() -> None:
    (first, second) = videos_of([GOOD, BAD], TRUTH, {"a": 100.0, "b": 20.0})
    assert first["detections"][1] == [
        [0, 0.0, 4.0, 0.9, "03", 40, 0],
        [0, 0.0, 10.0, 0.5, "10", 100, 0],
        [0, 50.0, 52.0, 0.4, "22", 0, 100],
        [0, 80.0, 90.0, 0.1235, "55", 0, 0],
    ]
    assert first["truth"] == [[0, 0.0, 10.0, [3, 3]], [1, 50.0, 52.0, [3, 0]]]
    assert second["truth"] == [[0, 5.0, 9.0, [3, 0]]]
    assert (first["seconds"], second["detections"][1]) == (100.0, [])


def test_a_length_that_is_not_known_is_the_last_bound() -> None:
    assert [video["seconds"] for video in videos_of([GOOD, BAD], TRUTH, None)] == [90.0, 9.0]


def test_a_video_loses_by_instances_first_then_by_false_positives() -> None:
    videos = videos_of([GOOD, BAD], TRUTH, None)
    assert losses(videos, 1, 0, 1) == [103.0, 100.0]
    assert losses(videos, 1, 1, 0) == [-103.0, -100.0]


def test_the_first_score_leaves_two_detections_an_instance() -> None:
    videos = videos_of([GOOD], TRUTH, None)
    assert first_score(videos) == 0.7
    assert first_score([]) == 0.0


def test_costs_are_what_the_diagnosis_says_removal_gains() -> None:
    for each in (GOOD, BAD):
        result = diagnose_matches(each.matches[0], each.detections[0], TRUTH)
        gains = (result.plain_without - result.plain).mean(axis=1)
        rows = costs_of(each, TRUTH, 0.95)
        assert [row["gain"][0] for row in rows[1:]] == pytest.approx(gains, abs=1e-4)
        assert [row["count"] for row in rows] == result.profile[1].sum(axis=0).tolist()
        assert all(row["gain"][1] <= row["gain"][0] <= row["gain"][2] for row in rows[1:])


def test_curves_are_one_byte_a_value_and_keep_their_peaks() -> None:
    assert list(base64.b64decode(packed([0.0, 0.5, 1.0, 2.0]))) == [0, 128, 255, 255]
    assert list(base64.b64decode(packed_signed([-1.0, 0.0, 1.0], 1.0))) == [1, 128, 255]
    long = np.zeros(5000)
    long[4321] = 1.0
    bytes_of = base64.b64decode(packed(long))
    assert (len(bytes_of), max(bytes_of)) == (MOST_POINTS, 255)


def test_of_too_many_videos_the_worst_the_best_and_the_middle_are_shown() -> None:
    videos = [{"name": f"{number:04}"} for number in range(1000)]
    loss = [float(number) for number in range(1000)]
    assert chosen(videos, loss) == list(range(1000))
    shown = chosen(videos, loss, budget=300 * size_of(videos[0]))
    assert shown == [*range(100), *range(450, 550), *range(900, 1000)]
    few = chosen(videos, loss, budget=6 * size_of(videos[0]))
    assert few == [0, 1, 499, 500, 998, 999]


def test_a_value_is_the_same_text_every_time() -> None:
    one, other = (explorer_value([GOOD, BAD], TRUTH, None) for _ in range(2))
    assert json.dumps(one) == json.dumps(other)
    assert (one["tiou"], one["first_tiou"], one["n_videos"]) == ([0.3, 0.5], 1, 2)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("run"))
    call = ["diagnose-suite", "--report", str(folder / "settings/report.json"), "--data", str(folder / "data")]
    assert main([*call, "--results", str(folder), "--out", str(folder)]) == 0
    return folder


def test_a_suite_has_every_test_video_and_its_training_videos_round_by_round(results: Path) -> None:
    shown = read_json(results / "explorer.json")
    assert [each["name"] for each in shown["systems"]] == ["base", "whole"]
    assert shown["classes"] == list(CLASSES)
    assert len(shown["videos"]) == shown["n_videos"] == N_TEST
    curves = shown["videos"][0]["curves"][0]
    assert len(base64.b64decode(curves["scores"]["0"])) == len(base64.b64decode(curves["attention"])) == SNIPPETS
    assert len(shown["training"]) == N_TRAIN
    first, second = shown["training"][0]["rounds"]
    assert "delta" not in first
    assert len(second["delta"]) == len(CLASSES)
    start, end, _, cluster, weight = first["proposals"][0][0]
    assert 0 <= start < end <= 20.5
    assert cluster >= 0
    assert 0 < weight <= 1


def test_a_diagnosis_has_both_systems_with_intervals_over_seeds(results: Path) -> None:
    found = read_json(results / "diagnosis.json")
    assert [each["name"] for each in found["systems"]] == ["base", "whole"]
    assert {each["interval_over"] for each in found["systems"]} == {"test videos and 2 seeds"}
    assert {bucket["characteristic"] for bucket in found["systems"][0]["buckets"]} == {
        "coverage",
        "length",
        "instances",
    }


def test_the_same_run_gives_the_same_bytes(results: Path, tmp_path: Path) -> None:
    write_explorer(results / "settings" / "report.json", results / "data", results, tmp_path)
    for name in ("explorer.json", "diagnosis.json"):
        assert (tmp_path / name).read_bytes() == (results / name).read_bytes()


def test_nothing_is_written_where_scores_lack(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    (folder / "base" / "seed0" / "round0" / "scores_test.npz").unlink()
    with pytest.raises(InputError, match=r"scores_test\.npz: expected a readable file"):
        write_explorer(folder / "settings" / "report.json", folder / "data", folder, folder)
    assert not (folder / "explorer.json").exists()
