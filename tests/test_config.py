"""Settings: what is read, and what is refused with file, key, expected and got."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wtal.base.errors import InputError, require
from wtal.base.files import read_yaml
from wtal.base.schema import from_mapping, to_mapping
from wtal.localise.fusion.gaussian import GaussianFusion
from wtal.localise.fusion.nms import Nms
from wtal.localise.fusion.soft_nms import SoftNms
from wtal.localise.labels.naive import NaiveLabels
from wtal.suite.contracts import Fusion
from wtal.suite.file import SuiteFile, merge, merge_files, method_of, suite_schema
from wtal.suite.method_settings import MethodSettings
from wtal.suite.plan import plan_files, read_suite, suite_from_mapping

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted((ROOT / "config").glob("*.yaml"))


@dataclass(frozen=True, kw_only=True)
class Inner:
    share: float = 0.5

    def __post_init__(self) -> None:
        require(0 <= self.share <= 1, "share", "a share in [0, 1]", self.share)


@dataclass(frozen=True, kw_only=True)
class Outer:
    count: int
    names: tuple[str, ...] = ()
    inner: Inner = Inner()
    limit: float | None = None


def refused(values: object) -> str:
    with pytest.raises(InputError) as error:
        from_mapping(Outer, values, file="some.yaml")
    return str(error.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"count": 1, "nmaes": []},
            "some.yaml: nmaes: expected a known key (did you mean 'names'?); got an unknown one",
        ),
        ({}, "some.yaml: count: expected a whole number; got nothing"),
        ({"count": "3"}, "some.yaml: count: expected a whole number; got '3'"),
        ({"count": True}, "some.yaml: count: expected a whole number; got True"),
        ({"count": 1.5}, "some.yaml: count: expected a whole number; got 1.5"),
        ({"count": 1, "names": "abc"}, "some.yaml: names: expected a list; got 'abc'"),
        ({"count": 1, "names": ["a", 2]}, "some.yaml: names[1]: expected text; got 2"),
        ({"count": 1, "inner": 3}, "some.yaml: inner: expected a group of keys; got 3"),
        ({"count": 1, "inner": {"share": 2}}, "some.yaml: inner.share: expected a share in [0, 1]; got 2.0"),
        ({"count": 1, "limit": float("nan")}, "some.yaml: limit: expected a finite number; got nan"),
        ([1], "some.yaml: expected a group of keys; got [1]"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(values: object, sentence: str) -> None:
    assert refused(values) == sentence


def test_numbers_that_yaml_reads_as_text_are_read_as_numbers() -> None:
    assert from_mapping(Outer, yaml.safe_load("{count: 1, limit: 5e-4}"), file="x").limit == 0.0005


def test_settings_read_back_what_they_write() -> None:
    for path in CONFIGS:
        suite = read_suite(path)
        assert from_mapping(SuiteFile, json.loads(json.dumps(to_mapping(suite.file))), file="x") == suite.file
        for variant in suite.variants.values():
            assert from_mapping(MethodSettings, to_mapping(variant.method), file="x") == variant.method


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_no_value_makes_anything_but_settings_or_one_sentence(value: Any) -> None:
    for key in ("training", "labels", "delta", "proposals", "preset"):
        with pytest.raises(InputError, match=r"\Ax: [^\n]*expected [^\n]*; got [^\n]*\Z"):
            from_mapping(MethodSettings, {"training": {}, key: value}, file="x")  # `training` lacks keys


def base() -> dict[str, Any]:
    return dict(read_yaml(ROOT / "config/tiny.yaml"))


def suite_refused(change: dict[str, Any]) -> str:
    with pytest.raises(InputError) as error:
        suite_from_mapping(merge(base(), change), "tiny.yaml")
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seeds": []}, "tiny.yaml: seeds: expected at least one entry; got []"),
        ({"seeds": [1, 1]}, "seeds: expected each seed once"),
        ({"suite": "../evil"}, "suite: expected lower-case letters, digits and -"),
        ({"variants": {"Bad Name": {"title": "x"}}}, "variants: expected a name of lower-case letters"),
        ({"variants": {"data": {"title": "x"}}}, "variants: expected a name"),
        (
            {"method": {"base": {"cosine_scal": 3}}},
            "method.base.cosine_scal: expected a known key (did you mean 'cosine_scale'?)",
        ),
        ({"method": {"preset": "papper"}}, "method.preset: expected one of paper, code"),
        ({"method": {"labels": {"fusion_temperatures": [0.02]}}}, "one temperature for each of 2 rounds"),
        (
            {"method": {"labels": {"refresh_epochs": [10, 99]}}},
            "labels.refresh_epochs: expected epochs before the last, 18",
        ),
        (
            {"method": {"delta": {"mode": "on", "scale": [{"epoch": 3, "value": 2}]}}},
            "a start from the second refresh on",
        ),
        ({"method": {"base": {"memory_from_epoch": 12}}}, "method.base.memory_from_epoch: expected at most 10"),
        ({"method": {"base": {"kind": "rksp"}}}, "method.base.kind: expected a known kind (did you mean 'rskp'?)"),
        (
            {"method": {"model": {"dropout": 0.5}}},
            "method.model: expected its present name, method.base (with kind: rskp)",
        ),
        (
            {"method": {"training": {"memory_from_epoch": 12}}},
            "method.training.memory_from_epoch: expected its present name, method.base.memory_from_epoch",
        ),
        (
            {"method": {"training": {"checkpoint": "selected_on_test"}}},
            "method.training.checkpoint: expected its present name, method.training.report_best_test_epoch (true or",
        ),
        (
            {"variants": {"naive": {"streams": "own"}}},
            "variants.naive.streams: expected its present name, variants.naive.random_group; got the old name",
        ),
        (
            {"method": {"labels": {"fusion": "gausian"}}},
            "method.labels.fusion.kind: expected a known kind (did you mean 'gaussian'?); got 'gausian'",
        ),
        (
            {"variants": {"naive": {"override": {"labels": {"maker": {"kind": "naiv"}}}}}},
            "variants.naive.override.labels.maker.kind: expected a known kind (did you mean 'naive'?); got 'naiv'",
        ),
        (
            {"method": {"detection": {"fusion": {"kind": "nms", "sigma": 0.5}}}},
            "method.detection.fusion.sigma: expected a known key",
        ),
        (
            {"method": {"detection": {"fusion": {"kind": "nms", "tiou": 1}}}},
            "method.detection.fusion.tiou: expected a number in (0, 1); got 1.0",
        ),
        ({"method": {"labels": {"maker": 3}}}, "method.labels.maker.kind: expected a known kind"),
        (
            {"method": {"proposals": {"overlap": 0.5}}},
            "method.proposals.overlap: expected its present name, method.labels.fusion.overlap (and "
            "detection.fusion.overlap); got the old name",
        ),
        (
            {"method": {"detection": {"temperature": 0.5}}},
            "method.detection.temperature: expected its present name, method.detection.fusion.temperature",
        ),
        (
            {"variants": {"naive": {"override": {"labels": {"kind": "naive"}}}}},
            "variants.naive.override.labels.kind: expected its present name, variants.naive.override.labels.maker.kind",
        ),
        ({"dataset": {"kind": "synthetik"}}, "dataset.kind: expected a known kind (did you mean 'synthetic'?)"),
        ({"dataset": {"classes": 1}}, "dataset.classes: expected a whole number in [2, 1000]; got 1"),
        ({"variants": {"base": {"rounds": 9}}}, "variants.base.rounds: expected at most 2 rounds"),
        (
            {"variants": {"base": {"compare_with": "bas"}}},
            "variants.base.compare_with: expected a variant of this suite",
        ),
        ({"variants": {"naive": {"override": {"lables": {}}}}}, "variants.naive.override.lables: expected a known key"),
        ({"report": {"timeline_variant": "nobody"}}, "report.timeline_variant"),
        ({"extends": "nothing.yaml"}, "nothing.yaml: expected a readable file"),
    ],
)
def test_a_wrong_suite_is_refused_before_any_work(change: dict[str, Any], words: str) -> None:
    assert words in suite_refused(change)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("seeds: [1]\nsuite: a\nseeds: [2]\n")
    with pytest.raises(InputError, match="key 'seeds' given twice at line 3"):
        read_yaml(path)


def test_a_file_that_extends_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.write_text("extends: loop.yaml\n")
    with pytest.raises(InputError, match="does not extend itself"):
        read_suite(path)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_suite_reads_and_its_name_is_that_of_its_file(path: Path) -> None:
    suite = read_suite(path)
    assert suite.name == path.stem
    assert plan_files(suite)


def test_presets_differ_in_every_point_of_the_method_and_explicit_keys_win() -> None:
    method = base()["method"]
    paper, code = method_of(method, {}, "x"), method_of(method, {"preset": "code"}, "x")
    assert (paper.base.memory_index, code.base.memory_index) == ("label", "class_zero")
    assert (paper.training.report_best_test_epoch, code.training.report_best_test_epoch) == (False, True)
    assert (paper.labels.dropout, code.labels.dropout) == (False, True)
    assert (paper.labels.classes, code.labels.classes) == ("label", "score")
    assert (paper.labels.maker.infeasible, code.labels.maker.infeasible) == ("elastic", "last_iterate")
    assert (paper.labels.maker.rounding, code.labels.maker.rounding) == ("floor", "truncate")
    mixed = method_of(method, {"preset": "code", "labels": {"maker": {"rounding": "floor"}}}, "x")
    assert (mixed.labels.maker.rounding, mixed.labels.dropout) == ("floor", True)


@pytest.mark.parametrize(
    ("written", "change", "found"),
    [
        ("nms", {"tiou": 0.3}, Nms(tiou=0.3)),
        ("nms", {"kind": "nms", "tiou": 0.3}, Nms(tiou=0.3)),
        ({"kind": "nms", "tiou": 0.3}, "nms", Nms(tiou=0.3)),
        ({"kind": "nms", "tiou": 0.3}, {"kind": "soft_nms", "sigma": 0.5}, SoftNms(sigma=0.5)),
        ({"kind": "nms", "tiou": 0.3}, "gaussian", GaussianFusion()),
        ({"temperature": 0.5}, {"overlap": 0.5}, GaussianFusion(temperature=0.5, overlap=0.5)),
        ({"temperature": 0.5}, "nms", Nms()),
        (None, "soft_nms", SoftNms()),
    ],
    ids=str,
)
def test_a_kind_that_changes_replaces_its_group_and_the_same_kind_keeps_it(
    written: object, change: object, found: Fusion, tmp_path: Path
) -> None:
    """Within an override, in a file that extends another, and in what is laid over a file."""
    method = {**base()["method"], **({"detection": {"fusion": written}} if written else {})}
    override = {"detection": {"fusion": change}}
    assert method_of(method, override, "x").detection.fusion == found
    parent, child = {**base(), "method": method}, {"extends": "parent.yaml", "suite": "child", "method": override}
    (tmp_path / "parent.yaml").write_text(yaml.safe_dump(parent))
    extended = suite_from_mapping(child, tmp_path / "child.yaml")
    laid_over = suite_from_mapping(merge_files(parent, {"method": override}), "tiny.yaml")
    for suite in (extended, laid_over):
        assert suite.variants["base"].method.detection.fusion == found


def test_a_variant_that_changes_a_member_takes_what_its_preset_says_of_the_new_one() -> None:
    method = base()["method"]
    for preset, rounding in (("paper", "floor"), ("code", "truncate")):
        made = method_of({**method, "preset": preset}, {"labels": {"maker": "naive"}}, "x").labels.maker
        assert made == NaiveLabels(rounding=rounding)
    assert method_of(method, {"preset": "code", "labels": {"maker": "naive"}}, "x").labels.maker.rounding == "truncate"


def test_a_round_gives_its_temperature_to_a_fusion_that_has_one() -> None:
    method, temperatures = base()["method"], {"fusion_temperatures": [0.5, 0.25]}
    gaussian, nms = (
        method_of(method, {"labels": {**temperatures, "fusion": kind}}, "x") for kind in ("gaussian", "nms")
    )
    assert [gaussian.labels.fusion_of(index).temperature for index in (1, 2)] == [0.5, 0.25]
    assert [nms.labels.fusion_of(index) for index in (1, 2)] == [Nms(), Nms()]
    own = method_of(method, {"labels": {"fusion_temperatures": [], "fusion": {"temperature": 0.1}}}, "x")
    assert own.labels.fusion_of(2) == GaussianFusion(temperature=0.1)


def test_variants_share_the_rounds_in_which_they_agree() -> None:
    nodes = read_suite(ROOT / "config/tiny.yaml").nodes
    assert nodes["optimised", 0].owner == "base_nms"
    assert nodes["optimised_delta", 1].owner == "optimised"  # delta starts with the second round
    assert nodes["optimised_delta", 2].owner == "optimised_delta"
    assert nodes["optimised_delta", 2].is_delta
    assert nodes["code", 0].owner == "code"  # its memory index differs from the first round on
    assert nodes["code", 1].scores_with_dropout


def test_the_schedule_of_epochs_is_that_of_the_settings() -> None:
    plan = plan_files(read_suite(ROOT / "config/tiny.yaml"))
    first, last = plan["base_nms/round0.json"]["epochs"], plan["optimised_delta/round2.json"]["epochs"]
    assert all(epoch["label_weight"] == 0 for epoch in first)
    assert [epoch["label_scale"] for epoch in last] == [2.0] * 4
    assert last[0]["learning_rate"] == pytest.approx(0.001 * 0.1)
    assert last[0]["label_weight"] == pytest.approx(100 * 1.035**4)


def test_the_control_keeps_the_schedule_of_delta_without_its_target() -> None:
    plan = plan_files(read_suite(ROOT / "config/hapt.yaml"))
    delta, control = (plan[f"{name}/round3.json"]["epochs"] for name in ("optimised_delta", "optimised_delta_schedule"))
    assert [epoch["learning_rate"] for epoch in delta] == [epoch["learning_rate"] for epoch in control]
    assert all(epoch["is_delta"] for epoch in delta)
    assert not any(epoch["is_delta"] for epoch in control)


def test_the_schema_is_closed_and_knows_every_data_set() -> None:
    schema = suite_schema()
    assert schema["additionalProperties"] is False
    kinds = {entry["properties"]["kind"]["const"] for entry in schema["properties"]["dataset"]["anyOf"][1:]}
    assert {"hapt", "synthetic"} <= kinds
