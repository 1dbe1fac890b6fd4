"""Files of detections with random damage are scored or refused in one sentence, never met with a traceback."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from wtal.base.errors import InputError
from wtal.base.records import Instances
from wtal.evaluate import EvaluationOptions, evaluate_detections
from wtal.evaluate.read.detections import read_detections
from wtal.evaluate.read.npy_detections import read_object_array

TRUTH = Instances(
    ("a", "v_b"), ("run", "jump"), np.array([0, 1]), np.array([0, 1]), np.array([1.0, 0.0]), np.array([3.0, 4.0])
)
ROWS = [("a", "run", 1.0, 3.0, 0.5), ("b", "jump", 0.0, 4.0, 0.25), ("a", "jump", 0.0, 0.0, 1e-9)]
CSV = b"video,label,start,end,score\n" + b"".join(",".join(map(str, row)).encode() + b"\n" for row in ROWS)
JSON = json.dumps(
    {
        "results": {
            video: [{"label": r[1], "segment": [r[2], r[3]], "score": r[4]} for r in ROWS if r[0] == video]
            for video in "ab"
        }
    }
).encode()
PIECES = [b",", b"\n", b"\r", b'"', b"\x00", b"\xff", b"nan", b"-inf", b"1e999", b"-", b"9" * 40, b"{", b"]", b"null"]
PIECES += [
    b"video",
    b"score",
    b"\xef\xbb\xbf",
    b"a,run,1,2,3\n",
    b"; ",
    b"\\u0000",
    b"0x1p3",
    b"1_000",
    "\u0663".encode(),
]

edits = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 6), st.sampled_from(PIECES) | st.binary(max_size=3)), max_size=4
)


def damaged(content, changes):
    for place, length, piece in changes:
        place %= len(content) + 1
        content = content[:place] + piece + content[place + length :]
    return content


def scored_or_refused(read, path, content):
    path.write_bytes(content)
    try:
        result = evaluate_detections(read(path), TRUTH, EvaluationOptions(tiou=(0.5,)), source=str(path))
    except InputError as error:
        refusal, headline = str(error), 0.0
    else:
        refusal, headline = str(path), result.headline
    assert refusal.startswith(str(path))
    assert refusal.isprintable()  # so it is one line
    assert 0 <= headline <= 100


FUZZED = settings(
    deadline=None,
    max_examples=200,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FUZZED
@given(changes=edits)
@example(changes=[(0, 0, b"\xef\xbb\xbf")])
@example(changes=[(28, 0, b'"')])
def test_a_damaged_table_is_scored_or_refused(changes, tmp_path):
    scored_or_refused(read_detections, tmp_path / "found.csv", damaged(CSV, changes))


@FUZZED
@given(changes=edits)
@example(changes=[(2, 0, b"\xef\xbb\xbf")])  # within a key, where it cannot be printed
def test_a_damaged_json_file_is_scored_or_refused(changes, tmp_path):
    scored_or_refused(read_detections, tmp_path / "found.json", damaged(JSON, changes))


@FUZZED
@given(changes=edits)
def test_a_damaged_array_is_scored_or_refused(changes, tmp_path):
    array = np.empty(2, dtype=object)
    array[:] = [[[0, 1.0, 3.0, 0.5]], [[1, 0.0, 4.0, 0.25]]]
    np.save(tmp_path / "whole.npy", array)
    content = damaged((tmp_path / "whole.npy").read_bytes(), changes)
    scored_or_refused(lambda path: read_object_array(path, TRUTH, None), tmp_path / "found.npy", content)


def test_a_table_may_begin_as_spreadsheets_write_it(tmp_path):
    (tmp_path / "found.csv").write_bytes(b"\xef\xbb\xbf" + CSV.replace(b"\n", b"\r\n"))
    assert len(read_detections(tmp_path / "found.csv")) == len(ROWS)


@pytest.mark.parametrize("text", ["1_000", "\u0663", "0x10", "1e400", "", " "])
def test_what_only_looks_like_a_number_is_refused(text, tmp_path):
    (tmp_path / "found.csv").write_text(f"video,label,start,end,score\na,run,1,2,{text}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2, score: expected a finite number"):
        read_detections(tmp_path / "found.csv")


@given(text=st.text(max_size=40))
@FUZZED
def test_any_text_as_a_table_is_refused(text, tmp_path):
    (tmp_path / "found.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"found\.csv"):
        read_detections(tmp_path / "found.csv")
