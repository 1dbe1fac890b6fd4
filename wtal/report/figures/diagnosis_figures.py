"""The figures of a diagnosis: kinds of error, what removing them gains, and the instances that are hard or missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wtal.base.errors import one_line
from wtal.base.records import Floats
from wtal.evaluate.diagnose.characteristics import TITLES
from wtal.evaluate.diagnose.diagnose import Diagnosis
from wtal.evaluate.diagnose.error_kinds import DOUBLE, KINDS, N_SLICES
from wtal.evaluate.diagnose.tables import figure_threshold, shares
from wtal.evaluate.score.thresholds import range_title
from wtal.report.figures.drawing import INK, canvas, drawing, hatch, note_beside, save, shorten, without_left_frame

WIDTH = 9.0  # inches
VALUE_ABOVE: dict[str, Any] = {
    "xytext": (0, 3),
    "textcoords": "offset points",
    "ha": "center",
    "fontsize": 7,
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.5},
}


def write_diagnosis_figures(diagnosis: Diagnosis, folder: Path, title: str) -> None:
    """Draw error_profile, error_impact, sensitivity and false_negatives as SVG and PNG into a folder.

    The last two are drawn where the diagnosis has buckets. The same diagnosis always gives the same bytes.
    """
    title = shorten(one_line(title, 200).encode(errors="replace").decode(), 90)
    with drawing():
        save(profile_figure(diagnosis, title), folder, "error_profile")
        save(impact_figure(diagnosis, title), folder, "error_impact")
        if diagnosis.buckets:
            name = range_title(diagnosis.tiou)
            normalised = [bucket.normalised for bucket in diagnosis.buckets]
            label = f"mAP_N@{name} of the bucket (%)"
            figure = bucket_figure(diagnosis, normalised, diagnosis.normalised_of_all, label, title)
            save(figure, folder, "sensitivity")
            missed = [bucket.missed for bucket in diagnosis.buckets]
            label = f"missed instances, mean of {name} (%)"
            save(bucket_figure(diagnosis, missed, diagnosis.missed, label, title), folder, "false_negatives")


def profile_figure(diagnosis: Diagnosis, title: str) -> Figure:
    """Stacked bars: the kinds of error in each slice of the top predictions, at one threshold."""
    column = figure_threshold(diagnosis.tiou)
    counts = diagnosis.profile[column]
    figure = canvas(WIDTH, 3.4)
    axes = figure.subplots()
    share = np.array([shares(row) for row in counts])  # [10, 6]
    base = np.zeros(N_SLICES)
    for kind, name in enumerate(KINDS):
        axes.bar(np.arange(N_SLICES), share[:, kind], bottom=base, width=0.8, label=name, **hatch(_look(kind)))
        base += share[:, kind]
    ticks = [f"{number + 1}G\n{row.sum():,}" for number, row in enumerate(counts)]
    axes.set_xticks(np.arange(N_SLICES), ticks)
    axes.grid(visible=False, axis="x")
    axes.set_ylim(0, 100)
    axes.set_xlabel("slice of each class's predictions by falling score, as many as it has instances (G); predictions")
    axes.set_ylabel(f"share of the slice at tIoU {diagnosis.tiou[column]:g} (%)")
    axes.set_title(title)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper")
    return figure


def _look(kind: int) -> int:
    """True positives in green, then the palette's other colours."""
    return (2, 5, 3, 0, 4, 6)[kind]


def impact_figure(diagnosis: Diagnosis, title: str) -> Figure:
    """What removing each kind of error would gain, average over thresholds: mAP_N and mAP."""
    gains = (
        ("mAP_N", (diagnosis.normalised_without - diagnosis.normalised).mean(axis=1)),
        ("mAP", (diagnosis.plain_without - diagnosis.plain).mean(axis=1)),
    )
    figure = canvas(WIDTH, 3.0)
    axes = figure.subplots()
    positions = np.arange(len(KINDS) - DOUBLE)[::-1]
    for number, (name, values) in enumerate(gains):
        at = positions + 0.2 - 0.4 * number
        axes.barh(at, values, height=0.38, label=f"{name}@{range_title(diagnosis.tiou)}", **hatch(number))
        for position, value in zip(at, values):
            note_beside(axes, float(value), float(position), f"{value:+.2f}")
    axes.set_yticks(positions, KINDS[DOUBLE:])
    without_left_frame(axes)
    axes.set_xlim(0, 1.12 * max(0.1, *(float(values.max()) for _, values in gains)))
    axes.set_xlabel(f"points gained if the errors of a kind among the top {N_SLICES} G predictions were removed")
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def bucket_figure(diagnosis: Diagnosis, values: list[Floats], whole: Floats, label: str, title: str) -> Figure:
    """A panel for each characteristic: a bar for each bucket, and the figure of all instances as a line."""
    names = list(dict.fromkeys(bucket.characteristic for bucket in diagnosis.buckets))
    figure = canvas(WIDTH, 3.2)
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    means = np.array([each.mean() for each in values])
    for axes, name in zip(panels, names):
        rows = [number for number, bucket in enumerate(diagnosis.buckets) if bucket.characteristic == name]
        _draw_buckets(axes, diagnosis, rows, means[rows])
        line = axes.axhline(whole.mean(), color=INK, linewidth=0.9, linestyle="--")
        axes.set_title(TITLES[name])
    known = means[~np.isnan(means)]
    panels[0].set_ylim(0, 1.15 * max(1.0, float(whole.mean()), *known.tolist()))
    panels[0].set_ylabel(label)
    figure.suptitle(title, fontsize=8.5, x=0.01, ha="left")
    figure.legend([line], [f"all instances: {whole.mean():.1f}"], loc="outside lower center")
    return figure


def _draw_buckets(axes: Axes, diagnosis: Diagnosis, rows: list[int], means: Floats) -> None:
    for position, mean in enumerate(means):
        if np.isnan(mean):
            continue
        axes.bar(position, mean, width=0.75, **hatch(0))
        axes.annotate(f"{mean:.1f}", (position, mean), **VALUE_ABOVE)
    buckets = [diagnosis.buckets[row] for row in rows]
    ticks = [f"{bucket.name}\n{bucket.described}\nn={bucket.n_instances}" for bucket in buckets]
    axes.set_xticks(np.arange(len(rows)), ticks, fontsize=6)
    axes.grid(visible=False, axis="x")
