"""What is wrong with one's own data, in lines that name the videos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wtal.base.errors import WtalError
from wtal.data.user.inspect import LENGTH, NO_FEATURES, Inspection

MOST_TOLD = 10  # videos with a line of their own for each kind of problem


class ProblemsError(WtalError):
    """Everything that is wrong with one's own data, by video."""


def check_problems(found: Inspection) -> None:
    """Raise ProblemsError, a line for each problem, if there is any."""
    if not found.problems:
        return
    several = "problem" if len(found.problems) == 1 else "problems"
    request = found.request
    head = f"{len(found.problems)} {several} with {request.features} and {request.annotations}; nothing was written"
    n_missing = sum(kind == NO_FEATURES for kind, _, _ in found.problems)
    without = "the one that has" if n_missing == 1 else f"the {n_missing} that have"
    way = [f"  to go on without {without} no features: --ignore-missing"] if n_missing else []
    raise ProblemsError("\n".join([head, *told(found.problems, names_all=True), *way]))


def told(entries: Sequence[tuple[str, str, str]], *, names_all: bool = False) -> list[str]:
    """A line for each entry, at most ten of a kind but of lengths; the rest is counted, or with `names_all` named."""
    lines, rest = [], dict[str, list[str]]()
    seen: Counter[str] = Counter()
    for kind, name, words in entries:
        seen[kind] += 1
        if seen[kind] <= MOST_TOLD or kind == LENGTH:
            lines.append(f"  {name}: {words}")
        else:
            rest.setdefault(kind, []).append(name)
    for kind, names in rest.items():
        lines.append(f"  ... {len(names)} more: {kind}{': ' + ', '.join(names) if names_all else ''}")
    return lines
