"""The best epoch on the test set: what many papers report, named as such and never the result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.base.records import Instances
from wtal.evaluate.score.evaluation import evaluate_detections
from wtal.evaluate.score.options import EvaluationOptions
from wtal.localise.detect import detect
from wtal.localise.scores_file import read_epoch_scores, read_scores
from wtal.suite.step_settings import DetectSettings


def selected_on_test(
    scores: Sequence[Path],
    truth: Instances,
    settings: DetectSettings,
    options: EvaluationOptions,
    snippets_per_second: float,
) -> dict[str, Any] | None:
    """Epoch, headline average and mAP of the epoch that is best on the test videos; None where none is selected.

    scores: test scores, a file a round, each with the scores after every epoch. The first of equal epochs is taken.
    Raises InputError where the settings select on the test set and a file keeps no epochs.
    """
    if not settings.report_best_test_epoch:
        return None
    best: dict[str, Any] | None = None
    for path in scores:
        _, classes = read_scores(path)
        n_epochs = 0
        for epoch, after_epoch in read_epoch_scores(path):
            n_epochs += 1
            found = detect(after_epoch, classes, settings, snippets_per_second)
            score = evaluate_detections(found, truth, options, source=f"{path}, epoch {epoch}")
            if best is None or score.headline > best["average"]:
                best = {"epoch": epoch, "average": score.headline, "mAP": score.mean.tolist()}
        if not n_epochs:
            raise InputError(file=path, key="epoch0/attention", expected="scores after every epoch", got="none")
    return best
