"""Suites that name base networks: every variant is run on each of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from wtal.base.errors import InputError
from wtal.suite.file import merge_files
from wtal.suite.plan import Suite, suite_from_mapping

PLAIN: dict[str, Any] = {
    "suite": "crossed",
    "dataset": {"kind": "synthetic"},
    "seeds": [0, 1],
    "report": {"title": "crossed"},
    "method": {
        "training": {"epochs": 6, "learning_rate": [{"until": 6, "value": 0.001}]},
        "labels": {"refresh_epochs": [2, 4], "fusion_temperatures": [0.2, 0.2]},
    },
    "variants": {
        "nms": {"title": "base + NMS", "rounds": 0, "override": {"detection": {"fusion": "nms"}}},
        "gaussian": {
            "title": "base",
            "rounds": 0,
            "compare_with": "nms",
            "override": {"proposals": {"class_threshold": 0.2}},
        },
        "optimised": {"title": "optimised labels", "compare_with": "gaussian", "override": {"delta": {"mode": "off"}}},
    },
}
BASES: dict[str, Any] = {
    "rskp": {"title": "RSKP", "override": {"base": {"kind": "rskp"}}},
    "basnet": {
        "title": "BaS-Net",
        "override": {"base": {"kind": "basnet"}, "proposals": {"class_threshold": 0.3}},
        "of_variants": {"optimised": {"labels": {"weight": {"factor": 0.5}}}},
    },
}


def crossed_suite(**change: Any) -> Suite:
    return suite_from_mapping(copy.deepcopy({**PLAIN, "bases": BASES} | change), "suite.yaml")


def test_every_variant_is_run_on_every_base() -> None:
    suite = crossed_suite()
    assert list(suite.variants) == [f"{base}_{name}" for base in BASES for name in PLAIN["variants"]]
    entry = suite.variants["basnet_optimised"].entry
    assert (entry.title, entry.group, entry.compare_with) == ("BaS-Net: optimised labels", "BaS-Net", "basnet_gaussian")
    assert suite.variants["rskp_nms"].entry.compare_with is None
    assert {variant.method.base.kind for variant in suite.variants.values()} == {"rskp", "basnet"}


def test_the_variant_is_laid_over_its_base_and_what_the_base_says_of_it_over_both() -> None:
    methods = {name: variant.method for name, variant in crossed_suite().variants.items()}
    assert methods["basnet_nms"].proposals.class_threshold == 0.3
    assert methods["basnet_gaussian"].proposals.class_threshold == 0.2
    plain, special = methods["rskp_optimised"].labels.weight, methods["basnet_optimised"].labels.weight
    assert (plain.factor, special.factor) == (1.0, 0.5)
    assert (special.start, special.growth, special.limit) == (plain.start, plain.growth, plain.limit)


def test_rounds_are_shared_within_a_base_and_never_between_bases() -> None:
    suite = crossed_suite()
    for (variant, _), node in suite.nodes.items():
        assert node.owner.split("_")[0] == variant.split("_")[0]
    assert suite.nodes["basnet_optimised", 0].owner == "basnet_nms"


def test_a_file_laid_over_a_crossed_one_changes_a_base() -> None:
    change = {
        "bases": {
            "basnet": {"override": {"base": {"kind": "basnet", "hidden_size": 32}, "detection": {"fusion": "nms"}}}
        }
    }
    suite = suite_from_mapping(merge_files({**PLAIN, "bases": BASES}, change), "suite.yaml")
    assert suite.variants["basnet_nms"].method.base.hidden_size == 32
    assert suite.variants["basnet_nms"].method.proposals.class_threshold == 0.3
    assert suite.variants["basnet_gaussian"].method.detection.fusion.kind == "nms"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"bases": {"rskp": {"title": "RSKP", "of_variants": {"optimized": {}}}}},
            "bases.rskp.of_variants: expected variants of this suite (did you mean 'optimised'?); got 'optimized'",
        ),
        ({"bases": {"RSKP": {"title": "RSKP"}}}, "bases: expected a name of lower-case letters"),
        ({"bases": {"rskp": {}}}, "bases.rskp.title"),
        (
            {
                "bases": {"a": {"title": "A"}, "a_b": {"title": "B"}},
                "variants": {"b_c": {"title": "one", "rounds": 0}, "c": {"title": "two", "rounds": 0}},
            },
            "bases.a_b: expected names that differ once joined; got a_b_c",
        ),
        (
            {"bases": {"rskp": {"title": "RSKP", "override": {"detection": {"threshold": 1}}}}},
            "variants.rskp_nms.override.detection.threshold",
        ),
    ],
)
def test_what_cannot_be_crossed_is_refused_by_name(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        crossed_suite(**change)
    assert sentence in str(error.value)
