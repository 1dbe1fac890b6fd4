"""Every table of a suite, made from the files of its run: CSV for machines, Markdown and LaTeX for papers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from wtal.base.errors import InputError
from wtal.base.files import DIGESTS, to_json, write_digests, write_rows, write_text
from wtal.base.members import member_title
from wtal.base.records import Detections
from wtal.evaluate.score.controls import oracle, random_segments, whole_videos
from wtal.evaluate.score.evaluation import Matches, evaluate_detections, evaluate_matches, match_detections
from wtal.evaluate.score.intervals import interval_over
from wtal.evaluate.text.typeset import Table, to_latex, to_markdown
from wtal.localise.scores_file import read_scores
from wtal.report.inputs.frames import write_frame
from wtal.report.inputs.metrics import RunMetrics, hold, read_metrics
from wtal.report.inputs.plan import Plan, read_plan
from wtal.report.inputs.provenance import provenance
from wtal.report.inputs.resampling import Resamples, resampled_headlines
from wtal.report.inputs.scoring import detections_of_run, options_of_variant
from wtal.report.inputs.truth import Truth, read_truth
from wtal.report.tables import rounds as by_round
from wtal.report.tables.ablation import (
    Row,
    ablation_frame,
    ablation_rows,
    ablation_table,
    control_row,
    read_ablation,
)
from wtal.report.tables.contrasts import Contrast, contrasts_of, write_contrasts
from wtal.report.tables.effects import write_matrix
from wtal.report.tables.main_table import (
    main_frame,
    main_table,
    read_main,
    read_published,
)
from wtal.report.tables.names import PROVENANCE, SUMMARY
from wtal.report.tables.power import COLUMNS, PowerRow, contrasts, power_rows, power_values
from wtal.suite.paths import METRICS, TEST_SCORES, SuitePaths

Runs = Mapping[tuple[str, int], RunMetrics]


def write_tables(report: Path, data: Path, results: Path, out: Path, published: Path) -> None:
    """Read a run and write all its tables and provenance.json into `out`.

    report: settings/report.json. results: the folder with a folder for each variant. published: the folder of
    published figures. Raises InputError before anything is written where a file is missing or broken.
    """
    plan = read_plan(report)
    runs = read_metrics(plan, results)
    truth = read_truth(data, "test")
    known = read_published(published, plan.file.report.published, plan.file.report.published_row)
    resamples = _resamples(plan, _matches(plan, runs, results, truth))
    ablation = [*ablation_rows(plan, runs, resamples), *control_rows(plan, results, truth)]
    frames = {
        "metrics": metrics_frame(plan, runs),
        "ablation": ablation_frame(ablation, next(iter(runs.values())).tiou),
        "main": main_frame(plan, runs, ablation, known),
        "per_class": by_round.class_frame(plan, runs),
        "rounds": by_round.round_frame(runs),
        "training": by_round.training_frame(plan, results),
    }
    facts = provenance(plan, data, results)
    (out / DIGESTS).unlink(missing_ok=True)  # of the tables before, which are read as they are written
    for name, frame in frames.items():
        write_frame(out / f"{name}.csv", frame)
    for table in (read_ablation_table(plan, out), read_main_table(plan, out), read_label_quality_table(plan, out)):
        write_text(out / f"{table.name}.md", to_markdown(table))
        write_text(out / f"{table.name}.tex", to_latex(table))
    if plan.file.matrix is not None:
        write_matrix(out, plan, plan.file.matrix, runs, resamples)
    write_contrasts(out / "contrasts.csv", _contrasts(plan, resamples))
    write_rows(out / "power.csv", COLUMNS, map(power_values, power_of(plan, resamples)))
    write_text(out / PROVENANCE, to_json(facts))
    write_text(out / SUMMARY, to_json(suite_summary(plan, runs)))
    write_digests(out, [*(f"{name}.csv" for name in frames), "power.csv", PROVENANCE, SUMMARY])


def suite_summary(plan: Plan, runs: Runs) -> dict[str, dict[str, float]]:
    """The headline average of each variant, mean over seeds, percent: the few numbers that a change is judged by."""
    seeds, headline = plan.file.seeds, plan.headline
    values = {
        name: round(sum(runs[name, seed].averages[headline] for seed in seeds) / len(seeds), 4)
        for name in plan.file.variants
    }
    return {f"mAP@{headline}": values}


def metrics_frame(plan: Plan, runs: Runs) -> pd.DataFrame:
    """metrics.csv: a row for each variant and seed, in suite order; percent."""
    return pd.DataFrame(
        {
            "variant": run.variant,
            "seed": run.seed,
            "protocol": run.protocol,
            **{f"mAP@{threshold:g}": value for threshold, value in zip(run.tiou, run.mean_ap)},
            **{f"mAP@{name}": run.averages[name] for name in plan.file.evaluation.averages},
            "classification_mAP": run.classification,
            "n_detections": run.n_detections,
        }
        for run in runs.values()
    )


def _matches(plan: Plan, runs: Runs, results: Path, truth: Truth) -> dict[tuple[str, int], Matches]:
    """The detections of every variant and seed matched to the truth, held against what their evaluation recorded."""
    matches = {}
    for (variant, seed), run in runs.items():
        options = options_of_variant(plan, variant, truth)
        path, rounds = detections_of_run(plan, results, variant, seed, truth)
        found = [match_detections(each, truth.instances, options, source=str(path)) for each in rounds]
        hold(run, [evaluate_matches(each) for each in found], path.with_name(METRICS), path)
        matches[variant, seed] = found[-1]
    return matches


def _resamples(plan: Plan, matches: Mapping[tuple[str, int], Matches]) -> Resamples:
    """Headline averages under resamples of the test videos, of every variant and seed."""
    resamples = plan.file.evaluation.bootstrap_resamples
    return resampled_headlines(matches, plan.headline, resamples)


def _contrasts(plan: Plan, resamples: Resamples) -> list[Contrast]:
    """What each ingredient of the suite is worth."""
    scores = {name: resamples.scores(name, plan.file.seeds) for name in plan.file.variants}
    return contrasts_of(plan, scores, resamples.n_videos)


def power_of(plan: Plan, resamples: Resamples) -> list[PowerRow]:
    """How many seeds a difference needs on this suite, from the contrasts of its ablation."""
    scores = {name: resamples.scores(name, plan.file.seeds) for name in plan.file.variants}
    pairs = {name: (entry.compare_with, plan.base_of(name)) for name, entry in plan.file.variants.items()}
    return power_rows(contrasts(pairs, scores), resamples.n_videos, plan.file.evaluation.bootstrap_level)


def control_rows(plan: Plan, results: Path, truth: Truth) -> list[Row]:
    """Ground truth as detections, one segment over the whole video, random segments; in the first variant's options."""
    options, base = options_of_variant(plan, plan.base, truth), plan.file.variants[plan.base]
    threshold = plan.method(plan.base).proposals.class_threshold
    whole, random = [], []
    for seed in plan.file.seeds:
        path = SuitePaths(results).round(base.owners[-1], seed, base.rounds) / TEST_SCORES
        scores, classes = read_scores(path)
        unknown = [name for name in scores.videos if name not in truth.seconds]
        if unknown:
            raise InputError(file=path, key="videos", expected="test videos of the data", got=repr(unknown[0]))
        whole.append(whole_videos(scores, classes, threshold, truth.seconds))
        random.append(random_segments(truth.instances, truth.seconds, np.random.default_rng(seed)))
    named: list[tuple[str, str, list[Detections]]] = [
        ("oracle", "oracle: ground truth as detections", [oracle(truth.instances)]),
        ("whole_video", "whole video: one segment for each predicted class", whole),
        ("random", "random segments", random),
    ]
    rows = []
    for name, title, drawn in named:
        scored = [evaluate_detections(found, truth.instances, options, source=name) for found in drawn]
        averages = [float(entry.averages[plan.headline]) for entry in scored]
        rows.append(control_row(name, title, averages, options.tiou, [entry.mean.tolist() for entry in scored]))
    return rows


def notes(plan: Plan, with_intervals: bool = False) -> list[str]:
    """What stands under every table: protocol, seeds, settings digest, and how the intervals were made."""
    settings, seeds = plan.file.evaluation, plan.file.seeds
    named = ", ".join(map(str, seeds))
    spread = f"mean ± sample standard deviation over n = {len(seeds)} seeds ({named})"
    what = f"Protocol {member_title(settings.protocol)}; {spread}"
    lines = [f"{what}; settings {plan.digest[:12]}."]
    if with_intervals:
        level = f"{100 * settings.bootstrap_level:g} %"
        lines.append(
            f"Intervals: {level}, over {interval_over((len(seeds),))}; the part of the videos from "
            f"{settings.bootstrap_resamples} bootstrap resamples, the same ones for every variant and seed; "
            f"differences are paired by seed and resample."
        )
    return lines


def read_ablation_table(plan: Plan, folder: Path) -> Table:
    """The ablation from ablation.csv."""
    return ablation_table(plan, read_ablation(folder / "ablation.csv"), notes(plan, with_intervals=True))


def read_main_table(plan: Plan, folder: Path) -> Table:
    """The main table from main.csv."""
    warning = "Published rows: as printed in their papers, whose protocols differ by up to 1.2 points."
    main = read_main(folder / "main.csv", plan.headline)
    return main_table(plan, main, [*notes(plan), *([warning] if plan.file.report.published else [])])


def read_label_quality_table(plan: Plan, folder: Path) -> Table:
    """Label quality by round from rounds.csv."""
    return by_round.label_quality_table(plan, by_round.read_rounds(folder / "rounds.csv"), notes(plan))


def read_class_table(plan: Plan, folder: Path) -> Table:
    """Average precision by class from per_class.csv."""
    return by_round.class_table(plan, by_round.read_classes(folder / "per_class.csv", plan.headline), notes(plan))
