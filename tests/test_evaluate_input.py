"""Whatever is wrong with a detection or ground-truth file is said in one sentence that names the place."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wtal.base.errors import InputError
from wtal.base.records import Detections, Instances
from wtal.cli import main
from wtal.evaluate import EvaluationOptions, evaluate_detections
from wtal.evaluate.read.ground_truth import read_ambiguous, read_ground_truth
from wtal.evaluate.score.thresholds import thresholds_from_text

TRUTH = {
    "database": {
        "a": {"subset": "test", "duration": 9.0, "annotations": [{"label": "run", "segment": [1.0, 3.0]}]},
        "v_b": {"subset": "test", "annotations": [{"label": "jump", "segment": [0.0, 4.0]}]},
    }
}
GOOD = {"label": "run", "segment": [1.0, 3.0], "score": 0.5}


def results(**rows):
    return json.dumps({"version": "1", "results": rows})


MALFORMED = {
    "an empty file": ("", "expected JSON; got an empty file"),
    "no JSON": ("not json", "expected JSON; got Expecting value at line 1 column 1"),
    "a cut file": (results(a=[GOOD])[:-9], "expected JSON; got"),
    "bytes that are no text": (b'{"results": {"\xff": []}}', "expected UTF-8 text; got byte 14"),
    "nesting without end": ("[" * 100_000, "expected JSON; got nesting too deep"),
    "a list": ("[]", 'expected {"results": {video: [...]}}; got a list'),
    "a number": ("7", "got a number"),
    "no results": ('{"version": "1"}', "results: expected detections by video; got the keys version"),
    "an empty object": ("{}", "results: expected detections by video; got the keys (none)"),
    "results as a list": ('{"results": []}', "results: expected detections by video; got a list"),
    "results null": ('{"results": null}', "results: expected detections by video; got a null"),
    "no detection": (results(), "results: expected at least one detection; got none"),
    "only empty lists": (results(a=[]), "results: expected at least one detection; got none"),
    "a video as an object": (results(a=GOOD), "results/a: expected a list of detections; got a group of keys"),
    "a video as text": (results(a="ab"), "results/a: expected a list of detections; got a text"),
    "a detection as a list": (results(a=[[1, 2]]), "results/a[0]: expected"),
    "a detection null": (results(a=[GOOD, None]), "results/a[1]: expected"),
    "no label": (results(a=[{**GOOD, "label": None}]), "results/a[0]/label: expected the name of a class; got None"),
    "a number as label": (results(a=[{**GOOD, "label": 3}]), "results/a[0]/label: expected the name of a class; got 3"),
    "a missing label": (results(a=[{"segment": [0, 1], "score": 1}]), "results/a[0]/label: expected"),
    "a missing segment": (results(a=[{"label": "run", "score": 1}]), "results/a[0]/segment: expected"),
    "a missing score": (results(a=[GOOD, {"label": "run", "segment": [0, 1]}]), "results/a[1]/score: expected"),
    "a score as a word": (results(a=[{**GOOD, "score": "half"}]), "a[0]/score: expected a finite number; got 'half'"),
    "a true score": (results(a=[{**GOOD, "score": True}]), "a[0]/score: expected a finite number; got True"),
    "a NaN score": (
        results(a=[GOOD, {**GOOD, "score": float("nan")}]),
        "a[1]/score: expected a finite number; got nan",
    ),
    "an infinite score": (
        results(a=[{**GOOD, "score": float("inf")}]),
        "a[0]/score: expected a finite number; got inf",
    ),
    "a score of 400 digits": (results(a=[GOOD]).replace("0.5", "9" * 400), "a[0]/score: expected a finite number"),
    "a name of two lines": (results(**{"a\nb": [7]}), r"results/'a\nb'[0]: expected"),
    "a huge score": (results(a=[GOOD]).replace("0.5", "1e999"), "expected a finite number; got inf"),
    "a reversed segment": (results(a=[{**GOOD, "segment": [5, 4]}]), "a[0]/segment: expected [start, end]"),
    "a segment of three": (results(a=[{**GOOD, "segment": [1, 2, 3]}]), "got [1, 2, 3]"),
    "a segment of one and of three": (
        results(a=[{**GOOD, "segment": [1]}, {**GOOD, "segment": [1, 2, 3]}]),
        "results/a[0]/segment: expected [start, end]",
    ),
    "a segment as text": (results(a=[{**GOOD, "segment": "12"}]), "a[0]/segment: expected [start, end]"),
    "a segment as an object": (results(a=[{**GOOD, "segment": {"x": 1, "y": 2}}]), "a[0]/segment: expected"),
    "a segment with null": (results(a=[{**GOOD, "segment": [None, 2]}]), "a[0]/segment: expected"),
    "a NaN bound": (results(a=[{**GOOD, "segment": [float("nan"), 2]}]), "a[0]/segment: expected"),
    "an unknown class": (results(a=[{**GOOD, "label": "runn"}]), "(did you mean 'run'?); got 'runn'"),
    "an unknown video": (results(a=[GOOD], c=[GOOD]), "expected a video of the ground truth"),
    "a video under two names": (results(b=[GOOD], v_b=[GOOD]), "expected each video once; got 'b' and 'v_b'"),
    "a video twice": ('{"results": {"a": [%s], "a": [%s]}}' % ((json.dumps(GOOD),) * 2), "a: expected each key once"),
    "a key twice": (
        '{"results": {"a": [{"label": "run", "score": 1, "segment": [0, 1], "segment": [0, 2]}]}}',
        "segment",
    ),
    "a time that is none": (results(a=[{**GOOD, "segment": [0, 1e12]}]), "end[0]: expected a time in seconds"),
}
MALFORMED_CSV = {
    "an empty table": ("", "video: expected a column of that name; got an empty file"),
    "a missing column": ("video,label,start,end\n", "score: expected a column of that name"),
    "a header alone": ("video,label,start,end,score\n", "expected at least one detection; got none"),
    "a short row": ("video,label,start,end,score\na,run,1,2\n", "line 2: expected 5 values; got 4"),
    "a long row": ("video,label,start,end,score\na,run,1,2,1,\n", "line 2: expected 5 values; got 6"),
    "text as a number": ("video,label,start,end,score\na,run,x,2,1\n", "line 2, start: expected a finite number"),
    "a NaN": ("video,label,start,end,score\na,run,1,2,nan\n", "line 2, score: expected a finite number; got 'nan'"),
    "a reversed row": ("video,label,start,end,score\na,run,3,2,1\n", "line 2: expected an end at or after the start"),
    "a NUL": ("video,label,start,end,score\na,run,\0,2,1\n", "line 2"),
}


@pytest.fixture
def truth_file(tmp_path):
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(TRUTH))
    return path


def refusal(capsys, *arguments):
    """The one sentence on standard error of a refused command."""
    assert main([*map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    return captured.err


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_json_is_refused_in_one_sentence(name, truth_file, tmp_path, capsys):
    content, sentence = MALFORMED[name]
    path = tmp_path / "detections.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = refusal(capsys, "evaluate", "--detections", path, "--ground-truth", truth_file)
    assert str(path) in error
    assert sentence in error


@pytest.mark.parametrize("name", MALFORMED_CSV)
def test_malformed_csv_is_refused_in_one_sentence(name, truth_file, tmp_path, capsys):
    content, sentence = MALFORMED_CSV[name]
    path = tmp_path / "detections.csv"
    path.write_text(content)
    error = refusal(capsys, "evaluate", "--detections", path, "--ground-truth", truth_file)
    assert str(path) in error
    assert sentence in error


def test_a_missing_file_of_detections_is_named(truth_file, tmp_path, capsys):
    path = tmp_path / "absent.json"
    error = refusal(capsys, "evaluate", "--detections", path, "--ground-truth", truth_file)
    assert f"{path}: expected a readable file; got No such file" in error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tiou", "0.7:0.1:0.1"], "--tiou: expected first:last:step"),
        (["--tiou", "0.1:0.7:0"], "--tiou: expected first:last:step"),
        (["--tiou", "half"], "--tiou: expected first:last:step"),
        (["--tiou", "0,0.5"], "--tiou: expected first:last:step"),
        (["--tiou", "0.5,0.4"], "--tiou: expected rising thresholds"),
        (["--tiou", "0.1:1:1e-9"], "--tiou: expected first:last:step"),
        (["--tiou", "0.1:0.7:1e-999999999"], "--tiou: expected first:last:step"),
        (["--tiou", "nan"], "--tiou: expected first:last:step"),
        (["--protocol", "snippet"], "--snippets-per-second: expected a rate above 0"),
        (["--protocol", "snippet", "--snippets-per-second", "-1"], "--snippets-per-second: expected a rate above 0"),
        (["--subset", "tset"], "subset: expected one of test; got 'tset'"),
        (["--exclude-videos", "aa"], "exclude_videos: expected a video of the ground truth"),
        (["--exclude-videos", "a,b"], "expected at least one instance; got none in the videos considered"),
        (["--bootstrap", "3"], "--bootstrap: expected 10 resamples or more; got 3"),
        (["--bootstrap", "-1"], "--bootstrap: expected 10 resamples or more; got -1"),
        (["--ambiguous"], "--ambiguous: expected a file, or a data set that has one"),
        (["--ground-truth", "nowhere"], "nowhere: expected a folder with segments.npy"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(arguments, sentence, truth_file, tmp_path, capsys):
    path = tmp_path / "detections.json"
    path.write_text(results(a=[GOOD]))
    error = refusal(capsys, "evaluate", "--detections", path, "--ground-truth", truth_file, *arguments)
    assert sentence in error


def test_absent_annotations_say_where_they_are_looked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    error = refusal(capsys, "evaluate", "--detections", "x.json", "--dataset", "thumos14")
    assert "data/thumos14/segments.npy: expected the annotation arrays of thumos14" in error
    assert "neither" in refusal(capsys, "evaluate", "--detections", "x.json")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"database": []}, "database: expected annotations by video"),
        ({"database": {"a": {"subset": 3, "annotations": []}}}, "database/a/subset: expected text"),
        ({"database": {"a": {"subset": "test", "annotations": {}}}}, "database/a/annotations: expected a list"),
        ({"database": {"a": {"subset": "test", "annotations": [{}]}}}, "database/a/annotations[0]: expected"),
        (
            {"database": {"a": {"subset": "test", "annotations": [{"label": "x", "segment": [2, 1]}]}}},
            "a[0]: expected [start, end]",
        ),
        ({"database": {"a": {"subset": "test"}}}, "subset: expected the choice of one of test; got none chosen"),
    ],
)
def test_malformed_ground_truth_is_refused_in_one_sentence(change, sentence, tmp_path):
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(change))
    with pytest.raises(InputError) as error:
        read_ground_truth(path)
    assert sentence in str(error.value)


def test_folders_of_arrays_that_contradict_each_other_are_refused(tmp_path):
    columns = {
        "classlist": np.array(["run"]),
        "videoname": np.array(["a", "b"]),
        "subset": np.array(["test", "test"]),
        "labels": np.array([["run"], ["run"]]),
        "segments": np.array([[[1.0, 2.0]], [[1.0, 2.0]]]),
    }
    for name, column in columns.items():
        np.save(tmp_path / f"{name}.npy", column)
    assert len(read_ground_truth(tmp_path, "test").instances) == 2
    for name, column, sentence in (
        ("subset", np.array(["test"]), r"subset.npy: expected 2 entries"),
        ("labels", np.array([["run", "run"], ["run", "run"]]), r"labels.npy: a: expected as many labels as segments"),
        ("labels", np.array([["ran"], ["run"]]), r"a\[0\]: expected a known class; got 'ran'"),
        ("segments", np.array([[[2.0, 1.0]], [[1.0, 2.0]]]), r"a\[0\]: expected \[start, end\]"),
        ("videoname", np.array(["a", "a"]), r"expected each class and each video once"),
    ):
        np.save(tmp_path / f"{name}.npy", column)
        with pytest.raises(InputError, match=sentence):
            read_ground_truth(tmp_path, "test")
        np.save(tmp_path / f"{name}.npy", columns[name])


def test_an_ambiguous_interval_that_is_none_is_named_by_its_line(tmp_path):
    path = tmp_path / "ambiguous.txt"
    path.write_text("a 1.0 2.0\n\nb 3.0\n")
    with pytest.raises(InputError, match=r"line 3: expected video, start and end in seconds; got 'b 3.0'"):
        read_ambiguous(path)


def test_names_with_and_without_the_prefix_are_one_video(truth_file, tmp_path, capsys):
    path = tmp_path / "detections.json"
    path.write_text(results(v_a=[GOOD], b=[{"label": "jump", "segment": [0, 4], "score": 1}]))
    arguments = ["--ground-truth", str(truth_file), "--format", "json"]
    assert main(["evaluate", "--detections", str(path), *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["mean"] == 100.0


def test_arrays_that_are_not_finite_are_refused_without_a_file():
    truth = Instances(("a",), ("run",), np.zeros(1, int), np.zeros(1, int), np.zeros(1), np.ones(1))
    for name, value in (("start", np.nan), ("end", np.inf), ("score", np.nan)):
        columns = {"start": np.zeros(1), "end": np.ones(1), "score": np.ones(1)} | {name: np.array([value])}
        detections = Detections(("a",), ("run",), np.zeros(1, int), np.zeros(1, int), **columns)
        with pytest.raises(InputError, match=rf"^mine: {name}\[0\]: expected"):
            evaluate_detections(detections, truth, EvaluationOptions(), source="mine")


def test_thresholds_are_the_floats_nearest_to_their_decimals():
    assert thresholds_from_text("0.1:0.7:0.1") == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    assert thresholds_from_text("0.5:0.95:0.05")[-1] == 0.95
    assert thresholds_from_text(" 0.5, 0.75") == (0.5, 0.75)
