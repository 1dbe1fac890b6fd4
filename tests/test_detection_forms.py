"""Detections score the same in every form that is read; what is not read names the forms that are, and the remedy."""

from __future__ import annotations

import codecs
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_unpickle import Runs

from wtal.base.errors import InputError
from wtal.base.records import Detections
from wtal.cli import main
from wtal.evaluate.read.detection_forms import read_any_detections
from wtal.evaluate.read.ground_truth import GroundTruth, read_ground_truth

CLASSES = ("HighJump", "Shotput")
TOOLKIT_NUMBERS = {"HighJump": 40, "Shotput": 79}
Rows = list[tuple[str, str, float, float, float]]
ROWS: Rows = [
    ("video_test_0000001", "HighJump", 2.0, 6.0, 0.9),
    ("video_test_0000001", "HighJump", 10.0, 13.0, 0.8),
    ("video_test_0000002", "Shotput", 1.0, 4.0, 0.7),
]


def truth_file(folder: Path, *, numbered: bool) -> Path:
    database: dict[str, Any] = {}
    for video, label, start, end, _ in ROWS:
        row = {"label": label, "segment": [start, end]} | ({"label_id": CLASSES.index(label)} if numbered else {})
        database.setdefault(video, {"subset": "test", "annotations": []})["annotations"].append(row)
    (folder / "truth.json").write_text(json.dumps({"database": database}))
    return folder / "truth.json"


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> GroundTruth:
    return read_ground_truth(truth_file(tmp_path_factory.mktemp("truth"), numbered=True))


def activitynet(folder: Path, rows: Rows, as_text: bool, mark: bytes) -> Path:
    results: dict[str, Any] = {}
    number = str if as_text else float
    for video, label, start, end, score in rows:
        row = {"label": label, "segment": [number(start), number(end)], "score": number(score)}
        results.setdefault(video, []).append(row)
    return written(folder / "found.json", json.dumps({"version": "1", "results": results}), mark)


def table(folder: Path, rows: Rows, as_text: bool, mark: bytes) -> Path:
    head = (
        ("video-id", "t-start", "t-end", "label", "score") if as_text else ("Video", "Start", "End", "Label", "Score")
    )
    lines = [f"{v},{s},{e},{c},{p}" for v, c, s, e, p in rows]
    text = "\r\n".join([",".join(head), *lines])
    return written(
        folder / ("found.csv" if as_text else "found.txt"), text.replace(",", ";" if as_text else "\t"), mark
    )


def toolkit(folder: Path, rows: Rows, as_text: bool, mark: bytes) -> Path:
    labels = {name: name if as_text else TOOLKIT_NUMBERS[name] for name in CLASSES}
    return written(folder / "found.txt", "".join(f"{v} {s} {e} {labels[c]} {p}\n" for v, c, s, e, p in rows), mark)


def results_pickle(folder: Path, rows: Rows, as_text: bool, mark: bytes) -> Path:
    columns = {
        "video-id": [row[0] for row in rows],
        "t-start": np.array([row[2] for row in rows]),
        "t-end": np.array([row[3] for row in rows]),
        "label": [row[1] for row in rows] if as_text else np.array([CLASSES.index(row[1]) for row in rows]),
        "score": np.array([row[4] for row in rows]),
    }
    (folder / "eval_results.pkl").write_bytes(pickle.dumps(columns, protocol=4 if as_text else 2))
    return folder / "eval_results.pkl"


def lists(folder: Path, rows: Rows, as_text: bool, mark: bytes) -> Path:
    found = [[v, s, e, p, c if as_text else CLASSES.index(c)] for v, c, s, e, p in rows]
    np.save(folder / "found.npy", np.array(found, dtype=object))
    return folder / "found.npy"


def written(path: Path, text: str, mark: bytes) -> Path:
    wide = mark == codecs.BOM_UTF16_LE
    path.write_bytes(mark + text.encode("utf-16-le" if wide else "utf-8"))
    return path


def as_rows(found: Detections) -> Rows:
    columns = (found.video, found.class_index, found.start, found.end, found.score)
    return [(found.videos[v], found.classes[c], s, e, p) for v, c, s, e, p in zip(*(c.tolist() for c in columns))]


FORMS = (activitynet, table, toolkit, results_pickle, lists)
numbers = st.floats(0, 1000).map(lambda value: round(value, 3))
row = st.tuples(
    st.sampled_from([ROWS[0][0], ROWS[2][0]]), st.sampled_from(CLASSES), numbers, numbers, st.floats(0, 1)
).map(lambda row: (*row[:2], *sorted(row[2:4]), row[4]))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@given(
    rows=st.lists(row, max_size=4),
    as_text=st.booleans(),
    mark=st.sampled_from([b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE]),
)
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_form_holds_the_same_detections(
    tmp_path_factory: pytest.TempPathFactory, truth: GroundTruth, form: Any, rows: Rows, as_text: bool, mark: bytes
) -> None:
    rows = [*ROWS, *rows]
    path = form(tmp_path_factory.mktemp("form"), rows, as_text, mark)
    assert sorted(as_rows(read_any_detections(path, truth))) == sorted(rows)


def test_a_name_that_says_nothing_is_read_by_its_content(tmp_path: Path, truth: GroundTruth) -> None:
    for form in (activitynet, table, toolkit, results_pickle):
        path = form(tmp_path, ROWS, True, b"")
        unnamed = path.rename(tmp_path / form.__name__)
        assert as_rows(read_any_detections(unnamed, truth)) == ROWS


NAMES = {
    "a name a line": ("names.txt", "HighJump\nShotput\n"),
    "numbered lines": ("names.txt", "1 Shotput\n0 HighJump\n"),
    "a list": ("names.json", '["HighJump", "Shotput"]'),
    "numbers by name": ("names.json", '{"HighJump": 0, "Shotput": 1}'),
    "names by number": ("names.json", '{"0": "HighJump", "1": "Shotput"}'),
}


@pytest.mark.parametrize("form", NAMES)
def test_class_numbers_get_their_names_from_a_file(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, gold = results_pickle(tmp_path, ROWS, False, b""), truth_file(tmp_path, numbered=False)
    name, text = NAMES[form]
    (tmp_path / name).write_text(text)
    arguments = ["evaluate", "--detections", str(found), "--ground-truth", str(gold), "--format", "json"]
    assert main([*arguments, "--class-names", str(tmp_path / name)]) == 0
    assert json.loads(capsys.readouterr().out)["mean"] == 100.0


@pytest.mark.parametrize(
    ("names", "numbers_used", "sentence"),
    [
        ("HighJump\nShotput\n", (0, 2), "expected a class number that has a name (0, 1); got 2"),
        ("1 HighJump\nShotput\n", (0, 1), "got lines with and without a number"),
        ("1 HighJump\n1 Shotput\n", (0, 1), "1: expected one name of this number; got 'HighJump' and 'Shotput'"),
        ("", (0, 1), "got no line"),
    ],
)
def test_names_that_do_not_settle_the_numbers_are_refused(
    tmp_path: Path, names: str, numbers_used: tuple[int, int], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {"video-id": [ROWS[0][0]] * 2, "t-start": [0.0, 1.0], "t-end": [1.0, 2.0], "score": [0.5, 0.5]}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(columns | {"label": np.array(numbers_used)}))
    (tmp_path / "names.txt").write_text(names)
    gold = truth_file(tmp_path, numbered=False)
    arguments = ["--detections", str(tmp_path / "a.pkl"), "--ground-truth", str(gold)]
    assert main(["evaluate", *arguments, "--class-names", str(tmp_path / "names.txt")]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "names", "read_as"),
    [
        ((40, 79), None, CLASSES),
        ((1, 2), "HighJump\nShotput\n", CLASSES),
        ((0, 1), "HighJump\nShotput\n", CLASSES),
        ((1, 2), "1 HighJump\n2 Shotput\n", CLASSES),
        ((1, 2), None, "--class-names FILE"),
        ((7, 9), None, "--class-names FILE"),
        ((40, 41), None, "--class-names FILE"),
        ((1, 2), "HighJump\nShotput\nDiving\n", "3 names may be counted from 0 or from 1"),
    ],
)
def test_numbers_of_the_toolkit_are_read_where_one_reading_is_possible(
    tmp_path: Path, labels: tuple[int, int], names: str | None, read_as: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{ROWS[0][0]} 2.0 6.0 {labels[0]} 0.9", f"{ROWS[2][0]} 1.0 4.0 {labels[1]} 0.7"]
    (tmp_path / "found.txt").write_text("\n".join(lines))
    (tmp_path / "names.txt").write_text(names or "")
    given_names = ["--class-names", str(tmp_path / "names.txt")] if names else []
    gold = truth_file(tmp_path, numbered=True)
    arguments = ["--detections", str(tmp_path / "found.txt"), "--ground-truth", str(gold), "--format", "json"]
    code = main(["evaluate", *arguments, *given_names])
    printed = capsys.readouterr()
    if isinstance(read_as, str):
        assert code == 2
        assert read_as in printed.err
    else:
        assert json.loads(printed.out)["per_class"]["Shotput"] == [100.0] * 7


NOT_READ = {
    "a MATLAB file": (
        "a.mat",
        b"MATLAB 5.0 MAT-file" + bytes(109),
        "got a MATLAB file, whose table can be saved as CSV",
    ),
    "an archive": ("a.npz", b"PK\x03\x04", "got an archive (.zip or .npz), which can be unpacked first"),
    "a compressed file": ("a.json.gz", b"\x1f\x8b\x08", "got a compressed file, which can be unpacked first"),
    "an HDF5 file": ("a.h5", b"\x89HDF\r\n", "got an HDF5 file"),
    "prose": ("a.txt", b"These are our results.\n", "line 1: expected `video start end class score`"),
    "lines without a score": ("a.txt", b"video_test_0000001 2.0 6.0 40\n", "line 1: expected `video start end class"),
    "a reversed line": ("a.txt", b"a 6.0 2.0 40 0.5\n", "line 1: expected `video start end class score`"),
    "a pickle of a list": ("a.pkl", pickle.dumps([1, 2]), "got a pickled list"),
    "a pickle of a model": ("a.pkl", pickle.dumps({"epoch": 3}), "got a pickle with the keys epoch"),
    "a pickle that runs": ("a.pkl", pickle.dumps(Runs(os.getcwd)), "got the name"),
    "a cut pickle": ("a.pkl", pickle.dumps({"video-id": ["a"]})[:-4], "cut short"),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_not_read_names_the_forms_that_are(tmp_path: Path, truth: GroundTruth, name: str) -> None:
    file, content, sentence = NOT_READ[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_any_detections(tmp_path / file, truth)
    told = str(refused.value)
    assert sentence in told
    assert all(form in told for form in ("ActivityNet's JSON", ".csv", ".npy", "eval_results.pkl", "toolkit"))
    assert "\n" not in told


def test_a_folder_is_not_read_as_detections(tmp_path: Path, truth: GroundTruth) -> None:
    with pytest.raises(InputError, match=r"expected detections as ActivityNet's JSON.*got a folder"):
        read_any_detections(tmp_path, truth)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"score": np.array([0.5, np.nan])}, "row 1: expected start, end and score, finite"),
        ({"t-end": np.array([1.0, 0.5])}, "row 1: expected start, end and score, finite"),
        ({"t-end": np.array([1.0])}, "t-end: expected as many values as video-id, 2; got 1"),
        ({"label": np.array([0.5, 1])}, r"label\[0\]: expected a name or a class number; got 0.5"),
        ({"score": 1.0}, "score: expected a list or an array; got 1.0"),
        ({"label": np.array([0, 5])}, r"label: expected a class number that has a name \(0, 1\); got 5"),
    ],
)
def test_a_pickle_with_a_fault_is_refused_at_its_place(
    tmp_path: Path, truth: GroundTruth, change: dict[str, Any], sentence: str
) -> None:
    columns = {"video-id": ["a", "b"], "t-start": [0.0, 1.0], "t-end": [1.0, 2.0], "label": [0, 1], "score": [0.5, 0.5]}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(columns | change))
    with pytest.raises(InputError, match=sentence):
        read_any_detections(tmp_path / "a.pkl", truth)


def test_results_of_other_repositories_are_scored_or_ask_for_the_names(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = shared / "cases" / "15-results-of-other-repositories"
    gold = ["--ground-truth", str(case / "gt.json"), "--format", "json"]
    assert main(["evaluate", "--detections", str(case / "toolkit.txt"), *gold]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["mAP"] == [100.0] * 7
    assert "class numbers are read by THUMOS14's list: 40 is HighJump, 79 is Shotput" in printed.err
    assert main(["evaluate", "--detections", str(case / "eval_results.pkl"), *gold]) == 2
    assert "names for its class numbers: --class-names FILE" in capsys.readouterr().err
    (tmp_path / "names.txt").write_text("HighJump\nShotput\n")
    arguments = ["--detections", str(case / "eval_results.pkl"), *gold, "--class-names", str(tmp_path / "names.txt")]
    assert main(["evaluate", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["mAP"] == [100.0] * 7
