"""Snakemake as a process: its events and what it prints go to a view, and signals go to it and to its jobs."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from wtal.base.progress import EpochProgress
from wtal.cli.live.ending import last_lines
from wtal.cli.live.state import RunState
from wtal.cli.live.views import View
from wtal.cli.worker.orphan import die_with

PATIENCE = 0.8  # seconds that Snakemake has to end by itself when it is stopped; a killed run can be gone on with too
TICK = 0.25  # seconds
LOCKED_OUT = "LockException"  # how Snakemake's message begins where it is
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SnakemakeRun:
    """Snakemake in a process group of its own, so that what stops it is told to all of it once, by this process."""

    def __init__(self, options: Sequence[str], passed_on: Sequence[str] = ()) -> None:
        """Both are options of Snakemake; those that are passed on stand last, and targets may be among them."""
        self.events, writing = os.pipe()
        events = ["--logger", "one-line", "--logger-one-line-events", f"/dev/fd/{writing}"]
        command = [sys.executable, "-m", "snakemake", *options, *events, *passed_on]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[writing],
            start_new_session=True,
            # Else it would go on unseen, and the same command would be refused its folder.
            preexec_fn=partial(die_with, os.getpid()) if sys.platform == "linux" else None,
        )
        os.close(writing)
        self.stopped_by = 0  # a signal's number
        self.stopped_at = 0.0
        self.is_locked_out = False  # another run makes the same files in this folder
        self.rest = b""  # of a line of events that is not whole yet

    @contextmanager
    def taking_signals(self) -> Iterator[None]:
        """While the block lasts what would end this process ends Snakemake first; a second signal kills it."""
        heard = [number for number in STOPS if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, self._stop) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            if self.process.poll() is None:  # the view failed
                self._signal(signal.SIGKILL)
                self.process.wait()

    def _stop(self, number: int, _: FrameType | None) -> None:
        """SIGINT, since after SIGTERM Snakemake would wait for jobs that may take hours."""
        self._signal(signal.SIGKILL if self.stopped_by else signal.SIGINT)
        if not self.stopped_by:
            self.stopped_by, self.stopped_at = number, time.monotonic()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def follow(self, state: RunState, view: View) -> int:
        """Show the run until it has ended; the exit code, 128 and the signal's number where it was stopped."""
        with selectors.DefaultSelector() as selector, self.taking_signals():
            for file in filter(None, (self.process.stdout, self.process.stderr)):
                selector.register(file.fileno(), selectors.EVENT_READ)
            selector.register(self.events, selectors.EVENT_READ)
            while True:
                has_ended = self.process.poll() is not None
                ready = selector.select(0 if has_ended else TICK) if selector.get_map() else []
                for key, _ in ready:
                    if not self._read(key.fd, state, view):
                        selector.unregister(key.fd)
                if has_ended and not ready:
                    break
                if not selector.get_map():
                    with suppress(subprocess.TimeoutExpired):
                        self.process.wait(TICK)
                if self.stopped_by and time.monotonic() - self.stopped_at > PATIENCE:
                    self._signal(signal.SIGKILL)
                read_epochs(state)
                view.tick(state, time.time())
        if self.stopped_by:
            self._signal(signal.SIGKILL)  # jobs that did not end with Snakemake
            return 128 + self.stopped_by
        return self.process.returncode if self.process.returncode >= 0 else 128 - self.process.returncode

    def _read(self, number: int, state: RunState, view: View) -> bool:
        """Take what can be read from a file; false where it has ended."""
        content = os.read(number, 1 << 16)
        if number == self.events:
            *lines, self.rest = (self.rest + content).split(b"\n")
            for line in lines:
                self._event(json.loads(line), state, view)
        elif content and not self.stopped_by:
            is_error = self.process.stderr is not None and number == self.process.stderr.fileno()
            view.said(content.decode(errors="replace"), is_error=is_error)
        return bool(content)

    def _event(self, event: dict[str, Any], state: RunState, view: View) -> None:
        if self.stopped_by:  # jobs that were stopped are no failures
            return
        if event["event"] == "message" and LOCKED_OUT in event["text"]:
            self.is_locked_out = True  # Snakemake's advice is to unlock, which would let two runs write the same files
            return
        if event["event"] == "finished":
            read_epochs(state)
        if state.take(event):
            view.event(event, state)


def read_epochs(state: RunState) -> None:
    """Bring the epochs of running training jobs up to date from their logs."""
    for job in state.running.values():
        if job.rule.startswith("train_") and job.log:
            job.epoch = EpochProgress.newest(last_lines(Path(job.log[0]), 20)) or job.epoch
