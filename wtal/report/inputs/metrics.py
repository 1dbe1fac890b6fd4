"""What the evaluation of a run left behind: metrics.json of every variant and seed, checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.base.files import read_json
from wtal.evaluate.score.evaluation import Evaluation
from wtal.report.inputs.plan import Plan
from wtal.suite.paths import METRICS, SuitePaths

# Quality of the pseudo labels of a round against the hidden ground truth, and what the linear programmes met.
LABEL_FIGURES = (
    "label_precision",
    "label_recall",
    "label_average_precision",
    "label_mAP",
    "lp_infeasible_share",
    "lp_violation",
)
TOLERANCE = 1e-4  # percent, by which a number may differ that is found again: tables print four decimals


@dataclass(frozen=True, slots=True)
class RoundMetrics:
    """One round of one variant and seed; a number that does not exist (labels of round 0) is NaN."""

    round_index: int
    mean_ap: tuple[float, ...]  # percent, one per tIoU threshold
    average: float  # percent, the headline average
    classification: float  # percent
    labels: dict[str, float]  # by LABEL_FIGURES


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """One variant and seed: its last round, every round, and what picking an epoch on the test set would give."""

    variant: str
    seed: int
    protocol: str
    settings_digest: str
    tiou: tuple[float, ...]
    mean_ap: tuple[float, ...]  # percent, one per tIoU threshold
    averages: dict[str, float]  # percent
    per_class: dict[str, tuple[float, ...]]  # percent, one per tIoU threshold; NaN: no instance of the class
    classification: float  # percent
    n_detections: int
    rounds: tuple[RoundMetrics, ...]
    selected_on_test: float | None  # percent, the headline average


def read_metrics(plan: Plan, results: Path) -> dict[tuple[str, int], RunMetrics]:
    """The metrics of every variant and seed, in suite order. Raises InputError naming the first bad file and key."""
    runs = {}
    for variant in plan.file.variants:
        for seed in plan.file.seeds:
            path = SuitePaths(results).run(variant, seed) / METRICS
            runs[variant, seed] = run = _run(_Reader(path, read_json(path)), plan)
            _check_identity(path, run, variant, seed)
            _check_settings(path, run, plan)
    first = next(iter(runs.values()))
    for (variant, seed), run in runs.items():
        if run.tiou != first.tiou or run.protocol != first.protocol:
            path = SuitePaths(results).run(variant, seed) / METRICS
            expected = f"protocol {first.protocol} and tIoU {list(first.tiou)}, as the other runs have"
            raise InputError(file=path, key="tiou", expected=expected, got=f"{run.protocol} and {list(run.tiou)}")
    return runs


def _check_identity(path: Path, run: RunMetrics, variant: str, seed: int) -> None:
    if (run.variant, run.seed) != (variant, seed):
        expected = f"{variant}, seed {seed}, as its folder says"
        raise InputError(file=path, key="variant", expected=expected, got=f"{run.variant}, seed {run.seed}")


def _check_settings(path: Path, run: RunMetrics, plan: Plan) -> None:
    """Refuse numbers that were made with other settings, or of other rounds, than the suite has now."""
    wanted, rounds = plan.digest_of_evaluation(run.variant), [entry.round_index for entry in run.rounds]
    if run.settings_digest != wanted:
        expected = f"{wanted[:12]}..., of the settings that the suite has now (evaluate again)"
        raise InputError(file=path, key="settings_digest", expected=expected, got=f"{run.settings_digest:.12}...")
    n_rounds = plan.file.variants[run.variant].rounds + 1
    if rounds != list(range(n_rounds)):
        raise InputError(file=path, key="rounds", expected=f"{n_rounds} rounds, from 0 on, each once", got=rounds)


def hold(run: RunMetrics, scored: Sequence[Evaluation], path: Path, detections: Path) -> None:
    """Hold the numbers of metrics.json at `path` against the detections of every round, scored anew.

    Raises InputError naming both files and the first number that differs: one of them is not what was evaluated.
    """
    said = f"as {detections} scores against the annotations (delete {path.name} to evaluate again)"
    if len(run.rounds) != len(scored):
        raise InputError(file=path, key="rounds", expected=f"{len(scored)} rounds, {said}", got=len(run.rounds))
    for key, recorded, found in _held(run, scored):
        if abs(recorded - found) > TOLERANCE or math.isnan(recorded) != math.isnan(found):
            raise InputError(file=path, key=key, expected=f"{found:.6g}, {said}", got=f"{recorded:.6g}")


def _held(run: RunMetrics, scored: Sequence[Evaluation]) -> Iterator[tuple[str, float, float]]:
    """Every number that detections alone give: its key, as it was recorded, as it is found."""
    last = scored[-1]
    yield "n_detections", run.n_detections, last.n_detections
    for index, values in enumerate(zip(run.mean_ap, last.mean.tolist())):
        yield f"mAP[{index}]", *values
    for name, value in run.averages.items():
        yield f"averages.{name}", value, last.averages.get(name, math.nan)
    of_class = dict(zip(last.classes, last.per_class.tolist()))
    for name in dict.fromkeys([*run.per_class, *of_class]):
        nothing = [math.nan] * len(run.tiou)
        for index, values in enumerate(zip(run.per_class.get(name, nothing), of_class.get(name, nothing))):
            yield f"per_class.{name}[{index}]", *values
    for number, (entry, evaluation) in enumerate(zip(run.rounds, scored)):
        yield f"rounds[{number}].average", entry.average, evaluation.headline
        for index, values in enumerate(zip(entry.mean_ap, evaluation.mean.tolist())):
            yield f"rounds[{number}].mAP[{index}]", *values


class _Reader:
    """A JSON object whose keys are asked for by kind, with errors that name file and key."""

    def __init__(self, file: Path, values: object, key: str = "") -> None:
        if not isinstance(values, Mapping):
            raise InputError(file=file, key=key, expected="a JSON object", got=type(values).__name__)
        self.file, self.values, self.key = file, values, key

    def fail(self, name: str, expected: str, got: object) -> InputError:
        key = f"{self.key}.{name}" if self.key else name
        text = repr(got)
        return InputError(
            file=self.file, key=key, expected=expected, got=text if len(text) <= 80 else f"{text[:77]}..."
        )

    def get(self, name: str) -> Any:
        if name not in self.values:
            raise self.fail(name, "a value", "nothing")
        return self.values[name]

    def text(self, name: str) -> str:
        value = self.get(name)
        if not isinstance(value, str):
            raise self.fail(name, "text", value)
        return value

    def whole(self, name: str) -> int:
        value = self.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.fail(name, "a whole number", value)
        return value

    def number(self, name: str, optional: bool = False) -> float:
        value = self.values.get(name) if optional else self.get(name)
        if value is None and optional:
            return math.nan
        if not _is_number(value):
            raise self.fail(name, "a number", value)
        return float(value)  # type: ignore[arg-type]

    def numbers(self, name: str, count: int | None = None, optional: bool = False) -> tuple[float, ...]:
        value = self.get(name)
        fits = isinstance(value, list) and all(_is_number(entry) or (optional and entry is None) for entry in value)
        if not fits or (count is not None and len(value) != count):
            raise self.fail(name, "a list of numbers" if count is None else f"a list of {count} numbers", value)
        return tuple(math.nan if entry is None else float(entry) for entry in value)

    def group(self, name: str) -> _Reader:
        return _Reader(self.file, self.get(name), f"{self.key}.{name}" if self.key else name)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _run(reader: _Reader, plan: Plan) -> RunMetrics:
    tiou = reader.numbers("tiou")
    averages, per_class, selected = (
        reader.group("averages"),
        reader.group("per_class"),
        reader.values.get("selected_on_test"),
    )
    rounds = reader.get("rounds")
    if not isinstance(rounds, list):
        raise reader.fail("rounds", "a list of rounds", rounds)
    return RunMetrics(
        variant=reader.text("variant"),
        seed=reader.whole("seed"),
        protocol=reader.text("protocol"),
        settings_digest=reader.text("settings_digest"),
        tiou=tiou,
        mean_ap=reader.numbers("mAP", len(tiou)),
        averages={name: averages.number(name) for name in plan.file.evaluation.averages},
        per_class={name: per_class.numbers(name, len(tiou), optional=True) for name in per_class.values},
        classification=reader.number("classification_mAP", optional=True),
        n_detections=reader.whole("n_detections"),
        rounds=tuple(
            _round(_Reader(reader.file, values, f"rounds[{index}]"), len(tiou)) for index, values in enumerate(rounds)
        ),
        selected_on_test=None if selected is None else reader.group("selected_on_test").number("average"),
    )


def _round(reader: _Reader, n_thresholds: int) -> RoundMetrics:
    return RoundMetrics(
        round_index=reader.whole("round"),
        mean_ap=reader.numbers("mAP", n_thresholds),
        average=reader.number("average"),
        classification=reader.number("classification_mAP", optional=True),
        labels={name: reader.number(name, optional=True) for name in LABEL_FIGURES},
    )
