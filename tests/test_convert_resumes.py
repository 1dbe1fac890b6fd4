"""A conversion that was killed, or refused late, goes on and ends in the same bytes, or starts over and says so."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from full_size import write_features
from test_convert import COLUMNS, small_data_set, write_h5

from wtal.base.errors import InputError
from wtal.base.schema import to_mapping
from wtal.data.convert import convert
from wtal.data.convert.settings import FeatureData
from wtal.data.features.statistics import FeatureStatistics
from wtal.data.kinds.prepare import prepare
from wtal.data.kinds.synthetic_settings import SyntheticData

N_VIDEOS = 12
ORDER = [f"v_{number:03d}" for number in range(N_VIDEOS) if number % 3 != 2]  # those to train on come first
ORDER += [f"v_{number:03d}" for number in range(N_VIDEOS) if number % 3 == 2]
DONE = 6  # videos when it is interrupted
FILES = ("features.npy", "videos.csv", "video_labels.csv", "annotations.csv", "meta.json")


@pytest.fixture
def small(tmp_path: Path) -> FeatureData:
    """Settings of a small data set with one .npy a video, and a lock."""
    return replace(small_data_set(tmp_path, N_VIDEOS), lock=str(tmp_path / "lock.json"))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the features lie that were read, in order."""
    places: list[str] = []
    read = convert.read_entry

    def counted(entry):
        places.append(entry.where)
        return read(entry)

    monkeypatch.setattr(convert, "read_entry", counted)
    return places


def interrupted(settings: FeatureData, out: Path) -> Path:
    """Convert until some videos are done and their state is saved; returns the staging folder."""
    read, count = convert.read_entry, iter(range(N_VIDEOS))

    def stopping(entry):
        if next(count) == DONE:
            raise KeyboardInterrupt
        return read(entry)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convert, "read_entry", stopping)
        with pytest.raises(KeyboardInterrupt):
            prepare(settings, out, resume_every=0)
    (site,) = out.glob(".preparing-*")
    return site


def bytes_of(settings: FeatureData, out: Path) -> dict[str, bytes]:
    """The five files of the store and the lock; nothing else lies there."""
    assert sorted(os.listdir(out)) == sorted(FILES)
    return {name: (out / name).read_bytes() for name in FILES} | {"lock": Path(str(settings.lock)).read_bytes()}


def uninterrupted(settings: FeatureData, tmp_path: Path) -> dict[str, bytes]:
    other = replace(settings, lock=str(tmp_path / "other.json"))
    prepare(other, tmp_path / "whole")
    return bytes_of(other, tmp_path / "whole")


# As processes


def start(settings: FeatureData, folder: Path, before: str, *options: str) -> subprocess.Popen[str]:
    """`wtal prepare` with some Python run before it."""
    (folder / "data.json").write_text(json.dumps(to_mapping(settings)))
    arguments = ["prepare", "--settings", "data.json", "--out", "store", *options]
    code = f"{before}\nfrom wtal.cli import main\nraise SystemExit(main({arguments}))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, stderr=subprocess.PIPE)


HANGS = f"""
import time
from wtal.data.convert import convert
read, count = convert.read_entry, iter(range({N_VIDEOS}))
def hanging(entry):
    if next(count) == {DONE}:
        time.sleep(600)
    return read(entry)
convert.read_entry = hanging
"""


def test_a_killed_process_is_taken_up_by_the_next_and_ends_in_the_same_bytes(
    small: FeatureData, tmp_path: Path
) -> None:
    killed = start(small, tmp_path, HANGS, "--resume-every", "0")
    try:
        while not list(tmp_path.glob("store/.preparing-*/state.npz")):
            assert killed.poll() is None
            time.sleep(0.01)
    finally:
        killed.kill()
        killed.communicate()
    assert not (tmp_path / "store" / "meta.json").exists()
    with start(small, tmp_path, "") as second:
        _, told = second.communicate()
    assert second.returncode == 0, told
    assert "note: taking up the conversion after " in told
    assert f" of {N_VIDEOS} videos\n" in told
    assert "starting over" not in told
    assert bytes_of(small, tmp_path / "store") == uninterrupted(small, tmp_path)


@pytest.mark.parametrize(
    ("limit", "file", "n_left"), [(9_000, "features.npy", 1), (1_300, "state.npz", 0)], ids=["rows", "state"]
)
def test_a_full_disk_gets_one_sentence_and_what_was_saved_is_taken_up(
    small: FeatureData, tmp_path: Path, limit: int, file: str, n_left: int
) -> None:
    full = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    with start(small, tmp_path, full, "--resume-every", "0") as first:
        _, told = first.communicate()
    assert first.returncode == 2
    assert f"/{file}: expected a path that can be written; got File too large\n" in told
    assert told.count("\n") == 1
    assert len(list(tmp_path.glob("store/.preparing-*"))) == n_left
    with start(small, tmp_path, "") as second:
        _, told = second.communicate()
    assert ("taking up" in told) == bool(n_left)
    assert bytes_of(small, tmp_path / "store") == uninterrupted(small, tmp_path)


# In this process


@pytest.mark.parametrize("layout", ["npy_per_video", "two_folders", "object_array", "h5"])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_every_layout_goes_on_after_the_videos_that_were_done(
    small: FeatureData, tmp_path: Path, reads: list[str], layout: str, precision: str
) -> None:
    if layout == "h5":
        write_h5(tmp_path / "other.h5", Path(small.annotations), streams=True)
    else:
        write_features(Path(small.annotations), tmp_path / "other", layout=layout, columns=COLUMNS)
    place = tmp_path / ("other.h5" if layout == "h5" else "other")
    settings = replace(small, features=str(place), precision=precision)
    whole = uninterrupted(settings, tmp_path)
    interrupted(settings, tmp_path / "store")
    reads.clear()
    prepare(settings, tmp_path / "store")
    assert len(reads) == N_VIDEOS - DONE
    assert bytes_of(settings, tmp_path / "store") == whole


def test_a_conversion_may_be_interrupted_time_and_again(small: FeatureData, tmp_path: Path, reads: list[str]) -> None:
    site = interrupted(small, tmp_path / "store")
    for name in ORDER[DONE + 1 : DONE + 3]:
        path = Path(small.features) / f"{name}.npy"
        good = path.read_bytes()
        path.write_bytes(good[:-8] + np.array([np.nan, 1], "<f4").tobytes())
        with pytest.raises(InputError, match=f"{name}, snippet .*: expected finite features"):
            prepare(small, tmp_path / "store", resume_every=0)
        assert list((tmp_path / "store").iterdir()) == [site]
        path.write_bytes(good)
    reads.clear()
    prepare(small, tmp_path / "store")
    assert [Path(place).stem for place in reads] == ORDER[DONE + 2 :]
    assert bytes_of(small, tmp_path / "store") == uninterrupted(small, tmp_path)


def test_what_stood_in_the_folder_stays_until_the_conversion_is_taken_up(small: FeatureData, tmp_path: Path) -> None:
    prepare(replace(small, source="an earlier one"), tmp_path / "store")
    before = bytes_of(small, tmp_path / "store")
    interrupted(small, tmp_path / "store")
    assert {name: (tmp_path / "store" / name).read_bytes() for name in FILES} == {name: before[name] for name in FILES}
    prepare(small, tmp_path / "store")
    assert bytes_of(small, tmp_path / "store") == uninterrupted(small, tmp_path)


def test_annotations_that_keep_the_order_are_read_anew(
    small: FeatureData, tmp_path: Path, reads: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "wtal")
    interrupted(small, tmp_path / "store")
    path = Path(small.annotations)
    path.write_text(path.read_text().replace("9.5", "9.25", 1))
    reads.clear()
    prepare(small, tmp_path / "store")
    assert f"taking up the conversion after {DONE} of {N_VIDEOS} videos" in caplog.text
    assert len(reads) == N_VIDEOS - DONE
    assert bytes_of(small, tmp_path / "store") == uninterrupted(small, tmp_path)


Change = Callable[[FeatureData, Path], FeatureData]


def other_numbers(settings: FeatureData, _: Path) -> FeatureData:
    path = Path(settings.features) / f"{ORDER[2]}.npy"
    np.save(path, np.load(path) + np.float32(0.25))
    return settings


def other_precision(settings: FeatureData, _: Path) -> FeatureData:
    return replace(settings, precision="float16")


def other_videos(settings: FeatureData, _: Path) -> FeatureData:
    return replace(settings, exclude_videos=(ORDER[1],))


def other_order(settings: FeatureData, _: Path) -> FeatureData:
    path = Path(settings.annotations)
    database = json.loads(path.read_text())["database"]
    path.write_text(json.dumps({"database": dict(reversed(database.items()))}))
    return settings


def fewer_videos(settings: FeatureData, _: Path) -> FeatureData:
    path = Path(settings.annotations)
    database = json.loads(path.read_text())["database"]
    path.write_text(json.dumps({"database": {name: database[name] for name in (*ORDER[:3], *ORDER[-2:])}}))
    return settings


def cut_state(settings: FeatureData, site: Path) -> FeatureData:
    os.truncate(site / "state.npz", 900)
    return settings


def empty_state(settings: FeatureData, site: Path) -> FeatureData:
    (site / "state.npz").write_bytes(b"")
    return settings


def foreign_state(settings: FeatureData, site: Path) -> FeatureData:
    np.savez(site / "state.npz", a=np.zeros(3))
    return settings


def cut_rows(settings: FeatureData, site: Path) -> FeatureData:
    os.truncate(site / "features.npy", 2000)
    return settings


def damaged_rows(settings: FeatureData, site: Path) -> FeatureData:
    content = bytearray((site / "features.npy").read_bytes())
    content[700] ^= 1
    (site / "features.npy").write_bytes(content)
    return settings


def no_rows(settings: FeatureData, site: Path) -> FeatureData:
    (site / "features.npy").unlink()
    return settings


DISAGREE: list[tuple[Change, str]] = [
    (other_numbers, f"features: expected the {DONE} videos that were read, in unchanged files; got others"),
    (
        other_precision,
        "features: expected the settings and the code of the conversion that was interrupted; got others",
    ),
    (other_videos, "features: expected the settings and the code of the conversion that was interrupted; got others"),
    (other_order, f"features: expected the {DONE} videos that were read, in unchanged files; got others"),
    (fewer_videos, f"features: expected the {DONE} videos that were read, in unchanged files; got others"),
    (cut_state, "state.npz: expected a whole .npz archive of plain arrays; got "),
    (empty_state, "state.npz: expected a whole .npz archive of plain arrays; got "),
    (foreign_state, "features: expected the settings and the code of the conversion that was interrupted; got others"),
    (cut_rows, "features.npy: expected 415 rows as they were written; got others or fewer"),
    (damaged_rows, "features.npy: expected 415 rows as they were written; got others or fewer"),
    (no_rows, "features.npy: expected 415 rows as they were written; got others or fewer"),
]


@pytest.mark.parametrize(("change", "sentence"), DISAGREE, ids=[change.__name__ for change, _ in DISAGREE])
def test_what_does_not_agree_makes_it_start_over_in_one_line(
    small: FeatureData,
    tmp_path: Path,
    reads: list[str],
    caplog: pytest.LogCaptureFixture,
    change: Change,
    sentence: str,
) -> None:
    settings = change(small, interrupted(small, tmp_path / "store"))
    reads.clear()
    caplog.clear()
    caplog.set_level("INFO", "wtal")
    store = prepare(settings, tmp_path / "store")
    told = caplog.messages
    assert told[0].startswith("note: starting over: ")
    assert sentence in told[0]
    assert not any("taking up" in line for line in told)
    assert len(reads) == len(store.names)
    assert bytes_of(settings, tmp_path / "store") == uninterrupted(settings, tmp_path)


def test_a_site_that_another_process_holds_is_neither_taken_up_nor_removed(
    small: FeatureData, tmp_path: Path, reads: list[str]
) -> None:
    site = interrupted(small, tmp_path / "store")
    before = {path.name: path.read_bytes() for path in site.iterdir()}
    handle = os.open(site, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        reads.clear()
        prepare(small, tmp_path / "store")
        assert len(reads) == N_VIDEOS
        assert {path.name: path.read_bytes() for path in site.iterdir()} == before
    finally:
        os.close(handle)
    prepare(small, tmp_path / "store")
    assert len(reads) == N_VIDEOS + N_VIDEOS - DONE
    assert bytes_of(small, tmp_path / "store") == uninterrupted(small, tmp_path)


def test_an_error_before_a_state_was_saved_leaves_nothing(small: FeatureData, tmp_path: Path) -> None:
    path = Path(small.features) / f"{ORDER[DONE]}.npy"
    np.save(path, np.full_like(np.load(path), np.nan))
    with pytest.raises(InputError, match="expected finite features"):
        prepare(small, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_other_data_sets_take_nothing_up(small: FeatureData, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    interrupted(small, tmp_path / "store")
    caplog.clear()
    caplog.set_level("INFO", "wtal")
    made = SyntheticData(kind="synthetic", train_videos=4, test_videos=2, classes=2, feature_size=8, snippets=(16, 20))
    assert len(prepare(made, tmp_path / "store", resume_every=0).names) == 6
    assert sorted(os.listdir(tmp_path / "store")) == sorted(FILES)
    assert not caplog.messages


def test_statistics_that_are_taken_up_are_those_of_a_run_in_one_go() -> None:
    generator = np.random.default_rng(0)
    videos = {f"é{number}": generator.standard_normal((9 + number, 4)).astype(np.float32) for number in range(5)}
    videos["é1"] = np.tile(100 * videos["é1"][:, :2], (1, 2))  # both halves the same, and the extremes
    names, whole = list(videos), FeatureStatistics(4)
    for name in names:
        whole.add(name, videos[name])
    statistics = FeatureStatistics(4)
    for number, name in enumerate(names):
        statistics = FeatureStatistics.taken_up(statistics.state(), names[:number])
        statistics.add(name, videos[name])
    assert statistics.digests == whole.digests
    assert all((value == whole.state()[key]).all() for key, value in statistics.state().items())
    assert (whole.n_rows, whole.n_equal_halves) == (55, 1)
    assert np.abs([whole.least, whole.most]).min() > 10
