"""How a run is shown where no person looks at a screen: a line a job, or a JSON object an event."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from wtal.cli.live.ending import ResultRow, last_lines
from wtal.cli.live.state import RunningJob, RunState, duration

SHOWN_LINES = 15  # of the log of a job that failed
EPOCHS_EVERY = 5.0  # seconds between two objects that only tell of epochs


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What there is to say when a run has ended."""

    exit_code: int
    seconds: float
    about: str  # what the rows' numbers are
    rows: Sequence[ResultRow]
    page: str | None
    goes_on: str  # the sentence that says how to go on; empty where nothing is left to do

    def lines(self) -> list[str]:
        """For a reader."""
        width = max((len(row.title) for row in self.rows), default=0)
        lines = [self.about] if self.rows else []
        lines += [f"  {row.title:<{width}}  {row.text()}" for row in self.rows]
        return [*lines, *([f"the page: {self.page}"] if self.page else []), *([self.goes_on] if self.goes_on else [])]


class View(Protocol):
    """What a run is shown by."""

    def event(self, event: Mapping[str, Any], state: RunState) -> None:
        """Show an event that the state has taken in."""

    def said(self, text: str, *, is_error: bool) -> None:
        """Pass on what Snakemake printed by itself."""

    def tick(self, state: RunState, now: float) -> None:
        """Show what changes by itself, several times a second."""

    def end(self, end: RunEnd) -> None:
        """Show the end, and nothing after it."""


class PlainView:
    """A line for each job that ends."""

    def event(self, event: Mapping[str, Any], state: RunState) -> None:
        match event["event"]:
            case "plan":
                print(plan_line(state), flush=True)
            case "progress" if state.last is not None:
                job, seconds = state.last
                left = state.time_left(event["time"])
                print(
                    f"{state.done:>{len(str(state.total))}} of {state.total}  {job.name}  {duration(seconds)}"
                    + (f"; {left.words()}" if left is not None and state.done < state.total else ""),
                    flush=True,
                )
            case "failed":
                print(*failure_lines(state.failed[event["job"]]), sep="\n", flush=True)
            case "message" if event["level"] != "info":
                self.said(f"{event['text']}\n", is_error=True)

    def said(self, text: str, *, is_error: bool) -> None:
        print(text, end="", file=sys.stderr if is_error else sys.stdout, flush=True)

    def tick(self, state: RunState, now: float) -> None:
        pass

    def end(self, end: RunEnd) -> None:
        for line in end.lines():
            print(line, flush=True)


class JsonView:
    """An object a line, and on standard output nothing else."""

    def __init__(self) -> None:
        self.told: list[Any] = []  # the epochs that were told last
        self.told_at = 0.0

    def event(self, event: Mapping[str, Any], state: RunState) -> None:
        match event["event"]:
            case "plan":
                self._print("progress", event["time"], **self._progress(state, event["time"]))
            case "started":
                self._print("job_started", event["time"], **_about(state.running[event["job"]]))
            case "finished" if state.last is not None:
                job, seconds = state.last
                self._print("job_finished", event["time"], **_about(job), seconds=round(seconds, 3))
            case "failed" if state.last is not None:
                job, seconds = state.last
                lines = [line for path in job.log for line in last_lines(Path(path), SHOWN_LINES)]
                self._print("job_failed", event["time"], **_about(job), seconds=round(seconds, 3), log_lines=lines)
            case "progress":
                self._print("progress", event["time"], **self._progress(state, event["time"]))
            case "message" if event["level"] != "info":
                self.said(f"{event['text']}\n", is_error=True)

    def _progress(self, state: RunState, now: float) -> dict[str, Any]:
        left = state.time_left(now)
        training = [
            {"job": job.number, "epoch": job.epoch.epoch, "position": job.epoch.position, "of": job.epoch.of}
            | {"loss": job.epoch.loss}
            for job in state.running.values()
            if job.epoch is not None
        ]
        return {
            "done": state.done,
            "total": state.total,
            "seconds_left": None if left is None else round(left.seconds, 1),
            "unmeasured": [] if left is None else list(left.unmeasured),
            "training": training,
        }

    def _print(self, event: str, now: float, **values: Any) -> None:
        print(json.dumps({"event": event, "time": now, **values}, ensure_ascii=False), flush=True)

    def said(self, text: str, *, is_error: bool) -> None:
        print(text, end="", file=sys.stderr, flush=True)

    def tick(self, state: RunState, now: float) -> None:
        """Progress besides where epochs have ended, now and then."""
        epochs = [(job.number, job.epoch) for job in state.running.values() if job.epoch is not None]
        if epochs and epochs != self.told and now - self.told_at >= EPOCHS_EVERY:
            self.told, self.told_at = epochs, now
            self._print("progress", round(now, 3), **self._progress(state, now))

    def end(self, end: RunEnd) -> None:
        results = {"about": end.about, "rows": [row.value() for row in end.rows]} if end.rows else None
        values = {"exit_code": end.exit_code, "seconds": round(end.seconds, 1), "results": results, "page": end.page}
        print(json.dumps({"event": "end", **values}, ensure_ascii=False), flush=True)
        if end.goes_on:
            self.said(f"{end.goes_on}\n", is_error=True)


def _about(job: RunningJob) -> dict[str, Any]:
    return {"job": job.number, "rule": job.rule, "wildcards": dict(job.wildcards), "log": list(job.log)}


def plan_line(state: RunState) -> str:
    """How much there is to do, such as `131 jobs on 2 cores: 9 train_base, ...`."""
    jobs = ", ".join(f"{count} {rule}" for rule, count in state.planned.items() if rule != "suite")
    return f"{state.total} jobs on {state.cores} {'core' if state.cores == 1 else 'cores'}: {jobs}"


def failure_lines(job: RunningJob) -> list[str]:
    """A job that failed, with the last lines of its log."""
    lines = [f"failed: {job.name}"]
    for path in job.log:
        lines += [f"  {path}:", *(f"    {line}" for line in last_lines(Path(path), SHOWN_LINES))]
    return lines
