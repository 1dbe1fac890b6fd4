"""A step on a graphics card asks it for nothing: tried on the device of torch that holds no numbers to be asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from round_run import tiny_round

from wtal.methods.batch import ArrayVideos, HeldFeatures, batch_of
from wtal.methods.label_loss import RoundLabels
from wtal.methods.rskp.method import Rskp
from wtal.methods.rskp.settings import RskpSettings
from wtal.suite.step_settings import EpochSettings
from wtal.training.rng import generators_of
from wtal.training.trainer import Trainer

CPU, NO_NUMBERS = torch.device("cpu"), torch.device("meta")
MODEL = RskpSettings(embedding_size=7, prototypes=3, memory_slots=2, dropout=0.0, memory_from_epoch=1)
EPOCHS = tuple(
    EpochSettings(epoch=number, label_weight=1.0, label_scale=1.0, is_delta=False, learning_rate=1e-3)
    for number in (1, 2)
)
LENGTHS = (11, 18, 6, 9)


def videos(precision: type[np.floating] = np.float32) -> ArrayVideos:
    random = np.random.default_rng(0)
    arrays = [random.normal(size=(length, 5)).astype(precision) for length in LENGTHS]
    labels = np.array([[True, False, True], [False, True, False], [False, False, False], [True, False, False]])
    return ArrayVideos(arrays, labels)


def trainer_on(device: torch.device, some: ArrayVideos) -> Trainer:
    network = Rskp(5, 3, MODEL, torch.Generator().manual_seed(1)).to(device)
    settings = dataclasses.replace(tiny_round(), epochs=EPOCHS, base=MODEL, videos_per_step=2)
    return Trainer(network, some, settings, generators_of("t", "t", 0, 0, CPU))


def labels_of(some: ArrayVideos) -> RoundLabels:
    return RoundLabels([np.ones((len(array), 4)) for array in some.arrays])


def test_a_step_waits_for_nothing() -> None:
    some, steps = videos(), []
    trainer = trainer_on(NO_NUMBERS, some)
    trainer.progress.epoch = 1
    trainer.progress.log.label_gradient_share = 0.5  # asked for once an epoch
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):  # where the epoch ends
        trainer.run(labels_of(some), after_step=lambda: steps.append(trainer.progress.position))
    assert steps == [2, 4]
    assert not trainer.progress.log.compared


def test_what_was_put_down_is_read_where_an_epoch_ends_and_where_a_state_is_kept() -> None:
    some, logs, kept = videos(), [], []
    at_once, later = trainer_on(CPU, some), trainer_on(CPU, some)
    later.reads_at_once = False  # as on a graphics card
    for trainer in (at_once, later):
        trainer.progress.epoch = 1
        logs.append([])
        trainer.run(
            labels_of(some),
            after_step=lambda one=trainer: kept.append(one.state()["progress"]["log"]["compared"][:]),
            after_epoch=lambda _, log, own=logs[-1]: bool(own.append(log)),
        )
    assert logs[0] == logs[1]
    assert len(logs[0]) == len(EPOCHS)
    assert [len(each) for each in kept] == [2, 4, 2, 4] * 2


@pytest.mark.parametrize("precision", [np.float32, np.float16])
@pytest.mark.parametrize("room", [0, 400, 1 << 20], ids=["none", "for one video or two", "for all"])
def test_features_that_stay_on_the_device_are_those_that_were_read(precision: type[np.floating], room: int) -> None:
    some, held = videos(precision), HeldFeatures(CPU, room)
    rows = [np.array([0, 4, 5]), None, None, np.array([8])]
    for chosen in (None, rows):
        for _ in range(2):
            expected = batch_of(some, [0, 1, 2, 3], CPU, chosen).features
            found = batch_of(some, [0, 1, 2, 3], CPU, chosen, held=held).features
            assert found.dtype == torch.float32
            assert torch.equal(found, expected)
    taken = sum(some.arrays[video].nbytes for video in held.tensors)
    assert taken + held.room == room
    assert (len(held.tensors) == len(LENGTHS)) == (room == 1 << 20)


def test_a_processor_reads_features_where_they_lie() -> None:
    assert HeldFeatures.where_they_fit(CPU) is None
