"""The figures of a suite, from its tables and the files of its run: ablation, rounds, training, classes, timelines."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wtal.base.files import DIGESTS, to_json, write_digests, write_text
from wtal.evaluate.score.intervals import Interval, interval_over
from wtal.report.figures.clips import read_clips
from wtal.report.figures.drawing import (
    GREY,
    INK,
    canvas,
    colour,
    drawing,
    hatch,
    mark,
    note_beside,
    save,
    shorten,
    without_left_frame,
)
from wtal.report.figures.names import TIMELINES, timeline_name
from wtal.report.figures.timelines import timeline_figure
from wtal.report.figures.tracks import clip_values
from wtal.report.inputs.plan import Plan, read_plan
from wtal.report.tables.ablation import interval_of, read_ablation
from wtal.report.tables.rounds import ROUND_TITLES, means_by_key, read_classes, read_rounds, read_training
from wtal.suite.paths import SuitePaths

WIDTH = 9.0  # inches
MOST_CLASSES = 40  # in the figure by class; beyond, those that differ the most


def write_figures(report: Path, data: Path, results: Path, out: Path) -> None:
    """Draw every figure of a suite into `out`/figures, and the data behind the timelines into `out`/timelines.json.

    Reads the tables in `out`, and of the run the scores, labels and detections of the variant of the timelines.
    Raises InputError before anything is drawn where one of them is missing or broken.
    """
    plan = read_plan(report)
    ablation = read_ablation(out / "ablation.csv")
    by_round = read_rounds(out / "rounds.csv")
    training = read_training(out / "training.csv")
    by_class = read_classes(out / "per_class.csv", plan.headline)
    clips = read_clips(plan, data, results)
    folder = SuitePaths(out).figures
    names = ["ablation", "rounds", "training", "per_class"]
    names += [timeline_name(number) for number in range(1, len(clips) + 1)]
    (folder / DIGESTS).unlink(missing_ok=True)
    with drawing():
        save(ablation_figure(plan, ablation), folder, "ablation")
        save(rounds_figure(plan, by_round), folder, "rounds")
        save(training_figure(plan, training), folder, "training")
        save(class_figure(plan, by_class), folder, "per_class")
        for number, clip in enumerate(clips, start=1):
            save(timeline_figure(clip), folder, timeline_name(number))
    write_text(out / TIMELINES, to_json({"clips": [clip_values(clip) for clip in clips]}))
    write_digests(folder, [f"{name}.svg" for name in names])


def ablation_figure(plan: Plan, ablation: pd.DataFrame) -> Figure:
    """A bar for each variant, hatched by group, and beside it its paired difference from the first variant.

    Thin lines are the intervals over videos and seeds, thick ones those over videos alone; a mark is filled where the
    thin line leaves out 0.
    """
    figure = canvas(WIDTH, 1.2 + 0.27 * len(ablation))
    axes, beside = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    first = float(ablation["mean"].iloc[0])
    ablation = ablation.assign(look=pd.factorize(ablation["group"])[0], is_first=~ablation["group"].duplicated())
    rows = ablation.sort_values("look", kind="stable").to_dict("records")
    positions = np.arange(len(rows))[::-1]
    plain = {"facecolor": GREY, "edgecolor": "white", "hatch": "", "linewidth": 0.5}
    ends = []
    for position, row in zip(positions, rows):
        average, away = interval_of(row, "mean"), interval_of(row, "base_difference")
        label = shorten(row["group"], 50) if row["is_first"] else None
        look = plain if row["control"] == "yes" else hatch(row["look"])
        axes.barh(position, average.estimate, height=0.7, label=label, **look)
        _plot_interval(axes, position, average)
        ends.append(float(np.nanmax([average.estimate, average.high])))
        note_beside(axes, ends[-1], position, f"{average.estimate:.1f}")
        if np.isfinite(away.estimate):
            _plot_interval(beside, position, away)
            face = INK if away.is_separated else "white"
            beside.plot([away.estimate], [position], "o", color=INK, markerfacecolor=face, markersize=4, zorder=4)
    axes.axvline(first, color=INK, linewidth=0.8, linestyle=":")
    axes.set_yticks(positions, [shorten(row["title"], 60) for row in rows])
    axes.set_xlim(0, 1.08 * max(ends))
    beside.axvline(0, color=INK, linewidth=0.8, linestyle=":")
    for each in (axes, beside):
        without_left_frame(each)
    level = f"{100 * plan.file.evaluation.bootstrap_level:g} %"
    lines = f"thin: {level} interval over {interval_over((len(plan.file.seeds),))}\nthick: over test videos alone"
    axes.set_xlabel(f"mAP@{plan.headline} (%), mean over {len(plan.file.seeds)} seeds\n{lines}")
    base = "the first of its base" if plan.bases else shorten(plan.base, 20)
    beside.set_xlabel(f"points from {base}, paired\nfilled: the thin line leaves out 0")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _plot_interval(axes: Axes, position: int, interval: Interval) -> None:
    if np.isfinite(interval.low):
        axes.hlines(position, interval.low, interval.high, color=INK, linewidth=1.0)
        axes.hlines(position, interval.videos_low, interval.videos_high, color=INK, linewidth=3.0)


def rounds_figure(plan: Plan, frame: pd.DataFrame) -> Figure:
    """mAP, classification, label quality and constraint violation by round; a row of panels for each group."""
    variants = [name for name, entry in plan.file.variants.items() if entry.rounds]
    groups = list(dict.fromkeys(plan.file.variants[name].group for name in variants))
    shown = ("average", "label_mAP", "label_average_precision", "lp_violation")
    figure = canvas(WIDTH, max(1.8, 2.3 * len(groups)))
    if not groups:
        figure.text(0.5, 0.5, "No variant of this suite has label rounds.", ha="center")
        return figure
    means = {name: means_by_key(frame, "round", name) for name in shown}
    panels = figure.subplots(len(groups), len(shown), squeeze=False, sharex=True, sharey="col")
    for row, group in zip(panels, groups):
        members = [name for name in variants if plan.file.variants[name].group == group]
        outside = dict.fromkeys(plan.file.variants[name].compare_with for name in members)
        references = [name for name in outside if name in variants and name not in members]
        for axes, shown_figure in zip(row, shown):
            for name in references:
                _plot_rounds(axes, plan, means[shown_figure], name, {"color": GREY, "linewidth": 2.5, "alpha": 0.45})
            for index, name in enumerate(members):
                _plot_rounds(axes, plan, means[shown_figure], name, mark(index))
            axes.set_title(_round_title(plan, shown_figure))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        row[0].set_ylabel(textwrap.fill(shorten(group, 60), 24))
        row[-1].legend(*row[0].get_legend_handles_labels(), loc="center left", bbox_to_anchor=(1.02, 0.5))
    for axes in panels[-1]:
        axes.set_xlabel("round")
    return figure


def _round_title(plan: Plan, figure: str) -> str:
    return f"mAP@{plan.headline}" if figure == "average" else ROUND_TITLES[figure]


def _plot_rounds(
    axes: Axes, plan: Plan, means: dict[Any, tuple[float, float]], name: str, look: dict[str, object]
) -> None:
    keys = sorted(key for variant, key in means if variant == name)
    values = [means[name, key][0] for key in keys]
    axes.plot(keys, values, label=textwrap.fill(shorten(plan.file.variants[name].title, 80), 32), **look)  # type: ignore[arg-type]


def training_figure(plan: Plan, training: pd.DataFrame) -> Figure:
    """Every logged figure of training by epoch: the whole method's rounds, a thin line a seed, the mean thick."""
    chain = pd.DataFrame(enumerate(plan.file.variants[plan.whole_method].owners), columns=["round", "variant"])
    rows_of_variant = training.merge(chain, on=["round", "variant"])
    keys = ("variant", "seed", "round", "epoch", "kept")
    names = [
        name for name in map(str, rows_of_variant) if name not in keys and np.isfinite(rows_of_variant[name]).any()
    ]
    n_rows = max(1, -(-len(names) // 4))  # an external method may have logged nothing
    figure = canvas(WIDTH, 0.2 + 1.8 * n_rows)
    panels = figure.subplots(n_rows, 4, sharex=True).ravel()
    starts = rows_of_variant.groupby("round")["epoch"].min()
    for axes, name in zip(panels, names):
        by_seed = rows_of_variant.pivot_table(index="epoch", columns="seed", values=name, aggfunc="last", dropna=False)
        axes.plot(by_seed.reindex(columns=list(plan.file.seeds)), color=colour(5), linewidth=0.7)
        mean = rows_of_variant.groupby("epoch")[name].apply(lambda values: values.to_numpy().mean())
        axes.plot(mean.index, mean, color=colour(0), linewidth=1.6)
        for start in starts[starts.index > 0]:
            axes.axvline(start, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_title(name.replace("_", " "))
    figure.supxlabel("thin: each seed; thick: mean over seeds; dotted: a round begins", fontsize=8.5)
    for axes in panels[len(names) :]:
        axes.axis("off")
    for axes in panels[len(names) - 4 : len(names)]:
        axes.set_xlabel("epoch")
        axes.tick_params(axis="x", labelbottom=True)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    return figure


def class_figure(plan: Plan, frame: pd.DataFrame) -> Figure:
    """AP of each class for the first variant and the whole method, the mean over seeds and each seed as a dot."""
    column = f"AP@{plan.headline}"
    chosen = list(dict.fromkeys((plan.base, plan.whole_method)))
    means = means_by_key(frame, "class", column)
    seeds = dict(list(frame.groupby(["variant", "class"])[column]))
    classes = list(frame.loc[frame["variant"].isin(chosen), "class"].unique())
    gain = {name: means[chosen[-1], name][0] - means[chosen[0], name][0] for name in classes}
    if len(classes) > MOST_CLASSES:
        kept = set(sorted(classes, key=lambda name: (-abs(gain[name]), name))[:MOST_CLASSES])
        classes = [name for name in classes if name in kept]
    figure = canvas(WIDTH, 1.2 + 0.42 * len(classes))
    axes = figure.subplots()
    positions, height = np.arange(len(classes))[::-1], 0.8 / len(chosen)
    for index, name in enumerate(chosen):
        rows = positions + 0.4 - height * (index + 0.5)
        title = shorten(plan.file.variants[name].title, 60)
        axes.barh(rows, [means[name, key][0] for key in classes], height=height, label=title, **hatch(index))
        for row, key in zip(rows, classes):
            values = seeds[name, key]
            axes.plot(values, [row] * len(values), linestyle="none", marker=".", markersize=3, color=INK)
    axes.set_yticks(positions, [shorten(name, 40) for name in classes])
    axes.set_xlim(0, 100)
    without_left_frame(axes)
    axes.set_xlabel(f"{column} (%), mean over {len(plan.file.seeds)} seeds; dots: each seed")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
