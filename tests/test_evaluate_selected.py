"""The best epoch on the test set stands beside the result where a variant selects it, and only there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wtal.base.files import read_arrays, to_json, write_arrays, write_text
from wtal.cli import main
from wtal.data.store.read import read_store
from wtal.evaluate import evaluate_detections, options_from_settings
from wtal.localise.detect import detect
from wtal.localise.scores_file import read_epoch_scores
from wtal.suite.plan import detect_settings, evaluation_settings, plan_files, read_suite

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments):
    """A command in a process of its own: training flushes denormal numbers for the rest of its process."""
    subprocess.run([sys.executable, "-m", "wtal", *map(str, arguments)], check=True, cwd=ROOT, capture_output=True)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Rounds 0 and 1 of the suite `tiny` under the released code's choices, which select on the test set."""
    folder = tmp_path_factory.mktemp("tiny")
    for name, values in plan_files(read_suite(ROOT / "config" / "tiny.yaml")).items():
        write_text(folder / "settings" / name, to_json(values))
    settings, data = folder / "settings" / "code", ("--data", folder / "data")
    run("prepare", "--settings", folder / "settings" / "data.json", "--out", folder / "data")
    run("train", "--settings", settings / "round0.json", *data, "--seed", 0, "--out", folder / "round0")
    labels = folder / "labels.npz"
    scores = folder / "round0" / "scores_train.npz"
    run("solve-labels", "--settings", settings / "labels1.json", "--scores", scores, *data, "--out", labels)
    before = ("--checkpoint", folder / "round0" / "checkpoint.pt", "--labels", labels)
    run("train", "--settings", settings / "round1.json", *data, "--seed", 0, *before, "--out", folder / "round1")
    written = ("--detections", folder / "detections.json", "--rounds", folder / "rounds.npz")
    run("detect", "--settings", settings / "detect.json", *data, "--scores", *score_files(folder), *written)
    return folder


def score_files(folder):
    return [folder / f"round{number}" / "scores_test.npz" for number in range(2)]


def metrics_of(folder, scores, *settings):
    arguments = ["--settings", *settings, "--detections-of-rounds", folder / "rounds.npz", "--data", folder / "data"]
    arguments += ["--scores", *scores, "--labels", folder / "labels.npz", "--variant", "code", "--seed", 0]
    code = main([*map(str, ["evaluate-run", *arguments, "--out", folder / "metrics.json"])])
    return code, json.loads((folder / "metrics.json").read_text()) if code == 0 else None


def test_the_best_epoch_of_all_rounds_is_named_and_the_last_stays_the_result(tiny):
    settings = tiny / "settings" / "code"
    code, metrics = metrics_of(tiny, score_files(tiny), settings / "evaluate.json", settings / "detect.json")
    assert code == 0
    suite = read_suite(ROOT / "config" / "tiny.yaml")
    variant, store = suite.variants["code"], read_store(tiny / "data")
    options = options_from_settings(evaluation_settings(suite.file, variant), store.snippets_per_second)
    averages = {}
    for path in score_files(tiny):
        for epoch, scores in read_epoch_scores(path):
            how = detect_settings(variant)
            found = detect(scores, store.classes, how, store.snippets_per_second)
            averages[epoch] = evaluate_detections(found, store.instances("test"), options).headline
    assert sorted(averages) == list(range(14))
    best = max(averages, key=averages.get)
    assert metrics["selected_on_test"]["epoch"] == best
    assert metrics["selected_on_test"]["average"] == pytest.approx(averages[best], abs=1e-6)
    assert np.mean(metrics["selected_on_test"]["mAP"]) == pytest.approx(averages[best], abs=1e-5)
    assert metrics["averages"]["0.1:0.7"] == pytest.approx(averages[13], abs=1e-6)


def test_nothing_is_selected_where_the_last_checkpoint_is_the_result(tiny):
    settings = tiny / "settings"
    code, metrics = metrics_of(
        tiny, score_files(tiny), settings / "code" / "evaluate.json", settings / "optimised" / "detect.json"
    )
    assert code == 0
    assert metrics["selected_on_test"] is None


@pytest.mark.parametrize(
    ("spoiled", "sentence"),
    [
        ({"every epoch": None}, "epoch0/attention: expected scores after every epoch; got none"),
        ({"epoch3/video_score": None}, "epoch3/video_score: expected an array of that name"),
        ({"epoch3/attention": np.zeros(2, np.float32)}, "epoch3/attention: expected an array of shape"),
    ],
)
def test_scores_without_their_epochs_are_refused(tiny, tmp_path, capsys, spoiled, sentence):
    arrays = read_arrays(score_files(tiny)[0])
    if "every epoch" in spoiled:
        arrays = {key: value for key, value in arrays.items() if not key.startswith("epoch")}
    else:
        arrays = {key: spoiled.get(key, value) for key, value in arrays.items()}
        arrays = {key: value for key, value in arrays.items() if value is not None}
    write_arrays(tmp_path / "scores.npz", arrays)
    settings = tiny / "settings" / "code"
    scores = [tmp_path / "scores.npz", score_files(tiny)[1]]
    code, _ = metrics_of(tiny, scores, settings / "evaluate.json", settings / "detect.json")
    assert code == 2
    assert sentence in capsys.readouterr().err
