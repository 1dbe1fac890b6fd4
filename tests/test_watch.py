"""Exercise recorded by a watch: what the sessions are composed of, who is where, and what the file may not be."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from wtal.base.errors import InputError
from wtal.base.npy.read import read_array
from wtal.data.kinds import watch_exercises as watch
from wtal.data.kinds.watch_exercises import ExerciseSet, compose, find_packaged_recordings, read_sets, watch_data_set
from wtal.data.kinds.watch_settings import WatchData
from wtal.data.store.read import Store
from wtal.data.store.write import write_store
from wtal.suite.plan import read_suite

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = WatchData(kind="watch")


@pytest.fixture(scope="module")
def recordings() -> list[ExerciseSet]:
    try:
        importlib.metadata.version("seglearn")
    except importlib.metadata.PackageNotFoundError:
        message = "the package with the recordings is not installed (pip install --no-deps seglearn==1.2.5)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return read_sets()


def made_up(people: tuple[int, ...] = (1, 2, 6, 8), seconds: int = 20) -> list[ExerciseSet]:
    """Sets of every exercise in which sample i of a set holds i in every column."""
    ramp = np.repeat(np.arange(seconds * 50, dtype=np.float64)[:, None], 6, axis=1)
    names = [*watch.CLASSES, *watch.UNLABELLED]
    return [ExerciseSet(person, side, name, ramp) for person in people for side in ("left", "right") for name in names]


def test_the_recordings_are_those_of_ten_people_seven_exercises_and_two_arms(recordings: list[ExerciseSet]) -> None:
    assert len(recordings) == 140
    seen = Counter((one.person, one.side, one.exercise) for one in recordings)
    assert set(seen.values()) == {1}
    assert {one.person for one in recordings} == set(range(1, 11))
    assert {one.exercise for one in recordings} == {*watch.CLASSES, *watch.UNLABELLED}
    assert all(one.samples.shape[1] == 6 and np.isfinite(one.samples).all() for one in recordings)


def test_the_store_has_the_sessions_that_the_page_names(recordings: list[ExerciseSet], tmp_path: Path) -> None:
    write_store(tmp_path, watch_data_set(SETTINGS, recordings))
    store = _open(tmp_path)
    counts = [(len(store.videos(subset)), len(store.instances(subset))) for subset in ("train", "test")]
    assert counts == [(90, 282), (41, 129)]
    page = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")
    assert "Seven people train (90 sessions, 282 bouts), three test (41 sessions, 129 bouts)" in page


def _open(folder: Path) -> Store:
    from wtal.data.store.read import read_store

    return read_store(folder, verify=True)


def test_every_labelled_bout_is_in_exactly_one_session_and_is_the_recording_itself() -> None:
    sets = [one for one in made_up() if (one.person, one.side) == (1, "left")]
    sessions = compose(sets, SETTINGS)
    covered: dict[str, list[float]] = {}
    for session in sessions:
        for name, start, end in session.segments:
            stretch = session.samples[start:end, 0]
            np.testing.assert_array_equal(np.diff(stretch), 1)
            covered.setdefault(name, []).extend(stretch.tolist())
    assert set(covered) == set(watch.CLASSES.values())
    for samples in covered.values():
        assert sorted(samples) == list(range(20 * 50))


def test_bouts_and_rests_have_the_lengths_they_should() -> None:
    for session in compose([one for one in made_up() if (one.person, one.side) == (2, "right")], SETTINGS):
        assert len(session.samples) % 25 == 0
        assert 1 <= len({name for name, _, _ in session.segments}) <= 2
        reached = 0
        for _, start, end in session.segments:
            assert end - start >= 4 * 50
            assert start - reached >= 1.5 * 50 - 1
            reached = end
        assert reached < len(session.samples)


def test_the_same_seed_composes_the_same_sessions_and_another_does_not() -> None:
    sets = [one for one in made_up() if (one.person, one.side) == (1, "left")]
    first, again = compose(sets, SETTINGS), compose(sets[::-1], SETTINGS)
    other = compose(sets, WatchData(kind="watch", seed=1))
    assert [one.segments for one in first] == [one.segments for one in again]
    np.testing.assert_array_equal(first[0].samples, again[0].samples)
    assert [one.segments for one in first] != [one.segments for one in other]


@pytest.mark.parametrize(("split", "train", "test"), [("test", {1, 2, 6}, {8}), ("validation", {1, 2}, {6})])
def test_nobody_is_in_both_subsets(split: str, train: set[int], test: set[int], tmp_path: Path) -> None:
    data = watch_data_set(WatchData(kind="watch", split=split), made_up())  # type: ignore[arg-type]
    people: dict[str, set[int]] = {"train": set(), "test": set()}
    for video in data.videos:
        people[video.subset].add(int(video.name[6:8]))
    assert people == {"train": train, "test": test}


def test_the_suite_can_be_planned() -> None:
    suite = read_suite(ROOT / "config" / "watch.yaml")
    assert isinstance(suite.file.dataset, WatchData)
    assert suite.file.dataset.split == "test"


def test_a_table_by_name_is_read_and_one_with_other_keys_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.npy"
    np.save(path, np.array({"X": [np.arange(3)], "names": ["a"]}, dtype=object))
    table = read_array(path).item()
    assert table["names"] == ["a"]
    np.testing.assert_array_equal(table["X"][0], np.arange(3))
    np.save(path, np.array({3: "three"}, dtype=object))
    with pytest.raises(InputError, match="a table whose keys are not names, each once"):
        read_array(path)


def test_another_file_is_refused_by_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "watch_dataset.npy"
    np.save(path, np.zeros(3))
    with pytest.raises(InputError, match=r"watch_dataset\.npy: expected the recordings, sha256 eb122f23cdf0\.\.\."):
        read_sets(path)


def test_a_missing_package_is_a_sentence_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", missing)
    with pytest.raises(InputError, match=r"`pip install --no-deps seglearn==1\.2\.5` installs; got no such package"):
        find_packaged_recordings()


def test_a_package_without_the_file_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "files", lambda name: [])
    with pytest.raises(InputError, match=r"watch_dataset\.npy: expected .*; got a package without that file"):
        find_packaged_recordings()


@pytest.mark.parametrize("values", [{"seed": -1}, {"session_bouts": [0, 3]}, {"session_bouts": [4, 2]}, {"split": "x"}])
def test_settings_out_of_range_are_refused(values: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps({"kind": "watch", **values}))
    command = [sys.executable, "-m", "wtal", "prepare", "--settings", "data.json", "--out", "store"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 2
    assert next(iter(values)) in done.stderr
    assert not (tmp_path / "store").exists()


def test_reading_the_recordings_imports_nothing_of_their_package(recordings: list[ExerciseSet]) -> None:
    code = (
        "import sys; from wtal.data.kinds.watch_exercises import read_sets; "
        "read_sets(); print('seglearn' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, text=True, capture_output=True, check=False)
    assert done.stdout == "False\n", done.stderr
