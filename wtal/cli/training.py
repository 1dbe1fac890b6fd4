"""`wtal train` and `wtal score`: one round of training, and scores from its checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wtal.base.edges.outputs import OutputFile, OutputFolder
from wtal.suite.paths import ROUND_FILES

if TYPE_CHECKING:
    from wtal.data.store.read import Store
    from wtal.methods.label_loss import RoundLabels
    from wtal.suite.step_settings import RoundSettings


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    train = commands.add_parser(
        "train",
        help="train one round, from the checkpoint and the labels of the round before",
        description="Train one round. Writes checkpoint.pt, scores_train.npz, scores_test.npz and training.csv into "
        "the folder. A killed job is taken up where it was and ends in the same bytes.",
    )
    train.add_argument("--settings", type=Path, required=True, help="settings of the round, such as round1.json")
    train.add_argument("--data", type=Path, required=True, help="folder of the store")
    train.add_argument("--seed", type=int, required=True, help="seed of the run, 0 or above")
    train.add_argument("--checkpoint", type=Path, help="checkpoint of the round before; none in round 0")
    train.add_argument("--labels", type=Path, help="pseudo labels of this round; none in round 0")
    train.add_argument("--previous-labels", type=Path, help="those of the round before, where delta is on")
    train.add_argument(
        "--detection", type=Path, metavar="FILE", help="detect.json, carried in the checkpoint for `wtal predict`"
    )
    train.add_argument(
        "--collapse", type=Path, metavar="FILE", help="collapse.json: when to warn of a collapse, or stop"
    )
    train.add_argument("--out", type=OutputFolder, required=True, help="folder of the round")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    train.add_argument(
        "--resume-every", type=float, default=20.0, metavar="SECONDS", help="how often the state of the job is saved"
    )
    train.set_defaults(run=train_round, writes=ROUND_FILES)
    _register_external(commands)
    _register_scores(commands)


def _register_scores(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    score = commands.add_parser(
        "score",
        help="scores of a subset from a checkpoint",
        description="Scores of a subset from a checkpoint; with --dropout the scores that the released code makes its "
        "labels from.",
    )
    score.add_argument("--settings", type=Path, required=True, help="settings of the checkpoint's round")
    score.add_argument("--data", type=Path, required=True, help="folder of the store")
    score.add_argument("--checkpoint", type=Path, required=True)
    score.add_argument("--subset", choices=("train", "test"), default="train")
    score.add_argument("--dropout", action="store_true", help="keep dropout on")
    score.add_argument("--seed", type=int, required=True, help="seed of the run, for dropout")
    score.add_argument("--out", type=OutputFile, required=True, help="such as scores_train_dropout.npz")
    score.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    score.set_defaults(run=score_checkpoint)
    detection = commands.add_parser(
        "set-detection",
        help="a checkpoint with other detection settings",
        description="Write a checkpoint again with other detection settings for `wtal predict`: a round that several "
        "variants share carries those of the variant that trained it.",
    )
    detection.add_argument("--checkpoint", type=Path, required=True)
    detection.add_argument("--detection", type=Path, required=True, metavar="FILE", help="detect.json of a variant")
    detection.add_argument("--out", type=OutputFile, required=True, help="the checkpoint to write")
    detection.set_defaults(run=set_detection_settings)


def _register_external(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    external = commands.add_parser(
        "train-external",
        help="run the command of an external method for one round",
        description="Run the command of an external method for one round, and hold the scores that it writes against "
        "the store. Writes scores_train.npz, scores_test.npz and training.csv into the folder, all or none.",
    )
    external.add_argument("--settings", type=Path, required=True, help="settings of the round, such as round1.json")
    external.add_argument("--data", type=Path, required=True, help="folder of the store")
    external.add_argument("--seed", type=int, required=True, help="seed of the run, 0 or above")
    external.add_argument("--labels", type=Path, help="pseudo labels of this round; none in round 0")
    external.add_argument("--previous-labels", type=Path, help="those of the round before, from round 2 on")
    external.add_argument("--out", type=OutputFolder, required=True, help="folder of the round")
    external.set_defaults(run=train_external, writes=ROUND_FILES)


def train_round(options: argparse.Namespace) -> None:
    """Settings, store, checkpoint and labels in; checkpoint, scores and training curve out."""
    from wtal.base.errors import require
    from wtal.base.files import read_json
    from wtal.base.schema import from_mapping
    from wtal.base.staging import alone_in
    from wtal.data.store.read import read_store
    from wtal.localise.scores_file import write_scores
    from wtal.suite.paths import TEST_SCORES, TRAIN_SCORES
    from wtal.suite.step_settings import DetectSettings, RoundSettings
    from wtal.suite.training_settings import CollapseSettings
    from wtal.training.round_job import RoundInputs, RoundJob
    from wtal.training.runtime import device_of

    settings = from_mapping(RoundSettings, read_json(options.settings), file=options.settings)
    values = read_json(options.collapse) if options.collapse else {}
    collapse = from_mapping(CollapseSettings, values, file=options.collapse or "--collapse")
    detection = options.detection and from_mapping(DetectSettings, read_json(options.detection), file=options.detection)
    require(options.seed >= 0, "--seed", "a whole number, 0 or above", options.seed)
    first = settings.round_index == 0
    for name, value in (("--checkpoint", options.checkpoint), ("--labels", options.labels)):
        require((value is None) == first, name, "nothing in round 0" if first else "a file from round 1 on", value)
    needs_previous = any(epoch.is_delta for epoch in settings.epochs)
    expected = "a file where delta is on" if needs_previous else "nothing where delta is off"
    require((options.previous_labels is not None) == needs_previous, "--previous-labels", expected, None)
    store = read_store(options.data)
    inputs = RoundInputs(
        store=store,
        settings=settings,
        seed=options.seed,
        previous=options.checkpoint,
        labels=None if first else _labels(store, settings, options.labels, options.previous_labels),
        label_files=[path for path in (options.labels, options.previous_labels) if path is not None],
        detection=detection,
        collapse=collapse,
    )
    with alone_in(options.out):
        job = RoundJob(inputs, options.out, device_of(options.device), options.resume_every)
        result = job.run()
        write_scores(options.out / TRAIN_SCORES, result.train_scores, store.classes)
        write_scores(options.out / TEST_SCORES, result.test_scores, store.classes, result.epoch_scores)
        job.clear()


def train_external(options: argparse.Namespace) -> None:
    """Settings, store and labels in; what the command makes of them out."""
    from wtal.base.errors import InputError, require
    from wtal.base.files import read_json
    from wtal.base.schema import from_mapping
    from wtal.data.store.read import read_store
    from wtal.localise.scores_file import read_scores_of
    from wtal.methods.external.run import external_round
    from wtal.methods.external.settings import ExternalMethod
    from wtal.suite.paths import TEST_SCORES, TRAIN_SCORES
    from wtal.suite.step_settings import RoundSettings

    settings = from_mapping(RoundSettings, read_json(options.settings), file=options.settings)
    if not isinstance(settings.base, ExternalMethod):
        raise InputError(file=options.settings, key="base.kind", expected="external", got=settings.base.kind)
    require(options.seed >= 0, "--seed", "a whole number, 0 or above", options.seed)
    store = read_store(options.data)
    values = {
        "data": options.data,
        "seed": options.seed,
        "round": settings.round_index,
        "labels": options.labels or "",
        "previous_labels": options.previous_labels or "",
    }
    with external_round(settings.base, values, options.out) as made:
        read_scores_of(made / TRAIN_SCORES, store, "train")
        read_scores_of(made / TEST_SCORES, store, "test")


def _labels(store: Store, settings: RoundSettings, newest: Path, previous: Path | None) -> RoundLabels:
    from itertools import pairwise

    from wtal.base.errors import InputError
    from wtal.localise.labels.file import read_labels_of
    from wtal.methods.label_loss import RoundLabels

    rows = [slice(*bounds) for bounds in pairwise(store.offsets("train").tolist())]
    labels = read_labels_of(newest, store)
    before = None if previous is None else read_labels_of(previous, store).label
    for key, own in (("base.kind", settings.base.has_attention), ("epochs", before is None)):
        if labels.target == "attention" and not own:
            expected = f"a round that can learn from labels for attention, by its {key}"
            raise InputError(file=newest, key="target", expected=expected, got="one that cannot")
    return RoundLabels(
        newest=[labels.label[own] for own in rows],
        previous=None if before is None else [before[own] for own in rows],
        weight=None if (labels.weight == 1).all() else [labels.weight[own] for own in rows],
        target=labels.target,
        kind=labels.kind,
    )


def score_checkpoint(options: argparse.Namespace) -> None:
    """Checkpoint and store in, scores out."""
    from wtal.base.files import read_json
    from wtal.base.schema import from_mapping
    from wtal.data.store.read import read_store
    from wtal.localise.scores_file import write_scores
    from wtal.suite.step_settings import RoundSettings
    from wtal.training.predict import score_from_checkpoint
    from wtal.training.runtime import device_of

    settings = from_mapping(RoundSettings, read_json(options.settings), file=options.settings)
    store = read_store(options.data)
    scores = score_from_checkpoint(
        options.checkpoint,
        store,
        settings,
        options.subset,
        options.seed if options.dropout else None,
        device_of(options.device),
    )
    write_scores(options.out, scores, store.classes)


def set_detection_settings(options: argparse.Namespace) -> None:
    """Checkpoint and detection settings in, checkpoint out."""
    from wtal.base.files import read_json
    from wtal.base.schema import from_mapping, to_mapping
    from wtal.suite.step_settings import DetectSettings
    from wtal.training.checkpoint import set_detection

    settings = from_mapping(DetectSettings, read_json(options.detection), file=options.detection)
    set_detection(options.checkpoint, to_mapping(settings), options.out)
