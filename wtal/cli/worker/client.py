"""The client of the worker: it hands a command over, forwards signals and ends as the command does."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

from wtal.cli.worker.likeness import ENDED, STARTED, VARIABLE, likeness

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LIMITS = tuple(getattr(resource, name) for name in sorted(dir(resource)) if name.startswith("RLIMIT_"))


def run_in_worker() -> int | None:
    """The exit code of this process's command, run by the worker; None where it has to run here.

    It has to where no worker answers, where the worker is not of this process's likeness, and where the command could
    see a difference. A command that a signal ended ends this process by the same signal.
    """
    path = os.environ[VARIABLE]
    try:
        if not _is_private(os.path.dirname(path)) or not _has_standard_files_alone():
            return None
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(path)
            return _hand_over(connection, json.dumps(_request()).encode())
    except OSError:
        return None


def _is_private(folder: str) -> bool:
    status = os.stat(folder)
    return status.st_uid == os.getuid() and not status.st_mode & 0o077


def _has_standard_files_alone() -> bool:
    """Whether the three standard files are open, and no other that a command was given as `/dev/fd/63`."""
    others = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]
    for number in others:
        with suppress(OSError):  # the folder that was listed
            if os.get_inheritable(number):
                return False
    return None not in (sys.stdin, sys.stdout, sys.stderr)


def _request() -> dict[str, Any]:
    umask = os.umask(0)
    os.umask(umask)
    return {
        "likeness": likeness(),
        "executable": sys.executable,
        "arguments": sys.argv,
        "path": sys.path,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "umask": umask,
        "limits": [(number, resource.getrlimit(number)) for number in LIMITS],
    }


def _hand_over(connection: socket.socket, request: bytes) -> int | None:
    received: list[int] = []

    def forward(number: int, _: FrameType | None) -> None:
        received.append(number)
        with suppress(OSError):
            connection.send(bytes([number]))

    before = {each: signal.signal(each, forward) for each in FORWARDED if signal.getsignal(each) != signal.SIG_IGN}
    try:
        socket.send_fds(connection, [request], [0, 1, 2])
        status = _status(connection)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if status is None:
        for number in received:
            os.kill(os.getpid(), number)
        return None
    if os.WIFSIGNALED(status):
        _end_by(os.WTERMSIG(status))
    return os.waitstatus_to_exitcode(status)


def _status(connection: socket.socket) -> int | None:
    """The status of the command as waitpid gives it; None where it did not start. It does not outlive the server."""
    job = None
    while True:
        try:
            said = connection.recv(64)
        except ConnectionError:
            said = b""
        if said.startswith(STARTED):
            job = int(said[1:])
        elif said.startswith(ENDED):
            return None if job is None else int(said[1:])
        else:
            if job is None:
                return None
            with suppress(ProcessLookupError):
                os.killpg(job, signal.SIGKILL)
            return int(signal.SIGKILL)


def _end_by(number: int) -> None:
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # the job's is enough
    os.kill(os.getpid(), number)
