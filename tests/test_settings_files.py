"""Any suite's settings files are read back as what was written: keys, order and types."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wtal.base.errors import InputError
from wtal.base.files import read_json, to_json, write_if_changed
from wtal.base.schema import from_mapping, to_mapping
from wtal.data.convert.settings import FeatureData
from wtal.data.kinds.prepare import read_data_settings
from wtal.report.inputs.plan import read_plan
from wtal.suite.method_settings import ScoringSettings
from wtal.suite.plan import Suite, plan_files, suite_from_mapping
from wtal.suite.step_settings import DetectSettings, LabelRoundSettings, RoundSettings
from wtal.suite.streams import Stream
from wtal.suite.training_settings import CollapseSettings, TrainingSettings, Until

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=9).map(lambda text: f"v{text}")
SHARES = st.one_of(st.sampled_from([0, 1, 0.5]), st.floats(0, 1))
WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=9)

DATA = st.one_of(
    st.fixed_dictionaries({"kind": st.just("hapt")}, optional={"clip_seconds": st.floats(5, 600) | st.integers(5, 9)}),
    st.fixed_dictionaries({"kind": st.just("watch")}, optional={"session_bouts": st.just([1, 4])}),
    st.fixed_dictionaries({"kind": st.just("synthetic")}, optional={"snippets": st.just([20, 40])}),
    st.fixed_dictionaries(
        {
            "kind": st.just("features"),
            "name": WORDS,
            "features": WORDS,
            "annotations": WORDS,
            "feature_size": st.none(),
            "streams": st.lists(
                st.fixed_dictionaries({"name": WORDS, "columns": st.integers(1, 4096)}),
                max_size=5,
                unique_by=lambda stream: stream["name"],
            ),
        },
        optional={
            "exclude_videos": st.lists(WORDS, max_size=4),
            "snippets_per_second": st.none() | st.floats(0.01, 99) | st.integers(1, 60),
            "lock": st.none() | WORDS,
        },
    ),
)


@st.composite
def overrides(draw: st.DrawFn) -> dict[str, Any]:
    """Changes of the method, some as whole numbers where fractions are meant."""
    given: dict[str, Any] = {"detection": {"fusion": draw(st.sampled_from(["nms", "soft_nms", "gaussian"]))}}
    given["proposals"] = {"class_threshold": draw(SHARES), "margin_factor": draw(st.integers(0, 3) | st.floats(0, 3))}
    until = sorted(draw(st.sets(st.integers(1, 9), min_size=1, max_size=4)))
    rates = [{"until": epoch, "value": draw(SHARES | st.just("5e-4"))} for epoch in until]
    given["training"] = {"learning_rate": rates, "adam_betas": [draw(st.floats(0, 0.99)), 0]}
    return {key: given[key] for key in draw(st.permutations(list(given)))[: draw(st.integers(0, len(given)))]}


@st.composite
def suites(draw: st.DrawFn) -> Suite:
    """A suite of random data, variants in random order, schedules and rounds."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    refresh = sorted(draw(st.sets(st.integers(1, 8), max_size=3)))
    delta = {"mode": "on", "scale": [{"epoch": refresh[1], "value": draw(SHARES)}]} if len(refresh) > 1 else {}
    ranges = draw(st.permutations(["0.1:0.5", "0.3:0.7", "0.1:0.7", "0.5"]))
    values = {
        "suite": "random",
        "dataset": draw(DATA),
        "method": {
            "preset": draw(st.sampled_from(["paper", "code"])),
            "training": {"epochs": 10, "learning_rate": [{"until": 10, "value": draw(SHARES)}]},
            "labels": {"refresh_epochs": refresh, "fusion_temperatures": [draw(st.floats(0.01, 1)) for _ in refresh]},
            **({"delta": delta} if delta else {}),
        },
        "variants": {
            name: {
                "title": draw(WORDS),
                "rounds": draw(st.none() | st.integers(0, len(refresh))),
                "compare_with": draw(st.none() | st.sampled_from(names)),
                "override": draw(overrides()),
            }
            for name in names
        },
        "seeds": draw(st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True)),
        "evaluation": {"averages": ranges[: draw(st.integers(1, 4))]},
        "report": {"title": draw(WORDS), "published": draw(st.lists(WORDS, max_size=3))},
    }
    return suite_from_mapping(values, "random.yaml")


KINDS = {"detect": DetectSettings, "evaluate": ScoringSettings, "collapse": CollapseSettings}


def kind_of(name: str) -> type:
    stem = Path(name).stem
    if stem.startswith("round"):
        return RoundSettings
    return LabelRoundSettings if stem.startswith("labels") else KINDS[stem]


def same(found: Any, written: Any) -> bool:
    """Equal with the types: 1 is not 1.0; the order of the keys of a group has no meaning."""
    if isinstance(written, dict):
        return found.keys() == written.keys() and all(same(found[key], value) for key, value in written.items())
    if isinstance(written, list):
        return len(found) == len(written) and all(map(same, found, written))
    return type(found) is type(written) and bool(found == written)


@settings(max_examples=40, deadline=None)
@given(suites())
def test_settings_files_are_read_back_as_what_was_written(suite: Suite) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = plan_files(suite)
        for path, value in files.items():
            write_if_changed(folder / path, to_json(value))
            assert same(read_json(folder / path), value)
        # The words of a record have its values in their order and with their types.
        assert repr(read_data_settings(folder / "data.json")) == repr(suite.file.dataset)
        for path in (path for path in files if "/" in path):
            kind = kind_of(path)
            written, found = (from_mapping(kind, v, file=path) for v in (files[path], read_json(folder / path)))
            assert repr(found) == repr(written)
            assert same(to_mapping(found), files[path])
        plan = read_plan(folder / "report.json").file
        assert list(plan.variants) == list(suite.variants)
        assert plan.seeds == suite.file.seeds
        assert repr(plan.evaluation) == repr(suite.file.evaluation)
        for name, variant in suite.variants.items():
            assert plan.variants[name].title == variant.entry.title
            assert repr(read_plan(folder / "report.json").method(name)) == repr(variant.method)


FEATURES = {"kind": "features", "name": "n", "features": "f", "annotations": "a", "feature_size": 2048}


def test_the_order_of_streams_is_that_of_their_list_not_of_their_names() -> None:
    streams = [{"name": "rgb", "columns": 1024}, {"name": "flow", "columns": 1024}]
    read = from_mapping(FeatureData, {**FEATURES, "streams": streams}, file="s")
    assert read.streams == (Stream(name="rgb", columns=1024), Stream(name="flow", columns=1024))
    assert read == from_mapping(FeatureData, FEATURES, file="s")


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        (
            FeatureData,
            {**FEATURES, "streams": {"rgb": 1024, "flow": 1024}},
            "s: streams: expected a list in order, such as [{name: rgb, columns: 1024}, {name: flow, columns: 1024}]; "
            "got {'rgb': 1024, 'flow': 1024}",
        ),
        (FeatureData, {**FEATURES, "streams": {}}, "expected a list in order, with name and columns for each entry"),
        (FeatureData, {**FEATURES, "streams": [{"name": "rgb", "columns": 0}]}, "streams[0].columns: expected a whole"),
        (FeatureData, {**FEATURES, "streams": [{"name": " ", "columns": 9}]}, "streams[0].name: expected a word"),
        (
            FeatureData,
            {**FEATURES, "streams": [{"name": "rgb", "columns": 1024}] * 2},
            "streams: expected each name once; got ['rgb', 'rgb']",
        ),
        (
            FeatureData,
            {**FEATURES, "streams": [{"name": "rgb", "columns": 1024}]},
            "streams: expected columns that sum to feature_size, 2048; got 'rgb 1024'",
        ),
        (FeatureData, {**FEATURES, "exclude_videos": {"a": 1}}, "exclude_videos: expected a list; got"),
    ],
)
def test_a_mapping_where_an_order_counts_is_refused_with_the_list_that_is_meant(
    kind: type, values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError) as refused:
        from_mapping(kind, values, file="s")
    assert sentence in str(refused.value)


def test_a_schedule_given_as_a_mapping_is_answered_in_its_words() -> None:
    with pytest.raises(InputError, match=r"such as \[\{until: 5, value: 0.1\}\]"):
        from_mapping(TrainingSettings, {"epochs": 9, "learning_rate": {5: 0.1}}, file="s")
    assert from_mapping(Until, {"until": 5, "value": 1}, file="s") == Until(until=5, value=1.0)
