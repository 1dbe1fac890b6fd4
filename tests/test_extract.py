"""`wtal extract`: the same bytes each time, taken up where it was killed, and never two extractors in one folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.made_videos import moving, write_video
from wtal.cli import main
from wtal.data.features.extracted import read_record


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short videos in a folder, one below another, and files that are none."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "more").mkdir()
    for number, name in enumerate(("a", "b", "more/c")):
        write_video(folder / f"{name}.mp4", moving(number + 1, 0, count=20 + 16 * number))
    (folder / "notes.txt").write_text("no video")
    (folder / ".hidden.mp4").write_text("no video")
    return folder


def extract(videos: Path, out: Path, *options: str) -> int:
    return main(["extract", str(videos), "--out", str(out), *options])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def extracted(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("features")
    assert extract(videos, out) == 0
    return out


def test_a_video_has_an_array_and_a_record(extracted: Path) -> None:
    assert list(contents(extracted)) == ["a.json", "a.npy", "b.json", "b.npy", "c.json", "c.npy"]
    rows, record = np.load(extracted / "b.npy"), json.loads((extracted / "b.json").read_text())
    assert (rows.shape, rows.dtype) == ((3, 1536), np.dtype("float32"))
    assert np.isfinite(rows).all()
    expected = {
        "extractor": {"kind": "lite0+dis", "appearance_frames": 4, "motion_weight": 8.0},
        "licence": "Apache-2.0",
        "frames_per_second": 25.0,
        "frames_per_snippet": 16,
        "stride": 16,
        "snippets_per_second": 1.5625,
        "shorter_side": 128,
        "seconds": 36 / 25,
        "frames_decoded": 36,
        "frames_damaged": 0,
        "n_snippets": 3,
        "tail_is_padded": True,
        "streams": [{"name": "appearance", "columns": 1280}, {"name": "motion", "columns": 256}],
    }
    assert expected.items() <= record.items()
    assert record["weights"]["sha256"].startswith("57934424")
    assert {"av", "torch", "numpy", "opencv-python-headless", "wtal"} <= set(record["libraries"])


def test_two_jobs_write_the_same_bytes_as_one(videos: Path, extracted: Path, tmp_path: Path) -> None:
    assert extract(videos, tmp_path / "two", "--jobs", "2") == 0
    assert contents(tmp_path / "two") == contents(extracted)


def test_what_is_there_is_passed_over(videos: Path, extracted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in extracted.iterdir()}
    assert extract(videos, extracted) == 0
    assert {path: path.stat().st_mtime_ns for path in extracted.iterdir()} == before
    assert "3 videos (3 were there)" in capsys.readouterr().out


@pytest.mark.parametrize("spoil", ["array", "record", "settings", "video"])
def test_what_is_not_whole_or_of_other_settings_is_made_anew(
    spoil: str, videos: Path, extracted: Path, tmp_path: Path
) -> None:
    before = contents(extracted)
    array, record = tmp_path / "a.npy", tmp_path / "a.json"
    array.write_bytes(before["a.npy"])
    record.write_bytes(before["a.json"])
    if spoil == "array":
        array.write_bytes(before["a.npy"][:-4])
    elif spoil == "record":
        record.write_bytes(before["a.json"][:100])
    else:
        changed = json.loads(before["a.json"])
        changed[spoil if spoil == "video" else "stride"] = {"file": "a.mp4", "bytes": 1} if spoil == "video" else 8
        record.write_text(json.dumps(changed))
    assert main(["extract", str(videos / "a.mp4"), "--out", str(tmp_path)]) == 0
    assert contents(tmp_path) == {name: before[name] for name in ("a.json", "a.npy")}


KILLED = """
import os, signal, sys
from wtal.video import extract
from wtal.cli import main
write_text, n_written = extract.write_text, 0
def write_then_die(path, text):
    global n_written
    n_written += 1
    write_text(path, text)
    if n_written == 2:
        os.kill(os.getpid(), signal.SIGKILL)
extract.write_text = write_then_die
main(sys.argv[1:])
"""


def test_a_killed_extraction_goes_on_and_ends_in_the_same_bytes(
    videos: Path, extracted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["extract", str(videos), "--out", str(tmp_path)]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, stderr=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "b.json").exists()
    assert not (tmp_path / "b.npy").exists()
    assert main(arguments) == 0
    assert "3 videos (1 were there)" in capsys.readouterr().out
    assert contents(tmp_path) == contents(extracted)


def test_half_precision_and_another_stride(videos: Path, extracted: Path, tmp_path: Path) -> None:
    video = str(videos / "more/c.mp4")
    assert main(["extract", video, "--out", str(tmp_path), "--precision", "float16", "--stride", "8"]) == 0
    rows, record = np.load(tmp_path / "c.npy"), read_record(tmp_path / "c.npy")
    assert rows.dtype == np.float16
    assert record is not None
    assert record["snippets_per_second"] == 3.125
    np.testing.assert_allclose(rows[::2][:3], np.load(extracted / "c.npy")[:3], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--extractor", "lite0"], "extractor.kind: expected a known kind (did you mean 'lite0+dis'?); got 'lite0'"),
        (["--extractor", "{kind: lite0+dis, frames: 3}"], "frames"),
        (["--extractor", "{kind"], "--extractor: expected a kind, or a group of keys as YAML; got {kind"),
        (["--stride", "0"], "stride: expected a whole number, 1 or above; got 0"),
        (["--frames-per-snippet", "1"], "frames_per_snippet: expected 2 or above, as lite0+dis takes; got 1"),
        (["--extractor", "mvit_v2_s", "--frames-per-snippet", "8"], "expected 16, as mvit_v2_s takes; got 8"),
        (["--frames-per-second", "nan"], "frames_per_second"),
        (["--jobs", "0"], "--jobs: expected a whole number, 1 or above; got 0"),
        (["--weights", "/nowhere.pth"], "/nowhere.pth: expected a readable file; got No such file or directory"),
        (["--weights", __file__], "expected the weights of EfficientNetLite0, tensors by name; got others"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_settings_that_do_not_fit_get_a_sentence(
    options: list[str], sentence: str, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extract(videos, tmp_path / "out", *options) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_two_videos_of_one_name_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.mp4", "a.mkv"):
        (tmp_path / name).write_bytes(b"")
    assert extract(tmp_path, tmp_path / "out") == 2
    assert (
        f"expected another name than that of each other video; got that of {tmp_path}/a.mkv" in capsys.readouterr().err
    )


def test_a_folder_without_videos_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert extract(tmp_path, tmp_path / "out") == 2
    assert "expected a folder with videos (.mp4, " in capsys.readouterr().err


def test_real_videos_have_finite_features_of_their_length(shared: Path, tmp_path: Path) -> None:
    folder = shared / "video"
    if not folder.is_dir():
        pytest.skip("no real videos are here")
    assert main(["extract", str(folder / "subject1_fall_13.mp4"), "--out", str(tmp_path)]) == 0
    record = read_record(tmp_path / "subject1_fall_13.npy")
    assert record is not None
    assert record["seconds"] == pytest.approx(4.321, abs=0.001)
    assert record["n_snippets"] == 7
    assert np.load(tmp_path / "subject1_fall_13.npy").shape == (7, 1536)
