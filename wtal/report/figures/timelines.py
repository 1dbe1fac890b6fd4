"""The timeline of one clip: the picture that explains the method, track by track over the same seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wtal.report.figures.drawing import GREY, HATCHES, canvas, colour, shorten, without_left_frame
from wtal.report.figures.tracks import Curves, DrawnVideo, Spans

WIDTH = 9.0  # inches
LANE = 0.2  # inches for one class in one track
BAND = 0.84  # share of a lane that is drawn on


def timeline_figure(clip: DrawnVideo, width: float = WIDTH) -> Figure:
    """One panel a track, one lane a class; a lane has its colour, its hatch and its name. width: in inches."""
    n_lanes = max(1, len(clip.classes))
    heights = [n_lanes * LANE * (1.5 if isinstance(track, Curves) else 1.0) + 0.1 for _, track in clip.tracks]
    figure = canvas(width, sum(heights) + 0.27 * len(heights) + 0.7)
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (title, track) in zip(panels, clip.tracks):
        _prepare(axes, clip, title)
        if isinstance(track, Curves):
            _draw_curves(axes, track, clip.snippets_per_second)
        elif title.startswith("proposals"):
            _draw_stacked(axes, track, n_lanes)
        else:
            _draw_spans(axes, track)
    panels[-1].set_xlabel("seconds")
    where = "training clip" if clip.subset == "train" else "test clip"
    figure.suptitle(
        f"{where} {shorten(clip.video, 60)} ({clip.variant}, seed {clip.seed})", x=0.01, ha="left", fontsize=9.5
    )
    return figure


def _prepare(axes: Axes, clip: DrawnVideo, title: str) -> None:
    lanes = np.arange(len(clip.classes))
    axes.set_xlim(0, clip.seconds)
    axes.set_ylim(len(clip.classes) - 0.5, -0.5)
    axes.set_yticks(lanes, [shorten(name, 26) for name in clip.classes])
    axes.set_title(title, pad=3)
    for lane in lanes[1:]:
        axes.axhline(lane - 0.5, color="#e4e4e4", linewidth=0.6)
    without_left_frame(axes)


def _draw_curves(axes: Axes, track: Curves, rate: float) -> None:
    """Filled steps in each lane, all to one scale; what is below 0 hangs from the middle, hatched."""
    n_snippets, n_lanes = track.values.shape
    edges = np.arange(n_snippets + 1) / rate
    largest = float(np.abs(track.values).max(initial=0.0)) if track.ceiling is None else track.ceiling
    scale = 1 / largest if largest > 0 else 0.0
    for lane in range(n_lanes):
        values = track.values[:, lane] * scale
        if not track.is_signed:
            floor = lane + BAND / 2
            axes.stairs(floor - BAND * values, edges, baseline=floor, fill=True, color=colour(lane), alpha=0.85)
            continue
        axes.axhline(lane, color=GREY, linewidth=0.6)
        risen, fallen = np.maximum(values, 0), np.minimum(values, 0)
        half = BAND / 2
        axes.stairs(lane - half * risen, edges, baseline=lane, fill=True, color=colour(lane))
        low: dict[str, Any] = {"facecolor": "white", "edgecolor": colour(lane), "hatch": "//////", "linewidth": 0.5}
        axes.stairs(lane - half * fallen, edges, baseline=lane, fill=True, **low)
    sign = "±" if track.is_signed else "0 to "
    note = "filled: raised, hatched: lowered; " if track.is_signed else ""
    axes.set_title(f"{note}lane height {sign}{largest:.3g}", loc="right", fontsize=7, color="#555555", pad=3)


def _draw_spans(axes: Axes, track: Spans) -> None:
    """A bar for each span, as high as its score is to the best one's."""
    largest = max((score for score in track.score if score > 0), default=1.0)
    for lane, start, end, score in zip(track.lane, track.start, track.end, track.score):
        height = BAND * min(1.0, max(0.08, score / largest))
        look: dict[str, Any] = {
            "facecolor": colour(lane),
            "hatch": HATCHES[lane % len(HATCHES)],
            "edgecolor": "white",
            "linewidth": 0.4,
        }
        axes.barh(lane + BAND / 2, end - start, left=start, height=-height, align="edge", alpha=0.85, **look)
    if track.score and min(track.score) != max(track.score):
        note = f"{len(track.score)} shown, best score {largest:.3g}"
        axes.set_title(note, loc="right", fontsize=7, color="#555555", pad=3)


def _draw_stacked(axes: Axes, track: Spans, n_lanes: int) -> None:
    """Many overlapping spans of a lane as thin bars, each on its own level."""
    for lane in range(n_lanes):
        rows = [row for row, lane_of_row in enumerate(track.lane) if lane_of_row == lane]
        rows.sort(key=lambda row: (track.start[row] - track.end[row], track.start[row]))
        step = BAND / max(len(rows), 1)
        for level, row in enumerate(rows):
            bottom = lane + BAND / 2 - level * step
            width = track.end[row] - track.start[row]
            axes.barh(bottom, width, left=track.start[row], height=-0.8 * step, align="edge", color=colour(lane))
    axes.set_title(f"{len(track.lane)} proposals", loc="right", fontsize=7, color="#555555", pad=3)
