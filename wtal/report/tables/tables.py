"""Every table of a suite, made from the files of its run: CSV for machines, Markdown and LaTeX for papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import to_json, write_rows, write_text
from wtal.base.members import member_title
from wtal.base.records import TRAINING_COLUMNS, Detections
from wtal.evaluate.read.detections import read_rounds
from wtal.evaluate.score.controls import oracle, random_segments, whole_videos
from wtal.evaluate.score.intervals import interval_over
from wtal.evaluate.score.options import EvaluationOptions, options_from_settings
from wtal.evaluate.score.protocols import Matches, evaluate_detections, evaluate_matches, match_detections
from wtal.localise.scores_file import read_scores
from wtal.report.inputs.metrics import RunMetrics, hold, read_metrics
from wtal.report.inputs.plan import Plan, read_plan
from wtal.report.inputs.provenance import provenance
from wtal.report.inputs.resampling import Resamples, resampled_headlines
from wtal.report.inputs.truth import Truth, read_truth
from wtal.report.tables import rounds as by_round
from wtal.report.tables.ablation import (
    AblationRow,
    ablation_columns,
    ablation_rows,
    ablation_table,
    ablation_values,
    control_row,
    read_ablation,
    shown,
)
from wtal.report.tables.main_table import (
    MainRow,
    main_columns,
    main_rows,
    main_table,
    main_values,
    read_main,
    read_published,
)
from wtal.report.tables.power import COLUMNS, PowerRow, contrasts, power_rows, power_values
from wtal.report.tables.typeset import Table, to_latex, to_markdown
from wtal.suite.method_settings import PRESET_MISSING_CLASS

Runs = Mapping[tuple[str, int], RunMetrics]


def write_tables(report: Path, data: Path, results: Path, out: Path, published: Path) -> None:
    """Read a run and write all its tables and provenance.json into `out`.

    report: settings/report.json. results: the folder with a folder for each variant. published: the folder of
    published figures. Raises InputError before anything is written where a file is missing or broken.
    """
    plan = read_plan(report)
    runs = read_metrics(plan, results)
    truth = read_truth(data, "test")
    known = read_published(published, plan.file.report.published)
    resamples = _resamples(plan, _matches(plan, runs, results, truth))
    ablation = [*ablation_rows(plan, runs, resamples), *control_rows(plan, results, truth)]
    training = list(by_round.training_lines(plan, results))
    facts = provenance(plan, data, results)
    _write_csv(plan, runs, ablation, main_rows(plan, runs, ablation, known), training, out)
    for table in (read_ablation_table(plan, out), read_main_table(plan, out), read_label_quality_table(plan, out)):
        write_text(out / f"{table.name}.md", to_markdown(table))
        write_text(out / f"{table.name}.tex", to_latex(table))
    write_rows(out / "power.csv", COLUMNS, map(power_values, power_of(plan, resamples)))
    write_text(out / "provenance.json", to_json(facts))
    write_text(out / "summary.json", to_json(summary(plan, runs)))


def summary(plan: Plan, runs: Runs) -> dict[str, dict[str, float]]:
    """The headline average of each variant, mean over seeds, percent: the few numbers that a change is judged by."""
    seeds, headline = plan.file.seeds, plan.headline
    values = {
        name: round(sum(runs[name, seed].averages[headline] for seed in seeds) / len(seeds), 4)
        for name in plan.file.variants
    }
    return {f"mAP@{headline}": values}


def _write_csv(
    plan: Plan,
    runs: Runs,
    ablation: Sequence[AblationRow],
    main: Sequence[MainRow],
    training: Sequence[Sequence[str]],
    out: Path,
) -> None:
    tiou = next(iter(runs.values())).tiou
    write_rows(out / "metrics.csv", metrics_columns(plan, tiou), (metrics_values(plan, run) for run in runs.values()))
    write_rows(out / "ablation.csv", ablation_columns(tiou), map(ablation_values, ablation))
    columns = main_columns(main)
    write_rows(out / "main.csv", columns, (main_values(row, columns) for row in main))
    write_rows(out / "per_class.csv", by_round.class_columns(plan, tiou), by_round.class_values(plan, runs))
    write_rows(out / "rounds.csv", by_round.round_columns(tiou), by_round.round_values(runs))
    write_rows(out / "training.csv", ["variant", "seed", "round", *TRAINING_COLUMNS], training)


def metrics_columns(plan: Plan, tiou: Sequence[float]) -> list[str]:
    """The columns of metrics.csv."""
    averages = (f"mAP@{name}" for name in plan.file.evaluation.averages)
    figures = [*(f"mAP@{value:g}" for value in tiou), *averages]
    return ["variant", "seed", "protocol", *figures, "classification_mAP", "n_detections"]


def metrics_values(plan: Plan, run: RunMetrics) -> list[str]:
    """One line of metrics.csv; percent with four decimals."""
    averages = [run.averages[name] for name in plan.file.evaluation.averages]
    figures = map(shown, [*run.mean_ap, *averages, run.classification])
    return [run.variant, str(run.seed), run.protocol, *figures, str(run.n_detections)]


def _options(plan: Plan, variant: str, truth: Truth) -> EvaluationOptions:
    settings = plan.file.evaluation
    missing = settings.missing_class or PRESET_MISSING_CLASS[plan.method(variant).preset]
    return options_from_settings(settings, truth.snippets_per_second, missing_class=missing)


def _matches(plan: Plan, runs: Runs, results: Path, truth: Truth) -> dict[tuple[str, int], Matches]:
    """The detections of every variant and seed matched to the truth, held against what their evaluation recorded."""
    matches = {}
    for (variant, seed), run in runs.items():
        path, options = results / variant / f"seed{seed}" / "rounds.npz", _options(plan, variant, truth)
        n_rounds = plan.file.variants[variant].rounds + 1
        rounds = read_rounds(path, at_least=n_rounds)[:n_rounds]
        found = [match_detections(each, truth.instances, options, source=str(path)) for each in rounds]
        hold(run, [evaluate_matches(each) for each in found], path.with_name("metrics.json"), path)
        matches[variant, seed] = found[-1]
    return matches


def _resamples(plan: Plan, matches: Mapping[tuple[str, int], Matches]) -> Resamples:
    """Headline averages under resamples of the test videos, of every variant and seed."""
    resamples = plan.file.evaluation.bootstrap_resamples
    return resampled_headlines(matches, plan.headline, resamples)


def power_of(plan: Plan, resamples: Resamples) -> list[PowerRow]:
    """How many seeds a difference needs on this suite, from the contrasts of its ablation."""
    figures = {name: resamples.figures(name, plan.file.seeds) for name in plan.file.variants}
    pairs = {name: (entry.compare_with, plan.base) for name, entry in plan.file.variants.items()}
    return power_rows(contrasts(pairs, figures), resamples.n_videos, plan.file.evaluation.bootstrap_level)


def control_rows(plan: Plan, results: Path, truth: Truth) -> list[AblationRow]:
    """Ground truth as detections, one segment over the whole video, random segments; in the first variant's options."""
    options, base = _options(plan, plan.base, truth), plan.file.variants[plan.base]
    threshold = plan.method(plan.base).proposals.class_threshold
    whole, random = [], []
    for seed in plan.file.seeds:
        path = results / base.owners[-1] / f"seed{seed}" / f"round{base.rounds}" / "scores_test.npz"
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
        rows.append(control_row(name, title, averages, [np.asarray(entry.mean).tolist() for entry in scored]))
    return rows


def notes(plan: Plan, with_intervals: bool = False) -> list[str]:
    """What stands under every table: protocol, seeds, settings digest, and how the intervals were made."""
    settings, seeds = plan.file.evaluation, plan.file.seeds
    named = ", ".join(map(str, seeds))
    what = f"Protocol {member_title(settings.protocol)}; mean ± sample standard deviation over n = {len(seeds)} seeds ({named})"
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
    rows, tiou = read_ablation(folder / "ablation.csv")
    return ablation_table(plan, tiou, rows, notes(plan, with_intervals=True))


def read_main_table(plan: Plan, folder: Path) -> Table:
    """The main table from main.csv."""
    caution = "Published rows: as printed in their papers, whose protocols differ by up to 1.2 points."
    rows = read_main(folder / "main.csv")
    return main_table(plan, rows, [*notes(plan), *([caution] if plan.file.report.published else [])])


def read_label_quality_table(plan: Plan, folder: Path) -> Table:
    """Label quality by round from rounds.csv."""
    lines = by_round.read_lines(folder / "rounds.csv", "round", by_round.ROUND_FIGURES)
    return by_round.label_quality_table(plan, lines, notes(plan))


def read_class_table(plan: Plan, folder: Path) -> Table:
    """Average precision by class from per_class.csv."""
    lines = by_round.read_lines(folder / "per_class.csv", "class", [f"AP@{plan.headline}"])
    return by_round.class_table(plan, lines, notes(plan))
