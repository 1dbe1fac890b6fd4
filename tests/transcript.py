"""A page's transcript, run as a new user would: its commands one after the other in a fresh checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page of the documentation in one language, in order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def steps(block: str) -> list[tuple[str, str]]:
    """Each command of a console block with what it prints; "..." stands for anything."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2]))


def pattern(expected: str) -> str:
    """The expression that what a command prints has to match."""
    return r"[\s\S]*".join(re.escape(part) for part in expected.strip().split("...")) + r"\s*"


@dataclass(frozen=True)
class User:
    """Somebody in a fresh checkout, as far as the commands need it."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of the shell; what it prints comes as a terminal shows it, in one."""
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def follow(self, block: str) -> None:
        """Run the commands of a console block, none of which may fail, and hold what they print against it."""
        for command, expected in steps(block):
            done = self.run(command)
            assert done.returncode == 0, f"{command}\n{done.stdout}"
            assert re.fullmatch(pattern(expected), done.stdout), f"{command}\n{done.stdout}"


def user_in(folder: Path) -> User:
    """A user in a folder that gets what a checkout has."""
    for name in ("Snakefile", "workflow", "profiles", "wtal", "snakemake_logger_plugin_one_line"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "config").mkdir()
    commands = folder / "commands"
    commands.mkdir()
    (commands / "wtal").write_text(f'#!/bin/sh\nexec {sys.executable} -m wtal "$@"\n')
    (commands / "wtal").chmod(0o755)
    path = os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]])
    ours = {"PATH": path, "PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUNBUFFERED": "1"}
    return User(folder, {**os.environ, **ours})
