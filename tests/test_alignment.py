"""The alignment report finds the known faults of the real annotations by itself, and says what does not fit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from full_size import write_features
from hypothesis import given
from hypothesis import strategies as st
from test_convert import COLUMNS, annotations_json

from wtal.base.files import to_json, write_text
from wtal.base.schema import to_mapping
from wtal.data.annotations.read import AnnotatedVideo
from wtal.data.convert.settings import FeatureData
from wtal.data.features import alignment
from wtal.suite.plan import plan_files, read_suite
from wtal.suite.streams import Stream

RATE = 25 / 16


def wtal(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wtal", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


def check(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return wtal("check-data", *arguments, folder=folder)


def config(name: str) -> Path:
    return Path(__file__).resolve().parents[1] / "config" / f"{name}.yaml"


# Real annotations


def test_the_known_faults_of_thumos14_are_found(shared: Path, tmp_path: Path) -> None:
    done = check(config("thumos14"), "--annotations", shared / "thumos14", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    of = {line.split()[0]: line for line in lines if line.startswith("video_")}
    assert len(of) == 412
    late = "begins after the video's end"
    for name, number in {
        "video_test_0000814": 3,
        "video_test_0001081": 1,
        "video_validation_0000364": 2,
        "video_validation_0000856": 2,
    }.items():
        assert f"{late}: " in of[name]
        assert any(late in line and f"{name} ({number})" in line for line in lines if line.startswith("summary"))
    assert "summary      train: every instance of CliffDiving (143) is also labelled Diving" in lines
    assert "summary      test: every instance of CliffDiving (217) is also labelled Diving" in lines
    assert sum("is also labelled" in line for line in lines) == 2
    wrong = "summary      test: listed classes are none of its instances': 2 in 2 videos: "
    assert any(line.startswith(wrong) and "0000270" in line and "0001496" in line for line in lines)
    assert "train        200 videos (validation), 3,007 instances" in lines
    assert "test         212 videos (test), 3,358 instances" in lines
    assert any(line.startswith("features ") and "missing; `wtal fetch thumos14`" in line for line in lines)
    assert lines[-1].startswith("verdict      annotations are whole (63 of 412 videos have remarks")
    assert list(tmp_path.iterdir()) == []


def test_the_known_faults_of_activitynet13_are_found(shared: Path, tmp_path: Path) -> None:
    given = (config("activitynet13"), "--annotations", shared / "activitynet13", "--remarks-only")
    lines = check(*given, folder=tmp_path).stdout.splitlines()
    assert any(line.startswith("summary      test: repeats an instance: 17 in 5 videos") for line in lines)
    assert any(line.startswith("summary      test: instance of no length: 3 in 3 videos") for line in lines)
    assert any(line.startswith("summary      train: instance of no length: 8 in 8 videos") for line in lines)
    assert "test         4,427 videos (val), 6,836 instances" in lines
    assert len(lines) < 100


def test_features_of_thumos14_are_held_against_durations(shared: Path, tmp_path: Path) -> None:
    write_features(shared / "thumos14", tmp_path / "features", layout="object_array", columns=2)
    settings = {
        "kind": "features",
        "name": "thumos14",
        "features": "features",
        "annotations": str(shared / "thumos14"),
        "train_subset": "validation",
        "feature_size": 2,
        "streams": [{"name": "rgb", "columns": 1}, {"name": "flow", "columns": 1}],
    }
    (tmp_path / "data.json").write_text(json.dumps(settings))
    done = check("data.json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("verdict      fits: features, durations and annotations belong together")
    assert any(line.split()[:4] == ["video_test_0000814", "test", "283", "283.2"] for line in lines)


# Made-up sets


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Data settings beside features and annotations of twelve videos."""
    annotations_json(tmp_path / "small.json")
    write_features(tmp_path / "small.json", tmp_path / "features", layout="npy_per_video", columns=COLUMNS)
    half = COLUMNS // 2
    settings = FeatureData(
        kind="features",
        name="small",
        features="features",
        annotations="small.json",
        train_subset="training",
        test_subset="validation",
        feature_size=COLUMNS,
        streams=(Stream(name="rgb", columns=half), Stream(name="flow", columns=half)),
        lock="lock.json",
    )
    (tmp_path / "data.json").write_text(json.dumps(to_mapping(settings)))
    return tmp_path


def test_a_set_that_does_not_fit_ends_in_that_verdict_and_exit_code_2(small: Path) -> None:
    for path in (small / "features").iterdir():
        np.save(path, np.repeat(np.load(path), 3, axis=0))
    done = check("data.json", folder=small)
    assert done.returncode == 2
    assert "another rate (snippets_per_second)" in done.stdout.splitlines()[-1]
    assert done.stderr.startswith("wtal check-data: small: expected features that fit the annotations; got 4.")
    assert done.stderr.count("\n") == 1


def test_the_report_writes_the_lock_of_the_suites_own_files_alone(small: Path) -> None:
    assert check("data.json", "--features", "features", folder=small).returncode == 0
    assert check("data.json", "--shapes-only", folder=small).returncode == 0
    assert not (small / "lock.json").exists()
    assert check("data.json", folder=small).returncode == 0
    assert len(json.loads((small / "lock.json").read_text())["videos"]) == 12


def suite_of_two_folders(folder: Path, annotations: Path, features: Path, columns: int) -> Path:
    """A suite with a lock whose streams lie in folders; its settings file is written as the workflow writes it."""
    dataset = {
        "kind": "features",
        "name": "two",
        "features": str(features),
        "annotations": str(annotations),
        "layout": "two_folders",
        "train_subset": "training",
        "test_subset": "validation",
        "feature_size": 2 * columns,
        "streams": [{"name": "rgb", "columns": columns}, {"name": "flow", "columns": columns}],
        "lock": "lock.json",
    }
    suite = yaml.safe_load(config("tiny").read_text()) | {"suite": "two", "dataset": dataset}
    (folder / "two.yaml").write_text(yaml.safe_dump(suite, sort_keys=False))
    write_text(folder / "data.json", to_json(plan_files(read_suite(folder / "two.yaml"))["data.json"]))
    return folder / "two.yaml"


def test_what_check_data_finds_fitting_is_prepared_in_the_same_order(shared: Path, tmp_path: Path) -> None:
    case = shared / "cases" / "02-checked-data-refused"
    suite = suite_of_two_folders(tmp_path, case / "annotations.json", case / "two", 8)
    checked = check(suite, folder=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    lock = json.loads((tmp_path / "lock.json").read_text())
    prepared = wtal("prepare", "--settings", "data.json", "--out", "store", folder=tmp_path)
    assert prepared.returncode == 0, prepared.stderr
    streams = json.loads((tmp_path / "store" / "meta.json").read_text())["streams"]
    assert streams == [{"name": "rgb", "columns": 8}, {"name": "flow", "columns": 8}] == lock["features"]["streams"]
    assert json.loads((tmp_path / "lock.json").read_text()) == lock


def test_columns_exchanged_after_they_were_locked_are_refused(shared: Path, tmp_path: Path) -> None:
    case = shared / "cases" / "02-checked-data-refused"
    suite = suite_of_two_folders(tmp_path, case / "annotations.json", case / "two", 8)
    assert check(suite, folder=tmp_path).returncode == 0
    values = json.loads((tmp_path / "data.json").read_text())
    (tmp_path / "data.json").write_text(json.dumps({**values, "streams": values["streams"][::-1]}))
    prepared = wtal("prepare", "--settings", "data.json", "--out", "store", folder=tmp_path)
    assert prepared.returncode == 2
    assert "lock.json: features/streams: expected what was first seen" in prepared.stderr
    assert not (tmp_path / "store" / "meta.json").exists()


def test_a_damaged_file_is_the_verdict(small: Path) -> None:
    (small / "features" / "v_003.npy").write_bytes(b"")
    done = check("data.json", folder=small)
    assert done.returncode == 2
    assert "verdict      does not fit: features/v_003.npy: expected an .npy file" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "expected either DATASET or --data DIR; got both or none"),
        (["data.json", "--data", "x"], "expected either DATASET or --data DIR; got both or none"),
        (["thumos15"], "config/thumos15.yaml: expected a readable file"),
        (["hapt.json"], "kind: expected a suite whose data are of kind features"),
        (
            ["data.json", "--annotations", "none"],
            "none: expected a folder with segments.npy and",
        ),
    ],
)
def test_wrong_arguments_get_one_sentence(small: Path, arguments: list[str], sentence: str) -> None:
    (small / "hapt.json").write_text('{"kind": "hapt"}')
    done = check(*arguments, folder=small)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


# Pure functions


lengths = st.lists(st.floats(10, 900), min_size=6, max_size=60, unique_by=round)


@given(lengths, st.integers(0, 1))
def test_counts_that_follow_the_durations_have_no_problem(seconds: list[float], lost: int) -> None:
    durations = np.array(seconds)
    counts = np.floor(durations * RATE).astype(np.int64) - lost
    assert alignment.rate_problem(counts, durations, RATE) is None


@given(st.lists(st.integers(60, 900), min_size=8, max_size=60, unique=True), st.floats(0.2, 5))
def test_another_rate_is_told_with_its_value(seconds: list[int], rate: float) -> None:
    durations = np.array(seconds, dtype=np.float64)
    counts = np.floor(durations * rate).astype(np.int64)
    problem = alignment.rate_problem(counts, durations, RATE)
    if abs(rate / RATE - 1) > 0.15:
        assert problem is not None
        assert problem.endswith("another rate (snippets_per_second)")
        assert float(problem.split()[0]) == pytest.approx(rate, rel=0.02, abs=0.5 / 60)


@given(st.permutations(range(12)))
def test_another_order_is_told_unless_few_videos_moved(order: list[int]) -> None:
    durations = 20 + 15.0 * np.arange(12)
    counts = np.floor(durations * RATE).astype(np.int64)[order]
    n_moved = sum(place != number for place, number in enumerate(order))
    problem = alignment.rate_problem(counts, durations, RATE)
    assert (problem is not None and "in another order" in problem) == (n_moved > 1)


def test_no_common_ground_is_told_without_a_guess() -> None:
    generator = np.random.default_rng(0)
    problem = alignment.rate_problem(generator.integers(10, 900, 40), generator.uniform(10, 900, 40), RATE)
    assert problem is not None
    assert problem.endswith("videos have another number of snippets than their duration says")


def test_remarks_name_the_stretches() -> None:
    rows = (("a", 1.0, 2.0), ("a", 1.0, 2.0), ("b", 3.0, 3.0), ("b", 9.0, 12.0), ("c", 10.0, 11.0))
    video = AnnotatedVideo("v", "test", 10.0, rows, ("d",))
    assert alignment.remarks(video, 10.0, [(4.0, 5.0)]) == {
        "repeats an instance": ["a 1-2"],
        "instance of no length": ["b 3-3"],
        "begins after the video's end": ["c 10-11"],
        "ends after the video's end": ["b 9-12"],
        "listed classes are none of its instances'": ["a, b, c, d"],
        "ambiguous interval": ["4-5"],
    }
    assert alignment.remarks(AnnotatedVideo("w", "test", 10.0, ()), 10.0) == {"no label": ["no class at all"]}
    assert alignment.overlap_of_ambiguous(video, [(1.5, 1.6), (2.0, 3.0)]) == 2


def test_classes_that_always_come_together_are_told() -> None:
    first = AnnotatedVideo("v", "train", 10.0, (("a", 1, 2), ("b", 1.02, 2), ("c", 3, 4)))
    second = AnnotatedVideo("w", "train", 10.0, (("b", 5, 6), ("c", 7, 8)))
    assert alignment.covers_class([first, second]) == ["every instance of a (1) is also labelled b"]
    assert alignment.crowded([first, second]) == [
        "b and c occur in exactly the same 2 videos: weak labels cannot tell them apart"
    ]
