"""The instructions that numeric libraries use: the same wherever a processor has AVX2, and what the user set stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wtal.base.code.kernels import VARIABLES, kernels_in_use, use_same_kernels

OLD, NEW = frozenset({"avx2"}), frozenset({"avx2", "avx512f"})
COMMAND = """
import sys
from wtal.cli import main
main(["list", "methods"])
import os, numpy
from numpy._core._multiarray_umath import __cpu_features__ as has
print(os.environ.get("ATEN_CPU_CAPABILITY"), has.get("X86_V4", False), file=sys.stderr)
"""


def test_variables_are_set_where_a_processor_could_do_more() -> None:
    environment: dict[str, str] = {}
    use_same_kernels(environment, OLD)
    assert environment == {}
    use_same_kernels(environment, NEW)
    assert environment == VARIABLES


def test_what_the_user_set_stays() -> None:
    environment = {"ATEN_CPU_CAPABILITY": "default"}
    use_same_kernels(environment, NEW)
    assert environment == {**VARIABLES, "ATEN_CPU_CAPABILITY": "default"}
    fastest = {"WTAL_KERNELS": "fastest"}
    use_same_kernels(fastest, NEW)
    assert fastest == {"WTAL_KERNELS": "fastest"}


@pytest.mark.parametrize(
    ("flags", "environment", "expected"),
    [(OLD, {}, "avx2"), (NEW, {}, "avx512"), (NEW, VARIABLES, "avx2"), (OLD, VARIABLES, "avx2")],
)
def test_provenance_says_which_they_were(flags: frozenset[str], environment: dict[str, str], expected: str) -> None:
    assert kernels_in_use(dict(environment), flags) == expected


def test_a_command_sets_them_before_a_library_is_loaded() -> None:
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    if "avx512f" not in flags:
        pytest.skip("this processor has no AVX-512 to be left out")
    plain = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    said = subprocess.run([sys.executable, "-c", COMMAND], env=plain, capture_output=True, text=True, check=True)
    assert said.stderr.split() == ["avx2", "False"]
