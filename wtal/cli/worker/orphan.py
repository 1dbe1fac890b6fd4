"""A process ends with the one that started it: nothing of a run that was killed goes on unseen."""

from __future__ import annotations

import os
import select
import signal
import threading

PR_SET_PDEATHSIG = 1  # linux/prctl.h: the signal that a process gets when its parent ends
VARIABLE = "WTAL_OWNER"  # the process of Snakemake, where its jobs are on the same machine


def end_with_owner() -> None:
    """Kill this process once the one that the environment names has ended, where the system can tell.

    A job that goes on holds the folder of its round, which is then refused to the run that goes on.
    """
    owner = os.environ.get(VARIABLE, "")
    if not owner.isdecimal() or not hasattr(os, "pidfd_open"):
        return
    try:
        ending = os.pidfd_open(int(owner))
    except ProcessLookupError:
        _end()
    except OSError:  # the system has no such files
        return
    else:
        threading.Thread(target=_wait, args=(ending,), daemon=True).start()


def die_with(parent: int) -> None:
    """Have Linux kill this process when its parent ends. Raises ProcessLookupError where it has ended already."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise ProcessLookupError(parent)


def _wait(ending: int) -> None:
    select.select([ending], [], [])
    _end()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
