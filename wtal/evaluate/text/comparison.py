"""Systems side by side: the score of each and by how much it is better than the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wtal.base.records import Floats
from wtal.evaluate.score.acted import acted_value
from wtal.evaluate.score.evaluation import Evaluation
from wtal.evaluate.score.intervals import Interval, interval_over
from wtal.evaluate.score.uncertainty import Bootstrap
from wtal.evaluate.text.formats import caption_of_systems
from wtal.evaluate.text.typeset import bounds_text, plain_number

Scores = Mapping[str, Sequence[Evaluation]]  # of each system, one for each seed


def verdict_text(difference: Interval, digits: int) -> str:
    """Such as `better by 1.20 [0.31, 2.05]`, or `not separated, +0.20 [-0.60, 1.00]`."""
    estimate, low, high = difference.estimate, difference.low, difference.high
    if difference.verdict == "worse":
        estimate, low, high = -estimate, -high, -low
    by = f" by {plain_number(estimate, digits)}" if difference.is_separated else f", {estimate:+.{digits}f}"
    return f"{difference.verdict}{by} {bounds_text(low, high, digits)}"


def mean_over_seeds(seeds: Sequence[Evaluation]) -> Floats:
    """mAP [n_tiou] in percent, the mean over the seeds of a system."""
    return np.asarray(np.mean([score.mean for score in seeds], axis=0))


def deviation_over_seeds(seeds: Sequence[Evaluation], average: str) -> float:
    """Standard deviation (n - 1) of an average over the seeds of a system; NaN for a single one."""
    return float(np.std([score.averages[average] for score in seeds], ddof=1)) if len(seeds) > 1 else float("nan")


def comparison_rows(scores: Scores, bootstrap: Bootstrap, digits: int) -> list[list[str]]:
    """Header and a row a system: mAP at each threshold, the average with its interval, the verdict.

    Where a system has several seeds, numbers are means over them; their number and deviation and the narrower interval
    of the difference over videos alone stand beside.
    """
    first = next(iter(scores))
    has_seeds = any(len(seeds) > 1 for seeds in scores.values())
    thresholds = [f"{value:g}" for value in scores[first][0].options.tiou]
    level = f"{100 * bootstrap.level:g} % interval"
    rows = [["", *thresholds, bootstrap.average_name, *(["seeds", "sd"] if has_seeds else []), level]]
    rows[0] += [f"against {first}", *(["over videos alone"] if has_seeds else [])]
    for name, seeds in scores.items():
        whole = bootstrap.average[name]
        cells = [plain_number(value, digits) for value in (*mean_over_seeds(seeds).tolist(), whole.estimate)]
        if has_seeds:
            cells += [str(len(seeds)), plain_number(deviation_over_seeds(seeds, bootstrap.average_name), digits)]
        cells.append(bounds_text(whole.low, whole.high, digits))
        away = bootstrap.differences.get((name, first))
        cells.append(verdict_text(away, digits) if away else "")
        if has_seeds:
            cells.append(bounds_text(away.videos_low, away.videos_high, digits) if away else "")
        rows.append([name, *cells])
    return rows


def comparison_caption(scores: Scores, bootstrap: Bootstrap) -> str:
    """Protocol, options and counts, and what the intervals are over."""
    over = dict.fromkeys(interval_over(each.n_seeds) for each in bootstrap.differences.values())
    what = f"intervals over {', or '.join(over)}; {bootstrap.n_resamples} resamples of videos"
    return caption_of_systems(scores, what)


def comparison_value(scores: Scores, bootstrap: Bootstrap) -> dict[str, Any]:
    """The comparison as one JSON value, percent."""
    options = next(iter(scores.values()))[0].options
    return {
        "protocol": options.protocol_title,
        "tiou": list(options.tiou),
        "average": bootstrap.average_name,
        "resamples": bootstrap.n_resamples,
        "level": bootstrap.level,
        "options": options.described(),
        "systems": {
            name: {
                "mAP": mean_over_seeds(seeds).tolist(),
                "average": bootstrap.average[name].estimate,
                **interval_value(bootstrap.average[name]),
                "seeds": [score.averages[bootstrap.average_name] for score in seeds],
                "acted": [acted_value(score.options, score.acted) for score in seeds],
            }
            for name, seeds in scores.items()
        },
        "differences": [
            {
                "system": name,
                "from": other,
                "difference": each.estimate,
                "verdict": each.verdict,
                **interval_value(each),
                "mAP_differences": [at.estimate for at in bootstrap.differences_per_threshold[name, other]],
            }
            for (name, other), each in bootstrap.differences.items()
        ],
    }


def interval_value(interval: Interval) -> dict[str, Any]:
    """The bounds as JSON has them, and what they are over."""
    return {
        "interval": [interval.low, interval.high],
        "interval_over": interval_over(interval.n_seeds),
        "interval_over_videos": [interval.videos_low, interval.videos_high],
    }
