"""Where the files of a run lie; the names are written out here, since other people's scripts rest on them."""

from __future__ import annotations

import re
from pathlib import Path

from wtal.suite.paths import CHECKPOINT, METRICS, SuitePaths, pattern_of_owners, settings_name

PATHS = SuitePaths.of("hapt")


def test_a_run_lies_where_the_pages_say() -> None:
    assert PATHS.round("base", 0, 2) / CHECKPOINT == Path("results/hapt/base/seed0/round2/checkpoint.pt")
    assert PATHS.run("base", 1) / METRICS == Path("results/hapt/base/seed1/metrics.json")
    assert PATHS.data == Path("results/hapt/data")
    assert PATHS.figure("ablation", "svg") == Path("results/hapt/figures/ablation.svg")
    assert PATHS.settings("labels", "base", 1) == Path("results/hapt/settings/base/labels1.json")
    assert settings_name("report") == "report.json"


def test_wildcards_make_patterns() -> None:
    assert str(PATHS.round("{variant}", "{seed}", "{round}")) == "results/hapt/{variant}/seed{seed}/round{round}"


def test_a_pattern_takes_a_variant_in_its_own_rounds_alone() -> None:
    pattern = pattern_of_owners([("base", 0), ("delta", 1)])
    found = [re.match(f"(?:{pattern})", path) for path in ("base/seed3/round0/", "delta/seed0/round1/")]
    assert [match and match[0] for match in found] == ["base", "delta"]
    for other in ("base/seed3/round1/", "delta/seed0/round0/", "base/seed3/round01/"):
        assert re.match(f"(?:{pattern})", other) is None
    assert re.search(pattern_of_owners([]), "base") is None
