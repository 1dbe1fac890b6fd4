"""Whether a method keeps the contract: it is run on a few made-up videos, and held against each promise.

The promises are those of `wtal.methods.contract`; docs/methods.md says how to write a method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from wtal.base.schema import from_mapping, to_mapping
from wtal.methods.batch import ArrayVideos, Batch, batch_of
from wtal.methods.contract import Losses, Method, Use
from wtal.methods.label_loss import BatchLabels, RoundLabels
from wtal.suite.contracts import BaseSettings
from wtal.suite.file import VariantEntry, method_of
from wtal.suite.plan import Variant, round_settings
from wtal.suite.step_settings import RoundSettings
from wtal.training.rng import generators_of
from wtal.training.runtime import deterministic
from wtal.training.score import score_videos
from wtal.training.trainer import Trainer

CPU = torch.device("cpu")
LENGTHS = (9, 23, 14, 31, 12)
FEATURES, CLASSES = 16, 3
PAIR, PAIR_WEIGHT = (0, 3), 1.5  # videos that share a class
USES: tuple[Use, ...] = ("labels", "detection")
FAULTS = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, NotImplementedError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of the contract, and what of it does not hold; empty where it does."""

    name: str
    broken: str


class BrokenPromiseError(Exception):
    """What does not hold."""


def check_method(settings: BaseSettings) -> Iterator[Promise]:
    """Each promise in turn, kept or not, of a method with these settings."""
    checks: dict[str, Callable[[_Bench], None]] = {
        "settings are the same when read back": _settings,
        "losses have their shapes, names and ranges": _losses,
        "scores have their shapes and lie in [0, 1]": _scores,
        "labels of zero have a loss of zero": _zero_labels,
        "labels for attention are learnt where has_attention says so": _attention_labels,
        "the same seed gives the same method": _same_seed,
        "a video alone and in a batch has the same losses and gradients": _alone_and_batched,
        "a pair alone and in a batch has the same losses and gradients": _pair_alone_and_batched,
        "a state that is loaded scores as the one that was saved": _loaded_state,
        "two rounds that are killed between steps and go on end in the same bytes": _resumed,
    }
    with deterministic(CPU):
        for name, check in checks.items():
            try:
                check(_Bench(settings))
            except BrokenPromiseError as error:
                yield Promise(name, str(error))
            except FAULTS as error:
                yield Promise(name, f"{type(error).__name__}: {error}")
            else:
                yield Promise(name, "")


class _Bench:
    """Made-up videos, one of them background, and what is made with the settings under test."""

    def __init__(self, settings: BaseSettings) -> None:
        self.settings = settings
        random = np.random.default_rng(0)
        arrays = [random.normal(size=(length, FEATURES)).astype(np.float32) for length in LENGTHS]
        labels = np.zeros((len(LENGTHS), CLASSES), dtype=np.bool_)
        labels[[0, 1, 2, 3, 3], [0, 1, 2, 0, 1]] = True
        self.videos = ArrayVideos(arrays, labels)
        self.pseudo = [random.normal(size=(length, CLASSES + 1)) for length in LENGTHS]

    def method(self) -> Method:
        """A new method, the same each time."""
        return cast("Method", self.settings.network(FEATURES, CLASSES, torch.Generator().manual_seed(1)))

    def batch(self, *indices: int, n_pairs: int = 0) -> Batch:
        """A batch of some videos, pairs first; of all where none is named."""
        return batch_of(self.videos, indices or range(len(LENGTHS)), CPU, n_pairs=n_pairs, pair_weight=PAIR_WEIGHT)

    def target(self, batch: Batch, *indices: int) -> BatchLabels:
        """Pseudo labels of the videos of a batch, of either sign."""
        rows = np.concatenate([self.pseudo[index] for index in indices or range(len(LENGTHS))]).astype(np.float32)
        return BatchLabels(batch.padded(torch.from_numpy(rows)).transpose(1, 2).contiguous())

    def round(self, index: int) -> RoundSettings:
        """The settings of round 0 or 1 of a run of four epochs."""
        training = {"epochs": 4, "learning_rate": [{"until": 4, "value": 0.001}], "videos_per_step": 2, "pairs": 1}
        labels = {"refresh_epochs": [2], "fusion_temperatures": [0.02], "weight": {"start": 1}}
        values = {"base": to_mapping(self.settings), "training": training, "labels": labels}
        method = method_of(values, {}, "check-method")
        return round_settings("check", Variant("check", VariantEntry(title="check"), method, 1), index)

    def trainer(self, index: int = 0) -> Trainer:
        """A trainer at the start of a round."""
        settings = self.round(index)
        return Trainer(self.method(), self.videos, settings, generators_of("check", "check", 0, index, CPU))


def _hold(holds: bool, sentence: str) -> None:
    if not holds:
        raise BrokenPromiseError(sentence)


def _shape(name: str, values: Tensor, *shape: int) -> None:
    _hold(tuple(values.shape) == shape, f"{name}: expected shape {list(shape)}; got {list(values.shape)}")
    _hold(bool(torch.isfinite(values).all()), f"{name}: expected numbers; got NaN or infinity")


def _range(name: str, values: Tensor) -> None:
    low, high = float(values.detach().min()), float(values.detach().max())
    _hold(low >= 0 and high <= 1, f"{name}: expected values in [0, 1]; got {low:g} to {high:g}")


def _settings(bench: _Bench) -> None:
    kind: Any = type(bench.settings)
    again = from_mapping(kind, to_mapping(bench.settings), file="check-method")
    _hold(again == bench.settings, "expected equal settings; got others")
    named = bench.method().kind
    _hold(named == bench.settings.kind, f"kind: expected {bench.settings.kind!r} of the method too; got {named!r}")


def _losses(bench: _Bench) -> None:
    method, batch = bench.method(), bench.batch()
    longest = max(LENGTHS)
    for epoch in (bench.round(0).epochs[0], bench.round(1).epochs[-1]):
        found = method.losses(batch, epoch, bench.target(batch), torch.Generator().manual_seed(2))
        for name in ("base", "label", "compared"):
            _shape(name, getattr(found, name), len(LENGTHS))
        names = tuple(found.parts)
        _hold(names == method.loss_names, f"parts: expected {list(method.loss_names)}; got {list(names)}")
        for name, values in found.parts.items():
            _shape(f"parts.{name}", values, len(LENGTHS))
            _hold(not values.requires_grad, f"parts.{name}: expected no gradient; got one")
        _hold(found.base.requires_grad, "base: expected a gradient; got none")
        _shape("attention", found.attention, len(LENGTHS), longest)
        _range("attention", found.attention)
        _hold(not found.attention[~batch.mask].any(), "attention: expected 0 beyond the video; got more")
        _shape("video_logits", found.video_logits, len(LENGTHS), CLASSES + 1)


def _scores(bench: _Bench) -> None:
    method, batch = bench.method(), bench.batch()
    for use in USES:
        with torch.no_grad():
            found = method.scores(batch, use, None)
        for name, shape in (("snippet", (sum(LENGTHS), CLASSES + 1)), ("video", (len(LENGTHS), CLASSES + 1))):
            _shape(f"{name} for {use}", getattr(found, name), *shape)
            _range(f"{name} for {use}", getattr(found, name))
        _shape(f"attention for {use}", found.attention, sum(LENGTHS))
        _range(f"attention for {use}", found.attention)


def _zero_labels(bench: _Bench) -> None:
    method, batch, epoch = bench.method(), bench.batch(), bench.round(1).epochs[-1]
    nothing = BatchLabels(torch.zeros_like(bench.target(batch).values))
    for words, target in (("no labels", None), ("labels of zero", nothing)):
        label = method.losses(batch, epoch, target, torch.Generator().manual_seed(2)).label
        _hold(not label.any(), f"label: expected 0 with {words}; got up to {float(label.detach().abs().max()):g}")


def _attention_labels(bench: _Bench) -> None:
    if not bench.settings.has_attention:
        return
    method, batch = bench.method(), bench.batch()
    target = replace(bench.target(batch), target="attention")
    label = method.losses(batch, bench.round(1).epochs[-1], target, torch.Generator().manual_seed(2)).label
    _hold(label.requires_grad, "label: expected a gradient of attention; got none")


def _same_seed(bench: _Bench) -> None:
    first, second = bench.method(), bench.method()
    for name, value in first.state_dict().items():
        _hold(torch.equal(value, second.state_dict()[name]), f"{name}: expected the same from the same seed; got other")
    batch, epoch = bench.batch(), bench.round(0).epochs[0]
    losses = [one.losses(batch, epoch, None, torch.Generator().manual_seed(2)).base for one in (first, second)]
    _hold(torch.equal(*losses), "base: expected the same losses from the same generator; got others")


def _alone_and_batched(bench: _Bench) -> None:
    _same_in_parts(bench, [(index,) for index in range(len(LENGTHS))], 0)


def _pair_alone_and_batched(bench: _Bench) -> None:
    others = (index for index in range(len(LENGTHS)) if index not in PAIR)
    _same_in_parts(bench, [PAIR, *((index,) for index in others)], 1)


def _same_in_parts(bench: _Bench, parts: list[tuple[int, ...]], n_pairs: int) -> None:
    """The losses and gradients of a batch are those of its parts one after the other. n_pairs: parts that are pairs."""
    epoch, order = bench.round(1).epochs[-1], [index for part in parts for index in part]
    together, alone = bench.method(), bench.method()
    batch, rng = bench.batch(*order, n_pairs=n_pairs), torch.Generator().manual_seed(2)
    whole = together.losses(batch, epoch, bench.target(batch, *order), torch.Generator().manual_seed(2))
    _backward(whole)
    for number, part in enumerate(parts):
        one = bench.batch(*part, n_pairs=int(number < n_pairs))
        found = alone.losses(one, epoch, bench.target(one, *part), rng)
        _backward(found)
        places = [order.index(index) for index in part]
        for name in ("base", "label", "compared"):
            near = torch.allclose(getattr(found, name), getattr(whole, name)[places], rtol=1e-4, atol=1e-5)
            _hold(near, f"{name}: expected a video's own value; got another where others are in its batch")
    gradients = {name: value.grad for name, value in alone.named_parameters() if value.grad is not None}
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    for name, value in together.named_parameters():
        if name in gradients and value.grad is not None:
            difference = float((value.grad - gradients[name]).abs().max())
            _hold(
                difference <= 1e-4 * largest,
                f"{name}: expected the sum of the gradients of each; off by {difference:g}",
            )


def _backward(losses: Losses) -> None:
    (losses.base + losses.label).sum().backward()  # type: ignore[no-untyped-call]


def _loaded_state(bench: _Bench) -> None:
    trainer = bench.trainer()
    trainer.run()
    other = bench.settings.network(FEATURES, CLASSES, torch.Generator().manual_seed(7))
    other.load_state_dict(trainer.method.state_dict())
    names = tuple(map(str, range(len(LENGTHS))))
    for use in USES:
        first, second = (score_videos(one, bench.videos, names, use) for one in (trainer.method, other))
        same = np.array_equal(first.snippet_score, second.snippet_score)
        _hold(same, "expected the same scores; got others: is all of its state in parameters and persistent buffers?")


def _resumed(bench: _Bench) -> None:
    whole, labels = bench.trainer(), RoundLabels(bench.pseudo)
    states: list[dict[str, Any]] = []
    _run(whole, bench, labels, lambda: states.append(_copied(whole.state())))
    last = _copied(whole.state())
    for state in states[:: max(1, len(states) // 4)]:
        index = int(state["progress"]["epoch"] >= 2)
        again = bench.trainer(index)
        again.restore(state)
        _run(again, bench, labels, None, first=index)
        for name, value in last["model"].items():
            same = torch.equal(value, again.method.state_dict()[name])
            _hold(
                same, f"{name}: expected the same after being taken up in epoch {state['progress']['epoch']}; got other"
            )


def _run(
    trainer: Trainer, bench: _Bench, labels: RoundLabels, after_step: Callable[[], None] | None, first: int = 0
) -> None:
    for index in range(first, 2):
        if index > first:
            trainer.begin_round(bench.round(index), generators_of("check", "check", 0, index, CPU))
        trainer.run(labels if index else None, after_step=after_step)


def _copied(value: Any) -> Any:
    """The same state, on which further training has no effect."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(entry) for key, entry in value.items()}
    return [_copied(entry) for entry in value] if isinstance(value, list) else value
