"""One interval over videos and seeds: its formula by hand, what it holds, and the words that go by it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wtal.evaluate.score.intervals import (
    Interval,
    Parts,
    SeedScores,
    interval_of_difference,
    interval_of_level,
    interval_over,
    paired,
    parts_of,
    student,
)

N_VIDEOS = 41


def made_up(seed: int, n_seeds: int, level: float = 50.0, seeds: float = 2.0, own: float = 1.0) -> SeedScores:
    """SeedScores whose resamples share a part over seeds (sd 1) and have one of their own."""
    random = np.random.default_rng(seed)
    points = level + seeds * random.standard_normal(n_seeds)
    shared = np.random.default_rng(7).standard_normal(400)
    return SeedScores(points, points[:, None] + shared + own * random.standard_normal((n_seeds, 400)))


@pytest.mark.parametrize(
    ("degrees", "value"), [(1, 12.7062), (2, 4.30265), (4, 2.77645), (9, 2.26216), (30, 2.04227), (4916, 1.96045)]
)
def test_student_is_that_of_the_tables(degrees: float, value: float) -> None:
    assert student(0.95, degrees) == pytest.approx(value, abs=2e-5)


def test_the_variance_is_that_of_the_formula_and_counts_the_interaction_once() -> None:
    figures = made_up(1, 5)
    parts = parts_of(figures, N_VIDEOS)
    of_videos = N_VIDEOS / (N_VIDEOS - 1)
    boot = of_videos * figures.resampled.mean(axis=0).var(ddof=1)
    own = of_videos * figures.resampled.var(axis=1, ddof=1).mean()
    interaction = 5 / 4 * (own - boot)
    assert parts.videos == pytest.approx(boot)
    assert parts.seeds == pytest.approx(figures.points.var(ddof=1) / 5)
    assert parts.interaction == pytest.approx(interaction / 5)
    assert parts.variance == pytest.approx(parts.seeds + boot - interaction / 5)
    assert interaction == pytest.approx(1.0, abs=0.3)


def test_the_critical_value_is_that_of_the_seeds_where_they_alone_vary_and_of_the_videos_where_those_do() -> None:
    assert Parts(1.0, 2, 0.0, 1e-12, 76).critical_value(0.95) == pytest.approx(student(0.95, 2), abs=1e-6)
    assert Parts(0.0, math.inf, 0.0, 1.0, 76).critical_value(0.95) == student(0.95, 75)
    between = Parts(1.0, 2, 0.0, 1.0, 76).critical_value(0.95)
    assert between == pytest.approx((student(0.95, 2) + student(0.95, 75)) / 2)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n_seeds", [1, 2, 3, 10])
def test_every_interval_holds_its_own_figure_and_the_narrower_one(seed: int, n_seeds: int) -> None:
    one = made_up(seed, n_seeds, level=90.0, seeds=seed % 4, own=seed % 3)
    for found in (
        interval_of_level(one, N_VIDEOS, 0.95),
        interval_of_difference(one, made_up(seed + 50, n_seeds), N_VIDEOS, 0.95),
        interval_of_difference(one, made_up(seed + 50, n_seeds + 2), N_VIDEOS, 0.95),
        interval_of_difference(made_up(seed + 50, n_seeds + 2), one, N_VIDEOS, 0.95),
    ):
        assert found.low <= found.videos_low <= found.estimate <= found.videos_high <= found.high


def test_a_pair_of_systems_has_the_interval_of_its_differences_seed_by_seed() -> None:
    one, other = made_up(1, 4), made_up(2, 4)
    expected = interval_of_level(paired(made_up(1, 4, level=60.0), other), N_VIDEOS, 0.9)
    found = interval_of_difference(one, other, N_VIDEOS, 0.9)
    assert found.high - found.low == pytest.approx(2 * (expected.high - expected.estimate))
    shifted = interval_of_difference(one, SeedScores(one.points - 3, one.resampled - 3), N_VIDEOS, 0.95)
    assert (shifted.low, shifted.estimate, shifted.high) == pytest.approx((3, 3, 3))


def test_other_numbers_of_seeds_are_not_paired_and_a_single_seed_is_taken_to_vary_too() -> None:
    many, few, single = made_up(1, 10), made_up(2, 4), made_up(3, 1)
    apart = interval_of_difference(many, few, N_VIDEOS, 0.95)
    variance = many.points.var(ddof=1) / 10 + few.points.var(ddof=1) / 4
    assert apart.n_seeds == (10, 4)
    assert apart.high - apart.estimate > 1.96 * math.sqrt(variance)
    alone = interval_of_difference(many, single, N_VIDEOS, 0.95)
    assert alone.high - alone.estimate > student(0.95, 9) * many.points.std(ddof=1)
    back = interval_of_difference(single, many, N_VIDEOS, 0.95)
    assert (back.low, back.high) == pytest.approx((-alone.high, -alone.low))


def test_one_video_tells_nothing_and_a_resample_without_an_instance_is_left_out() -> None:
    assert math.isnan(interval_of_level(made_up(0, 3), 1, 0.95).low)
    figures = made_up(0, 3)
    holed = SeedScores(figures.points, np.concatenate([np.full((3, 1), np.nan), figures.resampled], axis=1))
    assert interval_of_level(holed, N_VIDEOS, 0.95) == interval_of_level(figures, N_VIDEOS, 0.95)


def test_a_figure_in_percent_stays_within_0_and_100() -> None:
    found = interval_of_level(made_up(0, 3, level=99.0), N_VIDEOS, 0.95)
    assert found.high == 100.0
    assert interval_of_level(made_up(0, 3, level=1.0), N_VIDEOS, 0.95).low == 0.0


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.0001, 2.0, "better"),
        (0.00001, 2.0, "not separated"),  # 0.0000 in every table
        (-2.0, -0.0001, "worse"),
        (-1.0, 1.0, "not separated"),
        (0.0, 0.0, "not separated"),
        (math.nan, math.nan, "not separated"),
    ],
)
def test_a_verdict_goes_by_the_bounds_as_tables_hold_them(low: float, high: float, verdict: str) -> None:
    found = Interval(1.0, (3,), low, high, 0.5, 0.7)
    assert found.verdict == verdict
    assert found.is_separated == (verdict != "not separated")


def test_words_say_what_an_interval_is_over() -> None:
    assert interval_over((1,)) == "test videos alone: one seed"
    assert interval_over((5,)) == "test videos and 5 seeds"
    assert interval_over((5, 3)) == "test videos and seeds, 5 against 3, not paired by seed"
    assert "taken to vary as the other system's do" in interval_over((5, 1))
