"""power.csv: how many seeds a suite needs for a difference of so many points, from what its own contrasts vary by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from wtal.base.errors import InputError
from wtal.base.files import read_rows
from wtal.evaluate.score.intervals import DECIMALS, SeedScores, paired
from wtal.evaluate.score.power import POWER, Components, components_of, least_difference, seeds_needed

DIFFERENCES = (1.0, 2.0, 5.0)  # points
COLUMNS = ("difference", "seeds_needed", "least_difference", "sd_of_a_seed", "sd_of_the_videos", "seeds_of_the_suite")


@dataclass(frozen=True, slots=True)
class PowerRow:
    """One line of power.csv."""

    difference: float  # points
    seeds_needed: int | None  # None: no number of seeds is enough
    least_difference: float  # points, which any number of seeds tells at best
    sd_of_a_seed: float  # points
    sd_of_the_videos: float  # points
    seeds_of_the_suite: int


def power_rows(differences: Sequence[SeedScores], n_videos: int, level: float) -> list[PowerRow]:
    """A row for each of DIFFERENCES; none where the suite has one seed or one variant, and nothing is known of seeds.

    differences: those of the suite's contrasts. The median of each component is taken.
    """
    n_seeds = min((len(each.points) for each in differences), default=1)
    if n_seeds < 2 or n_videos < 2:
        return []
    each = [components_of(difference, n_videos) for difference in differences]
    typical = Components(
        median(one.seeds for one in each),
        median(one.interaction for one in each),
        median(one.videos for one in each),
        n_videos,
    )
    limit = least_difference(typical, math.inf, level)
    spreads = math.sqrt(typical.seeds), math.sqrt(typical.videos)
    return [PowerRow(wanted, seeds_needed(typical, wanted, level), limit, *spreads, n_seeds) for wanted in DIFFERENCES]


def contrasts(pairs: Mapping[str, Sequence[str | None]], scores: Mapping[str, SeedScores]) -> list[SeedScores]:
    """The paired differences of each variant from those that it is compared with, each pair once."""
    known = {frozenset((name, other)): (name, other) for name, others in pairs.items() for other in others if other}
    return [paired(scores[name], scores[other]) for name, other in known.values() if name != other]


def power_values(row: PowerRow) -> list[str]:
    """One line of power.csv."""
    scores = (row.least_difference, row.sd_of_a_seed, row.sd_of_the_videos)
    seeds = "" if row.seeds_needed is None else str(row.seeds_needed)
    return [f"{row.difference:g}", seeds, *(f"{value:.{DECIMALS}f}" for value in scores), str(row.seeds_of_the_suite)]


def read_power(path: Path) -> list[PowerRow]:
    """The rows of power.csv. Raises InputError naming line and column."""
    rows = []
    for number, line in enumerate(read_rows(path, COLUMNS), start=2):

        def figure(column: str, line: dict[str, str] = line, number: int = number) -> float:
            try:
                return float(line[column])
            except ValueError:
                where, got = f"line {number}, {column}", repr(line[column])
                raise InputError(file=path, key=where, expected="a number", got=got) from None

        needed = int(figure("seeds_needed")) if line["seeds_needed"] else None
        others = (figure("least_difference"), figure("sd_of_a_seed"), figure("sd_of_the_videos"))
        rows.append(PowerRow(figure("difference"), needed, *others, int(figure("seeds_of_the_suite"))))
    return rows


def power_sentences(rows: Sequence[PowerRow]) -> list[str]:
    """The rows in words."""
    if not rows:
        return []
    first = rows[0]
    found = [
        f"a difference of {row.difference:g} point{'s' * (row.difference != 1)} needs "
        + (f"{row.seeds_needed} seeds" if row.seeds_needed else "more than any number of seeds: other test videos")
        for row in rows
    ]
    spread = f"one seed's difference varies by {first.sd_of_a_seed:.1f} points, the test videos by "
    return [
        f"Power ({100 * POWER:g} %), from the last run of {first.seeds_of_the_suite} seeds:",
        *(f"  {text}" for text in found),
        f"  {spread}{first.sd_of_the_videos:.1f}; they limit what any number of seeds can tell to "
        f"{first.least_difference:.1f} points",
    ]
