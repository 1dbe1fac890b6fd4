"""What a process that starts new and one that is forked must share for a command to end alike in both."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from typing import Any

VARIABLE = "WTAL_WORKER"  # the path of the server's socket, in a folder that nobody else may enter
PROTOCOL = 1
LIBRARIES = (
    "numpy",
    "torch",
    "pandas",
)  # loaded before the fork; no module of this package, so that jobs run it as it is
MOST_BYTES = 1 << 20  # of a request
STARTED, ENDED = b"S", b"E"  # what is said to a client: and the process id, or the status that waitpid gave

# Read when Python or a library is loaded, and never again.
AT_LOADING = (
    *("PYTHON", "LD_", "LC_", "LANG", "TZ", "MALLOC_", "GLIBC_", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "BLIS_"),
    *("CUDA_", "CUBLAS_", "NCCL_", "NVIDIA_", "TORCH", "PYTORCH_", "ATEN_", "DNNL_", "ONEDNN_", "NPY_", "NUMPY_"),
)
FILES = ("/proc/self/cgroup", "/proc/self/ns/mnt", "/proc/self/ns/pid")


def likeness() -> dict[str, Any]:
    """Of this process, a plain JSON value: interpreter, libraries by their files, environment, rights and limits.

    Raises OSError where the system does not say (it is no Linux).
    """
    return {
        "protocol": PROTOCOL,
        "python": [sys.version, os.path.realpath(sys.executable), sys.prefix, sys.base_prefix],
        "flags": [sys.flags.optimize, sys.flags.no_site, sys.flags.dev_mode, sys.warnoptions, sorted(sys._xoptions)],
        "libraries": [_file_of(name) for name in LIBRARIES],
        "environment": _environment(),
        "user": [os.getuid(), os.getgid(), sorted(os.getgroups())],
        "share": [os.getpriority(os.PRIO_PROCESS, 0), sorted(os.sched_getaffinity(0))],
        "place": [_said_by(path) for path in FILES],
    }


def _file_of(name: str) -> list[Any]:
    """Where a library would be loaded from, and what tells one installation there from the next."""
    found = PathFinder.find_spec(name)
    if found is None or found.origin is None:
        return []
    status = os.stat(found.origin)
    return [found.origin, status.st_ino, status.st_size, status.st_mtime_ns]


def _environment() -> dict[str, str]:
    """The variables that count; of OMP_NUM_THREADS a forked process is told, where nothing else goes by it."""
    counted = {key: value for key, value in os.environ.items() if key.startswith(AT_LOADING)}
    if counted.keys() >= {"MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"}:
        counted.pop("OMP_NUM_THREADS", None)
    return counted


def _said_by(path: str) -> str:
    if os.path.islink(path):
        return os.readlink(path)
    with open(path, encoding="utf-8") as file:
        return file.read()
