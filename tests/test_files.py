"""Files: whole or absent when written, one sentence when they cannot be read or written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wtal.base.edges.array_file import open_arrays
from wtal.base.errors import InputError
from wtal.base.files import (
    read_arrays,
    read_json,
    read_rows,
    read_text,
    write_arrays,
    write_if_changed,
    write_text,
)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    write_arrays(path, {"a": np.arange(3)})
    before = path.read_bytes()
    with pytest.raises(ValueError, match="Object arrays"):
        write_arrays(path, {"a": np.array([object()])})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.npz"]


def test_a_folder_in_the_place_of_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match=r"taken: expected a path for a file; got Is a directory"):
        write_text(tmp_path / "taken", "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_a_file_in_the_place_of_a_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a path that can be written"):
        write_text(tmp_path / "file/inside", "text")


def test_the_same_arrays_always_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_arrays(tmp_path / name, {"x": np.arange(5.0), "names": np.array(["ö", "b"])})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_arrays_that_are_made_one_after_the_other_give_the_bytes_of_numpy_and_are_read_one_by_one(
    tmp_path: Path,
) -> None:
    arrays = {"epoch0/x": np.arange(500.0), "names": np.array(["ö", "b"]), "none": np.zeros((0, 3), np.float32)}
    write_arrays(tmp_path / "a.npz", (pair for pair in arrays.items()))
    np.savez_compressed(tmp_path / "b.npz", **arrays)  # type: ignore[arg-type]
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with open_arrays(tmp_path / "a.npz") as file:
        assert file.names == list(arrays)
        assert file.header("epoch0/x") == ((500,), np.dtype(np.float64))
    assert set(read_arrays(tmp_path / "a.npz", ["names"])) == set(arrays)


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    assert write_if_changed(tmp_path / "a", "x")
    stamp = (tmp_path / "a").stat().st_mtime_ns
    assert not write_if_changed(tmp_path / "a", "x")
    assert (tmp_path / "a").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected JSON"),
        (b"{", "at line 1 column 2"),
        (b"\xff\xfd", "UTF-8 text"),
        (b"[" * 100_000, "nesting too deep"),
    ],
)
def test_broken_json_is_refused_in_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_json(path)


def test_missing_files_tables_without_a_column_and_short_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_text(tmp_path / "none")
    path = tmp_path / "a.csv"
    path.write_text("video,class\na\n")
    with pytest.raises(InputError, match="seconds: expected a column of that name"):
        read_rows(path, ("video", "seconds"))
    with pytest.raises(InputError, match="line 2: expected 2 values"):
        read_rows(path, ("video", "class"))


def test_archives_are_read_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.arange(1000.0)})
    content = path.read_bytes()
    for damaged in (content[:-30], content[:40], b"", content[:200] + bytes(60) + content[260:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a whole \.npz archive"):
            read_arrays(path)
    np.savez(path, x=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"a whole \.npz archive"):
        read_arrays(path)
