"""`wtal diagnose`, `wtal label-quality` and `wtal compare --system` as their users meet them."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from test_evaluate_commands import run, suite  # noqa: F401

from wtal.cli import main
from wtal.evaluate.diagnose.characteristics import computed_characteristics
from wtal.evaluate.diagnose.error_kinds import KINDS
from wtal.evaluate.read.characteristics_file import read_characteristics
from wtal.evaluate.read.ground_truth import read_ground_truth

TRUTH = {
    "database": {
        "a": {
            "subset": "test",
            "duration": 100.0,
            "annotations": [
                {"label": "run", "segment": [0, 10], "length": 10.0, "coverage": 0.1, "num-instances": 2},
                {"label": "jump", "segment": [50, 52], "length": 2.0, "coverage": 0.02, "num-instances": 2},
            ],
        },
        "b": {
            "subset": "test",
            "duration": 50.0,
            "annotations": [{"label": "run", "segment": [5, 6], "length": 1.0, "coverage": 0.02, "num-instances": 1}],
        },
    }
}
FOUND = {
    "a": [
        {"label": "run", "segment": [0, 10], "score": 0.9},
        {"label": "run", "segment": [0, 9], "score": 0.8},
        {"label": "run", "segment": [50, 52], "score": 0.7},
    ],
    "b": [{"label": "run", "segment": [5, 5.4], "score": 0.6}, {"label": "jump", "segment": [30, 40], "score": 0.5}],
}
TABLES = ("error_profile", "error_impact", "sensitivity", "false_negatives")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    (tmp_path / "found.json").write_text(json.dumps({"results": FOUND}))
    return tmp_path


def arguments(files, *more):
    paths = ["--detections", files / "found.json", "--ground-truth", files / "truth.json", "--tiou", "0.3,0.5"]
    return ["diagnose", *map(str, [*paths, *more])]


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_a_diagnosis_writes_its_tables_as_they_are_on_paper(files, capsys):
    run(*arguments(files, "--out", files / "out", "--no-figures"))
    printed = capsys.readouterr().out
    assert re.search(r"double detection +20\.00", printed)
    assert sorted(path.name for path in (files / "out").iterdir()) == sorted(
        [*(f"{name}.csv" for name in TABLES), "diagnosis.json"]
    )
    profile = rows_of(files / "out" / "error_profile.csv")
    assert len(profile) == 2 * 10 * 6
    counts = dict.fromkeys(KINDS, 0)
    for row in profile:
        counts[row["kind"]] += int(row["predictions"]) * (row["tiou"] == "0.5")
    assert list(counts.values()) == [1, 1, 1, 1, 0, 1]
    impact = {(row["tiou"], row["removed"]): row for row in rows_of(files / "out" / "error_impact.csv")}
    assert float(impact["0.5", "nothing"]["mAP"]) == 25.0  # one run of two at rank 1; no jump
    assert float(impact["0.3", "nothing"]["mAP"]) == 37.5  # the second at rank 4: (1 + 2/4) / 2 over two classes
    assert float(impact["0.3", "wrong label"]["gain_mAP"]) == pytest.approx(100 * (2 / 3 - 2 / 4) / 4, abs=1e-5)
    sensitivity = {(row["characteristic"], row["bucket"]): row for row in rows_of(files / "out" / "sensitivity.csv")}
    assert sensitivity["all", ""]["instances"] == "3"
    assert [sensitivity["length", name]["instances"] for name in ("XS", "S", "M", "L", "XL")] == list("20100")
    assert float(sensitivity["length", "M"]["mAP_N@0.5"]) == 100.0
    assert sensitivity["length", "XL"]["mAP_N@0.5"] == ""
    missed = {(row["characteristic"], row["bucket"]): row for row in rows_of(files / "out" / "false_negatives.csv")}
    assert [missed["instances", name]["missed@0.5"] for name in ("XS", "S")] == ["100.0", "50.0"]
    assert float(missed["all", ""]["missed@mean"]) == 50.0


def test_figures_are_drawn_in_the_same_bytes_each_time(files):
    run(*arguments(files, "--out", files / "one"))
    run(*arguments(files, "--out", files / "two"))
    run(*arguments(files, "--out", files / "named", "--tiou", "0.5", "--title", "base, seed 1"))
    for name in (*(f"{name}.svg" for name in TABLES), *(f"{name}.png" for name in TABLES), "diagnosis.json"):
        assert (files / "one" / name).read_bytes() == (files / "two" / name).read_bytes()
    svg = (files / "one" / "error_profile.svg").read_text()
    assert "found.json, protocol activitynet" in svg
    assert all(kind in svg for kind in KINDS)
    assert "base, seed 1" in (files / "named" / "error_impact.svg").read_text()
    assert "mAP_N@0.5 " in (files / "named" / "sensitivity.svg").read_text()


def test_a_file_of_characteristics_gives_what_is_computed(files, capsys):
    run(*arguments(files, "--format", "json"))
    computed = json.loads(capsys.readouterr().out)
    run(*arguments(files, "--format", "json", "--characteristics", files / "truth.json"))
    assert json.loads(capsys.readouterr().out) == computed
    run(*arguments(files, "--format", "json", "--buckets", "activitynet"))
    other = json.loads(capsys.readouterr().out)
    assert [bucket["instances"] for bucket in other["buckets"]][:5] == [3, 0, 0, 0, 0]


def test_without_the_length_of_videos_coverage_is_left_out(files, capsys):
    truth = json.loads((files / "truth.json").read_text())
    del truth["database"]["b"]["duration"]
    (files / "truth.json").write_text(json.dumps(truth))
    run(*arguments(files))
    printed = capsys.readouterr()
    assert "coverage" not in printed.out
    assert "length XS" in printed.out
    assert "coverage is left out" in printed.err


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"segment": [0, 11]}, "database/a: expected the instance of run at 0 to 10 s of the ground truth"),
        ({"segment": [0]}, "database/a/annotations[0]/segment: expected [start, end] in seconds"),
        ({"label": 3}, "database/a/annotations[0]: expected an annotation with a label"),
        ({"coverage": None}, "database/a/annotations[0]/coverage: expected a number; got None"),
        ({"num-instances": "two"}, "database/a/annotations[0]/num-instances: expected a number; got 'two'"),
    ],
)
def test_characteristics_that_do_not_fit_are_refused_and_nothing_is_written(files, capsys, changes, sentence):
    truth = json.loads((files / "truth.json").read_text())
    truth["database"]["a"]["annotations"][0] |= changes
    (files / "characteristics.json").write_text(json.dumps(truth))
    options = arguments(files, "--characteristics", files / "characteristics.json", "--out", files / "out")
    assert main(options) == 2
    assert sentence in capsys.readouterr().err
    assert not (files / "out").exists()


def test_the_published_characteristics_are_those_of_the_annotations(shared):
    truth = read_ground_truth(shared / "thumos14", "test")
    published = read_characteristics(shared / "thumos14" / "detad_test_characteristics.json", truth.instances)
    computed = computed_characteristics(truth.instances, truth.seconds)
    np.testing.assert_array_equal(computed["instances"], published["instances"])
    np.testing.assert_array_equal(computed["length"], published["length"])
    np.testing.assert_allclose(computed["coverage"], published["coverage"], rtol=1e-4)  # lengths of videos differ a bit


def test_a_run_of_a_suite_is_diagnosed_against_its_store(suite, capsys):  # noqa: F811
    found = {"c": [{"label": "run", "segment": [1, 3], "score": 1.0}], "d": []}
    (suite / "detections.json").write_text(json.dumps({"results": found}))
    run("diagnose", "--detections", suite / "detections.json", "--ground-truth", suite / "data")
    printed = capsys.readouterr().out
    assert re.search(r"true positive +100\.00", printed)
    assert re.search(r"coverage XL +> 0\.08 +2 +50\.00 +50\.00", printed)


def test_label_quality_prints_a_row_for_each_round(suite, capsys):  # noqa: F811
    files = [suite / "labels.npz", suite / "labels.npz"]
    run("label-quality", "--data", suite / "data", "--labels", *files)
    assert (
        len(re.findall(r"labels\.npz +100\.00 +100\.00 +100\.00 +100\.00 +0\.00 +0\.000000", capsys.readouterr().out))
        == 2
    )
    run("label-quality", "--data", suite / "data", "--labels", files[0], "--format", "csv", "--digits", "1")
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert row["label mAP"] == "100.0"
    options = ["--settings", suite / "evaluate.json", "--format", "json"]
    run("label-quality", "--data", suite / "data", "--labels", files[0], *options)
    (value,) = json.loads(capsys.readouterr().out)
    assert (value["precision"], value["label_map"], value["infeasible_share"]) == (100, 100, 0)


def shifted(path, seconds):
    rows = {v: [{**r, "segment": [b + seconds for b in r["segment"]]} for r in rows] for v, rows in FOUND.items()}
    path.write_text(json.dumps({"results": rows}))
    return path


def test_systems_of_several_seeds_are_compared_over_videos_and_seeds(files, capsys):
    seeds = [shifted(files / f"{name}.json", shift) for name, shift in (("s0", 0), ("s1", 1), ("s2", 6))]
    options = ["compare", "--system", "ours", *seeds[:2], "--system", "theirs", seeds[2], seeds[1]]
    options += ["--ground-truth", files / "truth.json", "--tiou", "0.5", "--format", "json"]
    run(*options)
    both = json.loads(capsys.readouterr().out)
    assert both["systems"]["ours"]["seeds"] == [25.0, 25.0]
    assert both["systems"]["theirs"]["seeds"] == [0.0, 25.0]
    assert both["systems"]["theirs"]["average"] == 12.5
    assert both["differences"][0]["difference"] == -12.5
    assert both["differences"][0]["verdict"] == "not separated"
    assert both["differences"][0]["interval_over"] == "test videos and 2 seeds"
    run(*options[:-2])
    table = capsys.readouterr().out
    assert "intervals over test videos and 2 seeds; 1000 resamples of videos" in table
    assert "over videos alone" in table
    assert re.search(r"theirs +12\.50 +12\.50 +2 +17\.68", table)


def test_systems_of_other_numbers_of_seeds_are_said_not_to_be_paired(files, capsys):
    seeds = [shifted(files / f"{name}.json", shift) for name, shift in (("s0", 0), ("s1", 1), ("s2", 6))]
    run("compare", "--system", "ours", *seeds, "--system", "theirs", *seeds[:2], "--ground-truth", files / "truth.json")
    assert "test videos and seeds, 2 against 3, not paired by seed" in capsys.readouterr().out
    run("compare", "--system", "ours", *seeds, "--system", "theirs", seeds[0], "--ground-truth", files / "truth.json")
    assert "one seed is taken to vary as the other system's do" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("systems", "sentence"),
    [
        ([["ours", "found.json"]], "--system: expected two or more systems, each name once; got ours"),
        ([["ours", "found.json"]] * 2, "--system: expected two or more systems, each name once; got ours, ours"),
        (
            [["ours", "found.json"], ["theirs"]],
            "--system: theirs: expected the files of its seeds, each once; got none",
        ),
        (
            [["ours", "found.json", "found.json"], ["b", "found.json"]],
            "ours: expected the files of its seeds, each once",
        ),
    ],
)
def test_systems_without_files_or_names_are_refused(files, monkeypatch, capsys, systems, sentence):
    monkeypatch.chdir(files)
    words = [word for system in systems for word in ("--system", *system)]
    assert main(["compare", *words, "--ground-truth", "truth.json"]) == 2
    assert sentence in capsys.readouterr().err


def test_the_diagnosis_starts_without_matplotlib_and_torch():
    code = (
        "import sys, wtal.cli.diagnose, wtal.evaluate.diagnose.diagnose, wtal.evaluate.diagnose.tables; "
        "print({'torch', 'pandas', 'matplotlib'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
