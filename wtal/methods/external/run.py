"""One round of an external method: its command is run, and what it has written is put in place whole or not at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from wtal.base.errors import InputError
from wtal.base.files import read_rows, refused_unwritable, write_rows
from wtal.methods.external.settings import ExternalMethod
from wtal.suite.paths import EXTERNAL_FILES, TEST_SCORES, TRAIN_SCORES, TRAINING


@contextmanager
def external_round(method: ExternalMethod, values: Mapping[str, object], out: Path) -> Iterator[Path]:
    """Run the command of a round into a folder beside its files, which are put in place where the block succeeds.

    values: what stands for `data`, `seed`, `round`, `labels` and `previous_labels` in the command. The folder that is
    given to the block holds the scores of both subsets and a training curve, which has no rows where the command wrote
    none. Raises InputError where the command cannot be run, fails, or leaves a file out.
    """
    with refused_unwritable(out, "a folder that can be written"):
        out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".external-") as name:
        made = Path(name)
        _run(method.words({**values, "out": made}))
        for file in (TRAIN_SCORES, TEST_SCORES):
            if not (made / file).is_file():
                raise InputError(file=method.command, key=file, expected="the command to write it", got="no such file")
        if (made / TRAINING).is_file():
            read_rows(made / TRAINING, ("epoch",))
        else:
            write_rows(made / TRAINING, ("epoch",), ())
        yield made
        for file in EXTERNAL_FILES:
            shutil.move(made / file, out / file)


def _run(words: list[str]) -> None:
    """Run a command, its output where ours goes. Raises InputError where it is not there or does not end with 0."""
    sys.stdout.flush()
    try:
        done = subprocess.run(words, check=False)
    except OSError as error:
        raise InputError(file=words[0], expected="a program that can be run", got=error.strerror) from None
    if done.returncode:
        expected = "to end with exit code 0 (what it printed stands above)"
        raise InputError(file=" ".join(words), expected=expected, got=done.returncode)
