"""What ends a command from outside: SIGTERM as Ctrl-C does, so that it cleans up and says how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

ON = "; the same command goes on where it was"
GOES_ON = dict.fromkeys(("run", "train", "fetch", "extract"), ON)  # of commands that take up what they left


@contextmanager
def stopping_by_sigterm() -> Iterator[None]:
    """While the block lasts SIGTERM raises KeyboardInterrupt with its number, where nobody else has taken it."""
    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt(number)
