"""Systems side by side: the score of each and by how much it is better than the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wtal.evaluate.acted import acted_value
from wtal.evaluate.formats import caption_of_systems, figure
from wtal.evaluate.protocols import Evaluation
from wtal.evaluate.uncertainty import Bootstrap, Interval
from wtal.records import Floats

Scores = Mapping[str, Sequence[Evaluation]]  # of each system, one for each seed


def verdict(difference: Interval, digits: int) -> str:
    """Such as `better by 1.20 [0.31, 2.05]`; not separated where the interval holds 0."""
    low, high = difference.low, difference.high
    if low > 0:
        return f"better by {figure(difference.estimate, digits)} [{figure(low, digits)}, {figure(high, digits)}]"
    if high < 0:
        return f"worse by {figure(-difference.estimate, digits)} [{figure(-high, digits)}, {figure(-low, digits)}]"
    by = f"{difference.estimate:+.{digits}f}"
    return f"not separated, {by} [{figure(low, digits)}, {figure(high, digits)}]"


def mean_over_seeds(seeds: Sequence[Evaluation]) -> Floats:
    """mAP [n_tiou] in percent, the mean over the seeds of a system."""
    return np.asarray(np.mean([score.mean for score in seeds], axis=0))


def deviation_over_seeds(seeds: Sequence[Evaluation], average: str) -> float:
    """Standard deviation (n - 1) of an average over the seeds of a system; NaN for a single one."""
    return float(np.std([score.averages[average] for score in seeds], ddof=1)) if len(seeds) > 1 else float("nan")


def comparison_rows(scores: Scores, bootstrap: Bootstrap, digits: int) -> list[list[str]]:
    """Header and a row a system: mAP at each threshold, the average with its interval, the verdict.

    Where a system has several seeds, figures are means over them, and their number and deviation stand beside.
    """
    first = next(iter(scores))
    has_seeds = any(len(seeds) > 1 for seeds in scores.values())
    thresholds = [f"{value:g}" for value in scores[first][0].options.tiou]
    level = f"{100 * bootstrap.level:g} % interval"
    seed_columns = ["seeds", "sd"] if has_seeds else []
    rows = [["", *thresholds, bootstrap.average_name, *seed_columns, level, f"against {first}"]]
    for name, seeds in scores.items():
        whole = bootstrap.average[name]
        interval = f"[{figure(whole.low, digits)}, {figure(whole.high, digits)}]"
        told = verdict(bootstrap.differences[name, first], digits) if name != first else ""
        cells = [figure(value, digits) for value in (*mean_over_seeds(seeds).tolist(), whole.estimate)]
        if has_seeds:
            cells += [str(len(seeds)), figure(deviation_over_seeds(seeds, bootstrap.average_name), digits)]
        rows.append([name, *cells, interval, told])
    return rows


def comparison_caption(scores: Scores, bootstrap: Bootstrap, draws_seeds: bool) -> str:
    """Protocol, options and counts, and what was resampled."""
    what = "videos and seeds" if draws_seeds else "videos"
    return caption_of_systems(scores, f"{bootstrap.n_resamples} resamples of {what}")


def comparison_value(scores: Scores, bootstrap: Bootstrap, draws_seeds: bool) -> dict[str, Any]:
    """The comparison as one JSON value, percent."""
    options = next(iter(scores.values()))[0].options
    return {
        "protocol": options.protocol,
        "tiou": list(options.tiou),
        "average": bootstrap.average_name,
        "resamples": bootstrap.n_resamples,
        "resampled": ["videos", "seeds"] if draws_seeds else ["videos"],
        "level": bootstrap.level,
        "options": options.described(),
        "systems": {
            name: {
                "mAP": mean_over_seeds(seeds).tolist(),
                "average": bootstrap.average[name].estimate,
                "interval": [bootstrap.average[name].low, bootstrap.average[name].high],
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
                "interval": [each.low, each.high],
                "mAP_differences": [at.estimate for at in bootstrap.differences_per_threshold[name, other]],
            }
            for (name, other), each in bootstrap.differences.items()
        ],
    }
