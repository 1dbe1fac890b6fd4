"""What a network learns from labels of each kind: the loss by hand, masks, the learned weight, rounds by command."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from plugin import environment_with, write_plugin
from round_run import ROOT, refused, tiny_round, tiny_store, train
from test_basnet_network import batch, network
from test_check_method import ENTRIES as TOP_K
from test_check_method import example
from test_training import trainer_of, videos
from torch import Tensor

from wtal.base.errors import InputError
from wtal.base.files import read_arrays, read_rows, read_yaml, to_json, write_text
from wtal.cli import main
from wtal.methods.basnet.settings import BasNetSettings
from wtal.methods.label_loss import BatchLabels, RoundLabels, label_losses
from wtal.suite.file import merge_files
from wtal.suite.plan import Suite, plan_files, suite_from_mapping
from wtal.training.trainer import Trainer

TINY = ROOT / "config/tiny.yaml"
KINDS = (("logits", "positive"), ("logits", "complementary"), ("attention", "positive"))


def losses_by_hand(target: str, kind: str, values: list[float], weight: Tensor | None = None) -> list[float]:
    """Of one video of two snippets, classes one quarter and three quarters, attention 0.2 and 0.9."""
    log = torch.log(torch.tensor([[[0.25, 0.25], [0.75, 0.75]]]))
    labels = BatchLabels(torch.tensor([values]).T[None].repeat(1, 1, 2), weight, target, kind)  # type: ignore[arg-type]
    return label_losses(labels, log, torch.tensor([[0.2, 0.9]]))[0].tolist()  # type: ignore[no-any-return]


def test_the_loss_of_each_kind_by_hand() -> None:
    assert losses_by_hand("logits", "positive", [2.0, -1.0]) == pytest.approx([2 * math.log(4) - math.log(4 / 3)] * 2)
    assert losses_by_hand("logits", "complementary", [1.0, 0.0]) == pytest.approx([math.log(4 / 3)] * 2)
    assert losses_by_hand("logits", "complementary", [0.0, 2.0]) == pytest.approx([2 * math.log(4)] * 2)
    # Background of 0.3 leaves attention 0.7.
    assert losses_by_hand("attention", "positive", [5.0, 0.3]) == pytest.approx([0.25, 0.04])


@pytest.mark.parametrize(("target", "kind"), KINDS)
def test_a_weight_counts_by_snippet_or_by_class(target: str, kind: str) -> None:
    plain = losses_by_hand(target, kind, [0.5, 0.25])
    by_snippet = losses_by_hand(target, kind, [0.5, 0.25], torch.tensor([[[0.0, 3.0]]]))
    assert by_snippet == pytest.approx([0.0, 3 * plain[1]])
    background_alone = losses_by_hand(target, kind, [0.5, 0.25], torch.tensor([[[0.0, 0.0], [2.0, 2.0]]]))
    background = plain if target == "attention" else losses_by_hand(target, kind, [0.0, 0.25])
    assert background_alone == pytest.approx([2 * value for value in background])


def test_a_class_that_is_excluded_and_sure_has_a_finite_loss_and_gradient() -> None:
    logits = torch.tensor([[[80.0], [-80.0]]], requires_grad=True)
    labels = BatchLabels(torch.ones(1, 2, 1), kind="complementary")
    loss = label_losses(labels, torch.log_softmax(logits, dim=1), torch.zeros(1, 1)).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    assert math.isfinite(loss.item())
    assert torch.isfinite(logits.grad).all()  # type: ignore[arg-type]


@pytest.mark.parametrize(("target", "kind"), KINDS)
def test_snippets_that_weigh_nothing_teach_nothing(target: str, kind: str) -> None:
    one, some = network(), batch(20, 11)
    values = torch.rand((2, 4, 20), generator=torch.Generator().manual_seed(1)) * some.mask[:, None, :]
    weight = torch.ones(2, 1, 20)
    weight[:, :, ::2] = 0
    other = torch.where(weight > 0, values, values + 7)
    losses = [
        one.losses(some, tiny_round().epochs[0], BatchLabels(goal, weight, target, kind), None).label  # type: ignore[arg-type]
        for goal in (values, other)
    ]
    assert torch.equal(*losses)
    assert (losses[0] > 0).all()


def test_labels_for_attention_teach_attention_alone() -> None:
    one, some = network(), batch(20, 11)
    goal = BatchLabels(torch.rand((2, 4, 20)), target="attention")
    one.losses(some, tiny_round().epochs[0], goal, None).label.sum().backward()  # type: ignore[no-untyped-call]
    learnt = {name for name, value in one.named_parameters() if value.grad is not None and value.grad.any()}
    assert {name.partition(".")[0] for name in learnt} == {"filter_1", "filter_2"}


# The learned weight


def doubting(price: float, **changes: Any) -> Trainer:
    """A trainer of a few steps with labels, each of which weighs what is learnt."""
    base = tiny_round()
    epochs = tuple(
        dataclasses.replace(base.epochs[0], epoch=number, label_weight=1.0, learning_rate=0.01) for number in range(8)
    )
    settings = dataclasses.replace(base, epochs=epochs, videos_per_step=2, label_uncertainty=price, **changes)
    return trainer_of(settings, videos(5))


def union_like() -> RoundLabels:
    """Labels of whole rows, the same class in every snippet."""
    return RoundLabels([np.eye(4)[np.full(len(array), 1)] for array in videos(5).arrays])


def test_labels_are_doubted_where_doubt_is_cheap_and_trusted_where_it_costs() -> None:
    found = {}
    for price in (0.01, 50.0):
        trainer = doubting(price)
        for array in trainer.videos.arrays:  # type: ignore[attr-defined]
            array[:, 0] = 1.0  # so that a mean doubt can be said at all
        trainer.run(union_like())
        assert trainer.doubt is not None
        found[price] = trainer.doubt[0].slope[0].item()
    assert found[0.01] > 0 > found[50.0]


def test_the_first_step_weighs_every_label_one_and_without_a_price_nothing_is_learnt_of_it() -> None:
    plain, doubted = doubting(0.0), doubting(0.5)
    assert plain.doubt is None
    seen: list[list[float]] = []
    for trainer in (plain, doubted):
        logs: list[Any] = []
        trainer.run(union_like(), after_epoch=lambda _, log, logs=logs: bool(logs.append(log)))
        seen.append(logs[0].losses["label"])
        assert np.isfinite(logs[-1].losses["label"]).all()
    assert seen[0][:2] == pytest.approx(seen[1][:2], rel=1e-6)
    assert seen[0][2:] != pytest.approx(seen[1][2:], rel=1e-6)


def test_a_round_with_a_learned_weight_goes_on_in_the_same_bytes() -> None:
    whole, states = doubting(0.5), []
    whole.run(union_like(), after_step=lambda: states.append(copy.deepcopy(whole.state())))
    again = doubting(0.5)
    again.restore(states[len(states) // 2])
    again.run(union_like())
    last, found = whole.state(), again.state()
    assert torch.equal(last["doubt"][0]["slope"], found["doubt"][0]["slope"])
    assert last["doubt"][0]["slope"].any()
    for name, value in last["model"].items():
        assert torch.equal(value, found["model"][name]), name
    again.begin_round(again.settings, again.rng)
    assert not again.state()["doubt"][0]["slope"].any()  # each round doubts anew


# Settings that do not go together


def suite(**override: Any) -> Suite:
    """tiny.yaml with one variant more."""
    values = merge_files(read_yaml(TINY), {"variants": {"made": {"title": "made", "override": override}}})
    return suite_from_mapping(values, TINY)


DELTA = {"mode": "on"}
EXTERNAL = {"kind": "external", "command": "a {data} {out}"}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            {"labels": {"maker": "attention"}, "delta": DELTA},
            "delta.mode: expected off or schedule_only, for attention cannot be a change, with attention labels; got ",
        ),
        ({"labels": {"maker": "naive", "uncertainty": 0.2}}, "labels.uncertainty: expected 0 where labels may be neg"),
        ({"labels": {"maker": "union", "uncertainty": 0.2}, "delta": DELTA}, "labels.uncertainty: expected 0 where"),
        (
            {"labels": {"maker": "union", "uncertainty": -1}},
            "labels.uncertainty: expected a number, 0 or above; got -1",
        ),
        ({"labels": {"maker": "union", "uncertainty": 0.2}, "base": EXTERNAL}, "uncertainty: expected 0 where base.k"),
        ({"labels": {"maker": {"kind": "attention", "threshold": 1}}}, "threshold: expected a number in (0, 1); got 1"),
    ],
)
def test_labels_that_cannot_be_learnt_from_are_refused_before_anything_runs(
    override: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as error:
        suite(**override)
    assert words in str(error.value)


@pytest.mark.parametrize("kind", ["attention", "union", "complementary"])
def test_what_goes_together_is_planned(kind: str) -> None:
    mode = "schedule_only" if kind == "attention" else "on"
    made = suite(labels={"maker": kind}, delta={"mode": mode})
    assert made.variants["made"].method.labels.maker.kind == kind


def test_a_learned_weight_leaves_the_first_round_shared() -> None:
    planned = suite(labels={"maker": "union", "uncertainty": 0.2})
    assert planned.nodes["made", 0].owner == "base_nms"
    files = plan_files(planned)
    assert [files[f"made/round{index}.json"]["label_uncertainty"] for index in (1, 2)] == [0.2, 0.2]
    assert files["base_nms/round0.json"]["label_uncertainty"] == 0


@pytest.mark.parametrize("kind", ["cola", "wtalc"])
def test_a_network_whose_attention_follows_from_its_classes_is_not_taught_attention(kind: str) -> None:
    override = {"base": {"kind": kind}, "training": {"videos_per_step": 6}}
    with pytest.raises(InputError, match=f"labels.maker.kind: expected labels for logits, for {kind} has no attention"):
        suite(**override, labels={"maker": "attention"})
    assert suite(**override, labels={"maker": "complementary"}).variants["made"].method.base.kind == kind


def test_labels_for_attention_are_never_silently_lost() -> None:
    labels = BatchLabels(torch.zeros(1, 2, 3), target="attention")
    with pytest.raises(ValueError, match="need a method that has attention"):
        label_losses(labels, torch.zeros(1, 2, 3))


def test_attention_labels_for_a_method_without_attention_get_one_sentence(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "plugin", TOP_K, my_top_k=example())
    path = tmp_path / "suite.yaml"
    variants = "{made: {title: x, override: {base: {kind: top_k}, labels: {maker: attention}}}}"
    path.write_text(f"extends: {TINY}\nsuite: mine\nvariants: {variants}\n")
    command = [sys.executable, "-m", "wtal", "plan", str(path)]
    done = subprocess.run(command, cwd=ROOT, env=environment_with(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "labels.maker.kind: expected labels for logits, for top_k has no attention; got 'attention'" in done.stderr


# Rounds, by command


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("store") / "data")


BASES: dict[str, dict[str, Any]] = {
    "rskp": {},
    "basnet": {
        "base": {"kind": "basnet", "filter_size": 16, "hidden_size": 32, "dropout": 0.3},
        "training": {"sampled_snippets": 64},
    },
    "co2net": {
        "base": {"kind": "co2net", "attention_size": 8, "hidden_size": 16, "dropout": 0.3, "filter_dropout": 0.3},
        "training": {"videos_per_step": 5, "pairs": 2, "sampled_snippets": 20},
    },
}


@pytest.fixture(scope="module")
def first(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Round 0 of each base network."""
    folders = {}
    for name, override in BASES.items():
        folder = tmp_path_factory.mktemp(name)
        planned = suite(**override)
        owner = planned.nodes["made", 0].owner
        write_text(folder / "round.json", to_json(plan_files(planned)[f"{owner}/round0.json"]))
        assert main(train(store, folder / "round.json", folder / "0")) == 0
        folders[name] = folder / "0"
    return folders


def commands(
    store: Path, before: Path, folder: Path, number: int, made: Suite, first_labels: Path | None = None
) -> tuple[list[str], list[str]]:
    """The commands of a round: its labels and its training, in the folder. first_labels: those of the round before."""
    files = plan_files(made)
    for name in ("labels", "round"):
        write_text(folder / f"{name}{number}.json", to_json(files[f"made/{name}{number}.json"]))
    labels = folder / f"labels{number}.npz"
    solve = ["solve-labels", "--settings", str(folder / f"labels{number}.json"), "--data", str(store)]
    solve += ["--scores", str(before / "scores_train.npz"), "--out", str(labels)]
    more = ["--checkpoint", str(before / "checkpoint.pt"), "--labels", str(labels)]
    if first_labels is not None:
        solve += ["--previous-labels", str(first_labels)]
        more += ["--previous-labels", str(first_labels)] if made.nodes["made", number].is_delta else []
    return solve, train(store, folder / f"round{number}.json", folder / str(number), *more)


MAKERS = {
    "union": {"maker": "union"},
    "union, doubted": {"maker": "union", "uncertainty": 0.2},
    "attention": {"maker": {"kind": "attention", "margin": 0.05}},
    "complementary": {"maker": "complementary", "fusion": {"kind": "support_filter", "score": 0.05}},
}


@pytest.mark.parametrize("maker", MAKERS)
def test_a_round_learns_from_each_kind_of_labels(
    maker: str, store: Path, first: dict[str, Path], tmp_path: Path
) -> None:
    for command in commands(store, first["rskp"], tmp_path, 1, suite(labels=MAKERS[maker])):
        done = subprocess.run(
            [sys.executable, "-m", "wtal", *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    losses = [float(row["loss_label"]) for row in read_rows(tmp_path / "1/training.csv", ("loss_label",))]
    assert np.isfinite(losses).all()
    assert min(losses) > 0
    if maker != "attention":  # in so few steps dropout moves attention more than its labels do
        assert losses[-1] < losses[0]


@pytest.mark.parametrize("maker", ["union", "complementary"])
@pytest.mark.parametrize("base", BASES)
def test_delta_learns_from_the_change_of_labels_of_any_kind_for_logits(
    base: str, maker: str, store: Path, first: dict[str, Path], tmp_path: Path
) -> None:
    made = suite(**merge_files(BASES[base], {"labels": {"maker": maker}, "delta": DELTA}))
    for command in commands(store, first[base], tmp_path, 1, made):
        assert main(command) == 0
    for command in commands(store, tmp_path / "1", tmp_path, 2, made, tmp_path / "labels1.npz"):
        assert main(command) == 0
    assert made.nodes["made", 2].is_delta
    rows = read_rows(tmp_path / "2/training.csv", ("loss_label",))
    assert np.isfinite([float(row["loss_label"]) for row in rows]).all()


@pytest.mark.parametrize("base", BASES)
def test_labels_for_attention_draw_attention_to_themselves(
    base: str, store: Path, first: dict[str, Path], tmp_path: Path
) -> None:
    made = suite(**merge_files(BASES[base], {"labels": {"maker": "attention"}}))
    solve, learn = commands(store, first[base], tmp_path, 1, made)
    assert main(solve) == 0
    assert main(learn) == 0
    goal = 1 - read_arrays(tmp_path / "labels1.npz")["label"][:, -1]
    folders = (first[base], tmp_path / "1")
    before, after = (read_arrays(folder / "scores_train.npz")["attention"] for folder in folders)
    assert np.square(after - goal).mean() < np.square(before - goal).mean()


def test_a_file_of_attention_labels_is_refused_by_a_round_that_cannot_learn_from_it(
    store: Path,
    first: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = suite(**merge_files(BASES["basnet"], {"labels": {"maker": "attention"}}))
    solve, learn = commands(store, first["basnet"], tmp_path, 1, made)
    assert main(solve) == 0
    settings = json.loads((tmp_path / "round1.json").read_text())
    for epoch in settings["epochs"]:
        epoch["is_delta"] = True
    write_text(tmp_path / "round1.json", to_json(settings))
    labels = str(tmp_path / "labels1.npz")
    capsys.readouterr()
    words = "target: expected a round that can learn from labels for attention"
    refused([*learn, "--previous-labels", labels], capsys, words, "by its epochs")
    monkeypatch.setattr(BasNetSettings, "has_attention", False)
    refused([*learn, "--previous-labels", labels], capsys, words, "by its base.kind")
