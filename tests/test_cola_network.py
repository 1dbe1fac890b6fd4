"""The network and losses of CoLA against the same written out plainly, one video at a time."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from round_run import tiny_round

from wtal.base.errors import SettingError
from wtal.methods.action_logits import min_max_over_time
from wtal.methods.batch import ArrayVideos, Batch, batch_of
from wtal.methods.cola.contrast import contrast_losses, contrast_sets, rings
from wtal.methods.cola.network import Cola
from wtal.methods.cola.settings import ColaSettings
from wtal.methods.contract import Losses
from wtal.methods.label_loss import BatchLabels

CPU, EPOCH = torch.device("cpu"), tiny_round().epochs[0]
Array = NDArray[np.float64]
LENGTHS, LABELS = (31, 12, 1, 2), np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1], [1, 0, 0]], dtype=bool)
KERNELS = {"embedding_kernel": 5, "classifier_kernel": 3, "class_convolution": True}


def batch(*lengths: int, labels: NDArray[np.bool_] = LABELS) -> Batch:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(length, 6)).astype(np.float32) for length in lengths]
    return batch_of(ArrayVideos(arrays, labels[: len(arrays)]), range(len(arrays)), CPU)


def network(**changes: Any) -> Cola:
    settings = ColaSettings(embedding_size=8, dropout=0.0, easy_dropout=0.0, hard_divisor=4, **changes)
    return Cola(6, 3, settings, torch.Generator().manual_seed(0))


def losses_of(one: Cola, some: Batch, target: BatchLabels | None = None) -> Losses:
    return one.losses(some, EPOCH, target, None)


def convolved(values: Array, weight: Array, spacing: int = 1) -> Array:
    """Values [T, F] seen through a weight [O, F, k] whose snippets lie so far apart."""
    around = spacing * (weight.shape[2] // 2)
    padded = np.pad(values, ((around, around), (0, 0)))
    seen = [padded[t : t + 2 * around + 1 : spacing] for t in range(len(values))]
    return np.array([np.einsum("kf,ofk->o", rows, weight) for rows in seen])


def unit(values: Array) -> Array:
    return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)


def told_apart(query: Array, same: Array, others: Array) -> float:
    cosines = np.array([unit(query) @ unit(row) for row in (same, *others)]) / 0.07
    return float(np.log(np.exp(cosines).sum()) - cosines[0])


def highest(signal: Array, count: int) -> list[int]:
    return sorted(range(len(signal)), key=lambda t: (-signal[t], t))[:count]


def plain_rings(actionness: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both rings, snippet by snippet."""
    action = actionness > np.median(actionness)

    def at(t: int) -> bool:
        return bool(0 <= t < len(action) and action[t])

    every = range(len(action))
    inner = [all(map(at, (t - 1, t, t + 1))) and not all(map(at, range(t - 3, t + 3))) for t in every]
    outer = [any(map(at, range(t - 2, t + 4))) and not any(map(at, (t - 1, t, t + 1))) for t in every]
    return np.array(inner), np.array(outer)


def plain_contrasts(embedding: Array, actionness: Array, fill: str) -> tuple[float, float]:
    easy, hard = max(1, len(embedding) // 5), max(1, len(embedding) // 4)
    action = embedding[highest(actionness, easy)]
    background = embedding[highest(actionness.max() - actionness, easy)]
    found = []
    for ring, same, others in zip(plain_rings(actionness), (action, background), (background, action)):
        chosen = highest(np.where(ring, actionness, 0), hard)
        if fill == "members":
            chosen = [t for t in highest(np.where(ring, actionness, -1), hard) if ring[t]]
        query = embedding[chosen].mean(axis=0) if chosen else None
        found.append(0.0 if query is None else told_apart(query, same.mean(axis=0), others))
    return found[0], found[1]


def softmax(values: Array) -> Array:
    shares = np.exp(values)
    return shares / shares.sum(axis=-1, keepdims=True)


def scaled(values: Array) -> Array:
    spread = values.max(axis=0) - values.min(axis=0)
    return (values - values.min(axis=0)) / np.where(spread > 0, spread, 1)


@pytest.mark.parametrize("fill", ["members", "any"])
@pytest.mark.parametrize("classification", ["cross_entropy", "binary"])
@pytest.mark.parametrize("kernels", [{}, KERNELS], ids=["narrow", "wide"])
@torch.no_grad()
def test_losses_and_scores_are_those_written_out_plainly(
    kernels: dict[str, Any], classification: str, fill: str
) -> None:
    one = network(classification=classification, ring_fill=fill, contrast_weight=0.5, **kernels)
    some = batch(*LENGTHS)
    weights = {name: value.double().numpy() for name, value in one.state_dict().items()}
    losses, scores = losses_of(one, some), one.scores(some, "detection", None)
    for video, rows in enumerate(torch.arange(sum(LENGTHS)).split(list(LENGTHS))):
        features = some.features[rows].double().numpy()
        embedding = np.maximum(convolved(features, weights["embed.weight"]) + weights["embed.bias"], 0)
        activation = convolved(embedding, weights["classifier.weight"])
        if "smooth.weight" in weights:
            each = [convolved(activation[:, [c]], weights["smooth.weight"][[c]], 2)[:, 0] for c in range(3)]
            activation = np.stack(each, axis=1)
        activation = np.maximum(activation, 0)
        pooled = np.sort(activation, axis=0)[-max(1, len(rows) // 5) :].mean(axis=0)
        shares, target = softmax(pooled), LABELS[video] / LABELS[video].sum()
        loss = float(-(target * np.log(shares)).sum())
        if classification == "binary":
            loss = float(-(target * np.log(shares) + (1 - target) * np.log(1 - shares)).mean())
        of_action, of_background = plain_contrasts(embedding, activation.sum(axis=1), fill)
        expected = {"classification": loss, "contrast_action": of_action, "contrast_background": of_background}
        found = {name: float(value[video]) for name, value in losses.parts.items()}
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)
        assert float(losses.base[video]) == pytest.approx(loss + 0.5 * (of_action + of_background), rel=1e-4)
        assert float(losses.compared[video]) == pytest.approx(loss, rel=1e-5)
        attention = scaled(activation.sum(axis=1))
        snippet = np.column_stack([scaled(activation), 1 - attention])
        for values, plain in (
            (scores.snippet[rows], snippet),
            (scores.attention[rows], attention),
            (scores.video[video], np.append(shares, 0)),
            (losses.attention[video, : len(rows)], attention),
            (losses.video_logits[video], np.append(pooled, 0)),
        ):
            np.testing.assert_allclose(values.numpy(), plain, atol=1e-5)


@given(lengths=st.lists(st.integers(1, 40), min_size=2, max_size=4), fill=st.sampled_from(["members", "any"]))
@torch.no_grad()
def test_a_video_has_the_same_losses_alone_as_in_a_batch(lengths: list[int], fill: str) -> None:
    one, some = network(ring_fill=fill, **KERNELS), batch(*lengths)
    whole = losses_of(one, some)
    for video, rows in enumerate(some.features.split(lengths)):
        alone = batch_of(ArrayVideos([rows.numpy()], LABELS[[video]]), [0], CPU)
        found = losses_of(one, alone)
        for name in one.loss_names:
            torch.testing.assert_close(found.parts[name][0], whole.parts[name][video], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fill", ["members", "any"])
def test_losses_and_gradients_of_videos_of_one_snippet_and_of_none_that_differ_are_numbers(fill: str) -> None:
    arrays = [np.ones((1, 6), np.float32), np.zeros((9, 6), np.float32), np.ones((40, 6), np.float32)]
    some = batch_of(ArrayVideos(arrays, LABELS[:3]), range(3), CPU)
    for bias in (0.0, -10.0):  # the latter leaves every embedding at zero
        one = network(ring_fill=fill)
        torch.nn.init.constant_(one.embed.bias, bias)
        losses = losses_of(one, some)
        losses.base.sum().backward()
        assert torch.isfinite(losses.base).all()
        assert all(torch.isfinite(value.grad).all() for value in one.parameters() if value.grad is not None)


def test_a_ring_too_small_has_its_members_alone_or_any_others_beside_them() -> None:
    some = batch(20, labels=LABELS[:1])
    actionness = torch.zeros((1, 20))
    actionness[0, 8:14] = torch.arange(6.0) + 1  # of the inner ring, at 9, 10 and 12
    ring = network().settings
    inner, outer = rings(actionness, some, ring)
    assert inner[0].nonzero()[:, 0].tolist() == [9, 10, 12]
    assert outer[0].nonzero()[:, 0].tolist() == [5, 6, 15]
    easy = torch.ones_like(actionness)
    members = contrast_sets(actionness, easy, some, ring).hard_action
    assert members.index[0, : int(members.counts)].tolist() == [12, 10, 9]
    filled = contrast_sets(actionness, easy, some, network(ring_fill="any").settings).hard_action
    assert filled.index[0, : int(filled.counts)].tolist() == [12, 10, 9, 0, 1]


def test_an_empty_ring_says_nothing() -> None:
    some = batch(20, labels=LABELS[:1])
    flat = torch.zeros((1, 20))
    embedding = torch.rand((1, 20, 4), generator=torch.Generator().manual_seed(0))
    for fill, is_nothing in (("members", True), ("any", False)):
        sets = contrast_sets(flat, torch.ones_like(flat), some, network(ring_fill=fill).settings)
        assert all((float(loss) == 0) == is_nothing for loss in contrast_losses(embedding, sets, 0.07))


@pytest.mark.parametrize("classification", ["cross_entropy", "binary"])
def test_a_video_without_a_label_has_no_part_in_any_loss(classification: str) -> None:
    some = batch(20, 20, labels=np.array([[True, False, False], [False, False, False]]))
    losses = losses_of(network(classification=classification), some)
    assert losses.base[0] > 0
    assert losses.base[1] == 0


def test_labels_are_learnt_beside_a_background_of_zero() -> None:
    some, one = batch(20, 11), network()
    target = torch.randn((2, 4, 20), generator=torch.Generator().manual_seed(1)) * some.mask[:, None, :]
    logits = torch.nn.functional.pad(one(some).activation[1, :11].detach(), (0, 1))
    expected = -(target[1, :, :11].T * torch.log_softmax(logits, dim=1)).sum() / 11
    torch.testing.assert_close(losses_of(one, some, BatchLabels(target)).label[1].detach(), expected)


def test_dropout_keeps_means_and_is_the_classifiers_alone() -> None:
    one = Cola(6, 3, ColaSettings(embedding_size=400), torch.Generator().manual_seed(0))
    some = batch(200, 11)
    draws = one._drawn(some, torch.Generator().manual_seed(1))
    assert draws is not None
    assert draws.kept[0].unique().tolist() == pytest.approx([0, 1 / 0.3])
    assert draws.easy[0].unique().tolist() == pytest.approx([0, 2.5])
    assert float(draws.kept[0].mean()) == pytest.approx(1, abs=0.03)
    assert float(draws.easy[0].mean()) == pytest.approx(1, abs=0.3)
    torch.testing.assert_close(one(some, draws).embedding, one(some).embedding)
    assert not torch.equal(one(some, draws).activation, one(some).activation)


def test_a_flat_signal_is_zero_when_scaled() -> None:
    some = batch(3, 2)
    values = torch.tensor([[2.0, 4.0, 3.0], [5.0, 5.0, 9.0]])
    assert min_max_over_time(values, some).tolist() == [[0.0, 1.0, 0.5], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"embedding_kernel": 4}, "embedding_kernel: expected an odd number; got 4"),
        ({"classifier_kernel": 2}, "classifier_kernel: expected an odd number; got 2"),
        ({"large_element": 3}, "large_element: expected above small_element, 3; got 3"),
        ({"temperature": 0}, "temperature: expected a number above 0; got 0"),
        ({"hard_divisor": 0}, "hard_divisor: expected a whole number, 1 or above; got 0"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=f"^{re.escape(sentence)}$"):
        ColaSettings(**wrong)
