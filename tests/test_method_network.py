"""Network, losses, memory and scores against values by hand and against the method written out plainly."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import plain_method as plain
import pytest
import torch
from round_run import tiny_round
from torch import Tensor

from wtal.methods.batch import ArrayVideos, Batch, batch_of
from wtal.methods.label_loss import BatchLabels, RoundLabels
from wtal.methods.rskp.losses import attention_loss, consistency_loss, mixed_label_loss, video_losses
from wtal.methods.rskp.memory import MemoryBank, padded_slots
from wtal.methods.rskp.method import Rskp
from wtal.methods.rskp.network import BranchOutput, Network
from wtal.methods.rskp.settings import RskpSettings
from wtal.suite.step_settings import EpochSettings
from wtal.training.rng import generators_of
from wtal.training.score import score_videos
from wtal.training.trainer import Trainer

CPU = torch.device("cpu")
MODEL = RskpSettings(embedding_size=7, prototypes=3, memory_slots=2, cosine_scale=plain.SCALE, dropout=0.0)
VIDEOS = ArrayVideos(
    [np.random.default_rng(0).normal(size=(length, 5)).astype(np.float32) for length in (11, 18)],
    np.array([[True, False, True], [False, True, False]]),
)


def network_of(settings: RskpSettings = MODEL) -> Rskp:
    return Rskp(5, 3, settings, torch.Generator().manual_seed(1))


def parameters_of(network: Network) -> dict[str, Tensor]:
    return {name: value.detach().double() for name, value in network.named_parameters()}


def both_videos() -> Batch:
    return batch_of(VIDEOS, [0, 1], CPU)


def plain_forward(network: Network, video: int) -> plain.Forward:
    return plain.forward(parameters_of(network), torch.from_numpy(VIDEOS.arrays[video]).double())


def check_head(found: BranchOutput, video: int, expected: plain.Head) -> None:
    length = len(expected.attention)
    for ours, theirs in (
        (found.logits[video, :, :length].T, expected.logits),
        (found.attention[video, :length], expected.attention),
        (found.agnostic_logits[video], expected.agnostic),
        (found.class_wise_logits[video], expected.class_wise),
    ):
        torch.testing.assert_close(ours.double(), theirs, atol=2e-5, rtol=0)
    assert found.attention[video, length:].abs().sum() == 0


def test_both_branches_of_packed_videos_are_those_of_the_method_written_out_plainly() -> None:
    network = network_of()
    output = network(both_videos())
    for video in (0, 1):
        expected = plain_forward(network, video)
        torch.testing.assert_close(output.prototypes[video].double(), expected.prototypes, atol=1e-5, rtol=0)
        check_head(output.original, video, expected.original)
        check_head(output.reallocated, video, expected.reallocated)


def test_the_memory_branch_walks_from_the_slots_alone_empty_ones_included() -> None:
    network = network_of()
    slots = [torch.rand(4, 7, generator=torch.Generator().manual_seed(2)), torch.zeros(2, 7)]
    found = network(both_videos(), remember=lambda prototypes: padded_slots(slots)).memory
    for video, own in enumerate(slots):
        walked = plain.walk(plain_forward(network, video).embedding, own.double())
        check_head(found, video, plain.head(parameters_of(network), walked))


def test_a_network_starts_from_uniform_weights_no_bias_and_a_foreground_opposite_to_background() -> None:
    network = Network(300, 3, RskpSettings(embedding_size=200))
    assert torch.equal(network.foreground_centre[0], -network.class_centres[-1])
    assert network.embedding.bias.abs().sum() == 0
    bound = math.sqrt(6 / (300 + 200))  # Xavier: of a uniform density, by the sizes of both ends
    assert 0.99 * bound < network.embedding.weight.abs().max() <= bound
    assert network.embedding.weight.mean().abs() < 0.01 * bound


def branch(logits: list[list[float]], attention: list[float] | None = None, agnostic: float = 0.0) -> BranchOutput:
    """One video: logits [K, T]; the pooled logits are 0 but for the first class of the class-agnostic ones."""
    table = torch.tensor([logits], requires_grad=True)
    pooled = torch.zeros(1, len(logits))
    first = pooled.clone()
    first[0, 0] = agnostic
    return BranchOutput(table, torch.tensor([attention or [0.5] * len(logits[0])]), first, pooled)


LN3 = math.log(3)  # logits of 0 and ln 3 are probabilities of one quarter and three quarters
ONE = torch.ones((1, 1), dtype=torch.bool)


@pytest.mark.parametrize(("label", "sign"), [([1.0, 0.0], 1), ([-1.0, 0.0], -1), ([0.5, 0.0], 0.5)])
def test_the_label_loss_takes_four_fifths_of_the_original_branch_and_keeps_the_sign(
    label: list[float], sign: float
) -> None:
    original, reallocated = branch([[0.0], [LN3]]), branch([[LN3], [0.0]])
    target = torch.tensor([label])[:, :, None]
    found = mixed_label_loss(original, reallocated, BatchLabels(target), ONE, RskpSettings())
    assert found.item() == pytest.approx(sign * (0.8 * math.log(4) + 0.2 * math.log(4 / 3)))
    assert mixed_label_loss(original, reallocated, None, ONE, RskpSettings()).item() == 0


def test_the_label_loss_is_a_mean_over_the_videos_own_snippets() -> None:
    one = branch([[0.0, 0.0, 9.0], [LN3, LN3, 0.0]])
    target = torch.tensor([[[1.0, 0.0, 7.0], [0.0, 1.0, 7.0]]])
    mask = torch.tensor([[True, True, False]])
    found = mixed_label_loss(one, one, BatchLabels(target), mask, RskpSettings())
    assert found.item() == pytest.approx((math.log(4) + math.log(4 / 3)) / 2)


def test_consistency_learns_from_the_other_branches_and_never_teaches_them() -> None:
    original, other, memory = (branch([[0.0], [0.2 * value]]) for value in (LN3, -LN3, 4 * LN3))
    settings = RskpSettings()  # the temperature of 0.2 makes logits of ln 3 of these
    without = consistency_loss(original, other, None, ONE, settings)
    assert without.item() == pytest.approx(0.75 * math.log(4) + 0.25 * math.log(4 / 3))
    # 0.8 (-ln 3) + 0.2 (4 ln 3) = 0, so that both classes are wanted alike.
    found = consistency_loss(original, other, memory, ONE, settings)
    assert found.item() == pytest.approx(0.5 * math.log(4) + 0.5 * math.log(4 / 3))
    found.sum().backward()
    assert original.logits.grad is not None
    # Of the softmax: probability less what is wanted, over the temperature.
    np.testing.assert_allclose(original.logits.grad[0, :, 0].numpy(), [-1.25, 1.25], rtol=1e-5)
    assert other.logits.grad is None
    assert memory.logits.grad is None


@pytest.mark.parametrize(("length", "count"), [(5, 1), (8, 1), (15, 1), (16, 2), (23, 2), (24, 3)])
def test_the_attention_loss_compares_the_lowest_eighth_with_the_highest(length: int, count: int) -> None:
    values = np.random.default_rng(0).permutation(length) / length
    padded = torch.tensor([[*values, 0.0, 0.0, 0.0]], dtype=torch.float64)
    mask = torch.arange(length + 3)[None] < length
    # Of 0, 1, ... T - 1 shuffled: the mean of the first n less that of the last n is n - T.
    assert attention_loss(padded, mask).item() == pytest.approx((count - length) / length)


def test_foreground_leaves_background_out_background_takes_it_in_and_memory_counts_half() -> None:
    original, reallocated, memory = (branch([[0.0]] * 3, agnostic=value) for value in (math.log(2), 0.0, math.log(6)))
    labels = torch.tensor([[1.0, 0.0]])
    found = video_losses(original, reallocated, memory, labels, ONE, None, RskpSettings())
    # Of the first class: a half, a third and three quarters.
    expected = math.log(2) + math.log(3) + 0.5 * math.log(4 / 3)
    assert found.foreground.item() == pytest.approx(expected, rel=1e-5)
    assert found.background.item() == pytest.approx(2.5 * math.log(3), rel=1e-5)
    alone = video_losses(original, reallocated, None, labels, ONE, None, RskpSettings())
    assert alone.foreground.item() == pytest.approx(math.log(6), rel=1e-5)
    # Each loss by its own weight: 1, 0.2 and 0.1 of the settings, and the epoch's; the label's is no part of it.
    each = dataclasses.replace(alone, **{name: torch.ones(1) * 10**place for place, name in enumerate(NAMES)})
    total = each.total(RskpSettings(), consistency_weight=3.0)
    assert total.item() == pytest.approx(1 + 0.2 * 10 + 0.1 * 100 + 3 * 1000)


NAMES = ("foreground", "background", "attention", "consistency", "label")


def test_the_memory_keeps_the_best_by_the_score_of_the_rows_own_class() -> None:
    bank = MemoryBank(2, 2, 1)
    scores = torch.tensor([[0.1, 0.8, 0.1], [0.7, 0.1, 0.2], [0.2, 0.5, 0.3]])
    bank.update([1], torch.tensor([[1.0], [2.0], [3.0]]), scores)
    assert bank.prototypes[1].flatten().tolist() == [1, 3]
    assert bank.scores[1].tolist() == pytest.approx([0.8, 0.5])
    assert bank.prototypes[0].abs().sum() == 0
    bank.update([1], torch.tensor([[4.0], [5.0]]), torch.tensor([[0.3, 0.6, 0.1], [0.5, 0.4, 0.1]]))
    assert bank.prototypes[1].flatten().tolist() == [1, 4]
    assert bank.read([1, 0]).flatten().tolist() == [1, 4, 0, 0]


@pytest.mark.parametrize(("snippet_share", "video_share"), [(0.8, 0.6), (1.0, 0.0), (0.0, 1.0)])
def test_scores_mix_the_branches_by_their_shares_and_carry_the_original_attention(
    snippet_share: float, video_share: float
) -> None:
    shares = {"label_snippet_original_share": 0.5, "detection_snippet_original_share": snippet_share}
    network = network_of(dataclasses.replace(MODEL, video_original_share=video_share, **shares))
    found = score_videos(network, VIDEOS, ("a", "b"), "detection")
    for video in (0, 1):
        one = plain_forward(network, video)
        first, second = (torch.softmax(head.logits, dim=1) for head in (one.original, one.reallocated))
        mixed = (snippet_share * first + (1 - snippet_share) * second) * one.original.attention[:, None]
        np.testing.assert_allclose(found.snippet_score[found.rows(video)], mixed.numpy(), atol=2e-6)
        pooled = [torch.softmax(head.agnostic, dim=0) for head in (one.original, one.reallocated)]
        expected = video_share * pooled[0] + (1 - video_share) * pooled[1]
        np.testing.assert_allclose(found.video_score[video], expected.numpy(), atol=2e-6)
        np.testing.assert_allclose(found.attention[found.rows(video)], one.original.attention.numpy(), atol=2e-6)


def test_dropout_drops_its_share_of_the_embedding_and_scales_the_rest() -> None:
    network = network_of(dataclasses.replace(MODEL, embedding_size=400, dropout=0.7))
    kept = network.embed(both_videos(), None)
    dropped = network.embed(both_videos(), torch.Generator().manual_seed(0))
    there = kept > 0
    is_dropped = dropped[there] == 0
    assert is_dropped.double().mean().item() == pytest.approx(0.7, abs=0.02)
    torch.testing.assert_close(dropped[there][~is_dropped], kept[there][~is_dropped] / 0.3)


def trained_with(dropout: float, **changes: object) -> Trainer:
    """One epoch over the two videos, at a rate of 0 unless changed."""
    values: dict[str, object] = {
        "label_weight": 0.0,
        "label_scale": 1.0,
        "is_delta": False,
        "learning_rate": 0.0,
    }
    epoch = EpochSettings(epoch=0, **(values | changes))  # type: ignore[arg-type]
    model = dataclasses.replace(MODEL, dropout=dropout, memory_from_epoch=1)
    settings = dataclasses.replace(tiny_round(), epochs=(epoch,), base=model, videos_per_step=2)
    trainer = Trainer(network_of(model), VIDEOS, settings, generators_of("t", "t", 0, 0, CPU))
    labels = RoundLabels([np.ones((len(array), 4)) for array in VIDEOS.arrays])
    trainer.run(labels)
    return trainer


def test_dropout_acts_in_training_and_neither_where_memory_is_filled_nor_in_scores() -> None:
    without, with_dropout = trained_with(0.0), trained_with(0.9)
    torch.testing.assert_close(without.method.memory.prototypes, with_dropout.method.memory.prototypes)
    scores = [score_videos(one.method, VIDEOS, ("a", "b"), "labels") for one in (without, with_dropout)]
    np.testing.assert_array_equal(scores[0].snippet_score, scores[1].snippet_score)
    stream = torch.Generator().manual_seed(0)
    dropped = score_videos(with_dropout.method, VIDEOS, ("a", "b"), "labels", stream)
    assert not np.array_equal(dropped.snippet_score, scores[1].snippet_score)
    moved = [trained_with(share, learning_rate=0.01).method.class_centres for share in (0.0, 0.9)]
    assert not torch.equal(*moved)
