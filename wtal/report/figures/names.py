"""The files that `wtal figures` writes; the workflow asks for them, and a test holds that there are no others."""

from __future__ import annotations

TIMELINES = "timelines.json"
PICTURES = ("svg", "png")  # the forms of every figure


def figure_names(n_timelines: int) -> list[str]:
    """The figures of a suite, without endings; a timeline for each clip that is shown."""
    return ["ablation", "rounds", "training", "per_class", *map(timeline_name, range(1, n_timelines + 1))]


def timeline_name(number: int) -> str:
    """The figure of a clip, counted from 1."""
    return f"timeline_{number}"
