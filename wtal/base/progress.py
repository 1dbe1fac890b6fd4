"""Progress of a download and of training, said a line at a time."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

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


_EPOCH = re.compile(r"epoch (\d+) \((\d+) of (\d+)\): loss (\S+), (\S+) s")


@dataclass(frozen=True, slots=True)
class EpochProgress:
    """Where a round of training stands after an epoch, as its log says it in a line."""

    epoch: int  # counted through all rounds
    position: int  # in its round, from 1
    of: int  # epochs of the round
    loss: float  # mean over the samples of the epoch
    seconds: float  # that the epoch took

    def line(self) -> str:
        """As the log has it, such as `epoch 40 (1 of 10): loss 1.0421, 0.83 s`."""
        return f"epoch {self.epoch} ({self.position} of {self.of}): loss {self.loss:.6g}, {self.seconds:.2f} s"

    @classmethod
    def newest(cls, lines: Iterable[str]) -> EpochProgress | None:
        """That of the last line which says one; None where none does."""
        found = [match for line in lines if (match := _EPOCH.fullmatch(line.strip()))]
        if not found:
            return None
        epoch, position, of, loss, seconds = found[-1].groups()
        return cls(int(epoch), int(position), int(of), float(loss), float(seconds))
