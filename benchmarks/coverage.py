"""How often the interval of a difference holds the truth, on made-up suites whose true difference is known.

    python benchmarks/coverage.py --write docs/statistics.md     # measures anew: about six minutes on one core
    python benchmarks/coverage.py --power --write docs/statistics.md      # the part that results/*/power.csv tells

Suites of scores draw an effect for each seed, for each video and for both; suites of detections are scored by the
evaluator itself. Beside the interval of this project stands the percentile interval over videos alone.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from simulated import Spread, detection_suite, score_suite, true_figures

from wtal.base.files import read_text, write_text
from wtal.evaluate.score.intervals import SeedScores, interval_of_difference, interval_of_level, paired
from wtal.evaluate.score.power import Components, components_of, least_difference
from wtal.evaluate.score.uncertainty import draw_videos
from wtal.report.tables.power import read_power

LEVEL = 0.95
SIMULATIONS = 2000
SEEDS = (3, 5, 10, 20)
DETECTION_SEEDS = (1, 3, 5, 10)
N_VIDEOS = 60
SPREADS = (
    Spread("seeds alone vary", 3.0, 0.05, 0.05),
    Spread("hapt, the widest contrast", 8.0, 0.8, 1.8),
    Spread("hapt, the typical contrast", 2.6, 0.6, 1.1),
    Spread("hapt, the narrowest contrast", 0.3, 0.1, 0.15),
    Spread("hapt-strong, the typical contrast", 1.2, 0.5, 0.9),
    Spread("videos and seeds vary alike", 1.0, 1.0, 0.7),
    Spread("seeds vary as the videos make them", 0.3, 0.8, 0.8),
    Spread("videos alone vary", 0.02, 1.0, 0.02),
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of simulations, percent."""

    held: float  # by the interval over videos and seeds
    held_by_videos: float  # by the percentile interval over videos alone
    told: float  # simulations in which the interval leaves out 0 on the right side


def weights_of(n_videos: int, n_resamples: int) -> np.ndarray:
    """The resamples of so many made-up videos, [R, V]."""
    return draw_videos([f"video {number:05d}" for number in range(n_videos)], n_resamples)


def coverage_of(differences: Sequence[SeedScores], n_videos: int, truth: float) -> Coverage:
    """How often the intervals of differences, each of one simulated suite, hold the true one."""
    nothing = np.zeros_like
    found = [
        interval_of_difference(each, SeedScores(nothing(each.points), nothing(each.resampled)), n_videos, LEVEL)
        for each in differences
    ]
    ends = [np.quantile(each.resampled.mean(axis=0), [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) for each in differences]
    held = np.mean([one.low <= truth <= one.high for one in found])
    by_videos = np.mean([low <= truth <= high for low, high in ends])
    return Coverage(float(100 * held), float(100 * by_videos), float(100 * np.mean([one.low > 0 for one in found])))


def score_coverage(spread: Spread, n_seeds: int, n_simulations: int, kind: str, n_resamples: int = 300) -> Coverage:
    """Coverage on suites of scores; the true difference is the one that this many seeds should tell in 80 %."""
    random = np.random.default_rng([n_seeds, int(1000 * spread.seeds), len(kind)])
    weights = weights_of(N_VIDEOS, n_resamples).astype(np.float64)
    own = spread.both**2
    known = Components(spread.seeds**2 + own, own, spread.videos**2, N_VIDEOS)
    truth = least_difference(known, n_seeds, LEVEL)
    suites = [score_suite(random, spread, n_seeds, weights, kind) for _ in range(n_simulations)]
    shifted = [SeedScores(each.points + truth, each.resampled + truth) for each in suites]
    return coverage_of(shifted, N_VIDEOS, truth)


def detection_suites(n_simulations: int, n_seeds: int, n_resamples: int) -> Iterator[tuple[SeedScores, SeedScores]]:
    """Suites of detections, each on a test set and with seeds of its own."""
    random = np.random.default_rng(0)
    weights = weights_of(N_VIDEOS, n_resamples)
    for _ in range(n_simulations):
        yield detection_suite(random, n_seeds, N_VIDEOS, weights)


def of_first(figures: SeedScores, n_seeds: int) -> SeedScores:
    """The figures of the first seeds."""
    return SeedScores(figures.points[:n_seeds], figures.resampled[:n_seeds])


def score_table(n_simulations: int) -> list[str]:
    """Coverage on suites of scores, a row a spread."""
    names = ["a paired difference", "over seeds", "over videos", "of a seed on videos", *(f"n = {n}" for n in SEEDS)]
    lines = [f"| {' | '.join(names)} | a few videos weigh most |", "|---|" + "---:|" * (4 + len(SEEDS))]
    told = []
    for spread in SPREADS:
        cells = [score_coverage(spread, n_seeds, n_simulations, "normal") for n_seeds in SEEDS]
        heavy = score_coverage(spread, 5, n_simulations, "heavy")
        figures = " | ".join(f"{one.held:.1f} ({one.held_by_videos:.0f})" for one in cells)
        row = f"{spread.name} | {spread.seeds:g} | {spread.videos:g} | {spread.both:g} | {figures} | {heavy.held:.1f}"
        lines.append(f"| {row} |")
        told += [one.told for one in cells]
    planned = (
        f"each true difference is the one that so many seeds should tell in 80 %; it was told in {min(told):.0f} to"
    )
    return [*lines, "", f"Power: {planned} {max(told):.0f} % of the simulations."]


def detection_tables(n_simulations: int, n_true_seeds: int = 1500) -> list[str]:
    """Coverage on suites of detections, of a difference and of one system."""
    true = true_figures(np.random.default_rng(1), n_true_seeds, 1500)
    truth = float((true[0] - true[1]).mean())
    error = float((true[0] - true[1]).std(ddof=1) / np.sqrt(n_true_seeds))
    suites = list(detection_suites(n_simulations, max(DETECTION_SEEDS), 200))
    lines = [
        f"The true difference is {truth:.2f} ± {error:.2f} points, the mean over {n_true_seeds:,} seeds, 1,500 videos.",
        "",
        "| seeds | interval of the difference | the percentile interval over videos alone | tells the better one |",
        "|---:|---:|---:|---:|",
    ]
    for n_seeds in DETECTION_SEEDS:
        differences = [paired(of_first(one, n_seeds), of_first(other, n_seeds)) for one, other in suites]
        found = coverage_of(differences, N_VIDEOS, truth)
        lines.append(f"| {n_seeds} | {found.held:.1f} | {found.held_by_videos:.1f} | {found.told:.0f} |")
    return [*lines, "", *level_lines([one for one, _ in suites], float(true[0].mean()))]


def level_lines(systems: Sequence[SeedScores], truth: float) -> list[str]:
    """What was measured of one system: how far resamples and small test sets lean, and coverage of its own mean."""
    points = np.array([one.points for one in systems])
    mean, n_seeds = float(points.mean()), points.shape[1]
    lean = float(np.mean([one.resampled.mean() - one.points.mean() for one in systems]))
    covered = {}
    for count in DETECTION_SEEDS:
        found = [interval_of_level(of_first(one, count), N_VIDEOS, LEVEL) for one in systems]
        covered[count] = 100 * np.mean([one.low <= mean <= one.high for one in found])
    shares = ", ".join(f"{share:.1f} % with n = {count}" for count, share in covered.items())
    shared = float(np.cov(points.T)[~np.eye(n_seeds, dtype=bool)].mean())
    told = float(np.mean([components_of(one, N_VIDEOS).videos for one in systems]))
    return [
        f"One system: its interval holds its mean over test sets of {N_VIDEOS} videos in {shares}. Resampled figures "
        f"lie {lean:+.2f} points off their own figure, and a test set of {N_VIDEOS} videos {mean - truth:+.2f} off "
        f"1,500. The variance that the bootstrap finds over videos is {told / shared:.2f} times the true one."
    ]


def power_lines(results: Path) -> list[str]:
    """How many seeds a difference needs on each suite whose power.csv is there."""
    lines = [
        "| suite | sd of one seed | sd of the videos | 1 point | 2 points | 5 points | videos limit it to |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for path in sorted(results.glob("*/power.csv")):
        rows = read_power(path)
        if rows:
            needed = " | ".join(str(row.seeds_needed or "never") for row in rows)
            first = rows[0]
            spreads = f"{first.sd_of_a_seed:.1f} | {first.sd_of_the_videos:.1f}"
            lines.append(f"| {path.parent.name} | {spreads} | {needed} | {first.least_difference:.1f} points |")
    return lines


def put(text: str, name: str, lines: Sequence[str]) -> str:
    """The text with the lines between the markers of that name."""
    block = "\n".join([f"<!-- {name} -->", *lines, f"<!-- end of {name} -->"])
    return re.sub(rf"<!-- {name} -->.*?<!-- end of {name} -->", lambda _: block, text, flags=re.DOTALL)


def main() -> None:
    """Print the tables, or write them between their markers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=SIMULATIONS, help=f"of each kind (default {SIMULATIONS})")
    parser.add_argument("--power", action="store_true", help="only the table of power, which needs no simulation")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between their markers in this file")
    options = parser.parse_args()
    tables = {"power": power_lines(Path("results"))}
    if not options.power:
        tables |= {"scores": score_table(options.simulations), "detections": detection_tables(options.simulations)}
    if options.write is None:
        print(*("\n".join(lines) for lines in tables.values()), sep="\n\n")
        return
    text = read_text(options.write)
    for name, lines in tables.items():
        text = put(text, name, lines)
    write_text(options.write, text)


if __name__ == "__main__":
    main()
