"""`wtal tune`: candidates, halving, and the suite file that gets what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wtal.base.errors import InputError
from wtal.suite import tuning as t
from wtal.suite.plan import suite_from_mapping

SUITE: dict[str, Any] = {
    "suite": "crossed",
    "dataset": {"kind": "synthetic"},
    "seeds": [0],
    "report": {"title": "crossed"},
    "method": {
        "training": {"epochs": 6, "learning_rate": [{"until": 6, "value": 0.001}]},
        "labels": {"refresh_epochs": [2, 4], "fusion_temperatures": [0.2, 0.2]},
    },
    "effects": {"naive": {"title": "naive labels against none", "of": ["naive"], "against": ["nms"]}},
    "ranked": ["nms", "naive"],
    "bases": {
        "rskp": {"title": "RSKP", "override": {"base": "rskp"}},
        "basnet": {"title": "BaS-Net", "override": {"base": "basnet"}},
    },
    "variants": {
        "nms": {"title": "NMS", "rounds": 0, "override": {"detection": {"fusion": "nms"}}},
        "naive": {"title": "naive labels", "override": {"labels": {"maker": "naive"}}},
        "delta": {"title": "naive labels, Δ", "override": {"labels": {"maker": "naive"}}},
    },
}
RATES = {name: {"training": {"learning_rate": [{"until": 6, "value": float(name)}]}} for name in ("0.1", "0.2", "0.3")}
TUNING: dict[str, Any] = {
    "suite": "suite.yaml",
    "writes": "chosen.yaml",
    "average": "0.1:0.7",
    "change": {"dataset": {"seed": 5}},
    "rungs": [1, 2, 3],
    "steps": {
        "training": {
            "variant": "nms",
            "axes": {"rate": RATES, "class threshold": {"0.1": {}, "0.3": {"proposals": {"class_threshold": 0.3}}}},
        },
        "naive": {
            "variant": "naive",
            "applies_to": ["naive", "delta"],
            "axes": {"weight": {"1": {}, "2": {"labels": {"weight": {"factor": 2}}}}},
        },
    },
}


def files(folder: Path, **change: Any) -> Path:
    """A tuning file and its suite in a folder."""
    (folder / "suite.yaml").write_text(yaml.safe_dump(SUITE, sort_keys=False))
    (folder / "tune.yaml").write_text(yaml.safe_dump(TUNING | change, sort_keys=False))
    return folder / "tune.yaml"


class Measure:
    """Scores that are known: the rate of training for one base, the reverse for the other; then the label weight."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []  # variants and seeds of each call
        self.suites: list[dict[str, Any]] = []

    def __call__(self, suite: dict[str, Any], variants: Sequence[str], seeds: Sequence[int]) -> dict[str, float]:
        self.asked.append((len(variants), len(seeds)))
        self.suites.append(suite)
        methods = {name: variant.method for name, variant in suite_from_mapping(suite, "tried.yaml").variants.items()}
        scores = {}
        for name in variants:
            method = methods[name]
            sign = 1 if method.base.kind == "rskp" else -1
            rate, weight = method.training.learning_rate[0].value, method.labels.weight.factor
            scores[name] = sign * (rate + 0.01 * method.proposals.class_threshold) + weight
        return scores


def chosen(folder: Path) -> tuple[t.Chosen, list[Any], Measure]:
    tuning, file, values = t.read_tuning(files(folder))
    measure = Measure()
    result, log = t.choose(tuning, file, values, measure)
    return result, log, measure


def test_each_base_gets_the_best_of_its_own_candidates(tmp_path: Path) -> None:
    result, _, _ = chosen(tmp_path)
    rates = {base: override["training"]["learning_rate"][0]["value"] for base, override in result.override.items()}
    assert rates == {"rskp": 0.3, "basnet": 0.1}
    assert result.override["rskp"]["proposals"] == {"class_threshold": 0.3}
    assert set(result.of_variants["basnet"]) == {"naive", "delta"}
    assert result.of_variants["basnet"]["delta"] == {"labels": {"weight": {"factor": 2}}}


def test_every_base_has_the_same_budget_and_the_better_half_gets_more_seeds(tmp_path: Path) -> None:
    _, log, measure = chosen(tmp_path)
    assert measure.asked == [(12, 1), (6, 2), (4, 3), (4, 1)]  # two bases; one of two candidates is left at once
    rows = [dict(zip(t.LOG_COLUMNS, row, strict=True)) for row in log]
    counts = {(row["base"], row["step"], row["rung"]): 0 for row in rows}
    for row in rows:
        counts[row["base"], row["step"], row["rung"]] += 1
    assert {key[1:]: count for key, count in counts.items() if key[0] == "rskp"} == {
        key[1:]: count for key, count in counts.items() if key[0] == "basnet"
    }
    last = [row for row in rows if row["step"] == "training" and row["rung"] == 3 and row["goes_on"] == "yes"]
    assert [row["base"] for row in last] == ["rskp", "basnet"]


def test_candidates_are_tried_on_the_changed_data_after_what_was_chosen_before(tmp_path: Path) -> None:
    _, _, measure = chosen(tmp_path)
    last = measure.suites[-1]
    assert last["suite"] == "crossed-tune"
    assert last["dataset"]["seed"] == 5
    assert "bases" not in last
    variants = suite_from_mapping(last, "tried.yaml").variants
    assert variants["basnet_naive_2"].method.training.learning_rate[0].value == 0.1
    assert variants["basnet_naive_2"].method.labels.maker.kind == "naive"


def test_the_written_suite_is_the_one_that_was_asked_for_with_what_was_chosen(tmp_path: Path) -> None:
    result, _, _ = chosen(tmp_path)
    written = {"suite": "crossed", "extends": "suite.yaml", "bases": result.as_bases()}
    suite = suite_from_mapping(yaml.safe_load(yaml.safe_dump(written, sort_keys=False)), tmp_path / "chosen.yaml")
    assert list(suite.variants) == [f"{base}_{name}" for base in SUITE["bases"] for name in SUITE["variants"]]
    assert suite.variants["rskp_delta"].method.labels.weight.factor == 2
    assert suite.variants["rskp_nms"].method.labels.weight.factor == 1
    assert suite.variants["rskp_nms"].method.training.learning_rate[0].value == 0.3


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 100), min_size=1, max_size=9))
def test_the_better_half_has_no_worse_one_than_the_rest(scores: dict[str, float]) -> None:
    kept = t.better_half(scores)
    assert len(kept) == (len(scores) + 1) // 2
    assert min(scores[name] for name in kept) >= max((scores[name] for name in scores if name not in kept), default=0)


def test_a_base_has_an_axis_of_its_own(tmp_path: Path) -> None:
    own = {
        "rskp": {"cosine scale": {"5": {"base": {"cosine_scale": 5}}, "10": {"base": {"cosine_scale": 10}}}},
        "basnet": {"dropout": {"0.5": {"base": {"dropout": 0.5}}, "0.7": {"base": {"dropout": 0.7}}}},
    }
    tuning, file, _ = t.read_tuning(files(tmp_path, **step(of_bases=own)))
    candidates = t.candidates_of(tuning, "training", list(file.bases))
    assert [entry.variant for entry in candidates[:2]] == ["rskp_training_1", "rskp_training_2"]
    assert {entry.override["base"]["cosine_scale"] for entry in candidates if entry.base == "rskp"} == {5, 10}
    assert candidates[-1].words == "rate 0.3, class threshold 0.3, dropout 0.7"


def step(**change: Any) -> dict[str, Any]:
    return {"steps": {"training": TUNING["steps"]["training"] | change}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (step(variant="nmss"), "steps.training: expected variants of suite.yaml (did you mean 'nms'?); got 'nmss'"),
        (step(applies_to=["other"]), "steps.training: expected variants of suite.yaml"),
        (step(axes={}), "steps.training.axes: expected at least one axis"),
        (step(axes={"rate": {}}), "steps.training.axes.rate: expected at least one value"),
        (step(of_bases={"cola": {}}), "steps.training.of_bases: expected bases of the suite (known are basnet, rskp)"),
        (
            step(of_bases={"rskp": {"scale": {"5": {}, "10": {}}}}),
            "steps.training: expected as many candidates for each base network; got 12 for rskp, 6 for basnet",
        ),
        ({"steps": {}}, "steps: expected at least one step"),
        ({"average": "0.1:0.9"}, "average: expected an average of suite.yaml"),
        ({"rungs": [2, 1]}, "rungs: expected numbers of seeds that do not fall"),
        ({"rungs": []}, "rungs"),
        ({"change": {"bases": {"rskp": None, "basnet": None}}}, "bases: expected base networks"),
        ({"suite": "other.yaml"}, "other.yaml"),
        ({"cores": 2}, "tune.yaml: cores: expected a known key"),
    ],
)
def test_a_tuning_file_that_cannot_be_followed_is_refused(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError) as error:
        t.read_tuning(files(tmp_path, **change))
    assert sentence in str(error.value)
