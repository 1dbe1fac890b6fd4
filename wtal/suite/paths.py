"""Where the files of a suite's run lie: the one place that knows, for the workflow, the commands and the report.

    results/<suite>/data/                              the store
    results/<suite>/settings/[<variant>/]<step>.json   what a step depends on
    results/<suite>/<owner>/seed<k>/round<r>/          what training a round makes, and the labels that it learnt from
    results/<suite>/<variant>/seed<k>/                 detections and metrics
    results/<suite>/benchmarks/                        time and memory of the steps
    results/<suite>/                                   tables, figures/ and report.html

Variant, seed and round may be wildcards, such as "{variant}": what comes back is a pattern then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path("results")
PUBLISHED = RESULTS / "published"  # tables of numbers that stand beside those of a run
OWN_FOLDERS = ("data", "settings", "benchmarks", "figures")  # of a suite; no variant may have their names

# Of a round. What its training writes, the labels that it learnt from, and what they were made from besides.
CHECKPOINT, TRAINING = "checkpoint.pt", "training.csv"
TRAIN_SCORES, TEST_SCORES = "scores_train.npz", "scores_test.npz"
EXTERNAL_FILES = (TRAIN_SCORES, TEST_SCORES, TRAINING)  # of an external method, which has no checkpoint
ROUND_FILES = (CHECKPOINT, *EXTERNAL_FILES)
LABELS, DROPOUT_SCORES = "labels.npz", "scores_train_dropout.npz"

# Of a variant and seed.
DETECTIONS, ROUNDS, METRICS = "detections.json", "rounds.npz", "metrics.json"  # ROUNDS: detections of every round
RUN_FILES = (DETECTIONS, ROUNDS, METRICS)

REPORT = "report.html"  # of the suite; tables and figures are named where they are made


@dataclass(frozen=True, slots=True)
class SuitePaths:
    """The folders and files of one suite, below `root`."""

    root: Path

    @classmethod
    def of(cls, suite: str) -> SuitePaths:
        """Those of the suite of this name."""
        return cls(RESULTS / suite)

    @property
    def data(self) -> Path:
        """The folder of the store."""
        return self.root / "data"

    @property
    def benchmarks(self) -> Path:
        """The folder with time and memory of each step."""
        return self.root / "benchmarks"

    def settings(self, step: str, variant: str = "", index: int | str = "") -> Path:
        """What a step depends on; see `settings_name`."""
        return self.root / "settings" / settings_name(step, variant, index)

    def run(self, variant: str, seed: int | str) -> Path:
        """The folder of a variant and seed."""
        return self.root / variant / f"seed{seed}"

    def round(self, owner: str, seed: int | str, index: int | str) -> Path:
        """The folder of a round, which lies with the variant that trains it."""
        return self.run(owner, seed) / f"round{index}"

    @property
    def figures(self) -> Path:
        """The folder of the figures."""
        return self.root / "figures"

    def figure(self, name: str, form: str) -> Path:
        """A figure in one of its forms."""
        return self.figures / f"{name}.{form}"


def settings_name(step: str, variant: str = "", index: int | str = "") -> str:
    """The name below settings/ of what a step depends on, such as `base/labels1.json` or `report.json`."""
    name = f"{step}{index}.json"
    return f"{variant}/{name}" if variant else name


def pattern_of_owners(rounds: Iterable[tuple[str, int]]) -> str:
    """A regular expression for the variants that train these rounds (variant, round) themselves, as a path has them.

    It looks ahead to the round in the path, so that a variant is taken in its own rounds alone.
    """
    return "|".join(rf"{variant}(?=/seed\d+/round{index}/)" for variant, index in rounds) or "(?!)"
