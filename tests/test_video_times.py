"""Which frames a snippet has: by the time at which they are shown, whatever the rate and the timestamps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.made_videos import number_in, numbered, write_video
from wtal.video.contract import ExtractSettings
from wtal.video.decode import PictureMaker, opened_video
from wtal.video.snippets import pictures_on_grid, snippets_of

N_FRAMES = 100


def at_rate(rate: Fraction | int) -> list[Fraction]:
    return [Fraction(number) / rate for number in range(N_FRAMES)]


def irregular() -> list[Fraction]:
    """Times in whole milliseconds with steps between 4 and 250 ms."""
    steps = np.random.default_rng(0).integers(4, 250, N_FRAMES)
    return [Fraction(int(end), 1000) for end in np.cumsum(steps) - steps[0]]


def shifted(times: list[Fraction], seconds: Fraction) -> list[Fraction]:
    return [time + seconds for time in times]


MILLISECONDS = Fraction(1, 1000)
VARIANTS = {
    "25 a second": ("mp4", at_rate(25), {}),
    "30 a second, with B-frames": ("mp4", at_rate(30), {"options": {"preset": "veryfast", "bf": "3"}, "rate": 30}),
    "23.976 a second": ("mp4", at_rate(Fraction(24000, 1001)), {"rate": Fraction(24000, 1001)}),
    "variable": ("mkv", irregular(), {"time_base": MILLISECONDS}),
    "from 7.5 s on": ("mkv", shifted(at_rate(50), Fraction(15, 2)), {"time_base": MILLISECONDS, "rate": 50}),
    "before 0": ("ts", shifted(at_rate(25), -Fraction(2)), {"container_options": {"avoid_negative_ts": "disabled"}}),
    "a broadcast that starts late": ("ts", at_rate(50), {"rate": 50, "options": {"preset": "veryfast"}}),
}


def grid(path: Path) -> list[np.ndarray]:
    with opened_video(path) as video:
        return list(pictures_on_grid(video, Fraction(25), PictureMaker(path, video.stream, 96)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_frame_of_the_grid_is_the_one_shown_at_its_time(variant: str, tmp_path: Path) -> None:
    ending, times, options = VARIANTS[variant]
    path = write_video(tmp_path / f"clip.{ending}", map(numbered, range(N_FRAMES)), times, **options)
    found = [number_in(picture) for picture in grid(path)]
    starts = np.array([float(time - times[0]) for time in times])
    middles = (np.arange(len(found)) + 0.5) / 25
    expected = np.searchsorted(starts, middles + 1e-9, side="right") - 1
    assert found == [*expected]
    assert abs(len(found) / 25 - (starts[-1] + 1 / 25)) < 0.08


def test_the_first_frame_of_a_late_video_counts_from_0(tmp_path: Path) -> None:
    late = write_video(tmp_path / "late.mkv", map(numbered, range(10)), shifted(at_rate(25)[:10], Fraction(100)))
    with opened_video(late) as video:
        assert video.stream.start_time
        assert next(iter(video.frames())).start == 0
    assert [number_in(picture) for picture in grid(late)] == list(range(10))


def test_a_frame_that_is_shown_for_longer_is_the_same_picture_again(tmp_path: Path) -> None:
    path = write_video(tmp_path / "slow.mp4", map(numbered, range(5)), rate=5)
    pictures = grid(path)
    assert len(pictures) == 25
    assert len({id(picture) for picture in pictures}) == 5


@pytest.mark.parametrize(
    ("n_frames", "size", "stride", "expected"),
    [
        (32, 16, 16, [(0, 15, False), (16, 31, False)]),
        (33, 16, 16, [(0, 15, False), (16, 31, False), (32, 32, True)]),
        (5, 16, 16, [(0, 4, True)]),
        (20, 8, 4, [(0, 7, False), (4, 11, False), (8, 15, False), (12, 19, False)]),
        (22, 8, 4, [(0, 7, False), (4, 11, False), (8, 15, False), (12, 19, False), (16, 21, True)]),
        (20, 4, 8, [(0, 3, False), (8, 11, False), (16, 19, False)]),
        (24, 4, 8, [(0, 3, False), (8, 11, False), (16, 19, False)]),
        (25, 4, 8, [(0, 3, False), (8, 11, False), (16, 19, False), (24, 24, True)]),
    ],
)
def test_snippets_have_their_frames_and_leave_none_at_the_end(
    n_frames: int, size: int, stride: int, expected: list[tuple[int, int, bool]]
) -> None:
    settings = ExtractSettings(frames_per_snippet=size, stride=stride)
    pictures = [np.full((1, 1, 3), number, dtype=np.uint8) for number in range(n_frames)]
    found = list(snippets_of(iter(pictures), settings))
    assert all(len(snippet.pictures) == size for snippet in found)
    numbers = [[int(picture[0, 0, 0]) for picture in snippet.pictures] for snippet in found]
    assert [(own[0], own[-1], snippet.is_padded) for own, snippet in zip(numbers, found)] == expected


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_video_that_a_phone_turned_comes_upright(rotation: int, tmp_path: Path) -> None:
    lying = np.rot90(numbered(2713), -(rotation // 90))  # what the camera stored; to be turned counter-clockwise
    path = write_video(tmp_path / "phone.mp4", [lying] * 3, rotation=rotation)
    with opened_video(path) as video:
        frame = next(iter(video.frames())).frame
        assert round(frame.rotation) % 360 == rotation
        picture = PictureMaker(path, video.stream, 96)(frame)
    assert picture.shape == (96, 128, 3)
    assert number_in(picture) == 2713


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    path = write_video(tmp_path / "wide.mkv", [numbered(5)] * 2, ratio=Fraction(3, 2))
    assert grid(path)[0].shape == (96, 192, 3)
