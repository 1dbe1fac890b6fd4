"""Arrays of objects as W-TALC's descendants leave them score as the same detections do in JSON."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from test_unpickle import Runs

from wtal.cli import main

TRUTH = {
    "database": {
        "a": {"subset": "test", "duration": 9, "annotations": [{"label": "run", "segment": [1, 3]}]},
        "b": {"subset": "test", "duration": 9, "annotations": [{"label": "jump", "segment": [0, 4]}]},
    }
}
CLASSES = ("jump", "run")  # by name, as JSON ground truth has them


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.fixture
def score(tmp_path, capsys):
    """The exit code and what is printed for an array, saved and evaluated."""
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))

    def evaluate(array, *arguments):
        np.save(tmp_path / "found.npy", array)
        common = ["--detections", str(tmp_path / "found.npy"), "--ground-truth", str(tmp_path / "truth.json")]
        common += ["--tiou", "0.5,0.9", "--snippets-per-second", "2", "--format", "json"]
        code = main(["evaluate", *common, *arguments])
        printed = capsys.readouterr()
        return json.loads(printed.out)["mAP"] if code == 0 else printed.err

    return evaluate


JUMPS, RUNS = [[1, 0, 8, 0.9], [0, 1, 2, 0.1]], [[0, 2, 6, 0.8]]  # snippets, two a second
FORMS = {
    "a list for each class": objects(JUMPS, RUNS),
    "an array for each class": objects(np.array(JUMPS), np.array(RUNS)),
    "lists of arrays": objects([np.array(row) for row in JUMPS], [tuple(row) for row in RUNS]),
    "rows with names": objects(["b", 0, 8, 0.9, "jump"], ["v_a", 2, 6, 0.8, "run"], [b"a", 1, 2, 0.1, "jump"]),
    "rows with numbers": np.array([[1, 0, 8, 0.9, 0], [0, 2, 6, 0.8, 1], [0, 1, 2, 0.1, 0]]),
    "a table of text": np.array(
        [["b", "0", "8", "0.9", "0"], ["a", "2", "6", "0.8", "run"], ["a", "1", "2", ".1", "0"]]
    ),
    "a list for each video": objects([[0, 2, 6, 0.8, 1], [0, 1, 2, 0.1, 0]], [[1, 0, 8, 0.9, 0]], []),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_score(form, score):
    assert score(FORMS[form]) == [100, 100]


def test_bounds_may_be_seconds(score):
    seconds = objects([[1, 0, 4, 0.9]], [[0, 1, 3, 0.8]])
    assert score(seconds, "--npy-bounds", "seconds") == [100, 100]
    assert score(seconds) == [50, 0]


def test_a_class_without_detections_has_an_empty_list(score):
    assert score(objects(JUMPS, [])) == [50, 50]
    assert score(objects(JUMPS, np.zeros((0, 4)))) == [50, 50]


EXPECTED = "expected a list for each of 2 classes of rows [video, start, end, score], or rows"
REFUSED = {
    "nothing": (objects([], []), "expected at least one detection; got none"),
    "numbers alone": (np.arange(5.0), EXPECTED),
    "a single number": (np.array(3.0), EXPECTED),
    "text": (objects("a", "b"), EXPECTED),
    "rows of four without classes": (objects([0, 2, 6, 0.8], [1, 0, 8, 0.9]), f"row 0: {EXPECTED}"),
    "three lists of rows of four": (objects(RUNS, RUNS, RUNS), f"entry 0, row 0: {EXPECTED}"),
    "a row of three": (objects(JUMPS, [[0, 2, 6]]), f"entry 1, row 0: {EXPECTED}"),
    "a row of lists": (objects(JUMPS, [[[0], [2], [6], [1]]]), f"entry 1, row 0: {EXPECTED}"),
    "a row that is a number": (objects(JUMPS, [3]), f"entry 1, row 0: {EXPECTED}"),
    "a table by name": (objects({"video": [1]}, {"video": [2]}), EXPECTED),
    "a video beyond the last": (objects(JUMPS, [[2, 2, 6, 1]]), "row 0, video: expected a number from 0 to 1"),
    "half a video": (
        objects(JUMPS, [[0.5, 2, 6, 1]]),
        "row 0, video: expected a number from 0 to 1, or a name; got 0.5",
    ),
    "an unknown video": (
        objects(["c", 0, 8, 1, "run"]),
        "expected a video of the ground truth, or --unknown-videos drop or count (2 are known, such as 'a'); got 'c'",
    ),
    "an unknown class": (objects(["a", 0, 8, 1, "fly"]), "label: expected a class of the ground truth"),
    "a class beyond the last as text": (np.array([["a", "0", "8", "1", "2"]]), "row 0, label: expected a number"),
    "a NaN": (objects(JUMPS, [[0, 2, 6, float("nan")]]), "entry 1, row 0: expected start, end and score, finite"),
    "a reversed segment": (objects(JUMPS, [[0, 6, 2, 1]]), "entry 1, row 0: expected start, end and score, finite"),
    "a bound as a word": (objects(["a", "no", 8, 1, "run"]), "row 0: expected start, end and score, finite"),
    "a table of words": (np.array([["a", "no", "8", "1", "run"]]), "row 0: expected start, end and score, finite"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_form_is_refused_in_one_sentence(name, score):
    array, sentence = REFUSED[name]
    error = score(array)
    assert isinstance(error, str)
    assert sentence in error
    assert len(error.strip().splitlines()) == 1


def test_an_array_that_would_run_something_is_refused_and_runs_nothing(score, tmp_path):
    witness = tmp_path / "witness"
    error = score(objects(JUMPS, Runs(os.system, f"touch {witness}")))
    assert "expected an array of numbers, text, lists and arrays; got the name" in error
    assert not witness.exists()


def test_snippets_without_a_rate_are_refused(tmp_path, capsys):
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    np.save(tmp_path / "found.npy", objects(JUMPS, RUNS))
    files = ["--detections", str(tmp_path / "found.npy"), "--ground-truth", str(tmp_path / "truth.json")]
    assert main(["evaluate", *files]) == 2
    assert "--snippets-per-second: expected a rate above 0 to read snippets in .npy files" in capsys.readouterr().err
