"""Settings files of a suite: a change of a setting changes the files of the steps that read it, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wtal.base.files import read_yaml, to_json
from wtal.suite.file import merge
from wtal.suite.plan import Suite, plan_files, suite_from_mapping

CONFIG = Path(__file__).resolve().parents[1] / "config/tiny.yaml"
EARLY = {"training": {"early_stopping": {"patience": 3}}}
NO_BEST = {"variants": {"code": None}}  # its preset picks an epoch on the test set, which early stopping excludes


def suite(*changes: dict[str, Any]) -> Suite:
    values = read_yaml(CONFIG)
    for change in changes:
        values = merge(values, change)
    return suite_from_mapping(values, CONFIG)


def changed(*changes: dict[str, Any], base: tuple[dict[str, Any], ...] = ()) -> set[str]:
    """The names of the settings files that a change changes, without the folders of the variants."""
    before, after = plan_files(suite(*base)), plan_files(suite(*base, *changes))
    assert set(before) == set(after)
    return {name.rpartition("/")[2] for name in before if to_json(before[name]) != to_json(after[name])}


@pytest.mark.parametrize(
    ("change", "files"),
    [
        ({"evaluation": {"bootstrap_resamples": 77, "bootstrap_level": 0.9}}, {"report.json"}),
        ({"evaluation": {"protocol": "step"}}, {"report.json", "evaluate.json"}),
        ({"report": {"title": "another", "note": "a note"}}, {"page.json"}),
        ({"report": {"timeline_videos": 3}}, {"figures.json"}),
        ({"report": {"timeline_variant": "base"}}, {"report.json"}),
        ({"variants": {"base": {"title": "another"}}}, {"report.json"}),
        ({"method": {"detection": {"fusion": {"temperature": 0.7}}}}, {"report.json", "detect.json"}),
        ({"method": {"training": {"collapse": {"action": "stop", "epochs": 1}}}}, {"report.json", "collapse.json"}),
        ({"method": {"training": {"collapse": {"least_spread": 0.5}}}}, {"report.json", "collapse.json"}),
        ({"method": {"training": {"collapse": {"label_share": 0.5}}}}, {"report.json", "collapse.json"}),
    ],
)
def test_a_setting_is_in_the_files_of_the_steps_that_read_it_alone(change: dict[str, Any], files: set[str]) -> None:
    assert changed(change) == files


ROUNDS = {"report.json", "collapse.json", "round0.json", "round1.json", "round2.json"}


@pytest.mark.parametrize(
    ("collapse", "retrains"),
    [
        ({"least_attention": 0.2}, True),
        ({"class_share": 0.8}, True),
        ({"label_share": 0.8}, False),  # of labels, which early stopping does not look at
        ({"first_epoch": 2, "epochs": 2}, False),  # when to warn
        ({"action": "stop"}, True),
    ],
)
def test_with_early_stopping_a_round_depends_on_what_tells_a_sound_epoch(
    collapse: dict[str, Any], retrains: bool
) -> None:
    change = {"method": {"training": {"collapse": collapse}}}
    files = changed(change, base=(NO_BEST, {"method": EARLY}))
    assert files == (ROUNDS if retrains else ROUNDS & {"report.json", "collapse.json"})


def test_where_training_stops_for_a_collapse_the_epoch_of_the_stop_counts_too() -> None:
    stop = {"method": {"training": {**EARLY["training"], "collapse": {"action": "stop"}}}}
    assert changed({"method": {"training": {"collapse": {"epochs": 2}}}}, base=(NO_BEST, stop)) == ROUNDS


def test_variants_that_differ_in_when_to_warn_share_their_rounds() -> None:
    other = {"variants": {"optimised": {"override": {"training": {"collapse": {"least_spread": 0.5}}}}}}
    owners = {key: node.owner for key, node in suite().nodes.items()}
    assert {key: node.owner for key, node in suite(other).nodes.items()} == owners
    assert owners["optimised", 0] != "optimised"
