"""Scoring: matching, protocols, uncertainty, controls and the quality of pseudo labels; no file or torch needed.

>>> from wtal.evaluate import EvaluationOptions, evaluate_detections  # doctest: +SKIP
>>> evaluate_detections(detections, truth, EvaluationOptions(protocol="activitynet")).headline  # doctest: +SKIP
"""

from __future__ import annotations

from wtal.evaluate.options import AmbiguousIntervals, EvaluationOptions, options_from_settings
from wtal.evaluate.protocols import Evaluation, Matches, evaluate_detections, evaluate_matches, match_detections

__all__ = [
    "AmbiguousIntervals",
    "Evaluation",
    "EvaluationOptions",
    "Matches",
    "evaluate_detections",
    "evaluate_matches",
    "match_detections",
    "options_from_settings",
]
