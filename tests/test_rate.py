"""The rate from lengths and durations: over rates, windows, strides, lost rows and outliers, and what is said of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wtal.base.records import Floats, Integers
from wtal.data.annotations.read import AnnotatedVideo, read_annotations
from wtal.data.features.alignment import (
    another_rate,
    derived_rate,
    frame_rates,
    lengths_out_of_line,
    other_frame_rates,
    out_of_line,
    rate_problem,
)
from wtal.data.features.rate import RateLine, lost_rows, measured_line, rate_by_frames, told_of_line
from wtal.evaluate.read.detections import read_detections

ROOT = Path(__file__).resolve().parents[1]


def made_up(
    seed: int, n_videos: int, bounds: tuple[float, float], fps: float, window: int, stride: int
) -> tuple[Integers, Floats]:
    """Rows and durations, to a hundredth of a second, of videos from which windows are taken as long as they fit."""
    generator = np.random.default_rng(seed)
    n_frames = np.sort(generator.integers(bounds[0] * fps, bounds[1] * fps, n_videos))
    n_frames = n_frames[n_frames >= window]
    return (n_frames - window) // stride + 1, np.round(n_frames / fps, 2)


FRAME_RATES = st.sampled_from([24.0, 25.0, 30.0, 24000 / 1001, 30000 / 1001, 12.5])
WINDOWS = st.sampled_from([(16, 16), (8, 8), (32, 16), (64, 16), (16, 4), (64, 32), (16, 8), (32, 4)])


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(40, 200), FRAME_RATES, WINDOWS, st.floats(0, 0.09))
def test_the_rate_is_that_of_the_strides_whatever_the_windows_and_outliers(
    seed: int, n_videos: int, fps: float, window: tuple[int, int], share: float
) -> None:
    counts, seconds = made_up(seed, n_videos, (5, 60), fps, *window)
    generator = np.random.default_rng(seed)
    outliers = generator.choice(len(counts), int(share * len(counts)), replace=False)
    counts[outliers] = np.maximum(1, counts[outliers] * generator.uniform(0.2, 2, len(outliers))).astype(np.int64)
    line = measured_line(counts, seconds)
    assert line.rate == pytest.approx(fps / window[1], rel=0.01)
    assert line.lost == window[0] // window[1] - 1 or line.if_one_is_lost is not None
    others = np.setdiff1d(np.arange(len(counts)), outliers)
    assert not out_of_line(counts, seconds, line.rate)[others].any()
    assert rate_problem(counts, seconds, fps / window[1]) is None


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(24, 200), st.sampled_from([24.0, 25.0, 30.0, 30000 / 1001]))
def test_short_clips_of_plain_windows_give_their_rate(seed: int, n_videos: int, fps: float) -> None:
    counts, seconds = made_up(seed, n_videos, (1, 3), fps, 16, 16)
    line = measured_line(counts, seconds)
    assert line.rate == pytest.approx(fps / 16, rel=0.05)  # the median of ratios is 10 % low
    assert line.lost == 0
    assert line.least * 0.98 <= fps / 16 <= line.most * 1.02


@given(st.lists(st.integers(5, 900), min_size=5, max_size=40), st.sampled_from([0.5, 1.0, 2.0, 4.0]))
def test_lengths_that_are_exact_give_an_exact_rate(seconds: list[int], rate: float) -> None:
    durations = 2.0 * np.array(seconds)
    assert measured_line((durations * rate).astype(np.int64), durations).rate == rate


def test_a_rate_from_few_or_equal_durations_says_what_it_cannot_tell() -> None:
    for durations in (np.full(30, 10.0), np.array([12.3, 14.1])):
        counts = np.floor(durations * 1.5625).astype(np.int64)
        line = measured_line(counts, durations)
        assert line.if_one_is_lost is not None
        assert line.least <= 1.5625 <= line.most
        assert "too few or too much alike to tell how many rows are lost" in told_of_line(line)[-1]
        assert another_rate(counts, durations, 1.6) is None
    counts, seconds = made_up(0, 40, (5, 60), 25.0, 16, 16)
    assert measured_line(counts, seconds).if_one_is_lost is None
    assert measured_line(np.array([15]), np.array([10.0])).rate == 1.5


def test_durations_in_whole_seconds_leave_the_slope_between_videos() -> None:
    generator = np.random.default_rng(0)
    exact = generator.uniform(20, 300, 200)
    counts = np.floor(exact * 1.875).astype(np.int64) - 1
    assert measured_line(counts, np.round(exact)).rate == pytest.approx(1.875, rel=0.002)


def test_a_large_set_is_measured_with_a_fifth_of_it_anywhere() -> None:
    generator = np.random.default_rng(0)
    seconds = generator.uniform(5, 240, 2000)
    counts = np.floor(seconds * 1.5625).astype(np.int64)
    counts[:400] = generator.integers(5, 400, 400)
    assert measured_line(counts, seconds).rate == pytest.approx(1.5625, rel=0.005)


# What is said


def test_rows_that_all_videos_lose_put_none_of_them_out_of_line() -> None:
    counts, seconds = made_up(3, 60, (6, 40), 30.0, 64, 8)
    rate = 30 / 8
    assert lost_rows(counts, seconds, rate) == 7
    assert not out_of_line(counts, seconds, rate).any()
    assert rate_problem(counts, seconds, rate) is None
    counts[5] += 20
    names = [f"v{number}" for number in range(len(counts))]
    expected = seconds[5] * rate - 7
    words = f"{counts[5]} snippets where {seconds[5]:.1f} s make {expected:.0f}"
    assert lengths_out_of_line(names, counts, seconds, rate) == [("v5", words)]


def test_lost_rows_are_not_taken_from_another_rate_or_order() -> None:
    counts, seconds = made_up(0, 60, (20, 120), 25.0, 25, 25)
    assert lost_rows(counts, seconds, 25 / 16) == 0
    assert "another rate" in str(rate_problem(counts, seconds, 25 / 16))
    rising = 20 + 7.0 * np.arange(12)
    moved = np.roll(np.floor(rising * 1.5625).astype(np.int64), 1)
    assert lost_rows(moved, rising, 1.5625) == 0


def test_a_stated_rate_that_the_lengths_contradict_a_little_is_told() -> None:
    counts, seconds = made_up(1, 40, (3, 30), 30.0, 32, 16)
    assert another_rate(counts, seconds, 1.875) is None
    assert str(another_rate(counts, seconds, 1.8)).endswith("snippets a second where 1.8 are stated")


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        (
            RateLine(1.875, 1, 1.875, 1.875),
            ["one row is lost at the end of each video: windows longer than their stride"],
        ),
        (RateLine(7.0, 3, 7.0, 7.0), ["3 rows are lost at the end of each video: windows longer than their stride"]),
        (
            RateLine(7.0, -2, 7.0, 7.0),
            ["each video has 2 rows more than its duration has room for: windows past its end"],
        ),
        (
            RateLine(1.56, 0, 1.55, 1.57),
            ["derived, 1.55 to 1.57 fit as well; if a snippet is 16 frames at 25 a second, say --rate 1.5625"],
        ),
        (RateLine(1.5625, 0, 1.5625, 1.5625), []),
    ],
)
def test_what_is_said_of_a_line(line: RateLine, sentences: list[str]) -> None:
    assert told_of_line(line) == sentences


# Stated frame rates


def test_a_stated_frame_rate_makes_the_rate_exact_where_one_stride_fits() -> None:
    counts, seconds = made_up(0, 24, (3, 30), 30.0, 32, 16)
    rate, told = derived_rate(counts, seconds, np.full(len(counts), 30.0))
    assert rate == 1.875
    assert told[0] == "by the stated 30 frames a second, of which a snippet is 16"
    assert told[1].startswith("one row is lost")
    ntsc = 30000 / 1001
    assert derived_rate(counts, seconds, np.full(len(counts), ntsc))[0] == pytest.approx(ntsc / 16, rel=1e-8)


def test_a_stated_frame_rate_that_no_whole_stride_explains_is_not_used() -> None:
    counts, seconds = made_up(0, 60, (3, 90), 25.0, 16, 16)  # frames were extracted at 25, whatever the file says
    line = measured_line(counts, seconds)
    assert rate_by_frames(line, np.full(len(counts), 30.0)) is None
    assert rate_by_frames(RateLine(1.5, 0, 0.1, 30.0), np.full(9, 30.0)) is None
    assert rate_by_frames(line, np.where(np.arange(len(counts)) % 2, 25.0, 24.0)) is None
    assert rate_by_frames(line, np.zeros(0)) is None


def test_videos_of_unequal_frame_rates_are_refused_and_each_is_named() -> None:
    frames = np.where(np.arange(40) % 4 == 0, 24.0, 30.0)
    seconds = np.random.default_rng(0).uniform(10, 90, 40).round(2)
    counts = np.floor(seconds * frames / 16).astype(np.int64)
    problem = rate_problem(counts, seconds, 1.875, frames)
    sentence = "a snippet is 16 frames, of which videos have 24 to 30 a second: no one rate fits them"
    assert problem == f"{sentence} (extract them all at one)"
    named = other_frame_rates([f"v{number}" for number in range(40)], frames)
    assert [name for name, _ in named] == [f"v{number}" for number in range(0, 40, 4)]
    assert named[0][1] == "24 frames a second where most videos have 30"


def test_unequal_frame_rates_do_no_harm_where_features_were_made_at_one() -> None:
    frames = np.where(np.arange(40) % 4 == 0, 24.0, 30.0)
    counts, seconds = made_up(0, 40, (10, 90), 25.0, 16, 16)
    assert rate_problem(counts, seconds, 25 / 16, frames) is None


def test_frame_rates_count_where_all_videos_have_one() -> None:
    some = [AnnotatedVideo("a", "", 9.0, (), frames_per_second=25.0), AnnotatedVideo("b", "", 9.0, ())]
    assert frame_rates(some) is None
    assert frame_rates([]) is None
    assert frame_rates(some[:1]) == np.array([25.0])


# The commands


def new_dataset(folder: Path, case: Path, features: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wtal", "new-dataset", "mine", "--features", str(features)]
    command += ["--annotations", str(case / "annotations.json")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


def test_windows_longer_than_their_stride_give_the_rate_of_the_stride(shared: Path, tmp_path: Path) -> None:
    case = shared / "cases" / "05-rate-of-overlapping-windows"
    done = new_dataset(tmp_path, case, case / "features")
    assert (done.returncode, done.stderr) == (0, "")
    assert "one row is lost at the end of each video: windows longer than their stride" in done.stdout
    assert "if a snippet is 16 frames at 30 a second, say --rate 1.875" in done.stdout
    rate = json.loads((tmp_path / "results" / "mine" / "settings" / "data.json").read_text())["snippets_per_second"]
    assert rate == pytest.approx(1.875, rel=0.001)
    truth = {video.name: video.instances for video in read_annotations(case / "annotations.json").videos}
    perfect = read_detections(case / "perfect_rows_at_true_rate.json")
    for video, start, end in zip(perfect.video.tolist(), perfect.start.tolist(), perfect.end.tolist()):
        first, last = start * 1.875 / rate, end * 1.875 / rate  # the same rows at the derived rate
        overlaps = [
            (min(last, e) - max(first, s)) / (max(last, e) - min(first, s)) for _, s, e in truth[perfect.videos[video]]
        ]
        assert max(overlaps) > 0.95


def test_every_video_that_disagrees_with_the_line_is_named(tmp_path: Path) -> None:
    database = {}
    (tmp_path / "f").mkdir()
    for number in range(60):
        name, seconds = f"v{number:02d}", 20.0 + number
        count = int(seconds * 1.5625) * (2 if number % 4 == 0 else 1)
        np.save(tmp_path / "f" / f"{name}.npy", np.ones((count, 4), np.float32) * number)
        row = {"label": "jump" if number % 3 else "run", "segment": [2.0, 5.0]}
        subset = "validation" if number % 5 == 0 else "training"
        database[name] = {"subset": subset, "duration": seconds, "annotations": [row]}
    (tmp_path / "annotations.json").write_text(json.dumps({"database": database}))
    done = new_dataset(tmp_path, tmp_path, tmp_path / "f")
    assert done.returncode == 2
    named = [line.split(":")[0].strip() for line in done.stderr.splitlines() if " snippets where " in line]
    assert sorted(named) == [f"v{number:02d}" for number in range(0, 60, 4)]
    assert "15 of 60 videos have another number of snippets than their duration says" in done.stderr
    assert not (tmp_path / "config").exists()
