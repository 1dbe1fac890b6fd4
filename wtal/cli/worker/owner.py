"""What starts the worker, and by its own end ends it."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from wtal.cli.worker.likeness import VARIABLE

PROGRAM = "import sys; sys.path[:] = {path!r}; from wtal.cli.worker.server import run_server; run_server()"


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker; a command whose environment has `variables` asks it."""

    process: subprocess.Popen[bytes]
    socket: str

    @property
    def variables(self) -> dict[str, str]:
        """What tells a command of the worker."""
        return {VARIABLE: self.socket}

    def job_of(self, client: int) -> int | None:
        """The process that runs what a client asked for; None where there is none. Both by process id."""
        try:
            return int(Path(self.socket).with_name(str(client)).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """End it, with the jobs that still run."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()
        shutil.rmtree(Path(self.socket).parent, ignore_errors=True)  # where the server was killed


def start_worker() -> Worker | None:
    """A worker with this process's environment, which ends when this process does; None where it cannot be.

    A client may ask at once: it waits until the libraries are loaded.
    """
    if sys.platform != "linux":
        return None
    folder = tempfile.mkdtemp(prefix="wtal-")  # for its owner alone: mode 0700
    path = os.path.join(folder, "socket")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(path)
            listener.listen(socket.SOMAXCONN)
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM.format(path=sys.path), str(listener.fileno()), folder],
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    worker = Worker(process, path)
    atexit.register(worker.close)
    return worker
