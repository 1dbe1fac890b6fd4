"""Broken and odd video files: each is extracted rightly, or refused in a sentence while the others go on."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.made_videos import moving, numbered, write_video
from wtal.cli import main

WHOLE = "expected a whole video that can be decoded; got "
# File -> how many snippets it has, or what its sentence has to say.
EXPECTED: dict[str, int | str] = {
    "cut.mp4": WHOLE,
    "cut_index_first.mp4": WHOLE,
    "index_alone.mp4": WHOLE,
    "empty.mp4": "expected a video file; got an empty file",
    "text.mp4": WHOLE + "Invalid data",
    "random.mp4": WHOLE + "Invalid data",
    "sound.mp4": "expected a video; got audio alone",
    "play_list.mp4": WHOLE,
    "loop.mp4": "expected a readable video file; got Too many levels of symbolic links",
    "gone.mp4": "expected a readable video file; got No such file or directory",
    "pipe.mp4": "expected a video file; got something that is no file",
    "unreadable.mp4": "expected a readable video file; got Permission denied",
    "gap.mkv": "expected timestamps without a gap above 600 s; got a jump from 0.4 to 5000.0 s",
    "one_frame.mp4": 1,
    "picture.mp4": 1,
    "odd.mkv": 2,
    "deep_colour.mp4": 2,
    "grey.mkv": 2,
    "huge.mkv": 1,
    "tiny.mp4": 2,
    "tall.mp4": 2,
    "turned.mp4": 2,
    "before_zero.ts": 2,
    "variable.mkv": 2,
    "long_sound.mp4": 2,
    "old.avi": 2,
    "web.webm": 2,
    "a 100 % näme [1]:x.mp4": 2,
    "link.mp4": 2,
}


def write_odd(folder: Path, scratch: Path) -> None:
    """The files that can be extracted, but for links."""
    clip = [numbered(number) for number in range(20)]
    write_video(folder / "one_frame.mp4", clip[:1])
    write_video(scratch / "picture.png", clip[:1], codec="png", pixels="rgb24")
    (scratch / "picture.png").replace(folder / "picture.mp4")
    write_video(folder / "odd.mkv", [picture[:95, :127] for picture in clip], codec="ffv1", pixels="yuv444p")
    write_video(folder / "deep_colour.mp4", clip, pixels="yuv444p10le")
    write_video(folder / "grey.mkv", clip, codec="ffv1", pixels="gray")
    write_video(folder / "huge.mkv", [np.zeros((4320, 7680, 3), np.uint8)], codec="mjpeg", pixels="yuvj420p")
    write_video(folder / "tiny.mp4", [picture[:16, :16] for picture in clip])
    write_video(folder / "tall.mp4", [np.zeros((1280, 64, 3), np.uint8)] * 20)
    write_video(folder / "turned.mp4", clip, rotation=90)
    times = [Fraction(number, 25) - 2 for number in range(20)]
    write_video(folder / "before_zero.ts", clip, times, container_options={"avoid_negative_ts": "disabled"})
    steps = [Fraction(int(step), 1000) for step in np.cumsum([0, *[10, 70] * 9, 40])]
    write_video(folder / "variable.mkv", clip, steps, time_base=Fraction(1, 1000))
    write_video(folder / "long_sound.mp4", clip, sound_seconds=5)
    write_video(folder / "old.avi", clip, codec="mpeg4", time_base=Fraction(1, 25))
    write_video(folder / "web.webm", clip, codec="libvpx", time_base=Fraction(1, 1000))
    write_video(scratch / "plain.mp4", clip)
    (folder / "a 100 % näme [1]:x.mp4").write_bytes((scratch / "plain.mp4").read_bytes())


def write_broken(folder: Path, scratch: Path) -> None:
    """The files that cannot be read, and links."""
    whole = write_video(scratch / "whole.mp4", moving(1, 0, count=60)).read_bytes()
    options = {"movflags": "faststart"}
    first = write_video(scratch / "first.mp4", moving(1, 0, count=60), container_options=options).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "cut_index_first.mp4").write_bytes(first[: len(first) // 2])
    (folder / "index_alone.mp4").write_bytes(first[: first.index(b"mdat") + 4])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("This is no video.\n" * 100)
    (folder / "random.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    write_video(folder / "sound.mp4", [], sound_seconds=1)
    # Whoever would follow it asks a machine that does not exist.
    (folder / "play_list.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://nowhere.invalid/a.ts\n")
    (folder / "loop.mp4").symlink_to(folder / "loop.mp4")
    (folder / "gone.mp4").symlink_to(folder / "nothing_here")
    (folder / "link.mp4").symlink_to(scratch / "plain.mp4")
    os.mkfifo(folder / "pipe.mp4")
    (folder / "unreadable.mp4").write_bytes(whole)
    (folder / "unreadable.mp4").chmod(0)
    times = [*(Fraction(number, 25) for number in range(11)), Fraction(5000)]
    pictures = map(numbered, range(12))
    write_video(folder / "gap.mkv", pictures, times, time_base=Fraction(1, 1000))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """All files extracted by one command: the folder of features, its exit code and what it said."""
    folder, scratch, out = (tmp_path_factory.mktemp(name) for name in ("odd", "scratch", "out"))
    write_odd(folder, scratch)
    write_broken(folder, scratch)
    with pytest.MonkeyPatch.context() as patch:
        said = out.with_suffix(".txt")
        with said.open("w") as handle:
            patch.setattr("sys.stderr", handle)
            code = main(["extract", str(folder), "--out", str(out)])
    return out, code, said.read_text()


def test_every_file_is_told_of_once_and_the_exit_code_is_2(run: tuple[Path, int, str]) -> None:
    out, code, said = run
    assert code == 2
    n_refused = sum(isinstance(expected, str) for expected in EXPECTED.values()) - (os.geteuid() == 0)
    *lines, last = said.splitlines()
    assert last.startswith(f"wtal extract: {n_refused} of {len(EXPECTED)} videos have no features: ")
    assert [line.split(":")[0] for line in lines] == [
        f"{number} of {len(EXPECTED)}" for number in range(1, len(EXPECTED) + 1)
    ]
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_is_extracted_or_refused_in_a_sentence(name: str, run: tuple[Path, int, str]) -> None:
    out, _, said = run
    expected, array = EXPECTED[name], out / f"{Path(name).stem}.npy"
    if name == "unreadable.mp4" and os.geteuid() == 0:
        pytest.skip("whoever may read every file has none that is unreadable")
    if isinstance(expected, str):
        line = next(line for line in said.splitlines() if f"/{name}: " in line)
        assert expected in line
        assert not array.exists()
        assert not array.with_suffix(".json").exists()
    else:
        rows, record = np.load(array), json.loads(array.with_suffix(".json").read_text())
        assert rows.shape == (expected, 1536)
        assert np.isfinite(rows).all()
        assert record["n_snippets"] == expected
        assert record["video"]["file"] == name
