"""Scoring: matching, protocols, uncertainty, diagnosis and the quality of pseudo labels; no file or torch needed.

>>> import numpy as np
>>> from wtal.evaluate import Detections, EvaluationOptions, Instances, evaluate_detections
>>> truth = Instances(("a",), ("run",), np.array([0]), np.array([0]), np.array([1.0]), np.array([4.0]))
>>> found = Detections(("a",), ("run",), *(np.array([x]) for x in (0, 0, 1.0, 3.0, 0.9)))  # a run from 1 to 3 s
>>> evaluate_detections(found, truth, EvaluationOptions(tiou=(0.5, 0.7))).mean.tolist()
[100.0, 0.0]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wtal.base.records import Detections, Instances
    from wtal.evaluate.diagnose.diagnose import Diagnosis, diagnose_matches
    from wtal.evaluate.protocols.activitynet import ActivityNetProtocol
    from wtal.evaluate.protocols.snippet import SnippetProtocol
    from wtal.evaluate.protocols.step import StepProtocol
    from wtal.evaluate.score.intervals import Interval
    from wtal.evaluate.score.options import AmbiguousIntervals, EvaluationOptions, options_from_settings
    from wtal.evaluate.score.protocols import (
        Evaluation,
        Matches,
        evaluate_detections,
        evaluate_matches,
        match_detections,
    )
    from wtal.evaluate.score.uncertainty import Bootstrap, bootstrap_average

# Where each public name is; imported once it is asked for, so that reading a suite's protocol loads no arrays.
_HOMES = {
    "ActivityNetProtocol": "protocols.activitynet",
    "AmbiguousIntervals": "score.options",
    "Bootstrap": "score.uncertainty",
    "Detections": "score.protocols",
    "Diagnosis": "diagnose.diagnose",
    "Evaluation": "score.protocols",
    "EvaluationOptions": "score.options",
    "Instances": "score.protocols",
    "Interval": "score.intervals",
    "Matches": "score.protocols",
    "SnippetProtocol": "protocols.snippet",
    "StepProtocol": "protocols.step",
    "bootstrap_average": "score.uncertainty",
    "diagnose_matches": "diagnose.diagnose",
    "evaluate_detections": "score.protocols",
    "evaluate_matches": "score.protocols",
    "match_detections": "score.protocols",
    "options_from_settings": "score.options",
}

__all__ = [
    "ActivityNetProtocol",
    "AmbiguousIntervals",
    "Bootstrap",
    "Detections",
    "Diagnosis",
    "Evaluation",
    "EvaluationOptions",
    "Instances",
    "Interval",
    "Matches",
    "SnippetProtocol",
    "StepProtocol",
    "bootstrap_average",
    "diagnose_matches",
    "evaluate_detections",
    "evaluate_matches",
    "match_detections",
    "options_from_settings",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
