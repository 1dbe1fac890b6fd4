"""explorer.json and diagnosis.json: what the page needs to show why a detection is wrong, and what errors cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wtal.base.files import to_json, write_text
from wtal.base.records import Instances
from wtal.data.store.read import read_store
from wtal.evaluate.diagnose.error_kinds import KINDS
from wtal.evaluate.diagnose.tables import figure_threshold
from wtal.evaluate.score.intervals import interval_over
from wtal.report.explorer.costs import RESAMPLES, buckets_of_truth, costs_of, instances_by_bucket
from wtal.report.explorer.names import DIAGNOSIS, EXPLORER
from wtal.report.explorer.packing import MOST_BYTES, chosen, compact, size_of
from wtal.report.explorer.rounds import training_videos
from wtal.report.explorer.systems import System, systems_of_suite, titles_of
from wtal.report.explorer.videos import first_score, losses, videos_of
from wtal.report.inputs.plan import read_plan
from wtal.report.inputs.truth import read_truth

SHOWN_SYSTEMS = 2  # of which the diagnosis tells what errors cost


def write_explorer(report: Path, data: Path, results: Path, out: Path) -> None:
    """Write explorer.json and diagnosis.json of a suite's base and whole method into `out`.

    Raises InputError before anything is written where detections, scores or labels are missing or broken.
    """
    plan = read_plan(report)
    truth = read_truth(data, "test")
    systems = systems_of_suite(plan, results, truth)
    training = training_videos(plan, read_truth(data, "train"), results)
    level, dataset = plan.file.evaluation.bootstrap_level, read_store(data).meta.dataset
    shown = explorer_value(systems, truth.instances, truth.seconds, training)
    found = diagnosis_of(systems[:SHOWN_SYSTEMS], truth.instances, truth.seconds, dataset, level)
    write_text(out / EXPLORER, compact({**shown, "seed": plan.file.seeds[0], "settings_digest": plan.digest}) + "\n")
    write_text(out / DIAGNOSIS, to_json({**found, "settings_digest": plan.digest}))


def explorer_value(
    systems: Sequence[System],
    truth: Instances,
    seconds: Mapping[str, float] | None,
    training: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Everything that the explorer shows, as one JSON value; of many videos a part that is chosen by rule."""
    tiou = systems[0].matches[0].options.tiou
    videos = videos_of(systems, truth, seconds)
    threshold = figure_threshold(tiou)
    loss = losses(videos, threshold, 0, min(1, len(systems) - 1))
    kept = chosen(videos, loss, MOST_BYTES - size_of(list(training)))
    scores = [row[3] for video in videos for rows in video["detections"] for row in rows]
    return {
        "classes": list(truth.classes),
        "kinds": list(KINDS),
        "systems": titles_of(systems),
        "tiou": list(tiou),
        "first_tiou": threshold,
        "first_score": first_score(videos),
        "score_range": [min(scores, default=0.0), max(scores, default=1.0)],
        "n_videos": len(videos),
        "videos": [videos[number] for number in kept],
        "training": list(training),
    }


def diagnosis_of(
    systems: Sequence[System], truth: Instances, seconds: Mapping[str, float] | None, dataset: str, level: float
) -> dict[str, Any]:
    """What each kind of error costs each system, and which instances it misses, as one JSON value."""
    buckets = buckets_of_truth(truth, seconds, dataset)
    options = systems[0].matches[0].options
    return {
        "kinds": list(KINDS),
        "average": options.average_names[-1],
        "protocol": options.protocol_title,
        "tiou": list(options.tiou),
        "tiou_of_counts": options.tiou[figure_threshold(options.tiou)],
        "level": level,
        "resamples": RESAMPLES,
        "systems": [
            {
                "name": system.name,
                "title": system.title,
                "interval_over": interval_over((len(system.matches),)),
                "errors": costs_of(system, truth, level),
                "buckets": instances_by_bucket(system, truth, buckets),
            }
            for system in systems
        ],
    }
