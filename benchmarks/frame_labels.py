"""The ceiling of a suite: its base network taught by the true class of every snippet beside the weak labels.

    python benchmarks/frame_labels.py config/shrec21.yaml [--variant NAME ...] [--base KIND ...] [--seeds 0 1 2]
        [--data FOLDER] [--out ceiling.csv]

Everything else is the suite's: network, length of the first round, learning rate, proposals, fusion, protocol. A
snippet's label is its true class (shared alike where there are several, background where there is none); the network
learns it beside its own losses, and where it has attention, that too. An external method is given it as the pseudo
labels of round 1. The instances of training videos are read here and nowhere else in training: no figure of this
benchmark is one of weakly-supervised localisation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from wtal.base.errors import InputError, WtalError
from wtal.base.files import write_rows
from wtal.base.records import VideoScores
from wtal.data.kinds.prepare import prepare
from wtal.data.store.read import Store, read_store
from wtal.evaluate.score.evaluation import evaluate_detections
from wtal.evaluate.score.options import options_from_settings
from wtal.localise.detect import detect
from wtal.localise.labels.file import PseudoLabels, write_labels
from wtal.localise.scores_file import read_scores_of
from wtal.methods.batch import Batch
from wtal.methods.contract import Losses, Method, Scores, Use
from wtal.methods.external.run import external_round
from wtal.methods.external.settings import ExternalMethod
from wtal.methods.label_loss import BatchLabels, RoundLabels, label_losses, mean_over_snippets
from wtal.suite.contracts import BaseSettings
from wtal.suite.file import merge, method_of
from wtal.suite.paths import TEST_SCORES
from wtal.suite.plan import Suite, Variant, detect_settings, evaluation_settings, read_suite, round_settings
from wtal.suite.step_settings import EpochSettings, RoundSettings
from wtal.training.rng import generators_of
from wtal.training.runtime import StoreVideos, deterministic, device_of
from wtal.training.score import score_videos
from wtal.training.trainer import Trainer

COLUMNS = ("suite", "base", "seed", "average mAP")
WEIGHT = 10.0  # of the loss of the true classes beside the method's own: above it little changes
PAIRS = 3  # of a step, as CO2-Net, DELU and W-TALC were published with, or as many as the suite's steps have room for


class FrameTaught(Method):
    """A method whose label loss asks for its attention too, where training reaches that."""

    def __init__(self, method: Method, has_attention: bool) -> None:
        super().__init__()
        self.method, self.has_attention = method, has_attention

    def losses(
        self, batch: Batch, epoch: EpochSettings, target: BatchLabels | None, dropout: torch.Generator | None
    ) -> Losses:
        """The method's losses; to that of the labels [V] the one of attention [V, T] is added."""
        losses = self.method.losses(batch, epoch, target, dropout)
        if target is None or not self.has_attention:
            return losses
        of_attention = label_losses(replace(target, target="attention"), target.values, losses.attention)
        return replace(losses, label=losses.label + mean_over_snippets(of_attention, batch.mask))

    def scores(self, batch: Batch, use: Use, dropout: torch.Generator | None) -> Scores:
        """The method's scores."""
        return self.method.scores(batch, use, dropout)

    def begin_round(self) -> None:
        """As the method does."""
        self.method.begin_round()

    def end_epoch(self, epoch: EpochSettings, batches: Iterable[Batch]) -> None:
        """As the method does."""
        self.method.end_epoch(epoch, batches)


def true_labels(store: Store) -> NDArray[np.float32]:
    """What each training snippet shows [N, K], background last; rows sum to 1. A snippet is where its middle is."""
    truth, offsets = store.instances("train"), store.offsets("train")
    labels = np.zeros((int(offsets[-1]), len(store.classes) + 1), dtype=np.float32)
    for video, column, start, end in zip(truth.video, truth.class_index, truth.start, truth.end, strict=True):
        rows = labels[offsets[video] : offsets[video + 1], column]
        middle = (np.arange(len(rows)) + 0.5) / store.snippets_per_second
        rows[(middle >= start) & (middle < end)] = 1
    labels[:, -1] = labels.sum(axis=1) == 0
    shared: NDArray[np.float32] = labels / labels.sum(axis=1, keepdims=True)
    return shared


def trained_scores(settings: RoundSettings, store: Store, seed: int, device: torch.device) -> VideoScores:
    """Scores of the test videos by a network that has learnt the true classes of a round's epochs."""
    epochs = tuple(replace(epoch, label_weight=WEIGHT) for epoch in settings.epochs)
    settings = replace(settings, epochs=epochs, early_stopping=None)
    rng = generators_of(settings.suite, settings.random_group, seed, settings.round_index, device)
    network = settings.base.network(store.feature_size, len(store.classes), rng.initial)
    method = FrameTaught(network, settings.base.has_attention).to(device)
    rows = [slice(*bounds) for bounds in pairwise(store.offsets("train").tolist())]
    labels = true_labels(store)
    with deterministic(device):
        trainer = Trainer(method, StoreVideos(store, "train"), settings, rng)
        trainer.run(RoundLabels(newest=[labels[own] for own in rows]))
        return score_videos(method, StoreVideos(store, "test"), store.video_names("test"), "detection")


def external_scores(base: ExternalMethod, store: Store, data: Path, seed: int) -> VideoScores:
    """Scores of the test videos by an external method that is given the true classes as labels of round 1."""
    names, label = store.video_names("train"), true_labels(store)
    table = (len(names), label.shape[1])
    no_numbers, no_bounds = np.zeros(0, dtype=np.int64), np.zeros(0)
    labels = PseudoLabels(
        videos=names,
        offsets=store.offsets("train"),
        label=label,
        weight=np.ones_like(label),
        target="logits",
        kind="positive",
        status=np.zeros(table, dtype=np.int8),
        violation=np.zeros(table, dtype=np.float32),
        segment_video=no_numbers,
        segment_class=no_numbers,
        segment_start=no_bounds,
        segment_end=no_bounds,
        segment_score=no_bounds,
    )
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "labels.npz"
        write_labels(path, labels, store.classes)
        values = {"data": data, "seed": seed, "round": 1, "labels": path, "previous_labels": ""}
        with external_round(base, values, Path(name) / "round1") as made:
            return read_scores_of(made / TEST_SCORES, store, "test")


def ceiling(suite: Suite, variant: Variant, data: Path, seed: int, device: torch.device) -> float:
    """The average mAP, percent, of a variant's base network after the true classes, by the suite's own protocol."""
    store = read_store(data)
    base: BaseSettings = variant.method.base
    if isinstance(base, ExternalMethod):
        scores = external_scores(base, store, data, seed)
    else:
        scores = trained_scores(round_settings(suite.name, variant, 0), store, seed, device)
    found = detect(scores, store.classes, detect_settings(variant), store.snippets_per_second)
    options = options_from_settings(evaluation_settings(suite.file, variant), store.snippets_per_second)
    return evaluate_detections(found, store.instances("test"), options).headline


def variants_of(suite: Suite, names: list[str], kinds: list[str]) -> Iterator[Variant]:
    """The variants of these names (the first where none is given), each with each of these base networks instead."""
    for name in names or list(suite.variants)[:1]:
        if name not in suite.variants:
            raise InputError(file=suite.source, key=name, expected="a variant of this suite", got="none of that name")
        variant = suite.variants[name]
        pairs = max(1, min(PAIRS, variant.method.training.videos_per_step // 2))  # for networks whose batches have any
        for kind in kinds:
            override = merge(variant.entry.override, {"base": {"kind": kind}, "training": {"pairs": pairs}})
            yield replace(variant, method=method_of(suite.file.method, override, suite.source))
        if not kinds:
            yield variant


def main() -> None:
    """Train, score, and write a row for each variant, base network and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, help="a suite file")
    parser.add_argument("--variant", nargs="+", default=[], help="whose method and detection (default: the first)")
    parser.add_argument(
        "--base", nargs="+", default=[], metavar="KIND", help="other base networks, with their defaults"
    )
    parser.add_argument("--seeds", nargs="+", type=int, help="default: those of the suite")
    parser.add_argument("--data", type=Path, help="folder of the store, made where it is not there yet")
    parser.add_argument("--out", type=Path, help="CSV table to write; printed in any case")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    options = parser.parse_args()
    torch.set_num_threads(1)
    suite = read_suite(options.config)
    data = options.data or Path("results") / suite.name / "data"
    if not data.exists():
        prepare(suite.file.dataset, data)
    device, rows = device_of(options.device), []
    print(*COLUMNS, sep=",")
    for variant in variants_of(suite, options.variant, options.base):
        for seed in options.seeds or suite.file.seeds:
            figure = ceiling(suite, variant, data, seed, device)
            rows.append((suite.name, variant.method.base.kind, seed, round(figure, 4)))
            print(*rows[-1], sep=",", flush=True)
    if options.out is not None:
        write_rows(options.out, COLUMNS, rows)


if __name__ == "__main__":
    try:
        main()
    except WtalError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
