"""A feature store reads back what was written, in the same bytes each time, and refuses whatever is not whole."""

from __future__ import annotations

import csv
import itertools
import json
import os
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wtal.base.errors import InputError
from wtal.base.files import digest_of_file
from wtal.data.store.read import Store, read_store
from wtal.data.store.write import DataSet, StoredVideo, write_store
from wtal.suite.streams import Stream

FILES = ("features.npy", "videos.csv", "video_labels.csv", "annotations.csv", "meta.json")


def video(name: str, subset: str, n_snippets: int = 3, classes: tuple[str, ...] = ("jump", "run")) -> StoredVideo:
    features = np.arange(n_snippets * 4, dtype=np.float32).reshape(n_snippets, 4) + len(name)
    instances = tuple((label, 0.25, 1.0 + place) for place, label in enumerate(classes))
    return StoredVideo(name=name, subset=subset, seconds=n_snippets / 2, features=features, instances=instances)


def data_set(*videos: StoredVideo) -> DataSet:
    return DataSet(
        dataset="small",
        classes=("jump", "run"),
        snippets_per_second=2.0,
        feature_size=4,
        streams=(Stream(name="left", columns=2), Stream(name="right", columns=2)),
        source="a test",
        licence="none",
        citation="none",
        videos=videos or (video("a", "train"), video("bé", "train", 5, ("run",)), video("c", "test", 2, ())),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_store(tmp_path / "store", data_set())
    return tmp_path / "store"


def test_a_store_reads_back_what_was_written(folder: Path) -> None:
    store = read_store(folder, verify=True)
    assert store.names == ("a", "bé", "c")
    assert store.videos("train").tolist() == [0, 1]
    assert store.video_names("test") == ("c",)
    assert store.offsets("train").tolist() == [0, 3, 8]
    assert store.n_snippets.tolist() == [3, 5, 2]
    assert store.seconds.tolist() == [1.5, 2.5, 1.0]
    assert store.video_labels.tolist() == [[True, True], [False, True], [False, False]]
    np.testing.assert_array_equal(store.features(1), video("bé", "train", 5).features)
    truth = store.instances("train")
    assert truth.videos == ("a", "bé")
    assert (truth.video.tolist(), truth.class_index.tolist()) == ([0, 0, 1], [0, 1, 1])
    assert (truth.start.tolist(), truth.end.tolist()) == ([0.25, 0.25, 0.25], [1.0, 2.0, 1.0])
    assert len(store.instances("test")) == 0


def test_features_are_memory_mapped_and_cannot_be_written(folder: Path) -> None:
    store = read_store(folder)
    assert isinstance(store.rows, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        store.features(0)[0, 0] = 1


def test_training_needs_no_annotations(folder: Path) -> None:
    (folder / "annotations.csv").unlink()
    store = read_store(folder)
    assert store.features(0).shape == (3, 4)
    with pytest.raises(InputError, match=r"annotations\.csv: expected a readable file"):
        store.instances("train")


def test_half_precision_on_disk_reads_back_as_float32(tmp_path: Path) -> None:
    write_store(tmp_path, data_set(), precision="float16")
    store = read_store(tmp_path, verify=True)
    assert store.rows.dtype == np.float16
    assert store.features(0).dtype == np.float32
    np.testing.assert_array_equal(store.features(0), video("a", "train").features)


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(1, 9), min_size=2, max_size=6),
    values=arrays(np.float32, 60, elements=st.floats(-1e6, 1e6, width=32)),
)
def test_any_features_survive_the_round_trip(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], values: np.ndarray
) -> None:
    rows = np.resize(values, (sum(counts), 4))
    edges = np.concatenate([[0], np.cumsum(counts)])
    videos = []
    for place, (first, last) in enumerate(itertools.pairwise(edges)):
        plain = video(f"v{place}", "test" if place else "train")
        videos.append(
            StoredVideo(
                name=plain.name, subset=plain.subset, seconds=1.0, features=rows[first:last], instances=plain.instances
            )
        )
    out = tmp_path_factory.mktemp("store")
    write_store(out, data_set(*videos))
    store = read_store(out, verify=True)
    np.testing.assert_array_equal(np.concatenate([store.features(index) for index in range(len(counts))]), rows)


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two", "two"):
        write_store(tmp_path / name, data_set())
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert sorted(os.listdir(tmp_path / "two")) == sorted(FILES)


def test_numpy_alone_can_read_the_features(folder: Path) -> None:
    assert np.load(folder / "features.npy", allow_pickle=False).shape == (10, 4)


def broken() -> list[StoredVideo]:
    return [video("a", "train"), video("b", "test")]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"features": np.zeros((0, 4), np.float32)}, "expected one snippet or more"),
        ({"features": np.zeros((3, 5), np.float32)}, r"expected features of shape \[T, 4\]"),
        ({"features": np.full((3, 4), np.nan, np.float32)}, "b, snippet 0: expected finite features"),
        ({"features": np.full((3, 4), np.inf, np.float32)}, "expected finite features"),
        ({"name": "a"}, "expected a video name that is new"),
        ({"subset": "validation"}, "expected train or test; got 'validation'"),
        ({"seconds": 0.0}, "expected seconds above 0"),
        ({"seconds": float("nan")}, "expected a finite number"),
        ({"instances": (("jump", 2.0, 1.0),)}, r"expected seconds with 0 <= start <= end; got start 2.0, end 1.0"),
        ({"instances": (("jump", -1.0, 1.0),)}, "0 <= start"),
        ({"instances": (("jmp", 0.0, 1.0),)}, r"expected a class of the store \(did you mean 'jump'\?\)"),
    ],
)
def test_a_data_set_that_breaks_a_rule_is_not_written(tmp_path: Path, change: dict, sentence: str) -> None:
    plain = video("b", "test")
    fields = {key: getattr(plain, key) for key in ("name", "subset", "seconds", "features", "instances")}
    videos = (video("a", "train"), StoredVideo(**{**fields, **change}))
    with pytest.raises(InputError, match=sentence):
        write_store(tmp_path / "new" / "store", data_set(*videos))
    assert list(tmp_path.iterdir()) == []


def test_a_class_that_no_training_video_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run: expected at least one training video of each class; got none"):
        write_store(tmp_path / "store", data_set(video("a", "train", classes=("jump",)), video("b", "test")))
    assert not (tmp_path / "store").exists()


def test_a_failure_leaves_the_store_that_was_there(folder: Path) -> None:
    before = {name: (folder / name).read_bytes() for name in FILES}
    (folder / "notes.txt").write_text("somebody's own")

    def failing():
        yield video("a", "train")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_store(folder, DataSet(**{**fields_of(data_set()), "videos": failing()}))
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    assert sorted(os.listdir(folder)) == sorted((*FILES, "notes.txt"))


def fields_of(data: DataSet) -> dict:
    return {name: getattr(data, name) for name in DataSet.__slots__}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a folder that can be written"):
        write_store(tmp_path / "file" / "store", data_set())


def edit(name: str, old: str, new: str):
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return change


def edit_meta(**values):
    def change(folder: Path) -> None:
        meta = json.loads((folder / "meta.json").read_text())
        meta.update(values)
        (folder / "meta.json").write_text(json.dumps({key: value for key, value in meta.items() if value is not None}))

    return change


def resize(change: int):
    return lambda folder: os.truncate(folder / "features.npy", (folder / "features.npy").stat().st_size + change)


def save(array: np.ndarray):
    return lambda folder: np.save(folder / "features.npy", array, allow_pickle=True)


def flip_a_byte(folder: Path) -> None:
    content = bytearray((folder / "features.npy").read_bytes())
    content[200] ^= 1
    (folder / "features.npy").write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "meta.json").unlink(), "expected the store's description; got no such file"),
        (lambda folder: (folder / "features.npy").unlink(), "expected the features of the store; got no such file"),
        (lambda folder: (folder / "videos.csv").unlink(), "expected a readable file"),
        (lambda folder: (folder / "video_labels.csv").unlink(), "expected a readable file"),
        (lambda folder: shutil.rmtree(folder), "expected the folder of a store"),
        (lambda folder: (folder / "meta.json").write_text("{"), "expected JSON"),
        (lambda folder: (folder / "meta.json").write_text("[]"), "expected a group of keys"),
        (lambda folder: (folder / "videos.csv").write_bytes(b"\xff\xff"), "expected UTF-8 text"),
        (edit_meta(classes=None), "classes: expected a list, each text; got nothing"),
        (edit_meta(classes=[]), "expected at least one class"),
        (edit_meta(classes=["jump", "jump"]), "each once"),
        (edit_meta(klasses=["jump"]), r"klasses: expected a known key \(did you mean 'classes'\?\)"),
        (edit_meta(feature_size=5, streams=[]), "features.npy: expected a whole .npy file of 10 rows of 5"),
        (edit_meta(feature_size="4"), "feature_size: expected a whole number"),
        (edit_meta(snippets_per_second=0), r"snippets_per_second: expected a number in \[0.0001, 100000\]"),
        (edit_meta(streams=[{"name": "left", "columns": 9}]), "streams: expected columns that sum to feature_size, 4"),
        (edit_meta(streams={"left": [0, 4]}), "streams: expected a list in order, with name and columns for each"),
        (edit_meta(streams=[{"name": "a", "columns": 2}] * 2), "streams: expected each name once"),
        (edit_meta(files={}), "files: expected the sha256"),
        (resize(-1), "features.npy: expected a whole .npy file"),
        (resize(-160), "features.npy: expected a whole .npy file"),
        (resize(+1), "got 1 bytes more"),
        (lambda folder: (folder / "features.npy").write_bytes(b""), "features.npy: expected a whole .npy file"),
        (lambda folder: (folder / "features.npy").write_bytes(b"nonsense" * 40), "expected a whole .npy file"),
        (save(np.zeros((10, 4))), "got type float64"),
        (save(np.zeros((9, 4), np.float32)), r"got shape \(9, 4\)"),
        (save(np.zeros((10, 4), np.float32, order="F")), "expected a whole .npy file"),
        (save(np.array([{}] * 10, dtype=object)), "features.npy: expected a whole .npy file"),
        (edit("videos.csv", "first_row", "row"), "first_row: expected a column of that name"),
        (edit("videos.csv", "a,train,0,3", "a,train,0,0"), "a: expected one snippet or more; got 0"),
        (edit("videos.csv", "a,train,0,3", "a,train,0,2.5"), "expected one snippet or more"),
        (edit("videos.csv", "a,train,0,3", "a,train,0,many"), "n_snippets: expected a finite number; got 'many'"),
        (edit("videos.csv", "a,train,0,3", "a,train,1,3"), "line 2, first_row: expected 0; got 1"),
        (edit("videos.csv", "a,train,0,3", "a,train,0,4"), "line 3, first_row: expected 4; got 3"),
        (edit("videos.csv", "a,train", "a,validation"), "expected train or test"),
        (edit("videos.csv", "c,test", "c,train"), "subset: expected at least one test video"),
        (edit("videos.csv", "c,test", ",test"), "expected a video name that is new"),
        (edit("videos.csv", ",2.5,", ",2.5,x"), "line 3, crc32: expected a finite number; got 'x"),
        (edit("videos.csv", ",1.5", ",1.6"), "expected the file that was prepared"),
        (edit("video_labels.csv", "bé,run", "bé,runn"), r"expected a class of the store \(did you mean 'run'\?\)"),
        (edit("video_labels.csv", "bé,run", "be,run"), "line 4: expected a video of the store"),
        (edit("video_labels.csv", "a,jump\n", ""), "jump: expected at least one training video of the class"),
        (edit("video_labels.csv", "bé,run", "bé,jump"), "expected the file that was prepared"),
    ],
)
def test_a_damaged_store_is_refused_when_it_is_opened(folder: Path, damage, sentence: str) -> None:
    damage(folder)
    with pytest.raises(InputError, match=sentence) as refused:
        read_store(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (flip_a_byte, "features.npy: bé: expected the features that were prepared"),
        (edit("annotations.csv", "0.25,1.0", "1.25,1.0"), "line 2: expected seconds with 0 <= start <= end"),
        (edit("annotations.csv", "0.25,1.0", "0.25,nan"), "line 2, end: expected a finite number"),
        (edit("annotations.csv", "a,jump", "z,jump"), "line 2: expected a video of the store"),
        (edit("annotations.csv", "a,jump", "a,jumb"), r"expected a class of the store \(did you mean 'jump'\?\)"),
        (edit("annotations.csv", "video,class", "video,label"), "class: expected a column of that name"),
        (edit("annotations.csv", "0.25,1.0", "0.25"), "line 2: expected 4 values"),
        (edit("annotations.csv", "0.25,1.0", "0.25,1.1"), "expected the file that was prepared"),
        (lambda folder: (folder / "annotations.csv").unlink(), "annotations.csv: expected a readable file"),
    ],
)
def test_verification_finds_what_opening_does_not_read(folder: Path, damage, sentence: str) -> None:
    damage(folder)
    read_store(folder)
    with pytest.raises(InputError, match=sentence) as refused:
        read_store(folder, verify=True)
    assert "\n" not in str(refused.value)


def test_altered_features_are_refused_when_their_video_is_read(folder: Path) -> None:
    rows = np.lib.format.open_memmap(folder / "features.npy", mode="r+")
    rows[4, 2] += 1
    rows.flush()
    store: Store = read_store(folder)
    store.features(0)
    for read in (store.features, store.mapped):
        with pytest.raises(InputError, match=r"features.npy: bé: expected the features that were prepared \(run `wtal"):
            read(1)


def test_a_store_that_somebody_else_wrote_may_lack_checksums_and_is_still_verified(folder: Path) -> None:
    lines = (folder / "videos.csv").read_text().splitlines()
    (folder / "videos.csv").write_text("".join(line.rpartition(",")[0] + "\n" for line in lines))
    rows = np.lib.format.open_memmap(folder / "features.npy", mode="r+")
    rows[4, 2] = np.nan
    rows.flush()
    meta = json.loads((folder / "meta.json").read_text())
    meta["files"] |= {name: digest_of_file(folder / name) for name in ("videos.csv", "features.npy")}
    (folder / "meta.json").write_text(json.dumps(meta))
    assert read_store(folder).features(1).shape == (5, 4)
    with pytest.raises(InputError, match="bé, snippet 1: expected finite features; got NaN or infinity"):
        read_store(folder, verify=True)


def test_the_checksum_of_a_video_is_that_of_its_rows_on_disk(tmp_path: Path) -> None:
    for precision in ("float32", "float16"):
        write_store(tmp_path / precision, data_set(), precision=precision)
        with (tmp_path / precision / "videos.csv").open() as table:
            found = [int(row["crc32"]) for row in csv.DictReader(table)]
        rows = np.load(tmp_path / precision / "features.npy")
        assert found == [zlib.crc32(rows[first:last].tobytes()) for first, last in ((0, 3), (3, 8), (8, 10))]


def test_an_instance_without_a_video_label_is_found(folder: Path) -> None:
    edit("annotations.csv", "bé,run", "bé,jump")(folder)
    meta = json.loads((folder / "meta.json").read_text())
    meta["files"]["annotations.csv"] = digest_of_file(folder / "annotations.csv")
    (folder / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(InputError, match="bé, jump: expected a row for this instance; got none"):
        read_store(folder, verify=True)
