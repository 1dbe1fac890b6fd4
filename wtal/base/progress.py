"""Progress of a download, said a line at a time."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger(__name__)


class ShownProgress:
    """Progress of one file, a line at most every second."""

    def __init__(self, name: str) -> None:
        self.name, self.last, self.shown = name, time.monotonic(), False

    def __call__(self, have: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self.last < 1:
            return
        self.last, self.shown = now, True
        share = f"{100 * have / total:.0f} % of {total / 1e6:,.1f} MB" if total else f"{have / 1e6:,.1f} MB"
        logger.info(f"{self.name}: {share}")

    def end(self) -> None:
        """Say that the file is whole, where anything was said before."""
        if self.shown:
            logger.info(f"{self.name}: whole")
