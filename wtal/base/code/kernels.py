"""Which instructions of the processor the numeric libraries use: the same on every x86-64 that has AVX2.

Sums go in another order with AVX-512, and what is trained then differs from what the same seed gives elsewhere. numpy,
torch and oneDNN read the variables when they are loaded, so they are set before.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

SWITCH = "WTAL_KERNELS"  # `fastest` leaves the choice to the libraries
VARIABLES = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # numpy before 2.4 has other names, and takes no notice
}
FLAGS_WITHIN = 8192  # bytes of /proc/cpuinfo that hold the flags of the first core


def use_same_kernels(environment: MutableMapping[str, str] = os.environ, flags: frozenset[str] | None = None) -> None:
    """Set the variables where the processor has AVX-512, unless the user set them or asked for the fastest.

    flags: of the processor; None: read from the system.
    """
    if environment.get(SWITCH) == "fastest":
        return
    found = _flags() if flags is None else flags
    if "avx2" in found and "avx512f" in found:
        for name, value in VARIABLES.items():
            environment.setdefault(name, value)


def kernels_in_use(environment: MutableMapping[str, str] = os.environ, flags: frozenset[str] | None = None) -> str:
    """`avx2`, what every result is made with by default, or what else the libraries choose by themselves."""
    found = _flags() if flags is None else flags
    if "avx2" not in found:
        import platform  # takes as long as a command's help

        return platform.machine()
    is_set = all(environment.get(name) == value for name, value in VARIABLES.items())
    return "avx512" if "avx512f" in found and not is_set else "avx2"


def _flags() -> frozenset[str]:
    """What the processor can do, in Linux's words; nothing where the system says nothing."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            lines = file.read(FLAGS_WITHIN).decode("ascii", "replace").splitlines()
    except OSError:
        return frozenset()
    return next((frozenset(line.split()) for line in lines if line.startswith("flags")), frozenset())
