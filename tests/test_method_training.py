"""Training against the method written out plainly: what is read, added up, weighted and stepped, and when."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import plain_method as plain
import pytest
import torch
from round_run import tiny_round

from wtal.methods.batch import ArrayVideos
from wtal.methods.label_loss import RoundLabels
from wtal.methods.rskp.method import Rskp
from wtal.methods.rskp.settings import RskpSettings
from wtal.suite.step_settings import EpochSettings, RoundSettings
from wtal.suite.training_settings import Until, at_epoch
from wtal.training.rng import generators_of
from wtal.training.trainer import EpochLog, Trainer

CPU = torch.device("cpu")
MEMORY_FROM = 2
MODEL = RskpSettings(
    embedding_size=6,
    prototypes=3,
    memory_slots=2,
    cosine_scale=plain.SCALE,
    dropout=0.0,
    memory_from_epoch=MEMORY_FROM,
    consistency_weight=(Until(until=1, value=1.0), Until(until=3, value=0.5), Until(until=9, value=1.0)),
)
LABELS = ((0, 1, 0), (1, 0, 1), (0, 1, 0), (0, 0, 1), (1, 1, 0))
LENGTHS = (9, 17, 25, 12, 33)  # an eighth of them is 1, 2, 3, 1 and 4 snippets
BETAS, DECAY = (0.8, 0.95), 0.05


def arrays(width: int, seed: int) -> list[np.ndarray]:
    stream = np.random.default_rng(seed)
    return [stream.normal(size=(length, width)).astype(np.float32) for length in LENGTHS]


def epoch(number: int, rate: float, **changes: object) -> EpochSettings:
    values: dict[str, object] = {
        "label_weight": 0.0,
        "label_scale": 1.0,
        "is_delta": False,
    }
    return EpochSettings(epoch=number, learning_rate=rate, **(values | changes))  # type: ignore[arg-type]


# Three rounds: one without labels that comes to use the memory, one with labels, one with delta labels.
ROUNDS = (
    (epoch(0, 3e-3), epoch(1, 2e-3), epoch(2, 2e-3)),
    (epoch(3, 2e-3), epoch(4, 1e-3, label_weight=3.0)),
    (epoch(5, 1e-3, label_weight=3.5, label_scale=2.0, is_delta=True),),
)
FIRST, SECOND = arrays(4, seed=1), arrays(4, seed=2)  # labels of the rounds, of either sign


@dataclass
class Snapshot:
    """Parameters and memory after a round, and the mean losses of its epochs."""

    parameters: dict[str, np.ndarray]
    memory: tuple[np.ndarray, np.ndarray]
    losses: list[dict[str, float]]


def settings_of(index: int, memory_index: str) -> RoundSettings:
    return dataclasses.replace(
        tiny_round(),
        round_index=index,
        epochs=ROUNDS[index],
        base=dataclasses.replace(MODEL, memory_index=memory_index),
        adam_betas=BETAS,
        weight_decay=DECAY,
        videos_per_step=2,  # of five videos, so that an epoch cuts steps
        shuffle=False,
    )


def new_network(settings: RskpSettings = MODEL) -> Rskp:
    network = Rskp(5, 3, settings, torch.Generator().manual_seed(3))
    with torch.no_grad():
        network.embedding.bias.uniform_(-0.3, 0.3, generator=torch.Generator().manual_seed(4))
    return network


def trained(memory_index: str) -> list[Snapshot]:
    """The rounds as wtal trains them."""
    videos = ArrayVideos(arrays(5, seed=0), np.array(LABELS, dtype=bool))
    labels = (None, RoundLabels(FIRST), RoundLabels(SECOND, FIRST))
    trainer = Trainer(
        new_network(dataclasses.replace(MODEL, memory_index=memory_index)),
        videos,
        settings_of(0, memory_index),
        generators_of("t", "t", 0, 0, CPU),
    )
    snapshots = []
    for index in range(len(ROUNDS)):
        if index:
            trainer.begin_round(settings_of(index, memory_index), generators_of("t", "t", 0, index, CPU))
        logs: list[EpochLog] = []
        trainer.run(labels[index], after_epoch=lambda _, log, logs=logs: bool(logs.append(log)))
        parameters = {name: value.detach().numpy().copy() for name, value in trainer.method.named_parameters()}
        bank = (trainer.method.memory.prototypes.numpy().copy(), trainer.method.memory.scores.numpy().copy())
        snapshots.append(Snapshot(parameters, bank, [{name: log.mean(name) for name in log.losses} for log in logs]))
    return snapshots


def plainly_trained(memory_index: str) -> list[Snapshot]:
    """The same rounds, one video after the other."""
    parameters = {name: value.detach().double().requires_grad_() for name, value in new_network().named_parameters()}
    adam, visits, snapshots = plain.PlainAdam(parameters, BETAS, DECAY), 0, []
    features = [torch.from_numpy(array).double() for array in arrays(5, seed=0)]
    own_rows = [[row for row, present in enumerate(label) if present] for label in LABELS]
    used_rows = own_rows if memory_index == "label" else [[0] * len(rows) for rows in own_rows]
    deltas = [newest.astype(np.float64) - previous for newest, previous in zip(SECOND, FIRST)]
    for index, epochs in enumerate(ROUNDS):
        memory, means = plain.Memory(3, 2, 6), []
        for one in epochs:
            sums: dict[str, float] = {}
            for video, rows in enumerate(features):
                output = plain.forward(parameters, rows)
                branch = target = None
                if one.epoch >= MEMORY_FROM:
                    branch = plain.head(parameters, plain.walk(output.embedding, memory.read(used_rows[video])))
                    memory.put(used_rows[video], parameters, output.prototypes)
                if one.label_weight:
                    array = FIRST[video] if index == 1 else 2.0 * deltas[video]
                    target = torch.from_numpy(np.asarray(array, dtype=np.float64))
                each = plain.losses(output, branch, LABELS[video], target)
                each["total"] = each["foreground"] + 0.2 * each["background"] + 0.1 * each["attention"]
                each["total"] = each["total"] + at_epoch(MODEL.consistency_weight, one.epoch) * each["consistency"]
                each["total"] = each["total"] + one.label_weight * each["label"]
                each["total"].backward()
                sums = {name: sums.get(name, 0.0) + value.item() for name, value in each.items()}
                visits += 1
                if visits % 2 == 0:
                    adam.step(one.learning_rate)
            if one.epoch == MEMORY_FROM - 1:
                for video, rows in enumerate(features):
                    memory.put(own_rows[video], parameters, plain.forward(parameters, rows).prototypes)
            means.append({name: value / len(features) for name, value in sums.items()})
        kept = {name: value.detach().numpy().copy() for name, value in parameters.items()}
        snapshots.append(Snapshot(kept, memory.arrays(), means))
    return snapshots


@pytest.mark.parametrize("memory_index", ["label", "class_zero"])
def test_three_rounds_of_training_are_those_of_the_method_written_out_plainly(memory_index: str) -> None:
    found, expected = trained(memory_index), plainly_trained(memory_index)
    start = {name: value.detach().numpy() for name, value in new_network().named_parameters()}
    for index, (ours, theirs) in enumerate(zip(found, expected)):
        for number, (means, plain_means) in enumerate(zip(ours.losses, theirs.losses, strict=True)):
            assert means == pytest.approx(plain_means, abs=1e-4), f"epoch {number} of round {index}"
        for name, value in theirs.parameters.items():
            moved = np.abs(value - start[name]).max()
            np.testing.assert_allclose(ours.parameters[name], value, atol=1e-3 * moved, rtol=0, err_msg=name)
        for bank, plain_bank in zip(ours.memory, theirs.memory):
            np.testing.assert_allclose(bank, plain_bank, atol=1e-4, err_msg=f"memory after round {index}")


def visited(seed: int, **changes: object) -> list[EpochLog]:
    """The logs of two epochs in which nothing is learnt."""
    epochs = (epoch(0, 0.0), epoch(1, 0.0))
    steady = dataclasses.replace(MODEL, consistency_weight=(Until(until=1, value=1.0),))
    settings = dataclasses.replace(settings_of(0, "label"), epochs=epochs, base=steady, **changes)  # type: ignore[arg-type]
    videos = ArrayVideos(arrays(5, seed=0), np.array(LABELS, dtype=bool))
    logs: list[EpochLog] = []
    trainer = Trainer(new_network(steady), videos, settings, generators_of("t", "t", seed, 0, CPU))
    trainer.run(after_epoch=lambda _, log: bool(logs.append(log)))
    return logs


def test_videos_are_visited_once_an_epoch_in_an_order_of_the_seed() -> None:
    def order(log: EpochLog) -> list[float]:
        return [round(value, 4) for value in log.losses["total"]]

    in_order = order(visited(0)[0])
    assert order(visited(0)[1]) == order(visited(1)[0]) == in_order
    orders = [order(log) for seed in range(4) for log in visited(seed, shuffle=True)]
    assert all(sorted(one) == sorted(in_order) for one in orders)
    assert len({tuple(one) for one in orders}) > 5
    assert orders[:2] == [order(log) for log in visited(0, shuffle=True)]


def test_each_visit_samples_other_snippets_by_the_seed_and_takes_their_labels() -> None:
    losses = [log.losses["total"] for seed in range(2) for log in visited(seed, sampled_snippets=8)]
    assert len({tuple(one) for one in losses}) == 4
    assert losses[:2] == [log.losses["total"] for log in visited(0, sampled_snippets=8)]
    labelled = (epoch(0, 0.0, label_weight=1.0),)
    settings = dataclasses.replace(settings_of(1, "label"), epochs=labelled, sampled_snippets=8)
    videos, network = ArrayVideos(arrays(5, seed=0), np.array(LABELS, dtype=bool)), new_network()
    trainer = Trainer(network, videos, settings, generators_of("t", "t", 0, 0, CPU))
    logs: list[EpochLog] = []
    trainer.run(RoundLabels(FIRST), after_epoch=lambda _, log: bool(logs.append(log)))
    parameters = {name: value.detach().double() for name, value in network.named_parameters()}
    seen = generators_of("t", "t", 0, 0, CPU).sampling
    for video, length in enumerate(LENGTHS):
        edges = np.linspace(0, length, 9)
        rows = np.floor(seen.uniform(edges[:-1], edges[1:])).astype(int)
        output = plain.forward(parameters, torch.from_numpy(videos.arrays[video][rows]).double())
        expected = plain.losses(output, None, LABELS[video], torch.from_numpy(FIRST[video][rows]).double())
        assert logs[0].losses["label"][video] == pytest.approx(float(expected["label"]), abs=1e-4)
