"""Training on one core against the bare products of the same layers, and RSKP's against a plain loop over videos.

    python benchmarks/training_speed.py [--videos 40] [--features 2048] [--snippets 219]

Videos are made up, of THUMOS14's width. The bare products of a base network are those of its linear and convolution
layers, of the shapes that an epoch has: forward, gradient of the weight, and of the input where that is asked for.
They are measured beside the epoch; the best of some runs counts, in seconds of the processor.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import plain_method

from wtal.methods.batch import ArrayVideos
from wtal.methods.label_loss import RoundLabels
from wtal.methods.rskp.settings import RskpSettings
from wtal.suite.file import VariantEntry, method_of
from wtal.suite.plan import Variant, round_settings
from wtal.suite.step_settings import EpochSettings
from wtal.training.rng import generators_of
from wtal.training.runtime import keep_freed_memory
from wtal.training.trainer import Trainer

CPU = torch.device("cpu")
CLASSES, RUNS, FEW = 20, 2, 6
BASES = ("rskp", "basnet", "co2net", "delu", "cola", "wtalc")


@dataclass(frozen=True, slots=True)
class Product:
    """A linear or convolution layer as it is called: everything that its time depends on."""

    shape: tuple[int, ...]  # of the input
    weight: tuple[int, ...]
    needs_input: bool  # whether the gradient of the input is asked for
    padding: int = -1  # -1: a linear layer
    dilation: int = 1
    groups: int = 1

    def seconds(self) -> float:
        """Forward and gradients, bare; the best of some runs."""
        shape = self.shape if len(self.shape) != 2 or self.padding < 0 else (1, *self.shape)
        inputs, weight = torch.randn(shape), torch.randn(self.weight)

        def linear() -> None:
            rows = inputs.reshape(-1, shape[-1])
            result = rows @ weight.T
            result.T @ rows
            if self.needs_input:
                result @ weight

        def convolution() -> None:
            options = ([1], [self.padding], [self.dilation], False, [0], self.groups)
            result = torch.ops.aten.convolution(inputs, weight, None, *options)
            torch.ops.aten.convolution_backward(result, inputs, weight, None, *options, [self.needs_input, True, False])

        return best_of(linear if self.padding < 0 else convolution)


def best_of(function: Callable[[], None], runs: int = RUNS) -> float:
    """The least seconds of the processor that a function takes, after one run to warm up."""
    function()
    found = []
    for _ in range(runs):
        began = time.process_time()
        function()
        found.append(time.process_time() - began)
    return min(found)


@contextmanager
def noted_products(method: nn.Module) -> Iterator[Counter[Product]]:
    """Counts the products of a method's layers, as long as the block lasts and gradients are asked for."""
    counts: Counter[Product] = Counter()

    def note(layer: Any, inputs: Any, _: Any) -> None:
        if torch.is_grad_enabled():
            is_linear = isinstance(layer, nn.Linear)
            more = () if is_linear else (layer.padding[0], layer.dilation[0], layer.groups)
            product = Product(tuple(inputs[0].shape), tuple(layer.weight.shape), inputs[0].requires_grad, *more)
            counts[product] += 1

    layers = [layer for layer in method.modules() if isinstance(layer, nn.Linear | nn.Conv1d)]
    handles = [layer.register_forward_hook(note) for layer in layers]
    yield counts
    for handle in handles:
        handle.remove()


def made_up(n_videos: int, n_snippets: int, n_features: int) -> ArrayVideos:
    """Videos whose lengths vary as those of the field do, each of one or two classes."""
    random = np.random.default_rng(0)
    lengths = np.clip(np.exp(random.normal(0, 0.5, n_videos)), 0.3, 3.0)
    lengths = np.maximum(16, np.round(lengths * n_snippets / lengths.mean())).astype(int)
    arrays = [random.random((length, n_features), dtype=np.float32) for length in lengths]
    labels = np.zeros((n_videos, CLASSES), dtype=np.bool_)
    for video in range(n_videos):
        labels[video, random.choice(CLASSES, 1 + video % 2, replace=False)] = True
    return ArrayVideos(arrays, labels)


def trainer_of(kind: str, videos: ArrayVideos, state: str, **base: Any) -> Trainer:
    """A trainer before some like epochs, one to warm up. state: `base`, `memory` or `labels`; base: settings of it."""
    round_index = int(state == "labels")
    values: dict[str, Any] = {"base": {"kind": kind, **base}, "preset": "paper"}
    if kind == "rskp":
        values["base"]["memory_from_epoch"] = None if state == "base" else 1
    values["training"] = {"epochs": 8, "learning_rate": [{"until": 8, "value": 1e-5}]}
    values["labels"] = {"refresh_epochs": [2], "fusion_temperatures": [0.02], "weight": {"start": 1}}
    method = method_of(values, {}, "benchmark")
    settings = round_settings("benchmark", Variant("b", VariantEntry(title="b"), method, 1), round_index)
    first = settings.epochs[0].epoch if round_index else settings.epochs[-1].epoch + 1
    epochs = tuple(replace(settings.epochs[-1], epoch=first + number) for number in range(RUNS + 2))
    network = method.base.network(videos.arrays[0].shape[1], CLASSES, torch.Generator().manual_seed(1))
    made = Trainer(network, videos, replace(settings, epochs=epochs), generators_of("b", "b", 0, round_index, CPU))
    made.progress.epoch = first
    return made


def epoch_of(trainer: Trainer) -> float:
    """Processor seconds of an epoch, the best of some; one epoch is left."""
    times = [time.process_time()]
    last = trainer.settings.epochs[-2].epoch

    def ended(epoch: EpochSettings, log: object) -> bool:
        times.append(time.process_time())
        return epoch.epoch == last

    trainer.run(made_up_labels(trainer), after_epoch=ended)
    return float(np.diff(times)[1:].min())


def made_up_labels(trainer: Trainer) -> RoundLabels | None:
    """Labels, where the trainer is in a round that has some."""
    if not trainer.settings.round_index:
        return None
    random, videos = np.random.default_rng(1), trainer.videos
    lengths = [len(videos.features(number)) for number in range(videos.n_videos)]
    return RoundLabels([random.random((length, CLASSES + 1)) for length in lengths])


def epoch_seconds(kind: str, videos: ArrayVideos, state: str) -> tuple[float, float]:
    """Processor seconds of an epoch, and of its bare products."""
    trainer = trainer_of(kind, videos, state)
    spent = epoch_of(trainer)
    with noted_products(trainer.method) as counts:
        trainer.run(made_up_labels(trainer))
    return spent, sum(count * product.seconds() for product, count in counts.items())


def plain_seconds(videos: ArrayVideos) -> float:
    """Processor seconds of an epoch of RSKP's base, one video after the other, as a plain reading has it."""
    network = RskpSettings().network(videos.arrays[0].shape[1], CLASSES, None)
    parameters = {name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()}
    adam = plain_method.PlainAdam(parameters, (0.9, 0.999), 1e-4)
    rows = [torch.from_numpy(array) for array in videos.arrays]

    def epoch() -> None:
        for number, (features, label) in enumerate(zip(rows, videos.video_labels), start=1):
            output = plain_method.forward(parameters, features)
            found = plain_method.losses(output, None, label.astype(float).tolist(), None)
            sum(found.values()).backward()  # type: ignore[union-attr]
            if number % 10 == 0:
                adam.step(1e-5)

    return best_of(epoch, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--snippets", type=int, default=219)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as a job that trains does
    videos = made_up(options.videos, options.snippets, options.features)
    few = made_up(FEW, options.snippets, options.features)  # the others take a minute for what RSKP does in a second
    found: dict[str, dict[str, float]] = {}
    states = [("rskp", "memory"), ("rskp", "labels")]
    for kind, state in [("rskp", "base"), *states, *((kind, "base") for kind in BASES[1:])]:
        spent, bare = epoch_seconds(kind, videos if kind == "rskp" else few, state)
        found[f"{kind} {state}"] = {"seconds": spent, "bare": bare}
        print(f"{kind:<7}{state:<7}{spent:7.2f} s an epoch; bare products {bare:6.2f} s, {bare / spent:4.0%} of it")
    found["plain"] = {"seconds": plain_seconds(videos)}
    ratio = found["plain"]["seconds"] / found["rskp base"]["seconds"]
    print(f"a plain loop of rskp takes {found['plain']['seconds']:.2f} s: {ratio:.1f} times as long")
    if options.json:
        options.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
