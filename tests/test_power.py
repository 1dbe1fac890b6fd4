"""`wtal plan` says how many seeds a difference needs once a suite has run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wtal.base.files import write_rows
from wtal.cli import main
from wtal.evaluate.score.intervals import SeedScores
from wtal.report.tables.power import COLUMNS, contrasts, power_rows, power_values, read_power

TINY = Path(__file__).resolve().parents[1] / "config" / "tiny.yaml"


def differences(n_seeds: int, videos: float = 0.2) -> list[SeedScores]:
    """Three contrasts whose seeds vary by 3 points and whose videos by less."""
    random = np.random.default_rng(0)
    shared = videos * random.standard_normal(500)
    return [
        SeedScores(points, points[:, None] + shared)
        for points in (3 * random.standard_normal(n_seeds) for _ in range(3))
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the results of `tiny`."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "results" / "tiny"
    path.mkdir(parents=True)
    return path


def test_the_plan_of_a_suite_that_has_run_says_what_its_seeds_can_tell(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = power_rows(differences(5), 40, 0.95)
    write_rows(folder / "power.csv", COLUMNS, map(power_values, rows))
    assert [row.seeds_needed for row in read_power(folder / "power.csv")] == [row.seeds_needed for row in rows]
    assert main(["plan", str(TINY)]) == 0
    printed = capsys.readouterr().out
    assert "Power (80 %), from the last run of 5 seeds:" in printed
    assert f"a difference of 1 point needs {rows[0].seeds_needed} seeds" in printed
    assert f"a difference of 5 points needs {rows[2].seeds_needed} seeds" in printed


def test_a_difference_below_what_the_videos_can_tell_needs_other_videos(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = power_rows(differences(5, videos=1.0), 40, 0.95)
    assert [row.seeds_needed is None for row in rows] == [True, True, False]
    write_rows(folder / "power.csv", COLUMNS, map(power_values, rows))
    assert main(["plan", str(TINY)]) == 0
    assert "a difference of 2 points needs more than any number of seeds: other test videos" in capsys.readouterr().out


def test_one_seed_says_nothing_of_power(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert power_rows(differences(1), 40, 0.95) == []
    assert power_rows([], 40, 0.95) == []
    write_rows(folder / "power.csv", COLUMNS, [])
    assert main(["plan", str(TINY)]) == 0
    assert "Power" not in capsys.readouterr().out


def test_each_pair_of_variants_is_one_contrast() -> None:
    figures = {name: SeedScores(np.full(2, value), np.zeros((2, 3))) for name, value in zip("abc", (1.0, 2.0, 4.0))}
    pairs = {"a": (None, "a"), "b": ("a", "a"), "c": ("b", "a")}
    assert sorted(float(abs(each.points[0])) for each in contrasts(pairs, figures)) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("1,many,2.0,1.0,0.5,5", "power.csv: line 2, seeds_needed: expected a number; got 'many'"),
        ("1,4,,1.0,0.5,5", "power.csv: line 2, least_difference: expected a number; got ''"),
    ],
)
def test_a_broken_file_of_power_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, sentence: str
) -> None:
    (folder / "power.csv").write_text(f"{','.join(COLUMNS)}\n{line}\n")
    assert main(["plan", str(TINY)]) == 2
    assert sentence in capsys.readouterr().err
