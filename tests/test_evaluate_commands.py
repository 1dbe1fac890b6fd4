"""`wtal evaluate`, `wtal compare` and `wtal evaluate-run` as their users meet them."""

from __future__ import annotations

import csv
import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import wtal.evaluate
from wtal.base.files import digest_of_file, write_arrays, write_rows
from wtal.cli import main

ROOT = Path(__file__).resolve().parents[1]
TRUTH = {
    "database": {
        "a": {"subset": "test", "annotations": [{"label": "run", "segment": [1, 3]}]},
        "b": {"subset": "test", "annotations": [{"label": "jump", "segment": [0, 4]}]},
        "c": {"subset": "test", "annotations": [{"label": "run", "segment": [5, 6]}]},
    }
}


@pytest.fixture
def files(tmp_path):
    """Ground truth, perfect detections, and ones that miss a video."""
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    perfect = {
        video: [{**row, "score": 0.5} for row in entry["annotations"]] for video, entry in TRUTH["database"].items()
    }
    (tmp_path / "perfect.json").write_text(json.dumps({"results": perfect}))
    (tmp_path / "poor.json").write_text(json.dumps({"results": {**perfect, "c": []}}))
    return tmp_path


def run(*arguments):
    assert main([*map(str, arguments)]) == 0


def test_a_result_is_printed_in_every_form_with_its_protocol(files, capsys):
    arguments = ["evaluate", "--detections", files / "poor.json", "--ground-truth", files / "truth.json"]
    arguments += ["--tiou", "0.5,0.75"]
    run(*arguments)
    table = capsys.readouterr().out
    assert "protocol activitynet" in table
    assert re.search(r"mAP +75\.00 +75\.00 +75\.00", table)
    run(*arguments, "--format", "csv", "--per-class", "--digits", "4")
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert rows == [
        ["", "0.5", "0.75", "0.5:0.75"],
        ["mAP", "75.0000", "75.0000", "75.0000"],
        ["jump", "100.0000", "100.0000", ""],
        ["run", "50.0000", "50.0000", ""],
    ]
    run(*arguments, "--format", "markdown")
    assert "| mAP | 75.00 | 75.00 | 75.00 |" in capsys.readouterr().out
    run(*arguments, "--format", "latex", "--bootstrap", "20")
    latex = capsys.readouterr().out
    assert r"mAP & 75.00 & 75.00 & 75.00 \\" in latex
    assert r"low 95 \%" in latex
    run(*arguments, "--format", "json", "--bootstrap", "20", "--seed", "suite")
    value = json.loads(capsys.readouterr().out)
    assert value["mAP"] == [75, 75]
    assert value["mean"] == 75
    assert value["bootstrap"]["resamples"] == 20


def test_a_comparison_says_which_is_better_and_by_how_much(files, capsys):
    arguments = ["compare", files / "poor.json", files / "perfect.json", "--ground-truth", files / "truth.json"]
    run(*arguments)
    assert re.search(r"not separated, \+25\.00 \[-\S+, \S+\]", capsys.readouterr().out)
    run(*arguments, "--format", "json")
    (difference,) = json.loads(capsys.readouterr().out)["differences"]
    assert difference["interval_over"] == "test videos alone: one seed"
    assert (difference["system"], difference["from"]) == ("perfect.json", "poor.json")
    assert difference["difference"] == 25
    assert main(["compare", str(files / "poor.json"), "--ground-truth", str(files / "truth.json")]) == 2
    assert "expected two or more files" in capsys.readouterr().err


def unescaped(text):
    """What is left of a LaTeX text that would not be set as it stands."""
    return re.sub(
        r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|char34)\{\}|\\[&%$#_{}]",
        "",
        text,
    )


@pytest.mark.parametrize("letter", list("{}\\~^%$#&_"))
def test_every_name_is_data_in_latex(files, capsys, letter):
    hostile = f"a{letter}b"
    truth = {video: entry.copy() for video, entry in TRUTH["database"].items()}
    truth["a"]["annotations"] = [{"label": hostile, "segment": [1, 3]}]
    (files / "hostile.json").write_text(json.dumps({"database": truth}))
    rows = {"results": {"a": [{"label": hostile, "segment": [1, 3], "score": 0.5}]}}
    for name in (f"one{letter}.json", f"two{letter}.json"):
        (files / name).write_text(json.dumps(rows))
    given = ["--ground-truth", files / "hostile.json", "--format", "latex"]
    first, second = (str(files / f"{name}{letter}.json") for name in ("one", "two"))
    run("evaluate", "--detections", first, "--per-class", *given)
    run("compare", first, second, *given)
    run("compare", "--system", f"[{letter}", first, second, "--system", f"*{letter}", second, first, *given)
    run("diagnose", "--detections", first, *given)
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("%")]
    rows = [line.removesuffix(r" \\") for line in lines if line.endswith(r" \\")]
    assert sum("b &" in row for row in rows) == 1  # the class
    assert len([row for row in rows if row.startswith(("{}[", "{}*"))]) == 2
    for row in rows:
        assert not set(unescaped(" ".join(row.removeprefix("{}").split(" & ")))) & set("{}\\~^%$#&_"), row


def test_a_name_stays_in_its_cell_in_markdown(files, capsys):
    for name in ("a|b.json", "c_d.json"):
        (files / name).write_text((files / "poor.json").read_text())
    names = [files / "a|b.json", files / "c_d.json"]
    run("compare", *names, "--ground-truth", files / "truth.json", "--format", "markdown")
    printed = capsys.readouterr().out
    assert r"| a\|b.json |" in printed
    assert r"| c\_d.json |" in printed


@pytest.fixture
def suite(tmp_path):
    """The files of a run with one round of labels on two training and two test videos."""
    data, classes = tmp_path / "data", np.array(["run", "jump"])
    features = np.zeros((32, 8), np.float32)
    data.mkdir()
    np.save(data / "features.npy", features)
    videos = [
        ("a", "train", 0, 8, 4.0),
        ("b", "train", 8, 8, 4.0),
        ("c", "test", 16, 8, 4.0),
        ("d", "test", 24, 8, 4.0),
    ]
    write_rows(data / "videos.csv", ("video", "subset", "first_row", "n_snippets", "seconds"), videos)
    labels = [("a", "run"), ("b", "jump"), ("c", "run"), ("d", "jump")]
    write_rows(data / "video_labels.csv", ("video", "class"), labels)
    annotations = [(video, name, 1.0, 3.0) for video, name in labels]
    write_rows(data / "annotations.csv", ("video", "class", "start", "end"), annotations)
    names = ("features.npy", "videos.csv", "video_labels.csv", "annotations.csv")
    meta = {
        "dataset": "made-up",
        "classes": classes.tolist(),
        "snippets_per_second": 2.0,
        "feature_size": 8,
        "streams": [{"name": "all", "columns": 8}],
        "source": "none",
        "licence": "none",
        "citation": "none",
        "files": {name: digest_of_file(data / name) for name in names},
    }
    (data / "meta.json").write_text(json.dumps(meta))
    (tmp_path / "evaluate.json").write_text(json.dumps({"tiou": "0.5:0.7:0.2", "averages": ["0.5:0.7"]}))
    scores = {
        "videos": np.array(["c", "d"]),
        "classes": classes,
        "offsets": np.array([0, 8, 16]),
        "snippet_score": np.zeros((16, 3), np.float32),
        "video_score": np.array([[0.9, 0.1, 0], [0.2, 0.8, 0]], np.float32),
        "attention": np.zeros(16, np.float32),
    }
    for number in range(2):
        write_arrays(tmp_path / f"scores{number}.npz", scores)
    rounds = {
        "round": np.array([0, 1, 1]),
        "video": np.array([0, 0, 1]),
        "label": np.array([0, 0, 1]),
        "start": np.array([1.0, 1.0, 1.0]),
        "end": np.array([3.0, 3.0, 3.0]),
        "score": np.array([0.5, 0.5, 0.5]),
        "videos": np.array(["c", "d"]),
        "classes": classes,
    }
    write_arrays(tmp_path / "rounds.npz", rounds)
    label = np.zeros((16, 3), np.float32)
    label[2:6, 0] = label[10:14, 1] = 1
    write_arrays(
        tmp_path / "labels.npz",
        {
            "videos": np.array(["a", "b"]),
            "classes": classes,
            "offsets": np.array([0, 8, 16]),
            "label": label,
            "weight": np.ones_like(label),
            "target": np.array("logits"),
            "kind": np.array("positive"),
            "violation": np.zeros((2, 3), np.float32),
            "status": np.array([[0, -1, -1], [-1, 0, -1]], np.int8),
            "instance_video": np.array([0, 1]),
            "instance_class": np.array([0, 1]),
            "instance_start": np.array([2, 2]),
            "instance_end": np.array([6, 6]),
            "instance_score": np.array([1.0, 1.0]),
        },
    )
    return tmp_path


def run_arguments(suite, out="metrics.json", **changes):
    paths = {
        "settings": [suite / "evaluate.json"],
        "detections-of-rounds": [suite / "rounds.npz"],
        "data": [suite / "data"],
        "scores": [suite / "scores0.npz", suite / "scores1.npz"],
        "labels": [suite / "labels.npz"],
        "variant": ["optimised"],
        "seed": [3],
        "out": [suite / out],
    } | changes
    return ["evaluate-run", *(str(word) for key, values in paths.items() for word in (f"--{key}", *values))]


def test_a_run_writes_the_figures_of_every_round_and_of_the_last(suite):
    run(*run_arguments(suite))
    metrics = json.loads((suite / "metrics.json").read_text())
    assert metrics["mAP"] == [100, 100]
    assert metrics["averages"] == {"0.5:0.7": 100}
    assert metrics["per_class"] == {"jump": [100, 100], "run": [100, 100]}
    assert (metrics["variant"], metrics["seed"], metrics["protocol"]) == ("optimised", 3, "activitynet")
    assert (metrics["n_detections"], metrics["classification_mAP"], metrics["selected_on_test"]) == (2, 100, None)
    first, second = metrics["rounds"]
    assert (first["round"], first["average"], first["label_precision"]) == (0, 50, None)
    assert (second["average"], second["label_precision"], second["label_recall"]) == (100, 100, 100)
    assert (second["label_average_precision"], second["label_mAP"]) == (100, 100)
    assert (second["lp_infeasible_share"], second["lp_violation"]) == (0, 0)


def test_a_run_is_written_in_the_same_bytes_each_time(suite):
    run(*run_arguments(suite))
    run(*run_arguments(suite, out="again.json"))
    assert (suite / "metrics.json").read_bytes() == (suite / "again.json").read_bytes()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": []}, "--labels: expected 1 files, one for each round from 1; got 0"),
        ({"scores": ["scores0.npz"], "labels": []}, "round: expected detections of 1 rounds"),
        ({"data": ["nowhere"]}, "nowhere: expected"),
        ({"detections-of-rounds": ["scores0.npz"]}, "round: expected an array of that name"),
    ],
)
def test_files_that_do_not_belong_together_are_refused_and_nothing_is_written(suite, changes, sentence, capsys):
    changes = {key: [suite / value for value in values] for key, values in changes.items()}
    assert main(run_arguments(suite, **changes)) == 2
    assert sentence in capsys.readouterr().err
    assert not (suite / "metrics.json").exists()


def test_settings_that_make_no_sense_are_refused_by_file_and_key(suite, capsys):
    (suite / "evaluate.json").write_text(json.dumps({"tiou": "0.5:0.7:0.2", "averages": ["0.1:0.7"]}))
    assert main(run_arguments(suite)) == 2
    assert "evaluate.json: averages: expected first:last, both among the thresholds" in capsys.readouterr().err


def test_the_evaluator_starts_without_torch_pandas_and_scipy():
    code = (
        "import sys, wtal.cli.evaluate, wtal.evaluate, wtal.evaluate.run.evaluate_run; "
        "import wtal.evaluate.score.uncertainty; "
        "print({'torch', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


@pytest.mark.parametrize("page", ["evaluation.md", "diagnosis.md", "index.md"])
def test_the_examples_of_the_documentation_run_and_import_no_torch(page, tmp_path):
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    assert examples
    examples = [example for example in examples if "import torch" not in example]
    code = "\n".join([*examples, "import sys", "assert 'torch' not in sys.modules"])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=tmp_path, env=environment)


def test_the_example_of_the_package_is_true():
    assert doctest.testmod(wtal.evaluate).failed == 0
    assert doctest.testmod(wtal.evaluate).attempted == 5
    assert doctest.testmod(wtal).failed == 0
    assert doctest.testmod(wtal).attempted == 7
