"""What ingredients do over several suites: a forest by base network and data set, and effects against strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from wtal.base.errors import InputError
from wtal.base.files import write_text
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, to_markdown
from wtal.report.figures.drawing import INK, canvas, drawing, mark, save, without_left_frame
from wtal.report.inputs.frames import write_frame
from wtal.report.tables.effects import ALL, EFFECT_COLUMNS, SLOPE, effect_cell, read_effects

WIDTH = 10.0  # inches
FOREST, STRENGTH, EFFECTS = "forest", "strength", "effects"


def write_forest(suites: Mapping[str, Path], out: Path, drawn: Sequence[str] = ()) -> None:
    """Write the effects of several suites beside each other: effects.csv, effects.md and two figures.

    suites: by name, the folder with the suite's effects.csv. drawn: the effects of the figures, in order; all where
    none is named. Raises InputError where a file is missing or broken, or an effect is none of the first suite's.
    """
    frames = {name: read_effects(folder / "effects.csv") for name, folder in suites.items()}
    pictured = {name: _drawn(frame, drawn) for name, frame in frames.items()}
    with drawing():
        save(forest_figure(pictured), out, FOREST)
        save(strength_figure(pictured), out, STRENGTH)
    write_text(out / f"{EFFECTS}.md", to_markdown(effects_of_suites(frames)))
    together = pd.concat([frame.assign(suite=name) for name, frame in frames.items()], ignore_index=True)
    write_frame(out / f"{EFFECTS}.csv", together[["suite", *EFFECT_COLUMNS]])


def _drawn(frame: pd.DataFrame, effects: Sequence[str]) -> pd.DataFrame:
    """The rows of these effects, in their order; all rows where none is named."""
    if not effects:
        return frame
    known = list(frame["effect"].unique())
    for effect in effects:
        if effect not in known:
            raise InputError(file="matrix", key="--effects", expected=f"one of {', '.join(known)}", got=effect)
    return pd.concat([frame[frame["effect"] == effect] for effect in effects], ignore_index=True)


def forest_figure(frames: Mapping[str, pd.DataFrame]) -> Figure:
    """A panel for each suite: a row for each effect, the mean over base networks in black, each of them above it.

    Lines are intervals over videos and seeds; a mark is filled where its line leaves out 0.
    """
    first = next(iter(frames.values()))
    titles = dict(zip(first["effect"], first["title"], strict=True))
    bases = [base for base in first["base"].unique() if base not in (ALL, SLOPE)]
    looks = {base: _look(number) for number, base in enumerate(bases)} | {ALL: {"color": INK, "marker": "D"}}
    order = [*bases, ALL]
    figure = canvas(WIDTH, 1.4 + 0.11 * len(titles) * (len(order) + 1.5))
    panels = figure.subplots(1, len(frames), sharey=True, squeeze=False)[0]
    for axes, (name, frame) in zip(panels, frames.items()):
        for row in frame.to_dict("records"):
            if row["base"] in looks and row["effect"] in titles:
                place = list(titles).index(row["effect"]) + (order.index(row["base"]) + 1) / (len(order) + 1.5)
                _interval(axes, row, place, looks[row["base"]], thick=row["base"] == ALL)
        for line in range(1, len(titles)):
            axes.axhline(line, color="#dddddd", linewidth=0.6)
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        axes.set_title(name)
        axes.set_xlabel("points of mAP")
        without_left_frame(axes)
    panels[0].set_yticks(np.arange(len(titles)) + 0.5, [_wrapped(title) for title in titles.values()])
    panels[0].set_ylim(len(titles), 0)
    words = {base: first.loc[first["base"] == base, "base_title"].iloc[0] for base in bases}
    for base, look in looks.items():
        label = words.get(base) or ("mean over base networks" if base == ALL else "this suite")
        panels[0].plot([], [], linestyle="-", linewidth=1.0, markersize=4, label=label, **look)
    figure.legend(loc="outside lower center", ncols=7)
    return figure


def strength_figure(frames: Mapping[str, pd.DataFrame]) -> Figure:
    """A panel for each effect: how much it does on a base network against how strong that is, a mark a suite."""
    first = next(iter(frames.values()))
    titles = dict(zip(first["effect"], first["title"], strict=True))
    columns = min(3, len(titles))
    lines = -(-len(titles) // columns)
    figure = canvas(WIDTH, 0.6 + 2.1 * lines)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, (effect, title) in zip(panels, titles.items()):
        for number, (name, frame) in enumerate(frames.items()):
            own = frame[(frame["effect"] == effect) & ~frame["base"].isin([ALL, SLOPE])]
            look = mark(number) | {"linestyle": ""}
            axes.plot(own["strength"], own["estimate"], label=name if axes is panels[0] else None, **look)
            axes.vlines(own["strength"], own["low"], own["high"], color=look["color"], linewidth=0.9)
        axes.axhline(0, color=INK, linewidth=0.8, linestyle=":")
        axes.set_title(_wrapped(title, 44))
    for axes in panels[len(titles) :]:
        axes.set_visible(False)
    figure.supxlabel("mAP of the base network", fontsize=8)
    figure.supylabel("points of mAP", fontsize=8)
    figure.legend(loc="outside lower center", ncols=len(frames))
    return figure


def _look(number: int) -> dict[str, Any]:
    return {key: value for key, value in mark(number).items() if key in ("color", "marker")}


def _interval(axes: Any, row: Mapping[Any, Any], place: float, look: Mapping[str, Any], thick: bool) -> None:
    """An effect with its interval at a height."""
    if np.isfinite(row["low"]):
        axes.hlines(place, row["low"], row["high"], color=look["color"], linewidth=2.0 if thick else 1.0)
    face = look["color"] if row["verdict"] != "not separated" else "white"
    size = 5 if thick else 3.5
    axes.plot([row["estimate"]], [place], look["marker"], color=look["color"], markerfacecolor=face, markersize=size)


def _wrapped(text: str, width: int = 34) -> str:
    """A title over several lines."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def effects_of_suites(frames: Mapping[str, pd.DataFrame]) -> Table:
    """A row for each effect; for each suite the mean over base networks and the slope."""
    first = next(iter(frames.values()))
    titles = dict(zip(first["effect"], first["title"], strict=True))
    columns = [Column("Effect", is_number=False)]
    for name in frames:
        columns += [Column(f"{name}: mean over base networks"), Column(f"{name}: for each 10 points of strength")]
    rows = []
    for effect, title in titles.items():
        cells = [Cell(title)]
        for frame in frames.values():
            own = {row["base"]: row for row in frame[frame["effect"] == effect].to_dict("records")}
            cells += [effect_cell(own.get(ALL)), effect_cell(own.get(SLOPE))]
        rows.append(tuple(cells))
    note = "Points of mAP with intervals over test videos and seeds; bold: the interval leaves out 0."
    return Table(EFFECTS, "What ingredients do, by data set", tuple(columns), (Block("", tuple(rows)),), (note,))
