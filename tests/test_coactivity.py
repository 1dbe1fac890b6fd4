"""The loss of co-activity, and the pairs that it is a loss of: by hand, padded, in packs, and over a step."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from round_run import tiny_round

from wtal.methods.batch import ArrayVideos, Batch, batch_of, groups_of
from wtal.methods.coactivity import coactivity
from wtal.methods.contract import Losses
from wtal.methods.sampling import pair_weight_of
from wtal.training.rng import generators_of
from wtal.training.trainer import Trainer

CPU = torch.device("cpu")
LENGTHS = (9, 6, 12, 5, 7)
LABELS = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]], dtype=bool)
PAIRS, MARGIN = 2, 0.5


def videos() -> ArrayVideos:
    stream = np.random.default_rng(0)
    return ArrayVideos([stream.normal(size=(length, 4)).astype(np.float32) for length in LENGTHS], LABELS)


def batch(*indices: int, n_pairs: int = PAIRS) -> Batch:
    weight = pair_weight_of(LABELS, PAIRS)
    return batch_of(videos(), indices or range(len(LENGTHS)), CPU, n_pairs=n_pairs, pair_weight=weight)


def logits_of(some: Batch) -> torch.Tensor:
    mixed = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32))
    return some.padded(some.features @ mixed)


def cosine_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return 1 - float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def plainly(features: list[NDArray[np.float64]], logits: list[NDArray[np.float64]]) -> float:
    """The loss of a step, pair by pair and class by class."""
    total, shared = 0.0, 0
    for first, second in ((0, 1), (2, 3)):
        for label in np.flatnonzero(LABELS[first] & LABELS[second]):
            high, low = [], []
            for video in (first, second):
                weight = np.exp(logits[video][:, label])
                weight /= weight.sum()
                high.append(weight @ features[video])
                low.append((1 - weight) @ features[video] / (len(weight) - 1))
            between = cosine_distance(high[0], high[1])
            ways = [between - cosine_distance(high[one], low[1 - one]) + MARGIN for one in (0, 1)]
            total += 0.5 * sum(max(0.0, way) for way in ways)
            shared += 1
    return total / shared


def test_the_mean_over_a_step_is_the_loss_written_out_plainly() -> None:
    some = batch()
    rows = [array.astype(np.float64) for array in videos().arrays]
    logits = [values[: len(array)].double().numpy() for values, array in zip(logits_of(some), rows)]
    found = coactivity(some.padded(some.features), logits_of(some), some, MARGIN)
    assert found.mean().item() == pytest.approx(plainly(rows, logits), rel=1e-5)
    assert found[4] == 0


def test_a_pair_has_the_same_loss_alone_and_padded() -> None:
    whole, alone = batch(), batch(0, 1, n_pairs=1)
    padded = torch.full((5, 3, 4), 7.0)  # what lies beyond the end of every video means nothing
    features = torch.cat([whole.padded(whole.features), padded], dim=1)
    logits = torch.cat([logits_of(whole), padded[:, :, :3]], dim=1)
    longer = dataclasses.replace(whole, mask=torch.cat([whole.mask, torch.zeros((5, 3), dtype=torch.bool)], dim=1))
    found = coactivity(features, logits, longer, MARGIN)
    torch.testing.assert_close(found, coactivity(whole.padded(whole.features), logits_of(whole), whole, MARGIN))
    torch.testing.assert_close(
        found[:2], coactivity(alone.padded(alone.features), logits_of(alone), alone, MARGIN), rtol=1e-5, atol=1e-6
    )


def test_a_video_of_one_snippet_and_a_batch_without_pairs_have_a_number() -> None:
    short = ArrayVideos([np.ones((1, 4), np.float32), np.ones((2, 4), np.float32)], LABELS[:2])
    some = batch_of(short, [0, 1], CPU, n_pairs=1, pair_weight=1.0)
    features = some.padded(some.features).requires_grad_()
    loss = coactivity(features, torch.zeros((2, 2, 3)), some, MARGIN)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(features.grad).all()
    none = batch(n_pairs=0)
    assert not coactivity(none.padded(none.features), logits_of(none), none, MARGIN).any()


def test_the_two_of_a_pair_are_never_in_two_batches() -> None:
    order = list(range(5))
    assert list(groups_of(videos(), order, 20, n_pairs=2)) == [[0, 1], [2, 3], [4]]
    assert list(groups_of(videos(), order, 1, n_pairs=1)) == [[0, 1], [2], [3], [4]]
    assert list(groups_of(videos(), order, 48, n_pairs=2)) == [[0, 1, 2, 3], [4]]


@pytest.mark.parametrize("most", [1, 24, 1500])
def test_each_pair_of_a_step_is_told_to_the_method_however_it_is_packed(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wtal.training.trainer.STEP_SNIPPETS", most)
    changes = {"videos_per_step": 6, "pairs": 2, "sampled_snippets": None}
    settings = dataclasses.replace(tiny_round(variant="basnet"), **changes)
    settings = dataclasses.replace(settings, epochs=settings.epochs[:2], sampling="parts")
    trainer = Trainer(settings.base.network(4, 3, None), videos(), settings, generators_of("t", "t", 0, 0, CPU))
    seen: list[Batch] = []
    losses = trainer.method.losses

    def watched(batch: Batch, *rest: object) -> Losses:
        seen.append(batch)
        return losses(batch, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer.method, "losses", watched)
    trainer.run()
    weight = torch.cat([some.pair_weight for some in seen]).reshape(2, 6)
    labels = torch.cat([some.labels for some in seen]).reshape(2, 6, 3)
    partners = torch.cat([some.labels[some.partner] for some in seen]).reshape(2, 6, 3)
    for step in range(2):
        assert (labels[step, :4] * partners[step, :4]).sum(dim=1).all()
        shared = int((labels[step, :4] * partners[step, :4]).sum()) / 2
        assert weight[step].tolist() == pytest.approx([6 / (2 * shared)] * 4 + [0, 0])
