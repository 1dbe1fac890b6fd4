"""A fuzz target for each reader: whatever its bytes are changed to, it gives a value or an InputError.

`make soak` runs each SOAK_RUNS times; in the suite a few times are enough to see that the targets work.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from good_inputs import FOUND, MANIFEST, MOST_LETTERS, TABLE, TRUTH, Good, make_good_inputs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from round_run import ROOT

from wtal.base.errors import InputError
from wtal.base.files import read_arrays, read_json, read_rows, read_yaml, to_json
from wtal.base.npy.mapped import map_object_array
from wtal.base.npy.read import read_array
from wtal.data.annotations.forms import parsed_annotations
from wtal.data.features.layouts import open_features, open_video, read_entry
from wtal.data.fetch.manifest import read_manifest
from wtal.evaluate.read.class_names import read_class_names
from wtal.evaluate.read.detection_tables import read_results_pickle, read_toolkit_text
from wtal.evaluate.read.detections import read_detections, read_detections_of_rounds
from wtal.localise.labels.file import read_labels
from wtal.localise.scores_file import read_scores
from wtal.suite.plan import read_suite
from wtal.training.checkpoint import read_checkpoint

RUNS = int(os.environ.get("SOAK_RUNS", "8"))
PIECES = (
    b"",
    b"\0",
    b"\xff",
    b"9" * 400,
    b"-1",
    b"nan",
    b"1e999",
    b"[",
    b"{",
    b'"',
    b"\n",
    b",",
    b"&a ",
    b"*a ",
    b"\\ud800",
)


def _objects() -> bytes:
    array = np.empty(2, dtype=object)
    array[:] = [np.ones((3, 2), np.float32), np.ones((4, 2), np.float32)]
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def _features(path: Path) -> list[Any]:
    return [read_entry(entry) for entry in open_features(path).in_order]


def _results() -> bytes:
    columns = {"video-id": ["v1"], "t-start": np.zeros(1), "t-end": np.ones(1), "label": np.zeros(1), "score": [0.5]}
    return pickle.dumps(columns, protocol=2)


Source = Callable[[Good], bytes]
READERS: dict[str, tuple[str, Source, Callable[[Path], Any]]] = {
    "JSON": ("a.json", lambda good: to_json(TRUTH).encode(), read_json),
    "YAML": ("a.yaml", lambda good: MANIFEST.encode(), read_yaml),
    "a suite": ("tiny.yaml", lambda good: (ROOT / "config/tiny.yaml").read_bytes(), read_suite),
    "a manifest": ("m.yaml", lambda good: MANIFEST.encode(), lambda path: read_manifest(str(path))),
    "a table": ("a.csv", lambda good: TABLE.encode(), lambda path: read_rows(path, ("video", "score"))),
    "detections in JSON": ("a.json", lambda good: to_json(FOUND).encode(), read_detections),
    "detections in CSV": ("a.csv", lambda good: TABLE.encode(), read_detections),
    "detections in text": ("a.txt", lambda good: b"v1 1.0 5.0 7 0.9\n", lambda path: read_toolkit_text(path, "")),
    "detections in a pickle": ("a.pkl", lambda good: _results(), lambda path: read_results_pickle(path, "")),
    "annotations in JSON": ("a.json", lambda good: to_json(TRUTH).encode(), parsed_annotations),
    "annotations in CSV": ("a.csv", lambda good: (good / "own.csv").read_bytes(), parsed_annotations),
    "names of classes": ("a.txt", lambda good: b"7 run\n9 jump\n", read_class_names),
    "an array of objects": ("a.npy", lambda good: _objects(), read_array),
    "a mapped array of objects": ("a.npy", lambda good: _objects(), map_object_array),
    "an archive": ("a.npz", lambda good: (good / "labels.npz").read_bytes(), read_arrays),
    "scores": ("a.npz", lambda good: (good / "round0/scores_test.npz").read_bytes(), read_scores),
    "labels": ("a.npz", lambda good: (good / "labels.npz").read_bytes(), read_labels),
    "rounds": ("a.npz", lambda good: (good / "rounds.npz").read_bytes(), read_detections_of_rounds),
    "features": (
        "a.npy",
        lambda good: (good / "features/v1.npy").read_bytes(),
        lambda path: read_entry(open_video(path)),
    ),
    "features in HDF5": ("a.h5", lambda good: (good / "features.h5").read_bytes(), _features),
    "a checkpoint": ("a.pt", lambda good: (good / "round0/checkpoint.pt").read_bytes(), read_checkpoint),
}
Edits = list[tuple[float, int, bytes]]  # where, how many bytes go, what comes in their place
EDITS: st.SearchStrategy[Edits] = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(st.integers(0, 3), st.integers(0, 400)),
        st.one_of(st.binary(max_size=3), st.sampled_from(PIECES)),
    ),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, edits: Edits) -> bytes:
    """The content with some bytes replaced by others."""
    for place, count, piece in edits:
        index = int(place * len(content))
        content = content[:index] + piece + content[index + count :]
    return content


def check_words(sentence: str) -> None:
    assert len(sentence) < MOST_LETTERS
    assert sentence.isprintable()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    found = make_good_inputs(tmp_path_factory.mktemp("good"))
    with h5py.File(found / "features.h5", "w") as file:
        file["v1"] = np.ones((40, 16), np.float32)
    return found


@pytest.mark.parametrize("name", READERS)
def test_a_reader_gives_a_value_or_a_sentence(name: str, good: Good, tmp_path: Path) -> None:
    file, source, reader = READERS[name]
    whole, path = source(good), tmp_path / file
    path.write_bytes(whole)
    reader(path)

    @settings(
        max_examples=RUNS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize="SOAK_RUNS" not in os.environ,
    )
    @given(EDITS)
    def holds(edits: Edits) -> None:
        path.write_bytes(edited(whole, edits))
        try:
            reader(path)
        except InputError as error:
            check_words(str(error))

    holds()
