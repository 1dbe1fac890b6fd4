"""Conversion: layouts give the same store, real annotations keep their counts, a lock holds the second machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from full_size import features_of, write_features, write_object_array

from wtal.base.errors import InputError
from wtal.base.npy.mapped import map_object_array
from wtal.data.annotations.read import read_annotations
from wtal.data.convert.convert import converted_data_set
from wtal.data.convert.settings import FeatureData
from wtal.data.features.layouts import open_features
from wtal.data.kinds.prepare import prepare
from wtal.data.store.read import Store, read_store
from wtal.suite.streams import Stream

COLUMNS = 8
CLASSES = ("Diving", "HighJump")
FILES = ("features.npy", "videos.csv", "video_labels.csv", "annotations.csv")


def annotations_json(path: Path, *, prefix: str = "v_", n_videos: int = 12) -> Path:
    """Twelve videos of rising length in ActivityNet's form, a third of them to test on."""
    database = {}
    for number in range(n_videos):
        seconds = 20.0 + 7 * number
        label = CLASSES[number % 2]
        rows = [{"label": label, "segment": [2.0, 9.5]}, {"label": CLASSES[number % 3 == 0], "segment": [11, 15.25]}]
        subset = "validation" if number % 3 == 2 else "training"
        database[f"{prefix}{number:03d}"] = {"subset": subset, "duration": seconds, "annotations": rows}
    path.write_text(json.dumps({"database": database}))
    return path


def small_data_set(folder: Path, n_videos: int = 12) -> FeatureData:
    """Settings of a small data set with one .npy a video, made in a folder."""
    annotations = annotations_json(folder / "small.json", n_videos=n_videos)
    write_features(annotations, folder / "features", layout="npy_per_video", columns=COLUMNS)
    return FeatureData(
        kind="features",
        name="small",
        features=str(folder / "features"),
        annotations=str(annotations),
        train_subset="training",
        test_subset="validation",
        feature_size=COLUMNS,
        streams=(Stream(name="rgb", columns=COLUMNS // 2), Stream(name="flow", columns=COLUMNS // 2)),
    )


@pytest.fixture
def small(tmp_path: Path) -> FeatureData:
    return small_data_set(tmp_path)


def quiet(_: str) -> None:
    """Take a caution and say nothing."""


def bytes_of(store: Path) -> dict[str, bytes]:
    return {name: (store / name).read_bytes() for name in FILES}


def write_h5(path: Path, annotations: Path, *, streams: bool) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is optional")
    found = read_annotations(annotations)
    with h5py.File(path, "w") as file:
        for video in found.videos:
            rows = features_of(video, found.classes, COLUMNS)
            parts = {"rgb": rows[:, : COLUMNS // 2], "flow": rows[:, COLUMNS // 2 :]} if streams else {"i3d": rows}
            for name, part in parts.items():
                file[f"{video.name}/{name}"] = part


# Layouts


@pytest.mark.parametrize("layout", ["object_array", "two_folders"])
def test_every_layout_gives_the_same_store(small: FeatureData, tmp_path: Path, layout: str) -> None:
    prepare(small, tmp_path / "one")
    write_features(Path(small.annotations), tmp_path / "other", layout=layout, columns=COLUMNS)
    prepare(replace(small, features=str(tmp_path / "other")), tmp_path / "two")
    assert open_features(tmp_path / "other").layout == layout
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


@pytest.mark.parametrize("streams", [False, True])
def test_hdf5_gives_the_same_store(small: FeatureData, tmp_path: Path, streams: bool) -> None:
    prepare(small, tmp_path / "one")
    write_h5(tmp_path / "features.h5", Path(small.annotations), streams=streams)
    prepare(replace(small, features=str(tmp_path / "features.h5")), tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_without_h5py_a_sentence_says_what_to_install(
    small: FeatureData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "features.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(InputError, match="pip install h5py"):
        converted_data_set(replace(small, features=str(tmp_path / "features.h5")), quiet)


def test_names_are_met_with_and_without_the_prefix(small: FeatureData, tmp_path: Path) -> None:
    prepare(small, tmp_path / "one")
    for path in sorted(Path(small.features).iterdir()):
        path.rename(path.with_name(path.name.removeprefix("v_")))
    prepare(small, tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_an_object_array_is_read_in_place_and_as_numpy_reads_it(tmp_path: Path) -> None:
    arrays = [np.random.default_rng(n).standard_normal((40 + n, 64)).astype(np.float32) for n in range(3)]
    write_object_array(tmp_path / "a.npy", iter(arrays), len(arrays))
    whole = np.empty(len(arrays), dtype=object)
    whole[:] = arrays
    np.save(tmp_path / "b.npy", whole)
    for name in ("a.npy", "b.npy"):
        found = map_object_array(tmp_path / name)
        assert [array.tobytes() for array in found] == [array.tobytes() for array in arrays]
        assert not any(array.flags.owndata or array.flags.writeable for array in found)
    assert np.load(tmp_path / "a.npy", allow_pickle=True)[2].tobytes() == arrays[2].tobytes()


def test_streams_apart_and_axes_of_length_one_are_laid_out_flat(small: FeatureData, tmp_path: Path) -> None:
    prepare(small, tmp_path / "one")
    for number, path in enumerate(sorted(Path(small.features).iterdir())):
        rows = np.load(path)
        np.save(path, rows[None] if number % 2 else rows.reshape(len(rows), 2, -1))
    prepare(small, tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_a_float16_store_holds_the_nearest_values(small: FeatureData, tmp_path: Path) -> None:
    full, half = prepare(small, tmp_path / "one"), prepare(replace(small, precision="float16"), tmp_path / "two")
    assert half.rows.dtype == np.float16
    np.testing.assert_array_equal(full.features(3).astype(np.float16), half.features(3))


# Annotations


def check_counts(store: Store, train: tuple[int, int], test: tuple[int, int]) -> None:
    assert (len(store.videos("train")), len(store.instances("train"))) == train
    assert (len(store.videos("test")), len(store.instances("test"))) == test


def real(shared: Path, tmp_path: Path, dataset: str, subsets: tuple[str, str]) -> Store:
    write_features(shared / dataset, tmp_path / "features", layout="object_array", columns=2, subsets=subsets)
    settings = FeatureData(
        kind="features",
        name=dataset,
        features=str(tmp_path / "features"),
        annotations=str(shared / dataset),
        train_subset=subsets[0],
        test_subset=subsets[1],
        feature_size=2,
        streams=(Stream(name="rgb", columns=1), Stream(name="flow", columns=1)),
        past_end="keep",
    )
    prepare(settings, tmp_path / "store")
    return read_store(tmp_path / "store")


def test_thumos14_keeps_its_videos_and_instances(shared: Path, tmp_path: Path) -> None:
    store = real(shared, tmp_path, "thumos14", ("validation", "test"))
    check_counts(store, (200, 3007), (212, 3358))
    assert len(store.classes) == 20


def test_activitynet13_keeps_its_videos_and_instances(shared: Path, tmp_path: Path) -> None:
    store = real(shared, tmp_path, "activitynet13", ("train", "val"))
    check_counts(store, (9032, 13913), (4427, 6836))
    truth = store.instances("test")
    rows = list(zip(truth.video.tolist(), truth.class_index.tolist(), truth.start.tolist(), truth.end.tolist()))
    assert len(rows) - len(set(rows)) == 17
    assert len(store.classes) == 200


def test_listed_labels_are_for_training_alone(shared: Path, tmp_path: Path) -> None:
    write_features(shared / "thumos14", tmp_path / "features", layout="object_array", columns=2)
    settings = FeatureData(
        kind="features",
        name="thumos14",
        features=str(tmp_path / "features"),
        annotations=str(shared / "thumos14"),
        train_subset="validation",
        feature_size=2,
        streams=(),
        past_end="keep",
    )
    own = prepare(settings, tmp_path / "one")
    listed = prepare(replace(settings, video_labels="listed"), tmp_path / "two")
    differ = (own.video_labels != listed.video_labels).any(axis=1)
    assert differ[own.videos("train")].sum() == 8
    assert not differ[own.videos("test")].any()


def test_a_table_of_labels_alone_is_enough_to_train_on(small: FeatureData, tmp_path: Path) -> None:
    found = read_annotations(small.annotations)
    rows = [f"{video.name},{name}" for video in found.videos for name in sorted({row[0] for row in video.instances})]
    table = tmp_path / "labels.csv"
    table.write_text("video,label\n" + "\n".join(rows) + "\n")
    settings = replace(small, annotations=str(table), train_subset="train", test_subset="test")
    told: list[str] = []
    store = prepare_with(settings, tmp_path / "store", told.append)
    assert len(store.videos("test")) == 3
    assert len(store.instances("train")) == len(store.instances("test")) == 0
    assert store.video_labels.any(axis=1).all()
    assert any("no durations are annotated" in line for line in told)
    assert prepare_with(settings, tmp_path / "again", quiet).names == store.names


def prepare_with(settings: FeatureData, out: Path, tell: Callable[[str], None]) -> Store:
    from wtal.data.store.write import write_store

    write_store(out, converted_data_set(settings, tell))
    return read_store(out)


def test_the_rate_is_measured_where_the_settings_leave_it_open(small: FeatureData, tmp_path: Path) -> None:
    store = prepare(replace(small, snippets_per_second=None), tmp_path / "store")
    assert store.snippets_per_second == pytest.approx(25 / 16, rel=0.02)


# The lock


def test_a_lock_records_what_was_first_seen_and_holds_the_next_machine_to_it(
    small: FeatureData, tmp_path: Path
) -> None:
    locked = replace(small, lock=str(tmp_path / "lock.json"))
    prepare(locked, tmp_path / "store")
    lock = json.loads((tmp_path / "lock.json").read_text())
    assert set(lock) == {"annotations", "features", "videos", "streams"}
    assert lock["videos"]["v_000"].startswith("31 ")
    prepare(locked, tmp_path / "store")
    assert json.loads((tmp_path / "lock.json").read_text()) == lock
    before = bytes_of(tmp_path / "store")
    path = Path(small.features) / "v_004.npy"
    rows = np.load(path)
    rows[3, 2] += 0.25
    np.save(path, rows)
    with pytest.raises(InputError, match=r"lock\.json: videos/v_004: expected what was first seen"):
        prepare(locked, tmp_path / "store")
    assert bytes_of(tmp_path / "store") == before


def test_a_lock_holds_features_in_another_layout_too(small: FeatureData, tmp_path: Path) -> None:
    locked = replace(small, lock=str(tmp_path / "lock.json"))
    prepare(locked, tmp_path / "store")
    write_features(Path(small.annotations), tmp_path / "other", layout="two_folders", columns=COLUMNS)
    prepare(replace(locked, features=str(tmp_path / "other")), tmp_path / "store")


def test_altered_annotations_are_told_by_the_lock(small: FeatureData, tmp_path: Path) -> None:
    locked = replace(small, lock=str(tmp_path / "lock.json"))
    prepare(locked, tmp_path / "store")
    path = Path(small.annotations)
    path.write_text(path.read_text().replace("9.5", "9.6", 1))
    with pytest.raises(InputError, match="annotations/sha256: expected what was first seen"):
        prepare(locked, tmp_path / "store")


# Interruption


def test_what_a_killed_conversion_left_is_cleared_by_the_next(small: FeatureData, tmp_path: Path) -> None:
    site = tmp_path / "store" / ".preparing-killed"
    site.mkdir(parents=True)
    (site / "features.npy").write_bytes(b"half")
    prepare(small, tmp_path / "store")
    assert not list((tmp_path / "store").glob(".preparing-*"))


def test_a_conversion_that_is_killed_leaves_the_store_that_was_there(small: FeatureData, tmp_path: Path) -> None:
    prepare(small, tmp_path / "store")
    before = bytes_of(tmp_path / "store")
    code = (
        "import sys, time, numpy as np\nfrom dataclasses import replace\n"
        "from wtal.data.convert import convert\nfrom wtal.data.store import write as store_writer\n"
        "from wtal.data.kinds.prepare import read_data_settings\nread = convert.read_entry\n"
        "def slow(entry):\n    print('reading', flush=True)\n    time.sleep(20)\n    return read(entry)\n"
        "convert.read_entry = slow\n"
        "store_writer.write_store(sys.argv[2], convert.converted_data_set(read_data_settings(sys.argv[1])))\n"
    )
    from wtal.base.schema import to_mapping

    (tmp_path / "data.json").write_text(json.dumps(to_mapping(small)))
    command = [sys.executable, "-c", code, str(tmp_path / "data.json"), str(tmp_path / "store")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        assert list((tmp_path / "store").glob(".preparing-*"))
        process.send_signal(signal.SIGKILL)
    time.sleep(0)
    assert bytes_of(tmp_path / "store") == before
    prepare(small, tmp_path / "store")
    assert not list((tmp_path / "store").glob(".preparing-*"))
