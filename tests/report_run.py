"""A small made-up run, its files in the formats that the steps write, for the tests of the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.files import digest_of_file, digest_of_value, to_json, write_arrays, write_rows
from wtal.base.records import Detections, VideoScores, training_columns
from wtal.evaluate.run.evaluate_run import rounded
from wtal.evaluate.score.evaluation import evaluate_detections
from wtal.evaluate.score.options import options_from_settings
from wtal.evaluate.write_detections import write_detections_of_rounds
from wtal.localise.scores_file import write_scores
from wtal.report.inputs.metrics import LABEL_FIGURES
from wtal.report.inputs.truth import Truth, read_truth
from wtal.suite.method_settings import EvaluationSettings
from wtal.suite.paths import LABELS, METRICS, ROUNDS, TEST_SCORES, TRAIN_SCORES, TRAINING, SuitePaths, settings_name
from wtal.suite.plan import plan_files, suite_from_mapping

TRAINING_COLUMNS = training_columns(("foreground", "background", "attention", "consistency"))

CLASSES = ("walk", "sit down")
SNIPPETS, RATE, FEATURES = 40, 2.0, 8
N_TRAIN, N_TEST = 4, 6


def suite_values(**changes: Any) -> dict[str, Any]:
    """A suite of two variants, two seeds, two rounds."""
    refresh = {"refresh_epochs": [2, 4], "fusion_temperatures": [0.02, 0.02]}
    values: dict[str, Any] = {
        "suite": "made-up",
        "dataset": {"kind": "synthetic"},
        "seeds": [0, 1],
        "method": {
            "training": {"epochs": 6, "learning_rate": [{"until": 6, "value": 0.001}]},
            "proposals": {"threshold_kind": "relative", "thresholds": [0.1, 0.2, 0.4], "class_threshold": 0.1},
            "labels": refresh,
        },
        "evaluation": {"bootstrap_resamples": 50},
        "variants": {
            "base": {
                "title": "base + NMS",
                "group": "Fusion",
                "rounds": 0,
                "override": {"detection": {"fusion": "nms"}},
            },
            "whole": {"title": "labels, Δ", "group": "Labels", "compare_with": "base"},
        },
        "report": {"title": "A made-up run", "note": "Made-up figures.", "timeline_variant": "whole"},
    }
    return {**values, **changes}


def make_run(
    folder: Path, values: dict[str, Any] | None = None, classes: tuple[str, ...] = CLASSES, absent: str = ""
) -> Path:
    """Write a whole run below `folder` and return its results folder, which holds data/ and settings/ too.

    absent: a class that no test video has.
    """
    suite = suite_from_mapping(values or suite_values(), "made-up.yaml")
    results = folder / suite.name
    paths = SuitePaths(results)
    files = plan_files(suite)
    files["report.json"]["order"] = list(suite.variants)
    for name, content in files.items():
        path = results / "settings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(content))
    _write_data(paths.data, classes, absent)
    truth = read_truth(paths.data, "test")
    for order, (name, variant) in enumerate(suite.variants.items()):
        for seed in suite.file.seeds:
            for index in range(variant.rounds + 1):
                if suite.nodes[name, index].owner == name:
                    _write_round(paths.round(name, seed, index), index, seed, classes)
            digest = digest_of_value([files[settings_name(step, name)] for step in ("evaluate", "detect")])
            run = paths.run(name, seed)
            _write_evaluation(run, name, seed, variant.rounds, order, truth, suite.file.evaluation, digest)
    benchmark = paths.benchmarks / "base" / "seed0" / "round0.tsv"
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("s\th:m:s\tmax_rss\tmean_load\n12.5\t0:00:12\t345.6\t99.0\n")
    return results


def _write_data(data: Path, classes: tuple[str, ...], absent: str) -> None:
    data.mkdir(parents=True)
    draw = np.random.default_rng(7)
    names = [f"train_{k}" for k in range(N_TRAIN)] + [f"test_{k}" for k in range(N_TEST)]
    np.save(data / "features.npy", draw.random((len(names) * SNIPPETS, FEATURES)).astype(np.float32))
    subset = ["train"] * N_TRAIN + ["test"] * N_TEST
    rows = [[name, part, k * SNIPPETS, SNIPPETS, 20.0] for k, (name, part) in enumerate(zip(names, subset))]
    write_rows(data / "videos.csv", ("video", "subset", "first_row", "n_snippets", "seconds"), rows)
    labels = [[name, label] for name in names for label in classes]
    write_rows(data / "video_labels.csv", ("video", "class"), labels)
    instances = [
        [name, label, 2.0 + 9 * c, 6.0 + 9 * c + k % 3]
        for k, name in enumerate(names)
        for c, label in enumerate(classes)
        if k < N_TRAIN or label != absent
    ]
    write_rows(data / "annotations.csv", ("video", "class", "start", "end"), instances)
    files = {f: digest_of_file(data / f) for f in ("features.npy", "videos.csv", "video_labels.csv", "annotations.csv")}
    meta = {
        "dataset": "made-up", "classes": list(classes), "snippets_per_second": RATE, "feature_size": FEATURES,
        "streams": [{"name": "one", "columns": FEATURES}], "source": "made up here", "licence": "none",
        "citation": "none", "files": files,
    }  # fmt: skip
    (data / "meta.json").write_text(json.dumps(meta))


def _scores(prefix: str, n_videos: int, seed: int, index: int, n_classes: int) -> VideoScores:
    draw = np.random.default_rng([seed, index, n_videos])
    snippet = 0.05 * draw.random((n_videos * SNIPPETS, n_classes + 1))
    attention = 0.2 * draw.random(n_videos * SNIPPETS)
    for video in range(n_videos):
        for label in range(n_classes):
            begin = video * SNIPPETS + 4 + 18 * label
            snippet[begin : begin + 8, label] += 0.5
            attention[begin : begin + 8] += 0.6
    return VideoScores(
        tuple(f"{prefix}_{k}" for k in range(n_videos)),
        np.arange(n_videos + 1, dtype=np.int64) * SNIPPETS,
        snippet.astype(np.float32),
        np.full((n_videos, n_classes + 1), 0.4, dtype=np.float32),
        attention.astype(np.float32),
    )


def _write_round(folder: Path, index: int, seed: int, classes: tuple[str, ...]) -> None:
    folder.mkdir(parents=True)
    train = _scores("train", N_TRAIN, seed, index, len(classes))
    write_scores(folder / TRAIN_SCORES, train, classes)
    write_scores(folder / TEST_SCORES, _scores("test", N_TEST, seed, index, len(classes)), classes)
    rows = [
        [epoch, 0.001, *(round((k + 1) / (epoch + 1 + seed), 6) for k in range(len(TRAINING_COLUMNS) - 2))]
        for epoch in range(2 * index, 2 * index + 2)
    ]
    write_rows(folder / TRAINING, TRAINING_COLUMNS, rows)
    if index == 0:
        return
    n_labels = len(classes) + 1
    video, label = np.divmod(np.arange(N_TRAIN * len(classes)), len(classes))
    content = {
        "videos": np.array(train.videos), "classes": np.array(classes), "offsets": train.offsets,
        "label": (np.where(train.snippet_score > 0.3, 0.02 * index, 0)).astype(np.float32),
        "weight": np.ones_like(train.snippet_score), "target": np.array("logits"), "kind": np.array("positive"),
        "instance_video": video, "instance_class": label,
        "instance_start": 4.0 + 18 * label, "instance_end": 12.0 + 18 * label,
        "instance_score": np.full(len(video), 0.4), "violation": np.zeros((N_TRAIN, n_labels), np.float32),
        "status": np.zeros((N_TRAIN, n_labels), np.int8),
    }  # fmt: skip
    write_arrays(folder / LABELS, content)


def found_detections(truth: Truth, seed: int, index: int, order: int) -> Detections:
    """The ground truth, shifted by less in later rounds and variants."""
    draw = np.random.default_rng([seed, index, order])
    instances = truth.instances
    shift = draw.normal(0, 2.4 / (1 + 0.3 * index + 0.5 * order), len(instances))
    score = draw.random(len(instances))
    start, end = instances.start + shift, instances.end + shift
    return Detections(instances.videos, instances.classes, instances.video, instances.class_index, start, end, score)


def _write_evaluation(
    folder: Path,
    name: str,
    seed: int,
    rounds: int,
    order: int,
    truth: Truth,
    settings: EvaluationSettings,
    digest: str,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    found = [found_detections(truth, seed, index, order) for index in range(rounds + 1)]
    write_detections_of_rounds(folder / ROUNDS, found)
    options = options_from_settings(settings, truth.snippets_per_second)
    scored = [evaluate_detections(entry, truth.instances, options) for entry in found]
    rounds_json = [
        {
            "round": index, "mAP": entry.mean.tolist(), "average": entry.headline, "classification_mAP": 90.0 + index,
            **{figure: (0.1 * (k + 5 * index + seed) if index else None) for k, figure in enumerate(LABEL_FIGURES)},
        }
        for index, entry in enumerate(scored)
    ]  # fmt: skip
    last = scored[-1]
    metrics = {
        "variant": name, "seed": seed, "protocol": settings.protocol.kind, "tiou": list(options.tiou),
        "settings_digest": digest,
        "mAP": last.mean.tolist(), "averages": last.averages, "classification_mAP": 90.0 + rounds,
        "n_detections": len(found[-1]),
        "per_class": dict(zip(last.classes, last.per_class.tolist())), "rounds": rounds_json, "selected_on_test": None,
    }  # fmt: skip
    (folder / METRICS).write_text(json.dumps(rounded(metrics)))
