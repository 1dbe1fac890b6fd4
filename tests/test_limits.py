"""What jobs of a batch system ask for: more than was measured, below a day, and more on a later attempt."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

RULES = runpy.run_path(str(Path(__file__).resolve().parents[1] / "workflow/rules/limits.smk"))
LONGEST = RULES["LONGEST"]
asked_minutes, memory_mb, training_minutes = (
    RULES[name] for name in ("asked_minutes", "bound_of_memory", "bound_of_training")
)

# The longest and the largest rounds of training of four suites, from their benchmark files: epochs, MB of features,
# seconds beside other work, MB of memory.
MEASURED = {
    "hapt, rskp": (35, 13.8, 66, 258),
    "swimming, basnet": (30, 12.3, 123, 363),
    "shrec21, co2net": (30, 70.9, 203, 500),
    "made-up videos as wide as THUMOS14's features, rskp": (4, 72.8, 300, 605),
    "made-up videos twice as wide, rskp": (4, 145.5, 92, 810),
}


@pytest.mark.parametrize(("epochs", "features_mb", "seconds", "memory"), MEASURED.values(), ids=MEASURED)
def test_a_round_asks_for_more_than_was_measured(epochs: int, features_mb: float, seconds: int, memory: int) -> None:
    assert training_minutes(epochs, features_mb) > 2 * seconds / 60
    assert memory_mb(1500, features_mb, shares=6) > 2 * memory


def test_a_later_attempt_asks_for_more() -> None:
    assert memory_mb(1500, 100, shares=6) == 2100
    assert memory_mb(1500, 100, shares=6, attempt=2) == memory_mb(1500, 100, shares=6, attempt=3) == 4200
    assert asked_minutes(60, together=60) == 60
    assert asked_minutes(60, together=60, attempt=2) == asked_minutes(60, together=60, attempt=3) == 90


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_what_is_sent_as_one_job_stays_below_a_day(attempt: int) -> None:
    many = [training_minutes(epochs, 1200) for epochs in (200, 30, 15, 15, 15, 25, 50)]
    asked = [asked_minutes(each, sum(many), attempt) for each in many]
    assert LONGEST - len(many) <= sum(asked) <= LONGEST < 24 * 60
