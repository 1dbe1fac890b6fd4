"""Features that lie otherwise than documented and can be read without doubt are read, and what is in doubt is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from full_size import write_features
from test_convert import COLUMNS, bytes_of, quiet, small_data_set, write_h5
from test_own_data import rows
from test_predict import checkpoint

from wtal.base.errors import InputError
from wtal.cli import main
from wtal.data.annotations.names import display_names, match_names
from wtal.data.convert.convert import converted_data_set
from wtal.data.convert.file_times import raw_listing
from wtal.data.convert.settings import FeatureData
from wtal.data.features.axes import plain_shape, snippets_axis
from wtal.data.features.layouts import open_features
from wtal.data.kinds.prepare import prepare
from wtal.data.store.read import read_store
from wtal.data.store.write import write_store


@pytest.fixture
def small(tmp_path: Path) -> FeatureData:
    return small_data_set(tmp_path)


def files_of(settings: FeatureData) -> list[Path]:
    return sorted(Path(settings.features).iterdir())


def same_store(settings: FeatureData, folder: Path, spoil: Callable[[FeatureData], FeatureData | None]) -> list[str]:
    """A change of how the files lie changes no byte of the store; returns what was told."""
    told: list[str] = []
    write_store(folder / "one", converted_data_set(settings, quiet))
    write_store(folder / "two", converted_data_set(spoil(settings) or settings, told.append))
    assert bytes_of(folder / "one") == bytes_of(folder / "two")
    return told


def each_file(turn: Callable[[np.ndarray], np.ndarray]) -> Callable[[FeatureData], None]:
    def spoil(settings: FeatureData) -> None:
        for path in files_of(settings):
            np.save(path, turn(np.load(path)))

    return spoil


def renamed(turn: Callable[[str], str]) -> Callable[[FeatureData], None]:
    def spoil(settings: FeatureData) -> None:
        for path in files_of(settings):
            path.rename(path.with_name(turn(path.name)))

    return spoil


def hidden(settings: FeatureData) -> None:
    folder = Path(settings.features)
    (folder / "._v_001.npy").write_bytes(b"\0\5\x16\7")
    (folder / ".DS_Store").write_bytes(b"Bud1")
    for name in (".ipynb_checkpoints", "__MACOSX"):
        (folder / name).mkdir()
    np.save(folder / ".ipynb_checkpoints" / "v_001.npy", np.zeros((3, 3)))
    (folder / "__MACOSX" / "._v_002.npy").write_bytes(b"\0\5\x16\7")


ALIKE: dict[str, Callable[[FeatureData], None]] = {
    "[T, 1, 1, C]": each_file(lambda array: array[:, None, None, :]),
    "[1, T, 1, C]": each_file(lambda array: array[None, :, None, :]),
    "[T, C, 1]": each_file(lambda array: array[:, :, None]),
    "[T, 1, 2, C / 2]": each_file(lambda array: array.reshape(len(array), 1, 2, -1)),
    "[C, T]": each_file(lambda array: array.T),
    "[1, C, T, 1, 1]": each_file(lambda array: array.T[None, :, :, None, None]),
    "hidden files": hidden,
    "media in file names": renamed(lambda name: name.replace(".npy", ".mp4.npy")),
    "media in capitals": renamed(lambda name: name.replace(".npy", ".AVI.npy")),
    "endings in capitals": renamed(lambda name: name.replace(".npy", ".NPY")),
    "prefix and media": renamed(lambda name: name.removeprefix("v_").replace(".npy", ".webm.npy")),
}


@pytest.mark.parametrize("case", list(ALIKE))
def test_files_that_lie_otherwise_give_the_same_store(small: FeatureData, tmp_path: Path, case: str) -> None:
    told = same_store(small, tmp_path, ALIKE[case])
    assert any("[features, snippets]" in line for line in told) == ("C, T" in case)
    assert raw_listing(small) is not None


def test_transposed_streams_are_read_in_folders_and_in_hdf5(small: FeatureData, tmp_path: Path) -> None:
    def folders(settings: FeatureData) -> FeatureData:
        write_features(Path(settings.annotations), tmp_path / "other", layout="two_folders", columns=COLUMNS)
        for path in (tmp_path / "other").rglob("*.npy"):
            np.save(path, np.load(path).T)
        for path in (tmp_path / "other/flow").iterdir():
            path.rename(path.with_name(path.name.replace(".npy", ".mp4_flow.npy")))
        return replace(settings, features=str(tmp_path / "other"))

    same_store(small, tmp_path, folders)
    h5py = pytest.importorskip("h5py", reason="h5py is optional")
    write_h5(tmp_path / "features.h5", Path(small.annotations), streams=True)
    with h5py.File(tmp_path / "features.h5", "r+") as file:
        for name in list(file):
            for stream in ("rgb", "flow"):
                turned = file[f"{name}/{stream}"][()].T[None]
                del file[f"{name}/{stream}"]
                file[f"{name}/{stream}"] = turned
            file.move(name, f"{name}.mkv")
    prepare(replace(small, features=str(tmp_path / "features.h5")), tmp_path / "three")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "three")


def test_media_endings_are_met_in_annotations_too(small: FeatureData, tmp_path: Path) -> None:
    path = Path(small.annotations)
    values = json.loads(path.read_text())
    values["database"] = {f"{name}.mp4": entry for name, entry in values["database"].items()}
    path.write_text(json.dumps(values))
    prepare(small, tmp_path / "store")
    assert len(read_store(tmp_path / "store").names) == 12


# Axes and names as pure functions


@pytest.mark.parametrize(
    ("shape", "plain"),
    [
        ((58, 1, 1, 8), (58, 8)),
        ((1, 58, 8), (58, 8)),
        ((1, 8, 58, 1, 1), (8, 58)),
        ((58, 2, 4), (58, 8)),
        ((1, 58, 2, 4), (58, 8)),
        ((1, 1, 1, 8), (1, 8)),
        ((8, 1, 1), (8, 1)),
        ((1, 8), (1, 8)),
        ((58, 1), (58, 1)),
        ((0, 8), (0, 8)),
        ((58, 10, 8), None),
        ((8,), None),
        ((), None),
    ],
)
def test_axes_of_length_one_go_and_nothing_else_does(shape: tuple[int, ...], plain: tuple[int, int] | None) -> None:
    assert plain_shape(shape) == plain


@pytest.mark.parametrize(
    ("shapes", "size", "seconds", "rate", "axis"),
    [
        ([(50, 8), (60, 8), (70, 8)], None, [], None, "rows"),
        ([(8, 50), (8, 60), (8, 70)], None, [], None, "columns"),
        ([(8, 50), (8, 60), (6, 70)], None, [], None, "columns"),  # one of them is wrong, and not the others
        ([(50, 8), (50, 8), (70, 8)], None, [], None, "rows"),
        ([(50, 8), (50, 8)], None, [None, None], None, None),
        ([(50, 8), (50, 8)], None, [25.0, 25.0], None, None),
        ([(50, 8), (50, 8)], None, [25.0, 25.0], 2.0, "rows"),
        ([(8, 50), (8, 50)], None, [25.0, 25.0], 2.0, "columns"),
        ([(50, 8), (50, 8)], None, [20.0, 90.0], None, "rows"),  # resampled to one length: said by another sentence
        ([(50, 8), (50, 8)], 8, [], None, "rows"),
        ([(8, 50), (8, 50)], 8, [], None, "columns"),
        ([(8, 8), (8, 50)], 8, [], None, "columns"),
        ([(8, 8)], 8, [], None, "rows"),
        ([(50, 8), (50, 8), (50, 6)], None, [None] * 3, None, None),
    ],
)
def test_snippets_lie_along_the_axis_on_which_videos_differ(
    shapes: list[tuple[int, int]], size: int | None, seconds: list[float | None], rate: float | None, axis: str | None
) -> None:
    assert snippets_axis([(shape,) for shape in shapes], size, seconds or [None] * len(shapes), rate) == axis


@pytest.mark.parametrize(
    ("wanted", "found", "matches"),
    [
        (["a", "b.mp4"], ["a.avi", "b"], {"a": "a.avi", "b.mp4": "b"}),
        (["v_a", "b"], ["a.mp4", "v_b.mkv"], {"v_a": "a.mp4", "b": "v_b.mkv"}),
        (["a.mp4", "a.avi"], ["a.mp4", "a.avi"], {"a.mp4": "a.mp4", "a.avi": "a.avi"}),
        (["a.mp4", "a.avi"], ["a.mp4"], {"a.mp4": "a.mp4", "a.avi": None}),
        (["a", "v_a"], ["a"], {"a": "a", "v_a": None}),
        (["a"], ["b"], {"a": None}),
        (["mp4", ".mp4"], ["mp4"], {"mp4": "mp4", ".mp4": None}),
    ],
)
def test_names_are_met_across_prefix_and_media_ending(
    wanted: list[str], found: list[str], matches: dict[str, str | None]
) -> None:
    assert match_names(wanted, found, "f") == matches


@pytest.mark.parametrize(
    ("wanted", "found", "both"),
    [
        (["a"], ["a.mp4", "a.avi"], "features of one name for each video; got a.avi and a.mp4"),
        (["a"], ["a", "a.avi"], "features of one name for each video; got a and a.avi"),
        (["a.mp4", "a.avi"], ["a"], "videos of one name for each video; got a.avi and a.mp4"),
        (["a.mp4", "a.avi"], ["v_a"], "videos of one name for each video; got a.avi and a.mp4"),
    ],
)
def test_two_that_are_one_name_are_refused_naming_both(wanted: list[str], found: list[str], both: str) -> None:
    with pytest.raises(InputError, match=both):
        match_names(wanted, found, "f")


def test_unseen_videos_lose_their_media_ending_unless_two_would_be_one() -> None:
    assert display_names(["a.mp4", "b.mp4", "b", "c"]) == {"a.mp4": "a", "b.mp4": "b.mp4", "b": "b", "c": "c"}


def test_a_folder_with_hidden_features_alone_has_none(tmp_path: Path) -> None:
    np.save(tmp_path / "._a.npy", rows(3))
    with pytest.raises(InputError, match=r"\.npy files named like the videos"):
        open_features(tmp_path)


# Unseen videos


def test_a_transposed_or_media_named_file_is_predicted_as_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint(tmp_path / "c.pt")
    found = []
    for folder, turn, name in (("a", lambda x: x, "one.npy"), ("b", lambda x: x.T[None], "one.mp4.NPY")):
        (tmp_path / folder).mkdir()
        with (tmp_path / folder / name).open("wb") as stream:
            np.save(stream, turn(rows(30)))
        for place in (folder, f"{folder}/{name}"):
            assert main(["predict", "--checkpoint", "c.pt", "--features", place, "--out", "d.json"]) == 0
            found.append((tmp_path / "d.json").read_bytes())
            told = "arrays read as [features, snippets]: their rows are the 6 features" in capsys.readouterr().out
            assert told == (folder == "b")
    assert len(set(found)) == 1
