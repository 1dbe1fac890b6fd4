"""Scoring: matching, protocols, uncertainty, diagnosis and the quality of pseudo labels; no file or torch needed.

>>> import numpy as np
>>> from wtal.evaluate import Detections, EvaluationOptions, Instances, evaluate_detections
>>> truth = Instances(("a",), ("run",), np.array([0]), np.array([0]), np.array([1.0]), np.array([4.0]))
>>> found = Detections(("a",), ("run",), *(np.array([x]) for x in (0, 0, 1.0, 3.0, 0.9)))  # a run from 1 to 3 s
>>> evaluate_detections(found, truth, EvaluationOptions(tiou=(0.5, 0.7))).mean.tolist()
[100.0, 0.0]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wtal.base.records import Detections, Instances
    from wtal.evaluate.diagnose.diagnose import Diagnosis, diagnose_matches
    from wtal.evaluate.protocols.activitynet import ActivityNetProtocol
    from wtal.evaluate.protocols.snippet import SnippetProtocol
    from wtal.evaluate.protocols.step import StepProtocol
    from wtal.evaluate.protocols.wtalc import WtalcProtocol
    from wtal.evaluate.score.evaluation import (
        Evaluation,
        Matches,
        evaluate_detections,
        evaluate_matches,
        match_detections,
    )
    from wtal.evaluate.score.intervals import Interval
    from wtal.evaluate.score.options import AmbiguousIntervals, EvaluationOptions, options_from_settings
    from wtal.evaluate.score.uncertainty import Bootstrap, bootstrap_average

# Where each public name is made: it is imported when it is first asked for, so that no command waits for the others.
_MODULES = {
    **dict.fromkeys(("Detections", "Instances"), "wtal.base.records"),
    **dict.fromkeys(("Diagnosis", "diagnose_matches"), "wtal.evaluate.diagnose.diagnose"),
    "ActivityNetProtocol": "wtal.evaluate.protocols.activitynet",
    "SnippetProtocol": "wtal.evaluate.protocols.snippet",
    "StepProtocol": "wtal.evaluate.protocols.step",
    "WtalcProtocol": "wtal.evaluate.protocols.wtalc",
    "Interval": "wtal.evaluate.score.intervals",
    **dict.fromkeys(
        ("AmbiguousIntervals", "EvaluationOptions", "options_from_settings"), "wtal.evaluate.score.options"
    ),
    **dict.fromkeys(
        ("Evaluation", "Matches", "evaluate_detections", "evaluate_matches", "match_detections"),
        "wtal.evaluate.score.evaluation",
    ),
    **dict.fromkeys(("Bootstrap", "bootstrap_average"), "wtal.evaluate.score.uncertainty"),
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
    "WtalcProtocol",
    "bootstrap_average",
    "diagnose_matches",
    "evaluate_detections",
    "evaluate_matches",
    "match_detections",
    "options_from_settings",
]


def __getattr__(name: str) -> object:
    """A public name. Raises AttributeError where there is no such name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
