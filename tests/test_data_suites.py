"""The suites of the public data sets: the published run epoch by epoch, and what is known of the other."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from wtal.data.convert.settings import FeatureData
from wtal.methods.cola.settings import ColaSettings
from wtal.suite.plan import Suite, label_settings, read_suite, round_settings
from wtal.suite.step_settings import EpochSettings
from wtal.suite.training_settings import at_epoch

CONFIG = Path(__file__).resolve().parents[1] / "config"


@pytest.fixture(scope="module")
def thumos14() -> Suite:
    return read_suite(CONFIG / "thumos14.yaml")


def epochs_of(suite: Suite, name: str) -> list[EpochSettings]:
    variant = suite.variants[name]
    return [epoch for index in range(variant.rounds + 1) for epoch in round_settings(suite.name, variant, index).epochs]


# First and last epoch of each stretch of the published run, with the value that holds in it.
RATES = [(0, 79, 5e-5), (80, 199, 4e-5), (200, 244, 2.048e-5), (245, 259, 5.12e-7), (260, 349, 2.56e-7)]
CONSISTENCY = [(0, 100, 1.0), (101, 200, 0.5), (201, 349, 1.0)]
SCALES = [(201, 250, 1.0, False), (251, 300, 2.0, True), (301, 349, 2.15, True)]


def test_the_whole_method_on_thumos14_is_the_published_schedule(thumos14: Suite) -> None:
    epochs = epochs_of(thumos14, "optimised_delta")
    assert [epoch.epoch for epoch in epochs] == list(range(350))
    for first, last, rate in RATES:
        assert {epoch.learning_rate for epoch in epochs[first : last + 1]} == {rate}
    base = thumos14.variants["optimised_delta"].method.base
    for first, last, weight in CONSISTENCY:
        assert {at_epoch(base.consistency_weight, epoch) for epoch in range(first, last + 1)} == {weight}
    for first, last, scale, is_delta in SCALES:
        assert {(epoch.label_scale, epoch.is_delta) for epoch in epochs[first : last + 1]} == {(scale, is_delta)}
    assert base.memory_from_epoch == 101
    assert [epoch.epoch for epoch in epochs if epoch.label_weight] == list(range(201, 350))
    for epoch in epochs[201:]:
        assert epoch.label_weight == pytest.approx(min(10 * 1.035 ** (epoch.epoch - 200), 50))


def test_labels_of_thumos14_are_refreshed_as_published(thumos14: Suite) -> None:
    variant = thumos14.variants["optimised_delta"]
    assert variant.method.labels.refresh_epochs == (200, 230, 245, 260, 275, 300)
    made = [label_settings(variant, index) for index in range(1, 7)]
    assert [labels.fusion.temperature for labels in made] == [0.02, 0.02, 0.02, 0.002, 0.002, 0.0016]
    proposals = made[0].proposals
    assert proposals.thresholds == tuple(round(0.001 + 0.002 * step, 3) for step in range(20))
    assert (proposals.threshold_kind, proposals.class_threshold) == ("absolute", 0.16)
    assert (made[0].classes, made[0].maker.rounding, made[0].maker.solution) == ("label", "floor", "centre")


def test_the_variant_code_takes_every_choice_of_the_released_code(thumos14: Suite) -> None:
    method = thumos14.variants["code"].method
    assert (method.base.memory_index, method.training.report_best_test_epoch) == ("class_zero", True)
    assert (method.labels.dropout, method.labels.classes, method.labels.maker.rounding) == (True, "score", "truncate")
    assert 2 in thumos14.file.seeds
    assert (thumos14.file.evaluation.protocol.kind, thumos14.file.evaluation.tiou) == ("snippet", "0.1:0.7:0.1")


def test_delta_and_the_learning_rate_are_told_apart(thumos14: Suite) -> None:
    found = {}
    for name in ("optimised", "optimised_delta", "optimised_full_rate", "optimised_delta_full_rate"):
        last = epochs_of(thumos14, name)[-1]
        found[name] = (last.is_delta, last.learning_rate)
    assert found == {
        "optimised": (False, 2.56e-7),
        "optimised_delta": (True, 2.56e-7),
        "optimised_full_rate": (False, 2.048e-5),
        "optimised_delta_full_rate": (True, 2.048e-5),
    }


# Steps of training by the number of training videos, and what was published beside the defaults of the method.
CROSS_MODAL = {
    "co2net-thumos14": (200, 5_000, 5e-5, 1e-3, 500, {"kind": "co2net"}),
    "delu-thumos14": (200, 5_000, 5e-5, 1e-3, 320, {"kind": "delu", "uncertainty_epochs": 250, "guide_weight": 0.4}),
    "co2net-activitynet12": (4_819, 22_000, 3e-5, 5e-4, 60, {"kind": "co2net", "smoothing": 13, "top_k_divisor": 5}),
    "delu-activitynet12": (
        4_819,
        22_000,
        3e-5,
        5e-4,
        60,
        {
            "kind": "delu",
            "smoothing": 13,
            "top_k_divisor": 5,
            "evidence_divisor": 5,
            "evidential_weight": 1.2,
            "uncertainty_weight": 0.2,
            "uncertainty_amplitude": 0.2,
            "uncertainty_epochs": 46,
            "guide_weight": 0.8,
        },
    ),
}


@pytest.mark.parametrize("name", CROSS_MODAL)
def test_cross_modal_suites_have_the_published_settings(name: str) -> None:
    n_videos, steps, rate, decay, sampled, base = CROSS_MODAL[name]
    suite = read_suite(CONFIG / f"{name}.yaml")
    assert suite.file.dataset == read_suite(CONFIG / f"{name.partition('-')[2]}.yaml").file.dataset
    method = suite.variants["base"].method
    training = method.training
    assert {key: getattr(method.base, key) for key in base} == base
    assert method.base.first_stream == 1024
    assert training.epochs * math.ceil(n_videos / 10) == pytest.approx(steps, rel=0.01)
    assert [piece.value for piece in training.learning_rate] == [rate]
    assert training.weight_decay == pytest.approx(10 * decay)
    assert (training.batch, training.pairs, training.videos_per_step) == ("paired", 3, 10)
    assert (training.sampling, training.sampled_snippets, training.adam_betas) == ("perturb", sampled, (0.9, 0.999))
    thresholds = np.linspace(0.1, 0.9, 20 if method.base.kind == "delu" else 10)
    assert method.proposals.thresholds == pytest.approx(thresholds, abs=1e-4)
    assert (method.proposals.source, method.proposals.class_threshold) == ("attention", 0.2)
    code = suite.variants["code"].method
    assert code.base == dataclasses.replace(method.base, **type(method.base).presets["code"])
    assert (code.proposals.first_snippet, code.detection.fusion.added_length) == ("lost", 1)
    assert code.training.report_best_test_epoch


@pytest.mark.parametrize("name", ["activitynet12", "activitynet13"])
def test_activitynet_starts_from_what_its_authors_said(name: str) -> None:
    suite = read_suite(CONFIG / f"{name}.yaml")
    method = suite.variants["optimised_delta"].method
    assert (method.base.dropout, method.base.cosine_scale, method.base.prototypes) == (0.7, 10, 8)
    assert (method.training.sampled_snippets, method.training.weight_decay) == (75, 1e-3)
    assert {piece.value for piece in method.training.learning_rate} == {2e-5}
    assert (method.base.background_weight, method.base.attention_weight) == (0.1, 0.1)
    assert {piece.value for piece in method.base.consistency_weight} == {1.0}
    assert (suite.file.evaluation.protocol.kind, suite.file.evaluation.tiou) == ("activitynet", "0.5:0.95:0.05")
    assert isinstance(suite.file.dataset, FeatureData)
    assert suite.file.dataset.lock == f"data/{name}/lock.json"


# Steps of training by the number of training videos, and snippets of a sample.
PUBLISHED_STEPS = {
    "cola-thumos14": (200, 6_000, 750),
    "cola-activitynet12": (4_819, 8_000, 50),
    "wtalc-thumos14": (200, 100_000, 750),
}


@pytest.mark.parametrize("name", PUBLISHED_STEPS)
def test_suites_of_cola_and_wtalc_have_the_published_training(name: str) -> None:
    n_videos, steps, sampled = PUBLISHED_STEPS[name]
    suite = read_suite(CONFIG / f"{name}.yaml")
    assert suite.file.dataset == read_suite(CONFIG / f"{name.partition('-')[2]}.yaml").file.dataset
    for variant in suite.variants.values():
        training = variant.method.training
        assert training.epochs * n_videos / training.videos_per_step == pytest.approx(steps, rel=0.005)
        assert training.weight_decay == pytest.approx(5e-4 * training.videos_per_step)
        assert ([piece.value for piece in training.learning_rate], training.adam_betas) == ([1e-4], (0.9, 0.999))
        assert training.sampled_snippets == sampled
        assert variant.rounds == 0


def test_the_suites_of_cola_take_every_choice_of_its_released_code_one_by_one_and_together() -> None:
    for name in ("cola-thumos14", "cola-activitynet12"):
        variants = read_suite(CONFIG / f"{name}.yaml").variants
        base, code = variants["base"].method, variants["code"].method
        assert code.base == dataclasses.replace(base.base, **ColaSettings.presets["code"])
        assert code.proposals == variants["first_snippet_lost"].method.proposals != base.proposals
        assert code.detection == variants["suppression_released"].method.detection != base.detection
        assert code.training.report_best_test_epoch
    assert (base.base.embedding_kernel, base.base.classifier_kernel, base.base.class_convolution) == (9, 9, True)
