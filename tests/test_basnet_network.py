"""The network and losses of BaS-Net against the same written out plainly, one video at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from round_run import tiny_round

from wtal.methods.basnet.network import BasNet
from wtal.methods.basnet.settings import BasNetSettings
from wtal.methods.batch import ArrayVideos, Batch, batch_of
from wtal.methods.contract import Losses
from wtal.methods.label_loss import BatchLabels

CPU = torch.device("cpu")
LENGTHS, LABELS = (20, 11, 3), np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]], dtype=bool)


def batch(*lengths: int, labels: NDArray[np.bool_] = LABELS) -> Batch:
    stream = np.random.default_rng(0)
    arrays = [stream.normal(size=(length, 6)).astype(np.float32) for length in lengths]
    return batch_of(ArrayVideos(arrays, labels[: len(arrays)]), range(len(arrays)), CPU)


def network(**changes: object) -> BasNet:
    settings = BasNetSettings(filter_size=4, hidden_size=5, dropout=0.0, top_k_share=0.25, **changes)  # type: ignore[arg-type]
    return BasNet(6, 3, settings, torch.Generator().manual_seed(0))


def losses_of(one: BasNet, some: Batch, target: BatchLabels | None = None) -> Losses:
    return one.losses(some, tiny_round().epochs[0], target, None)


@dataclass(frozen=True)
class Plain:
    """One video, written out: attention [T], logits [T, K] and pooled logits [K] of both branches."""

    attention: NDArray[np.float64]
    logits: list[NDArray[np.float64]]
    pooled: list[NDArray[np.float64]]


def plainly(one: BasNet, rows: NDArray[np.float64], share: float) -> Plain:
    weights = {name: value.detach().double().numpy() for name, value in one.state_dict().items()}

    def convolved(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias", 0.0)
        width = weight.shape[2]
        around = np.pad(values, ((width // 2, width // 2), (0, 0)))
        return np.array([np.einsum("kf,ofk->o", around[t : t + width], weight) for t in range(len(values))]) + bias

    def rectified(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(values > 0, values, 0.01 * values)

    attention = 1 / (1 + np.exp(-convolved(rectified(convolved(rows, "filter_1")), "filter_2")[:, 0]))
    seen = (rows, attention[:, None] * rows)
    hidden = [rectified(convolved(rectified(convolved(branch, "cas_1")), "cas_2")) for branch in seen]
    logits = [convolved(branch, "cas_3") for branch in hidden]
    count = max(1, int(share * len(rows)))
    return Plain(attention, logits, [np.sort(values, axis=0)[-count:].mean(axis=0) for values in logits])


def softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = np.exp(values)
    return shares / shares.sum(axis=-1, keepdims=True)


def plain_losses(plain: Plain, label: NDArray[np.bool_], classification: str) -> dict[str, float]:
    found = {"sparsity": float(plain.attention.sum())}
    for place, name in enumerate(("base", "suppressed")):
        target = np.append(label, name == "base").astype(np.float64)
        target, shares = target / target.sum(), softmax(plain.pooled[place])
        each = -target * np.log(shares)
        if classification == "binary":
            each = (each - (1 - target) * np.log(1 - shares)) / len(target)
        found[name] = float(each.sum())
    return found


def close(found: torch.Tensor, expected: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("classification", ["cross_entropy", "binary"])
@torch.no_grad()
def test_losses_and_scores_are_those_written_out_plainly(classification: str) -> None:
    one, some = network(classification=classification, attention_weight=0.5), batch(*LENGTHS)
    losses, scores = losses_of(one, some), one.scores(some, "detection", None)
    for video, rows in enumerate(torch.arange(sum(LENGTHS)).split(list(LENGTHS))):
        plain = plainly(one, some.features[rows].double().numpy(), 0.25)
        expected = plain_losses(plain, LABELS[video], classification)
        found = {name: float(value[video]) for name, value in losses.parts.items()}
        assert found == pytest.approx(expected, rel=1e-5)
        total = expected["base"] + expected["suppressed"]
        assert float(losses.compared[video]) == pytest.approx(total, rel=1e-5)
        assert float(losses.base[video]) == pytest.approx(total + 0.5 * expected["sparsity"], rel=1e-5)
        close(losses.video_logits[video], plain.pooled[1])
        close(scores.snippet[rows], softmax(plain.logits[1]) * plain.attention[:, None])
        close(scores.attention[rows], plain.attention)
        close(scores.video[video], softmax(plain.pooled[1]))


@pytest.mark.parametrize("classification", ["cross_entropy", "binary"])
def test_a_video_without_a_label_teaches_background_and_has_no_suppressed_loss(classification: str) -> None:
    some = batch(20, 11, labels=np.array([[True, False, False], [False, False, False]]))
    losses = losses_of(network(classification=classification), some)
    assert losses.parts["suppressed"][1] == 0
    assert losses.parts["base"][1] > 0
    assert losses.parts["suppressed"][0] > 0


def test_labels_are_learnt_by_the_base_branch_alone() -> None:
    some, one = batch(20, 11), network()
    target = torch.randn((2, 4, 20), generator=torch.Generator().manual_seed(1)) * some.mask[:, None, :]
    loss = losses_of(one, some, BatchLabels(target)).label
    logits = one(some).base[1, :11].detach()
    expected = -(target[1, :, :11].T * torch.log_softmax(logits, dim=1)).sum() / 11
    torch.testing.assert_close(loss[1].detach(), expected)
    loss.sum().backward()
    assert float(one.filter_1.weight.grad.abs().sum()) == 0


def test_dropout_differs_between_the_branches_and_keeps_the_mean() -> None:
    one = BasNet(6, 3, BasNetSettings(filter_size=4, hidden_size=400, dropout=0.5), torch.Generator().manual_seed(0))
    some = batch(20, 11)
    ones = torch.ones((4, 400, 20))
    dropped = one._dropped(ones, some, torch.Generator().manual_seed(1))
    assert not torch.equal(dropped[:2], dropped[2:])
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert float(dropped[0].mean()) == pytest.approx(1.0, abs=0.05)
    assert dropped[1, :, 11:].abs().sum() == 0
