"""The view of a run on a terminal: a bar, time left, and the epoch and loss of each training job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from wtal.cli.live.state import RunState, duration
from wtal.cli.live.views import RunEnd, failure_lines, plan_line

MOST_JOBS = 12  # shown at once


class ScreenView:
    """Redraws the lines at the bottom; failures and what Snakemake says stay above them."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.live = Live(console=self.console, auto_refresh=False, transient=True, redirect_stdout=False)
        self.live.start()

    def event(self, event: Mapping[str, Any], state: RunState) -> None:
        match event["event"]:
            case "plan":
                self._print(plan_line(state))
            case "failed":
                self._print("\n".join(failure_lines(state.failed[event["job"]])), style="red")
            case "message" if event["level"] != "info":
                self._print(event["text"], style="red" if event["level"] in ("error", "critical") else "yellow")
        self.tick(state, event["time"])

    def said(self, text: str, *, is_error: bool) -> None:
        self._print(text.rstrip("\n"))

    def tick(self, state: RunState, now: float) -> None:
        self.live.update(screen(state, now), refresh=True)

    def end(self, end: RunEnd) -> None:
        self.live.stop()
        for line in end.lines():
            self._print(line, style="bold" if line == end.about else "")

    def _print(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)


def screen(state: RunState, now: float) -> Group:
    """The lines at the bottom. now: seconds since 1970."""
    if not state.total:
        return Group(Text("Snakemake reads the workflow"))
    left = state.time_left(now)
    failed = Text(f"  {len(state.failed)} failed", style="red") if state.failed else Text()
    head = Table.grid(padding=(0, 1))
    head.add_row(
        ProgressBar(total=max(1, state.total), completed=state.done, width=30),
        Text(f"{state.done} of {state.total} jobs{f', {left.words()}' if left is not None else ''}") + failed,
    )
    jobs = Table.grid(padding=(0, 2))
    for job in list(state.running.values())[:MOST_JOBS]:
        epoch = job.epoch
        at = f"epoch {epoch.epoch} ({epoch.position} of {epoch.of})  loss {epoch.loss:.4g}" if epoch is not None else ""
        jobs.add_row(Text(f"  {job.name}", overflow="ellipsis", no_wrap=True), duration(now - job.started_at), at)
    return Group(head, jobs)
