"""Systems side by side: the score of each and by how much it is better than the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtal.evaluate.formats import figure
from wtal.evaluate.protocols import Evaluation
from wtal.evaluate.uncertainty import Bootstrap, Interval


def verdict(difference: Interval, digits: int) -> str:
    """Such as `better by 1.20 [0.31, 2.05]`; not separated where the interval holds 0."""
    low, high = difference.low, difference.high
    if low > 0:
        return f"better by {figure(difference.estimate, digits)} [{figure(low, digits)}, {figure(high, digits)}]"
    if high < 0:
        return f"worse by {figure(-difference.estimate, digits)} [{figure(-high, digits)}, {figure(-low, digits)}]"
    by = f"{difference.estimate:+.{digits}f}"
    return f"not separated, {by} [{figure(low, digits)}, {figure(high, digits)}]"


def comparison_rows(scores: Mapping[str, Evaluation], bootstrap: Bootstrap, digits: int) -> list[list[str]]:
    """Header and a row a system: mAP at each threshold, the average with its interval, the verdict."""
    first = next(iter(scores))
    thresholds = [f"{value:g}" for value in scores[first].options.tiou]
    level = f"{100 * bootstrap.level:g} % interval"
    rows = [["", *thresholds, bootstrap.average_name, level, f"against {first}"]]
    for name, score in scores.items():
        whole = bootstrap.average[name]
        interval = f"[{figure(whole.low, digits)}, {figure(whole.high, digits)}]"
        told = verdict(bootstrap.differences[name, first], digits) if name != first else ""
        cells = [figure(value, digits) for value in (*score.mean.tolist(), whole.estimate)]
        rows.append([name, *cells, interval, told])
    return rows


def comparison_value(scores: Mapping[str, Evaluation], bootstrap: Bootstrap) -> dict[str, Any]:
    """The comparison as one JSON value, percent."""
    first = next(iter(scores))
    options = scores[first].options
    return {
        "protocol": options.protocol,
        "tiou": list(options.tiou),
        "average": bootstrap.average_name,
        "resamples": bootstrap.n_resamples,
        "level": bootstrap.level,
        "options": options.described(),
        "systems": {
            name: {
                "mAP": score.mean.tolist(),
                "average": bootstrap.average[name].estimate,
                "interval": [bootstrap.average[name].low, bootstrap.average[name].high],
            }
            for name, score in scores.items()
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
