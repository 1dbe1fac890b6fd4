"""Progress of a download, in lines on standard error."""

from __future__ import annotations

import time
from typing import TextIO


class ShownProgress:
    """Progress of one file on standard error, a line at most every second."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name, self.stream, self.last, self.shown = name, stream, time.monotonic(), False

    def __call__(self, have: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self.last < 1:
            return
        self.last, self.shown = now, True
        share = f"{100 * have / total:.0f} % of {total / 1e6:,.1f} MB" if total else f"{have / 1e6:,.1f} MB"
        print(f"{self.name}: {share}", file=self.stream, flush=True)

    def end(self) -> None:
        """Say that the file is whole, where anything was said before."""
        if self.shown:
            print(f"{self.name}: whole", file=self.stream, flush=True)
