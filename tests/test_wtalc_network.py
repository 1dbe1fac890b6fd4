"""The network and losses of W-TALC against the same written out plainly, one video or pair at a time."""

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
from wtal.methods.batch import ArrayVideos, Batch, batch_of
from wtal.methods.contract import Losses
from wtal.methods.label_loss import BatchLabels
from wtal.methods.wtalc.network import Wtalc
from wtal.methods.wtalc.settings import WtalcSettings

CPU, EPOCH = torch.device("cpu"), tiny_round().epochs[0]
Array = NDArray[np.float64]
LENGTHS, PAIR_WEIGHT = (17, 9, 1, 24, 2), 1.25
LABELS = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [0, 0, 0]], dtype=bool)


def videos(*lengths: int) -> ArrayVideos:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(length, 6)).astype(np.float32) for length in lengths]
    return ArrayVideos(arrays, LABELS[: len(lengths)])


def batch(*lengths: int, n_pairs: int = 1) -> Batch:
    return batch_of(videos(*lengths), range(len(lengths)), CPU, n_pairs=n_pairs, pair_weight=PAIR_WEIGHT)


def network(**changes: Any) -> Wtalc:
    settings = WtalcSettings(embedding_size=8, dropout=0.0, **changes)
    return Wtalc(6, 3, settings, torch.Generator().manual_seed(0))


def losses_of(one: Wtalc, some: Batch, target: BatchLabels | None = None) -> Losses:
    return one.losses(some, EPOCH, target, None)


def softmax(values: Array, axis: int = -1) -> Array:
    shares = np.exp(values)
    return shares / shares.sum(axis=axis, keepdims=True)


def scaled(values: Array) -> Array:
    spread = values.max(axis=0) - values.min(axis=0)
    return (values - values.min(axis=0)) / np.where(spread > 0, spread, 1)


def plainly(one: Wtalc, rows: Array) -> tuple[Array, Array]:
    """Embedding and logits of one video."""
    weights = {name: value.double().numpy() for name, value in one.state_dict().items()}
    embedding = np.maximum(rows @ weights["embed.weight"].T + weights["embed.bias"], 0)
    return embedding, embedding @ weights["classifier.weight"].T + weights["classifier.bias"]


@torch.no_grad()
def test_losses_and_scores_are_those_written_out_plainly() -> None:
    one = network(classification_weight=0.3, coactivity_weight=0.6)
    some = batch(*LENGTHS)
    losses, scores = losses_of(one, some), one.scores(some, "detection", None)
    for video, rows in enumerate(torch.arange(sum(LENGTHS)).split(list(LENGTHS))):
        _, logits = plainly(one, some.features[rows].double().numpy())
        pooled = np.sort(logits, axis=0)[-int(np.ceil(len(rows) / 8)) :].mean(axis=0)
        target = LABELS[video] / max(1, LABELS[video].sum())
        loss = float(-(target * np.log(softmax(pooled))).sum())
        assert float(losses.parts["classification"][video]) == pytest.approx(loss, abs=1e-5)
        assert float(losses.compared[video]) == pytest.approx(loss, abs=1e-5)
        total = 0.3 * loss + 0.6 * float(losses.parts["coactivity"][video])
        assert float(losses.base[video]) == pytest.approx(total, abs=1e-5)
        background = softmax(np.column_stack([logits, np.zeros(len(rows))]))[:, -1]
        for values, plain in (
            (scores.snippet[rows], np.column_stack([scaled(logits), background])),
            (scores.attention[rows], np.ones(len(rows))),
            (scores.video[video], np.append(softmax(pooled), 0)),
            (losses.attention[video, : len(rows)], scaled(logits.max(axis=1))),
            (losses.video_logits[video], np.append(pooled, 0)),
        ):
            np.testing.assert_allclose(values.numpy(), plain, atol=1e-5)


@torch.no_grad()
def test_the_loss_of_a_pair_is_of_the_embeddings_where_the_class_that_they_share_is_and_is_not() -> None:
    one, some = network(coactivity_margin=0.7), batch(*LENGTHS)
    high, low = [], []
    for video in (0, 1):  # they share class 1
        embedding, logits = plainly(one, videos(*LENGTHS).arrays[video].astype(np.float64))
        weight = softmax(logits[:, 1])
        high.append(weight @ embedding)
        low.append((1 - weight) @ embedding)

    def distance(first: Array, second: Array) -> float:
        return 1 - float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))

    near = distance(*high)
    expected = [PAIR_WEIGHT * max(0.0, near - distance(high[one], low[1 - one]) + 0.7) for one in (0, 1)]
    found = losses_of(one, some).parts["coactivity"]
    assert found[:2].tolist() == pytest.approx(expected, rel=1e-4)
    assert not found[2:].any()


@given(lengths=st.lists(st.integers(1, 30), min_size=2, max_size=5))
@torch.no_grad()
def test_a_video_has_the_same_losses_alone_as_in_a_batch(lengths: list[int]) -> None:
    one, some = network(), batch(*lengths, n_pairs=0)
    whole = losses_of(one, some)
    for video, rows in enumerate(some.features.split(lengths)):
        alone = losses_of(one, batch_of(ArrayVideos([rows.numpy()], LABELS[[video]]), [0], CPU))
        torch.testing.assert_close(alone.base[0], whole.base[video], rtol=1e-4, atol=1e-5)


def test_gradients_are_numbers_where_a_pair_is_one_video_or_has_a_snippet_each_or_no_embedding() -> None:
    ones = np.ones((1, 6), np.float32)
    some = ArrayVideos([ones, ones, np.zeros((5, 6), np.float32)], LABELS[:1].repeat(3, axis=0))
    for pair, bias in (((0, 0), 0.0), ((0, 1), 0.0), ((2, 2), 0.0), ((2, 0), -50.0)):
        one = network()
        torch.nn.init.constant_(one.embed.bias, bias)
        losses = losses_of(one, batch_of(some, pair, CPU, n_pairs=1, pair_weight=1.0))
        losses.base.sum().backward()
        assert torch.isfinite(losses.base).all()
        assert all(torch.isfinite(value.grad).all() for value in one.parameters())


def test_a_video_without_a_label_has_no_part_in_any_loss() -> None:
    losses = losses_of(network(), batch(*LENGTHS))
    assert losses.base[4] == 0
    assert (losses.base[:4] > 0).all()


def test_labels_are_learnt_beside_a_background_of_zero() -> None:
    some, one = batch(20, 11), network()
    target = torch.randn((2, 4, 20), generator=torch.Generator().manual_seed(1)) * some.mask[:, None, :]
    logits = torch.nn.functional.pad(one(some).logits[1, :11].detach(), (0, 1))
    expected = -(target[1, :, :11].T * torch.log_softmax(logits, dim=1)).sum() / 11
    torch.testing.assert_close(losses_of(one, some, BatchLabels(target)).label[1].detach(), expected)


def test_dropout_keeps_the_mean_and_is_of_what_both_losses_see() -> None:
    one = Wtalc(6, 3, WtalcSettings(embedding_size=400), torch.Generator().manual_seed(0))
    some = batch(20, 11)
    rows = torch.ones((31, 400))
    dropped = one._dropped(rows, some, torch.Generator().manual_seed(1))
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.3])
    assert float(dropped.mean()) == pytest.approx(1, abs=0.05)
    embedding, with_dropout = one(some).embedding, one(some, torch.Generator().manual_seed(1)).embedding
    torch.testing.assert_close(some.concatenated(with_dropout), some.concatenated(embedding) * dropped)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"top_k_divisor": 0}, "top_k_divisor: expected a whole number, 1 or above; got 0"),
        ({"coactivity_margin": -1}, "coactivity_margin: expected a number, 0 or above; got -1"),
        ({"dropout": 1}, "dropout: expected a number in [0, 1); got 1"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=f"^{re.escape(sentence)}$"):
        WtalcSettings(**wrong)
