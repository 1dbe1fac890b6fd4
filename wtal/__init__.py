"""wtal: a reproducible benchmark suite for weakly-supervised temporal action localisation.

Scoring inside another program, from arrays to mAP with its interval; numpy alone, no file, no torch:

>>> import numpy as np, wtal
>>> video, run, start, end = np.array([0, 1]), np.array([0, 0]), np.array([1.0, 2.0]), np.array([4.0, 5.0])  # seconds
>>> truth = wtal.Instances(("a", "b"), ("run",), video, run, start, end)
>>> found = wtal.Detections(("a", "b"), ("run",), video, run, start, end, np.array([0.9, 0.4]))
>>> matches = wtal.match_detections(found, truth, wtal.EvaluationOptions())
>>> interval = wtal.bootstrap_average({"mine": [matches]}).average["mine"]
>>> interval.estimate, interval.low, interval.high
(100.0, 100.0, 100.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wtal.evaluate import (
        AmbiguousIntervals,
        Bootstrap,
        Detections,
        Diagnosis,
        Evaluation,
        EvaluationOptions,
        Instances,
        Interval,
        Matches,
        bootstrap_average,
        diagnose_matches,
        evaluate_detections,
        evaluate_matches,
        match_detections,
    )
    from wtal.evaluate.read.detection_forms import read_any_detections
    from wtal.evaluate.read.ground_truth import read_ground_truth

__version__ = "0.1.0"

__all__ = [
    "AmbiguousIntervals",
    "Bootstrap",
    "Detections",
    "Diagnosis",
    "Evaluation",
    "EvaluationOptions",
    "Instances",
    "Interval",
    "Matches",
    "bootstrap_average",
    "diagnose_matches",
    "evaluate_detections",
    "evaluate_matches",
    "match_detections",
    "read_any_detections",
    "read_ground_truth",
]


def __getattr__(name: str) -> object:
    """A public name, imported when it is first asked for. Raises AttributeError where there is no such name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if name == "read_any_detections":
        return import_module("wtal.evaluate.read.detection_forms").read_any_detections
    if name == "read_ground_truth":
        return import_module("wtal.evaluate.read.ground_truth").read_ground_truth
    return getattr(import_module("wtal.evaluate"), name)
