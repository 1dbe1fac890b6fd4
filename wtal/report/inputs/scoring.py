"""How a suite's variants are scored, for every part of the report that scores them anew."""

from __future__ import annotations

from pathlib import Path

from wtal.base.records import Detections
from wtal.evaluate.read.detections import read_detections_of_rounds
from wtal.evaluate.score.options import EvaluationOptions, options_from_settings
from wtal.report.inputs.plan import Plan
from wtal.report.inputs.truth import Truth
from wtal.suite.method_settings import PRESET_MISSING_CLASS
from wtal.suite.paths import ROUNDS, SuitePaths


def options_of_variant(plan: Plan, variant: str, truth: Truth) -> EvaluationOptions:
    """The suite's protocol, with what the preset of a variant makes of a class without detections."""
    settings = plan.file.evaluation
    missing = settings.missing_class or PRESET_MISSING_CLASS[plan.method(variant).preset]
    return options_from_settings(settings, truth.snippets_per_second, missing_class=missing)


def detections_of_run(
    plan: Plan, results: Path, variant: str, seed: int, truth: Truth
) -> tuple[Path, list[Detections]]:
    """The file of a variant and seed with the detections of each of its rounds. Raises InputError where one lacks."""
    path = SuitePaths(results).run(variant, seed) / ROUNDS
    n_rounds = plan.file.variants[variant].rounds + 1
    return path, read_detections_of_rounds(path, at_least=n_rounds, of=truth.instances)[:n_rounds]
