"""The listing of raw files says when they change, and outlives them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wtal.data.convert.file_times import raw_listing
from wtal.data.convert.settings import FeatureData
from wtal.data.kinds.prepare import keep_listing


@pytest.fixture
def settings(tmp_path: Path) -> FeatureData:
    """A folder of annotation arrays with the features below it, as THUMOS14 lies there; the content is no matter."""
    (tmp_path / "set" / "features" / "flow").mkdir(parents=True)
    for name in ("videoname.npy", "subset.npy", "features/a.npy", "features/flow/a.npy", "features/flow/b.npy"):
        (tmp_path / "set" / name).write_bytes(name.encode())
    return FeatureData(
        kind="features", name="set", features=str(tmp_path / "set/features"), annotations=str(tmp_path / "set")
    )


def test_it_has_each_file_of_features_and_each_array_of_annotations(settings: FeatureData, tmp_path: Path) -> None:
    (tmp_path / "set/lock.json").write_text("{}")
    (tmp_path / "set/features/a.npy.part").write_text("half of it")
    os.symlink("nowhere", tmp_path / "set/features/c.npy")
    listing = raw_listing(settings)
    assert list(listing["features"]) == ["a.npy", "flow/a.npy", "flow/b.npy"]
    assert listing["features"]["a.npy"].startswith("14 bytes, ")
    assert set(listing["annotations"]) == {"subset.npy", "videoname.npy"}


def test_a_single_file_is_listed_too(settings: FeatureData, tmp_path: Path) -> None:
    (tmp_path / "all.h5").write_bytes(b"content")
    one = FeatureData(kind="features", name="one", features=str(tmp_path / "all.h5"), annotations=settings.annotations)
    listing = raw_listing(one)
    assert listing["features"].popitem()[1].startswith("7 bytes, ")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "features/new.npy").write_bytes(b"more"),
        lambda folder: (folder / "features/flow/b.npy").unlink(),
        lambda folder: (folder / "features/a.npy").write_bytes(b"longer than it was"),
        lambda folder: os.utime(folder / "features/a.npy", ns=(1, 1)),
        lambda folder: (folder / "subset.npy").write_bytes(b"SUBSET.NPY"),
        lambda folder: (folder / "labels_all.npy").write_bytes(b"more"),
    ],
    ids=["added", "deleted", "longer", "later", "annotated otherwise", "annotated more"],
)
def test_it_changes_with_the_files(settings: FeatureData, tmp_path: Path, change: Callable[[Path], object]) -> None:
    before = raw_listing(settings)
    assert raw_listing(settings) == before
    change(tmp_path / "set")
    assert raw_listing(settings) not in (before, {})


def test_the_time_of_annotations_does_not_matter(settings: FeatureData, tmp_path: Path) -> None:
    before = raw_listing(settings)
    os.utime(tmp_path / "set/subset.npy", ns=(1, 1))
    assert raw_listing(settings) == before


@pytest.mark.parametrize("gone", ["features", "annotations"])
def test_the_file_outlives_the_raw_files(settings: FeatureData, tmp_path: Path, gone: str) -> None:
    path = tmp_path / "raw.json"
    keep_listing(path, settings)
    before = path.read_bytes(), path.stat().st_mtime_ns
    keep_listing(path, settings)
    for file in (tmp_path / "set").glob("features/**/*.npy" if gone == "features" else "*.npy"):
        file.unlink()
    keep_listing(path, settings)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_it_is_empty_until_there_are_raw_files(settings: FeatureData, tmp_path: Path) -> None:
    path = tmp_path / "raw.json"
    keep_listing(path, FeatureData(kind="features", name="none", features="nowhere", annotations="nowhere"))
    assert json.loads(path.read_text()) == {}
    keep_listing(path, settings)
    assert json.loads(path.read_text()) == raw_listing(settings)
