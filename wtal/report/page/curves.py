"""Small charts as lines of percent: change by round, quality of labels, curves of training. Each says its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wtal.evaluate.text.typeset import number
from wtal.report.inputs.plan import Plan
from wtal.report.page.forest import Scale, scale_of, signed

WIDTH, HEIGHT = 1000, 100  # of the picture's own units, stretched to the place that it has
UNITS = {
    "learning_rate": "step size",
    "label_gradient_share": "share of the gradient, 0 to 1",
    "mean_attention": "attention, 0 to 1",
    "attention_entropy": "share of the highest entropy, 0 to 1",
    "attention_spread": "standard deviation of attention",
    "largest_class_share": "share of the videos, 0 to 1",
}
KEYS = ("variant", "seed", "round", "epoch", "kept")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart; `look` names its style."""

    points: str
    look: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with its axis, and the same in words."""

    title: str
    unit: str
    top: str
    bottom: str
    left: str
    right: str
    zero: float | None  # height of the line at 0
    starts: tuple[float, ...]  # where rounds begin
    lines: tuple[Line, ...]
    words: str


def _line(xs: Sequence[float], ys: Sequence[float], across: Scale, up: Scale, look: str) -> Line:
    places = (
        (WIDTH * (x - across.low) / (across.high - across.low), HEIGHT * (1 - (y - up.low) / (up.high - up.low)))
        for x, y in zip(xs, ys)
        if np.isfinite(y)
    )
    return Line(" ".join(f"{x:.0f},{y:.1f}" for x, y in places), look)


def change_charts(plan: Plan, rounds: pd.DataFrame) -> list[Chart]:
    """For each variant with label rounds: by how much each round is above round 0 of the same seed, in points."""
    tables = {name: _by_round(rounds, name, "average") for name, entry in plan.file.variants.items() if entry.rounds}
    changes = {name: table.sub(table.iloc[0], axis="columns") for name, table in tables.items()}
    if not changes:
        return []
    up, _ = scale_of([float(value) for table in changes.values() for value in table.to_numpy().ravel()])
    return [_change_chart(plan, name, table, up) for name, table in changes.items()]


def _by_round(rounds: pd.DataFrame, variant: str, quantity: str) -> pd.DataFrame:
    """Rows: rounds, columns: seeds."""
    own = rounds[rounds["variant"] == variant]
    return own.pivot_table(index="round", columns="seed", values=quantity, dropna=False).sort_index()


def _change_chart(plan: Plan, name: str, table: pd.DataFrame, up: Scale) -> Chart:
    keys = [float(key) for key in table.index]
    across, mean = Scale(keys[0], keys[-1] or 1.0), table.mean(axis=1).tolist()
    lines = [_line(keys, table[seed].tolist(), across, up, "seed") for seed in table]
    lines.append(_line(keys, mean, across, up, "mean"))
    said = ", ".join(f"round {key:.0f} {signed(round(value, 1))}" for key, value in zip(keys[1:], mean[1:]))
    title = plan.file.variants[name].title
    return Chart(
        title=title,
        unit="",
        top=signed(round(up.high, 1)),
        bottom=signed(round(up.low, 1)),
        left="round 0",
        right=f"{keys[-1]:.0f}",
        zero=HEIGHT * (1 - (0 - up.low) / (up.high - up.low)),
        starts=(),
        lines=tuple(lines),
        words=f"{title}, mean change since round 0 in points: {said}",
    )


def label_charts(plan: Plan, rounds: pd.DataFrame) -> list[Chart]:
    """For each variant with label rounds: precision and recall of its labels by round, percent, mean over seeds."""
    charts = []
    for name, entry in plan.file.variants.items():
        if not entry.rounds:
            continue
        tables = [_by_round(rounds, name, quantity).iloc[1:] for quantity in ("label_precision", "label_recall")]
        keys = [float(key) for key in tables[0].index]
        across, up = Scale(min(keys), max(*keys, min(keys) + 1)), Scale(0.0, 100.0)
        means = [table.mean(axis=1).tolist() for table in tables]
        looks = ("precision", "recall")
        lines = [_line(keys, mean, across, up, look) for mean, look in zip(means, looks)]
        said = "; ".join(
            f"{look} {', '.join(f'round {key:.0f} {number(value).text}' for key, value in zip(keys, mean))}"
            for look, mean in zip(looks, means)
        )
        ends = (f"round {keys[0]:.0f}", f"{keys[-1]:.0f}")
        words = f"{entry.title}, labels in percent: {said}"
        charts.append(Chart(entry.title, "percent", "100", "0", *ends, None, (), tuple(lines), words))
    return charts


def training_charts(plan: Plan, training: pd.DataFrame) -> list[Chart]:
    """Every logged number of training of the whole method by epoch: a thin line a seed, the mean thick."""
    chain = pd.DataFrame(enumerate(plan.file.variants[plan.whole_method].owners), columns=["round", "variant"])
    own = training.merge(chain, on=["round", "variant"])
    starts = own.groupby("round")["epoch"].min().iloc[1:].tolist()
    names = [name for name in map(str, own) if name not in KEYS and np.isfinite(own[name]).any()]
    return [_training_chart(name, own, plan.file.seeds, starts) for name in names]


def _training_chart(name: str, own: pd.DataFrame, seeds: Iterable[int], starts: Sequence[float]) -> Chart:
    table = own.pivot_table(index="epoch", columns="seed", values=name, aggfunc="last", dropna=False)
    table = table.reindex(columns=list(seeds)).dropna(how="all")
    epochs, mean = [float(epoch) for epoch in table.index], table.mean(axis=1).tolist()
    values = table.to_numpy()
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    across, up = Scale(epochs[0], max(epochs[-1], epochs[0] + 1)), Scale(low, high if high > low else low + 1)
    lines = [_line(epochs, table[seed].tolist(), across, up, "seed") for seed in table]
    lines.append(_line(epochs, mean, across, up, "mean"))
    title = name.replace("_", " ")
    return Chart(
        title=title,
        unit=UNITS.get(name, "loss, without unit" if "loss" in name else ""),
        top=f"{high:.3g}",
        bottom=f"{low:.3g}",
        left=f"epoch {epochs[0]:.0f}",
        right=f"{epochs[-1]:.0f}",
        zero=None,
        starts=tuple(WIDTH * (start - across.low) / (across.high - across.low) for start in starts),
        lines=tuple(lines),
        words=f"{title}: mean {mean[0]:.3g} in the first epoch, {mean[-1]:.3g} in the last",
    )


@dataclass(frozen=True, slots=True)
class ClassRow:
    """Average precision of a class before and after, and their places from 0 to 100."""

    name: str
    before: str
    after: str
    gain: str
    places: tuple[str, str]
    is_gain: bool


def class_rows(plan: Plan, means: Mapping[Any, tuple[float, float]]) -> list[ClassRow]:
    """The classes by falling gain of the whole method over the base. means: by (variant, class), percent."""
    names = dict.fromkeys(key for variant, key in means if variant == plan.base)
    pairs = [(name, means[plan.base, name][0], means.get((plan.whole_method, name), (np.nan,))[0]) for name in names]
    known = [(name, one, other) for name, one, other in pairs if one == one and other == other]
    known.sort(key=lambda row: (row[1] - row[2], row[0]))
    scale = Scale(0.0, 100.0)
    return [
        ClassRow(
            name,
            number(one).text,
            number(other).text,
            signed(round(other - one, 1)),
            (scale.at(one), scale.at(other)),
            other >= one,
        )
        for name, one, other in known
    ]
