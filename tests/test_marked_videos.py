"""What was found is shown in the videos: an overlay that a player opens, and a page that seeks."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from wtal.base.errors import InputError
from wtal.base.records import Detections, VideoScores
from wtal.evaluate.marks.page import write_players

av = pytest.importorskip("av", reason="av is optional")

from made_videos import numbered, write_video  # noqa: E402

from wtal.report.figures.prediction import lanes_picture  # noqa: E402
from wtal.video.decode import opened_video  # noqa: E402
from wtal.video.marked.overlay import PRESENT, Lanes, write_overlay  # noqa: E402

FOUND = Detections(
    ("clip", "<b>"), ("jump", "run & hide"), *map(np.array, ([0, 0], [1, 0], [0.5, 1.0], [1.5, 1.9], [0.9, 0.4]))
)


def white(width: int) -> Lanes:
    return Lanes(np.full((41, width, 3), 255, dtype=np.uint8), left=100, right=width - 20, seconds=2.0)


def shown(path: Path) -> list[np.ndarray]:
    with opened_video(path) as video:
        return [timed.frame.to_ndarray(format="rgb24") for timed in video.frames()]


@pytest.mark.parametrize("size", [(96, 128), (129, 65), (360, 640)], ids=str)
def test_an_overlay_shows_the_whole_video_above_lanes_that_follow_the_time(
    size: tuple[int, int], tmp_path: Path
) -> None:
    pixels = "yuv444p" if size[0] % 2 else "yuv420p"
    pictures = [np.full((*size, 3), 40, np.uint8) for _ in range(60)]
    path = write_video(tmp_path / "a.mp4", pictures, rate=Fraction(30), pixels=pixels)
    write_overlay(path, tmp_path / "out.mp4", white)
    frames = shown(tmp_path / "out.mp4")
    assert len(frames) == 50  # 2 s at 25 frames a second
    assert frames[0].shape[0] % 2 == frames[0].shape[1] % 2 == 0
    columns = []
    for frame in (frames[5], frames[45]):
        lane = frame[-20].astype(int)
        distance = np.abs(lane - np.array(PRESENT)).sum(axis=1)
        columns.append(int(distance.argmin()))
        assert distance.min() < 200  # colour has half the size of the picture
    width = frames[0].shape[1]
    expected = [100 + (width - 120) * (number + 0.5) / 50 for number in (5, 45)]
    np.testing.assert_allclose(columns, expected, atol=3)


def test_an_overlay_is_the_same_bytes_again_and_none_of_a_damaged_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [numbered(number) for number in range(30)])
    for name in ("one.mp4", "two.mp4"):
        write_overlay(path, tmp_path / name, white)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(path.read_bytes()[:700])
    with pytest.raises(InputError, match=r"b\.mp4: expected a whole video"):
        write_overlay(tmp_path / "b.mp4", tmp_path / "out.mp4", white)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "b.mp4", "one.mp4", "two.mp4"]


def test_lanes_are_as_wide_as_asked_and_say_where_time_begins_and_ends() -> None:
    one = np.ones((20, 3), dtype=np.float32)
    scores = VideoScores(("clip",), np.array([0, 20]), one, np.ones((1, 3), dtype=np.float32), one[:, 0])
    picture, left, right = lanes_picture(scores, 0, FOUND, 10.0, 720)
    assert picture.shape[1:] == (720, 3)
    assert 0 < left < right <= 720


def test_a_page_has_a_player_a_video_and_seeks_to_each_segment(tmp_path: Path) -> None:
    media = {"clip": "../films/clip 1.mp4", "<b>": "b.mp4"}
    write_players(tmp_path / "index.html", FOUND, media, {"clip": 2.0, "<b>": 3.0})
    text = (tmp_path / "index.html").read_text()
    assert re.findall(r'<video [^>]*src="([^"]*)"', text) == ["../films/clip%201.mp4", "b.mp4"]
    lane = re.findall(r'<button class="c(\d)" style="left:([\d.]+)%;width:([\d.]+)%;[^"]*" data-start="([\d.]+)"', text)
    assert lane == [("0", "50.00", "45.00", "1.000"), ("1", "25.00", "50.00", "0.500")]
    assert "run &amp; hide" in text
    assert "<h2>&lt;b&gt;</h2>" in text
    assert "Nothing was found." in text
    assert not re.search(r"https?:|<link|@import|src=\"//", text)  # nothing is loaded from elsewhere
