"""The interval of a difference holds the truth as often as it says, on simulated suites; over videos alone it does not.

Seeds of the random draws are fixed. Slack: 93 to 97 % with 2,000 simulations, three standard errors (1.5) of 95 %
within them; wider where there are fewer simulations, as stated.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scripts import script

from wtal.evaluate.score.intervals import SeedScores, paired
from wtal.evaluate.score.power import Components, least_difference, seeds_needed

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    """benchmarks/coverage.py as a module."""
    return script("benchmarks/coverage.py")


@pytest.mark.parametrize(
    ("name", "n_seeds", "by_videos"),
    [
        ("hapt, the typical contrast", 3, 70),
        ("hapt, the typical contrast", 5, 75),
        ("hapt, the widest contrast", 10, 60),
        ("seeds alone vary", 3, 20),
        ("videos and seeds vary alike", 5, 97),
    ],
)
def test_the_interval_of_a_suite_of_scores_holds_the_truth_in_95_percent(
    coverage: ModuleType, name: str, n_seeds: int, by_videos: float
) -> None:
    (spread,) = (each for each in coverage.SPREADS if each.name == name)
    found = coverage.score_coverage(spread, n_seeds, 2000, "normal", n_resamples=100)
    assert 93 <= found.held <= 97
    assert found.held_by_videos < by_videos
    assert 70 <= found.told <= 90  # planned: 80


def test_the_interval_of_a_suite_of_detections_holds_the_truth(coverage: ModuleType) -> None:
    """120 simulations: three standard errors are 6 points."""
    suites = list(coverage.detection_suites(120, 3, 100))
    differences = [paired(one, other) for one, other in suites]
    truth = float(np.mean([each.points.mean() for each in differences]))
    found = coverage.coverage_of(differences, coverage.N_VIDEOS, truth)
    assert found.held >= 95 - 6
    assert found.held_by_videos < 87


def test_more_seeds_tell_smaller_differences_until_the_videos_are_the_limit() -> None:
    typical = Components(seeds=8.0, interaction=1.2, videos=0.16, n_videos=60)
    found = [seeds_needed(typical, points, 0.95) for points in (5.0, 3.0, 2.0, 1.0)]
    assert None not in found[:3]
    assert found[:3] == sorted(found[:3])
    for points, n_seeds in zip((5.0, 3.0, 2.0), found):
        assert least_difference(typical, n_seeds, 0.95) <= points < least_difference(typical, n_seeds - 1, 0.95)
    assert found[3] is None
    limit = least_difference(typical, float("inf"), 0.95)
    assert limit == pytest.approx(2.85 * 0.4, abs=0.01)
    assert least_difference(typical, 10_000, 0.95) == pytest.approx(limit, abs=0.01)


def test_tables_are_put_between_their_markers_and_nowhere_else(coverage: ModuleType) -> None:
    text = "a\n<!-- power -->\nold\n<!-- end of power -->\nb\n"
    assert coverage.put(text, "power", ["new"]) == "a\n<!-- power -->\nnew\n<!-- end of power -->\nb\n"
    page = (ROOT / "docs" / "statistics.md").read_text()
    for name in ("scores", "detections", "power"):
        assert f"<!-- {name} -->" in page
        assert f"<!-- end of {name} -->" in page


def test_the_page_shows_the_power_that_the_committed_results_hold(coverage: ModuleType) -> None:
    if not list((ROOT / "results").glob("*/power.csv")):
        pytest.skip("no power.csv is here: the suites were not run and their results were not pulled")
    page = (ROOT / "docs" / "statistics.md").read_text()
    expected = coverage.put(page, "power", coverage.power_lines(ROOT / "results"))
    assert page == expected, "run: python benchmarks/coverage.py --power --write docs/statistics.md"


def test_the_page_reports_coverage_within_its_bounds() -> None:
    page = (ROOT / "docs" / "statistics.md").read_text()
    scores = page.split("<!-- scores -->")[1].split("<!-- end of scores -->")[0]
    detections = page.split("<!-- detections -->")[1].split("<!-- end of detections -->")[0]
    cells = [float(cell.split(" (")[0]) for line in scores.splitlines() for cell in line.split(" | ") if " (" in cell]
    assert len(cells) == 32
    rows = [line.strip("| ").split(" | ") for line in detections.splitlines() if line.startswith("| ")]
    held = {int(row[0]): float(row[1]) for row in rows if row[0].isdigit()}
    assert set(held) >= {3, 5, 10}
    assert all(92.5 <= value <= 97.5 for value in [*cells, *(held[n_seeds] for n_seeds in (3, 5, 10))])


def test_pairs_take_away_what_seeds_share() -> None:
    shared = np.arange(4.0)
    one, other = SeedScores(shared + 1, np.zeros((4, 3))), SeedScores(shared, np.zeros((4, 3)))
    assert paired(one, other).points.tolist() == [1.0] * 4
