"""`wtal solve-labels` and `wtal detect`: from scores to pseudo labels and to detections. Neither starts torch."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from wtal.base.edges.outputs import OutputFile

logger = logging.getLogger(__name__)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    labels = commands.add_parser(
        "solve-labels",
        help="pseudo labels of one round, from the training scores of the round before",
        description="Proposals, fusion and a label maker, such as a linear programme for each class of each training "
        "video: the pseudo labels of one round.",
    )
    labels.add_argument("--settings", type=Path, required=True, help="settings of the labels, such as labels1.json")
    labels.add_argument("--scores", type=Path, required=True, help="scores_train.npz of the round before")
    labels.add_argument(
        "--previous-labels", type=Path, metavar="FILE", help="labels.npz of the round before, from round 2 on"
    )
    labels.add_argument("--data", type=Path, required=True, help="folder of the store, for the video-level labels")
    labels.add_argument(
        "--collapse", type=Path, metavar="FILE", help="collapse.json: when to warn of a collapse, or stop"
    )
    labels.add_argument("--out", type=OutputFile, required=True, help="labels.npz of this round")
    labels.set_defaults(run=solve_labels)
    export = commands.add_parser(
        "export-labels",
        help="the segments of a round as an annotation file, to train another detector on",
        description="Writes the segments that the pseudo labels of a round were made from as annotations of the "
        "training videos, on which a detector that needs bounds trains, such as ActionFormer or one of OpenTAD's.",
    )
    export.add_argument("--labels", type=Path, required=True, help="labels.npz of a round")
    export.add_argument("--data", type=Path, required=True, help="folder of the store, for lengths and test videos")
    export.add_argument("--format", choices=("activitynet",), default="activitynet", help="form of the annotations")
    export.add_argument(
        "--out", type=OutputFile, required=True, help="annotation file to write, such as annotations.json"
    )
    export.set_defaults(run=export_labels)
    detect = commands.add_parser(
        "detect",
        help="detections of the test videos from the scores of each round",
        description="Proposals and fusion for every class that a video seems to have: the detections of the last round "
        "as ActivityNet JSON, and those of every round as arrays.",
    )
    detect.add_argument("--settings", type=Path, required=True, help="settings of detection, detect.json")
    detect.add_argument("--data", type=Path, required=True, help="folder of the store, for the snippet rate")
    detect.add_argument("--scores", type=Path, nargs="+", required=True, help="scores_test.npz of round 0, 1, ...")
    detect.add_argument("--detections", type=OutputFile, required=True, help="detections.json of the last round")
    detect.add_argument("--rounds", type=OutputFile, required=True, help="rounds.npz, the detections of every round")
    detect.set_defaults(run=detect_rounds)


def solve_labels(options: argparse.Namespace) -> None:
    """Scores and video-level labels in, pseudo labels out."""
    from wtal.base.errors import CollapseError
    from wtal.base.files import read_json
    from wtal.base.schema import from_mapping
    from wtal.data.store.read import read_store
    from wtal.localise.labels.file import read_labels_of, write_labels
    from wtal.localise.labels.make import INFEASIBLE, label_signs, pseudo_labels
    from wtal.localise.scores_file import read_scores_of
    from wtal.suite.step_settings import LabelRoundSettings
    from wtal.suite.training_settings import CollapseSettings

    values = read_json(options.collapse) if options.collapse else {}
    collapse = from_mapping(CollapseSettings, values, file=options.collapse or "--collapse")
    settings = from_mapping(LabelRoundSettings, read_json(options.settings), file=options.settings)
    store = read_store(options.data)
    scores = read_scores_of(options.scores, store, "train")
    video_labels = store.video_labels[store.videos("train")]
    previous = options.previous_labels and read_labels_of(options.previous_labels, store)
    labels = pseudo_labels(scores, video_labels, settings, previous)
    for sign in label_signs(labels, video_labels, collapse):
        sentence = f"labels of round {settings.round_index}, before epoch {settings.refresh_epoch}: {sign}"
        if collapse.action == "stop":
            ways = "fewer epochs before the labels, a lower training.learning_rate or other proposals.thresholds"
            raise CollapseError(f"{sentence}; training has collapsed; try {ways}")
        logger.warning(f"warning: {sentence}")
    write_labels(options.out, labels, store.classes)
    solved, infeasible = int((labels.status >= 0).sum()), int((labels.status == INFEASIBLE).sum())
    print(f"round {settings.round_index}: {solved} labels, {infeasible} without an exact solution")


def export_labels(options: argparse.Namespace) -> None:
    """Pseudo labels and store in, annotations out."""
    from wtal.data.store.read import read_store
    from wtal.localise.labels.annotation_file import TRAINING, segment_annotations, write_segment_annotations
    from wtal.localise.labels.file import read_labels_of

    store = read_store(options.data)
    values = segment_annotations(read_labels_of(options.labels, store), store)
    write_segment_annotations(options.out, values)
    counts = [len(entry["annotations"]) for entry in values["database"].values() if entry["subset"] == TRAINING]
    left_out = len(store.videos("train")) - len(counts)
    print(f"{options.out}: {sum(counts)} instances in {len(counts)} training videos; {left_out} without one left out")


def detect_rounds(options: argparse.Namespace) -> None:
    """Scores of each round in, detections out."""
    from wtal.base.files import read_json
    from wtal.base.schema import from_mapping
    from wtal.data.store.read import read_store
    from wtal.evaluate.write_detections import write_detections, write_detections_of_rounds
    from wtal.localise.detect import detect
    from wtal.localise.scores_file import read_scores_of
    from wtal.suite.step_settings import DetectSettings

    settings = from_mapping(DetectSettings, read_json(options.settings), file=options.settings)
    store = read_store(options.data)
    scores = (read_scores_of(path, store, "test") for path in options.scores)
    found = [detect(each, store.classes, settings, store.snippets_per_second) for each in scores]
    write_detections_of_rounds(options.rounds, found)
    write_detections(options.detections, found[-1])
