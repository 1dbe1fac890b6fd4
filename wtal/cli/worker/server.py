"""The worker itself: loads the slow libraries once, and forks a process of its own for each command that it is given.

It has one thread, is in a session of its own, and ends, with all jobs, when its standard input does: the other end is
held by the process that started it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import resource
import selectors
import shutil
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from wtal.cli.worker.likeness import ENDED, LIBRARIES, MOST_BYTES, STARTED, likeness
from wtal.cli.worker.orphan import die_with


def run_server() -> None:
    """Serve until the owner ends; arguments: the number of the listening socket, and its folder."""
    listener, folder = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    own, ending = json.loads(json.dumps(likeness())), _Ending()
    atexit.register(ending.leave)  # before all others, so that it is the last that is called
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "wtal"]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()  # a job that collects would copy every page that it looks at
    if len(os.listdir("/proc/self/task")) == 1:  # a fork would lose the others
        request = _Server(listener, folder, own).serve()
        if request is not None:
            ending.of(request["arguments"][1:])
    shutil.rmtree(folder, ignore_errors=True)
    ending.code = 0


class _Ending:
    """Ends as Python does, but for the seconds' tenth in which it would take apart what the libraries are made of."""

    code = 1  # of an error that nobody caught

    def of(self, arguments: list[str]) -> NoReturn:
        """Run a command, with the code that the client would have loaded."""
        try:
            self.code = importlib.import_module("wtal.cli").main(arguments)
        except SystemExit as leaving:
            said = leaving.code
            self.code = said if isinstance(said, int) else int(said is not None)
            raise
        sys.exit(self.code)

    def leave(self) -> None:
        """What is left to do once everything that wanted to be called at the end was called."""
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            self.code = 120  # as Python has it
        os._exit(self.code)


@dataclass(frozen=True, slots=True)
class _Job:
    """A process that runs a command, and who asked for it."""

    process: int
    ending: int  # readable when the process has ended
    connection: socket.socket
    note: str  # a file under the client's process id that holds the job's, for whoever measures a client


class _Server:
    def __init__(self, listener: socket.socket, folder: str, own: dict[str, Any]) -> None:
        self.listener, self.folder, self.own = listener, folder, own
        self.selector = selectors.DefaultSelector()
        self.jobs: dict[int, _Job] = {}  # by each file that is waited for
        self.owner = os.dup(0)
        for file in (listener, self.owner):
            self.selector.register(file, selectors.EVENT_READ)

    def serve(self) -> dict[str, Any] | None:
        """None when the owner has ended; in the process of a job: what was asked for."""
        while True:
            for key, _ in self.selector.select():
                if key.fd == self.owner:
                    for job in self.jobs.values():
                        _signal(job, signal.SIGKILL)
                    return None
                if key.fileobj is self.listener:
                    self.selector.register(self.listener.accept()[0], selectors.EVENT_READ)
                elif key.fd not in self.jobs:
                    if isinstance(key.fileobj, socket.socket) and (request := self._asked(key.fileobj)):
                        return request
                elif key.fd == self.jobs[key.fd].ending:
                    self._ended(self.jobs[key.fd])
                    break  # its connection may be among those that were selected
                else:
                    self._told(self.jobs[key.fd])

    def _asked(self, connection: socket.socket) -> dict[str, Any] | None:
        """Fork a job for a client that is alike; what it asked for in the process of the job."""
        files: list[int] = []
        try:
            text, files, flags, _ = socket.recv_fds(connection, MOST_BYTES, 3)
            request = json.loads(text)
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) or len(files) != 3 or request["likeness"] != self.own:
                raise ValueError("another likeness")
            process = os.fork()
        except (OSError, ValueError, KeyError, TypeError):
            self._forget(connection)
            return None
        else:
            if process == 0:
                return self._become(request, files, connection)
            self._began(process, connection)
            return None
        finally:
            for file in files:
                os.close(file)

    def _began(self, process: int, connection: socket.socket) -> None:
        with suppress(OSError):  # the job does so too, and one of them is first
            os.setpgid(process, process)
        client = int.from_bytes(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), sys.byteorder)
        job = _Job(process, os.pidfd_open(process), connection, os.path.join(self.folder, str(client)))
        with suppress(OSError), open(job.note, "w", encoding="ascii") as file:
            file.write(str(process))
        self.selector.register(job.ending, selectors.EVENT_READ)
        self.jobs |= {job.ending: job, connection.fileno(): job}

    def _told(self, job: _Job) -> None:
        """Forward a signal; a client that is gone takes its job along."""
        try:
            said = job.connection.recv(1)
        except ConnectionError:
            said = b""
        _signal(job, said[0] if said else signal.SIGKILL)
        if not said:
            self.selector.unregister(job.connection)

    def _ended(self, job: _Job) -> None:
        _, status = os.waitpid(job.process, 0)
        for file in (job.ending, job.connection.fileno()):
            del self.jobs[file]
        with suppress(OSError):
            os.unlink(job.note)
        self.selector.unregister(job.ending)
        os.close(job.ending)
        with suppress(OSError):
            job.connection.send(ENDED + b"%d" % status)
        self._forget(job.connection)

    def _forget(self, connection: socket.socket) -> None:
        with suppress(KeyError):
            self.selector.unregister(connection)
        connection.close()

    def _become(self, request: dict[str, Any], files: list[int], connection: socket.socket) -> dict[str, Any]:
        """Make of this process what the client is, and say so; whatever fails ends it before a command has begun."""
        try:
            os.setpgid(0, 0)
            die_with(os.getppid())
            for key in list(self.selector.get_map().values()):
                if key.fd != connection.fileno():
                    os.close(key.fd)
            self.selector.close()
            for number, file in enumerate(files):
                os.dup2(file, number)
            _take_on(request)
            connection.send(STARTED + b"%d" % os.getpid())
            connection.close()
        except BaseException:
            os._exit(1)
        return request


def _signal(job: _Job, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(job.process, number)


def _take_on(request: dict[str, Any]) -> None:
    """Folder, rights, limits, environment and paths of the client, and random numbers of this process's own."""
    os.chdir(request["folder"])
    os.umask(request["umask"])
    for number, limits in request["limits"]:
        if resource.getrlimit(number) != tuple(limits):
            resource.setrlimit(number, tuple(limits))
    n_threads = os.environ.get("OMP_NUM_THREADS")
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:], sys.path[:] = request["arguments"], request["path"]
    sys.executable = request["executable"]  # one interpreter has several names in an environment
    importlib.invalidate_caches()
    sys.stdin = os.fdopen(0, encoding=sys.stdin.encoding, errors=sys.stdin.errors, closefd=False)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if "torch" in sys.modules and asked != n_threads and asked.isdigit() and int(asked):
        sys.modules["torch"].set_num_threads(int(asked))
