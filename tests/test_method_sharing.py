"""Variants share the training of rounds up to the first that what they change reaches, and no further."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from round_run import ROOT

from wtal.base.files import read_yaml
from wtal.methods.rskp.settings import RskpSettings
from wtal.suite.method_settings import LabelWeight
from wtal.suite.plan import label_settings, plan_files, read_suite, round_settings, suite_from_mapping

OVERRIDES: list[tuple[dict[str, Any], int]] = [
    *(({"training": change}, 0) for change in ({"weight_decay": 0.1}, {"adam_betas": [0.8, 0.9]}, {"shuffle": False})),
    *(({"training": change}, 0) for change in ({"videos_per_step": 3}, {"sampled_snippets": 20})),
    *(({"base": change}, 0) for change in ({"memory_index": "class_zero"}, {"memory_from_epoch": 5})),
    ({"training": {"learning_rate": [{"until": 18, "value": 0.003}]}}, 1),
    ({"base": {"dropout": 0.1}}, 0),
    ({"base": {"attention_weight": 0.3}}, 0),
    ({"base": {"video_original_share": 0.5}}, 0),
    ({"base": {"label_snippet_original_share": 0.5}}, 0),
    ({"base": {"detection_snippet_original_share": 0.5}}, 0),
    *(({"labels": {key: value}}, 1) for key, value in {"maker": "naive", "fusion": "nms", "dropout": True}.items()),
    ({"labels": {"classes": "score"}}, 1),
    *(({"labels": {"maker": {"solution": name}}}, 1) for name in ("vertex", "minimum_norm")),
    *(
        ({"labels": {"maker": {key: value}}}, 1)
        for key, value in {"rounding": "truncate", "infeasible": "last_iterate"}.items()
    ),
    ({"labels": {"fusion": {"overlap": 0.5}}}, 1),
    ({"labels": {"fusion_temperatures": [0.2, 0.02]}}, 1),
    ({"labels": {"fusion_temperatures": [0.02, 0.2]}}, 2),
    ({"labels": {"weight": {"start": 50}}}, 1),
    ({"labels": {"first_used_epoch": 11}}, 1),
    ({"proposals": {"margin_power": 0.5}}, 1),
    ({"delta": {"mode": "on"}}, 2),
    ({"delta": {"mode": "schedule_only"}}, 2),
]


@pytest.mark.parametrize(("override", "first"), OVERRIDES, ids=str)
def test_a_variant_shares_rounds_up_to_the_first_that_its_change_reaches(override: dict[str, Any], first: int) -> None:
    nodes = changed_suite({"override": override})
    assert [nodes["changed", index] for index in range(3)] == ["optimised"] * first + ["changed"] * (3 - first)


def changed_suite(entry: dict[str, Any]) -> dict[tuple[str, int], str]:
    """Who trains each round of the variant `optimised` and of one that changes it."""
    values = read_yaml(ROOT / "config/tiny.yaml")
    values["report"]["timeline_variant"] = None
    values["variants"] = {"optimised": {"title": "a"}, "changed": {"title": "b", **entry}}
    suite = suite_from_mapping(values, ROOT / "config/tiny.yaml")
    return {key: node.owner for key, node in suite.nodes.items()}


def test_a_random_group_of_its_own_shares_nothing_and_what_only_detection_reads_shares_all() -> None:
    own = changed_suite({"random_group": "own"})
    assert [own["changed", index] for index in range(3)] == ["changed"] * 3
    for detection in ({"fusion": "nms"}, {"fusion": {"temperature": 0.5}}):
        shared = changed_suite({"override": {"detection": detection}})
        assert [shared["changed", index] for index in range(3)] == ["optimised"] * 3


def test_who_reports_the_best_test_epoch_shares_its_rounds_which_then_keep_the_scores_of_every_epoch() -> None:
    values = read_yaml(ROOT / "config/tiny.yaml")
    override = {"training": {"report_best_test_epoch": True}}
    for changed, keeps in ((None, False), ({"title": "selected", "override": override}, True)):
        variants = values["variants"] | ({"selected": changed} if changed else {})
        suite = suite_from_mapping(values | {"variants": variants}, ROOT / "config/tiny.yaml")
        assert plan_files(suite)["optimised/round1.json"]["keeps_epoch_scores"] is keeps
        assert plan_files(suite)["optimised/detect.json"]["report_best_test_epoch"] is False
    assert [suite.nodes["selected", index].owner for index in range(3)] == [
        suite.nodes["optimised", index].owner for index in range(3)
    ]


def test_the_label_weight_grows_from_the_first_refresh_to_its_limit_and_has_a_factor() -> None:
    weight = LabelWeight(start=10, growth=1.1, limit=11.5, factor=0.5)
    assert [weight.at(epochs) for epochs in range(3)] == pytest.approx([5, 5.5, 5.75])


def test_a_round_takes_optimiser_and_shares_as_the_method_has_them() -> None:
    suite = read_suite(ROOT / "config/thumos14.yaml")
    found = round_settings(suite.name, suite.variants["optimised_delta"], 3)
    assert (found.adam_betas, found.weight_decay, found.videos_per_step) == ((0.9, 0.99), 5e-4, 10)
    assert (found.suite, found.random_group, found.round_index, found.shuffle) == ("thumos14", "paired", 3, True)
    base = found.base
    assert isinstance(base, RskpSettings)
    shares = (base.video_original_share, base.label_snippet_original_share, base.detection_snippet_original_share)
    assert shares == (0.6, 0.8, 0.85)
    assert (base.foreground_weight, base.background_weight, base.attention_weight) == (1.0, 0.2, 0.1)
    assert (base.memory_branch_weight, base.label_original_share) == (0.5, 0.8)
    changed = {"consistency_weight": base.consistency_weight, "memory_from_epoch": base.memory_from_epoch}
    assert replace(RskpSettings(), **changed) == base
    assert (base.consistency_temperature, base.consistency_memory_share) == (0.2, 0.2)
    code = label_settings(suite.variants["code"], 1)
    assert (code.classes, code.maker.rounding, code.maker.infeasible, code.maker.kind) == (
        "score",
        "truncate",
        "last_iterate",
        "optimised",
    )
