"""A method that is no module here: a command that is run once a round and writes the scores of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from wtal.base.errors import require
from wtal.base.ranges import Doc, Words, settings
from wtal.suite.contracts import BaseSettings

PLACES = ("data", "seed", "round", "labels", "previous_labels", "out")


@settings
class ExternalMethod(BaseSettings):
    """A command that reads the store and the pseudo labels of a round, and writes its scores."""

    has_attention: ClassVar[bool] = True  # or so it may; its scores tell
    kind: Literal["external"] = "external"
    command: Annotated[
        Words,
        Doc(
            "split into words as a shell would, and run without one; {data}, {seed}, {round}, {labels}, "
            "{previous_labels} and {out} stand for the store's folder, the run's seed, the round, its pseudo labels, "
            "those of the round before (each empty where there are none) and the folder to write "
            "scores_train.npz and scores_test.npz into"
        ),
    ]

    def __post_init__(self) -> None:
        try:
            words = shlex.split(self.command)
            self.words(dict.fromkeys(PLACES, ""))
        except (ValueError, KeyError, IndexError):
            words = []
        expected = f"words in which only {', '.join(f'{{{name}}}' for name in PLACES)} stand in braces"
        require(bool(words), "command", expected, self.command)
        for name in ("data", "out"):
            require(f"{{{name}}}" in self.command, "command", f"{{{name}}} in it", self.command)

    def check_with(self, method: Any) -> None:
        """What only our own training can do is left to it."""
        why = "where base.kind is external"
        require(not method.labels.uncertainty, "labels.uncertainty", f"0 {why}", method.labels.uncertainty)
        require(not method.labels.dropout, "labels.dropout", f"false {why}", method.labels.dropout)
        reports = method.training.report_best_test_epoch
        require(not reports, "training.report_best_test_epoch", f"false {why}", reports)
        require(method.training.early_stopping is None, "training.early_stopping", f"null {why}", "a group of keys")

    def words(self, values: Mapping[str, object]) -> list[str]:
        """The program and its arguments, with a value for each of PLACES."""
        return [word.format_map(values) for word in shlex.split(self.command)]

    def files(self) -> list[str]:
        """The words of the command that name files, which a result is made from as well."""
        return [word for word in shlex.split(self.command) if "{" not in word and Path(word).is_file()]
