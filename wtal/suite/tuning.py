"""Choosing settings by successive halving: candidates, the suite that tries them, what goes on from rung to rung."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from wtal.base.errors import InputError, nearest, require
from wtal.base.files import read_yaml
from wtal.base.ranges import Count, Doc, Ge, Length, Words, settings
from wtal.base.schema import from_mapping
from wtal.suite.file import SuiteFile, extended, merge, merge_files, with_kinds

Axes = dict[str, dict[str, dict[str, Any]]]


@settings
class TuningStep:
    """One choice: every combination of its axes is tried on one variant of each base network."""

    variant: Annotated[Words, Doc("of the suite, on which the candidates are tried")]
    axes: Annotated[Axes, Doc("by axis, values by name: keys of `method` laid over the suite's")] = field(
        default_factory=dict
    )
    of_bases: Annotated[dict[str, Axes], Doc("by base network, axes of its own besides, as many values for each")] = (
        field(default_factory=dict)
    )
    applies_to: Annotated[tuple[Words, ...], Doc("variants that take what was chosen; none: all of them")] = ()

    def __post_init__(self) -> None:
        require(bool(self.axes or self.of_bases), "axes", "at least one axis", {})
        for key, axes in (("axes", self.axes), *((f"of_bases.{base}", axes) for base, axes in self.of_bases.items())):
            for axis, values in axes.items():
                require(bool(values), f"{key}.{axis}", "at least one value", {})

    def axes_of(self, base: str) -> Axes:
        """The axes that are tried on a base network."""
        return {**self.axes, **self.of_bases.get(base, {})}

    def candidates(self, base: str) -> int:
        """How many combinations are tried on a base network."""
        return math.prod(len(values) for values in self.axes_of(base).values())


@settings
class TuningFile:
    """How the settings of a suite's base networks are chosen, each with the same budget."""

    suite: Annotated[Words, Doc("the suite file with `bases`, beside this one")]
    writes: Annotated[Words, Doc("the suite file, beside this one, that gets what was chosen")]
    average: Annotated[Words, Doc("of the suite's averages of mAP, by which candidates are compared")]
    steps: Annotated[dict[str, TuningStep], Doc("choices by name, each made after those before it")]
    change: Annotated[dict[str, Any], Doc("keys of the suite file laid over it while its settings are chosen")]
    rungs: Annotated[
        tuple[Count, ...], Length(1), Doc("seeds of each rung; after each the better half, rounded up, goes on")
    ] = (1, 2, 3)
    first_seed: Annotated[int, Ge(0), Doc("the seeds are those from here on")] = 0

    def __post_init__(self) -> None:
        require(bool(self.steps), "steps", "at least one step", {})
        require(list(self.rungs) == sorted(self.rungs), "rungs", "numbers of seeds that do not fall", list(self.rungs))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One combination of a step's axes on one base network."""

    base: str
    step: str
    number: int  # its place in the step, from 1
    values: dict[str, str]  # by axis, the name of its value
    override: dict[str, Any]  # keys of `method`

    @property
    def variant(self) -> str:
        """The variant that tries it."""
        return f"{self.base}_{self.step}_{self.number}"

    @property
    def words(self) -> str:
        """Its values in words, axis by axis."""
        return ", ".join(f"{axis} {value}" for axis, value in self.values.items())


def read_tuning(path: str | Path) -> tuple[TuningFile, SuiteFile, dict[str, Any]]:
    """A tuning file, its suite with `change` laid over it, and that suite as written, with what it extends.

    Raises InputError, also where a step names what the suite has not.
    """
    tuning = from_mapping(TuningFile, read_yaml(path), file=path)
    source = Path(path).parent / tuning.suite
    values = extended(merge_files(read_yaml(source), tuning.change), source)
    file = from_mapping(SuiteFile, values, file=source)
    if not file.bases:
        raise InputError(file=source, key="bases", expected="base networks whose settings are chosen", got="none")
    for name, step in tuning.steps.items():
        for variant in (step.variant, *step.applies_to):
            if variant not in file.variants:
                expected = f"variants of {tuning.suite} ({nearest(variant, file.variants)})"
                raise InputError(file=path, key=f"steps.{name}", expected=expected, got=repr(variant))
        _refuse_unequal(step, file, f"steps.{name}", path)
    if tuning.average not in file.evaluation.averages:
        expected = f"an average of {tuning.suite} ({nearest(tuning.average, file.evaluation.averages)})"
        raise InputError(file=path, key="average", expected=expected, got=repr(tuning.average))
    return tuning, file, values


def _refuse_unequal(step: TuningStep, file: SuiteFile, key: str, path: str | Path) -> None:
    """Refuse a step with axes for an unknown base network, or with more candidates for one than for another."""
    for base in step.of_bases:
        if base not in file.bases:
            expected = f"bases of the suite ({nearest(base, file.bases)})"
            raise InputError(file=path, key=f"{key}.of_bases", expected=expected, got=repr(base))
    counts = {base: step.candidates(base) for base in file.bases}
    if len(set(counts.values())) > 1:
        got = ", ".join(f"{count} for {base}" for base, count in counts.items())
        raise InputError(file=path, key=key, expected="as many candidates for each base network", got=got)


def candidates_of(tuning: TuningFile, step: str, bases: Sequence[str]) -> list[Candidate]:
    """Every combination of a step's axes, the last axis changing fastest, for one base network after the other."""
    found = []
    for base in bases:
        axes = tuning.steps[step].axes_of(base)
        for number, names in enumerate(itertools.product(*axes.values()), start=1):
            values = dict(zip(axes, names, strict=True))
            override: dict[str, Any] = {}
            for axis, name in values.items():
                override = merge(override, with_kinds(axes[axis][name]))
            found.append(Candidate(base, step, number, values, override))
    return found


@dataclass
class Chosen:
    """What the steps so far chose: for a base as a whole, and for single variants of it."""

    override: dict[str, dict[str, Any]]  # by base
    of_variants: dict[str, dict[str, dict[str, Any]]]  # by base and variant

    @classmethod
    def none(cls, bases: Sequence[str]) -> Chosen:
        """Nothing yet."""
        return cls({base: {} for base in bases}, {base: {} for base in bases})

    def take(self, candidate: Candidate, applies_to: Sequence[str]) -> None:
        """Go on with a candidate."""
        if not applies_to:
            self.override[candidate.base] = merge(self.override[candidate.base], candidate.override)
        special = self.of_variants[candidate.base]
        for variant in applies_to:
            special[variant] = merge(special.get(variant, {}), candidate.override)

    def as_bases(self) -> dict[str, Any]:
        """`bases` of a suite file that is laid over the one whose settings were chosen."""
        return {
            base: {"override": override, **({"of_variants": self.of_variants[base]} if self.of_variants[base] else {})}
            for base, override in self.override.items()
        }


def variant_of(candidate: Candidate, file: SuiteFile, chosen: Chosen, tried: str) -> dict[str, Any]:
    """The variant, of a suite file that tries a candidate on the variant `tried`, after what was chosen before."""
    entry, base = file.variants[tried], file.bases[candidate.base]
    override: dict[str, Any] = {}
    special = (base.of_variants, chosen.of_variants[candidate.base])
    layers = (
        base.override,
        chosen.override[candidate.base],
        entry.override,
        *(part.get(tried, {}) for part in special),
    )
    for layer in (*layers, candidate.override):
        override = merge(override, with_kinds(layer))
    rounds = {} if entry.rounds is None else {"rounds": entry.rounds}
    return {
        "title": f"{base.title}: {candidate.words}",
        "group": f"{candidate.step} ({entry.title})",
        **rounds,
        "override": override,
    }


def trying_suite(values: Mapping[str, Any], variants: Mapping[str, Any], tuning: TuningFile) -> dict[str, Any]:
    """The suite file that tries candidates: the suite's with other variants, and the seeds of the rungs."""
    last = max(tuning.rungs)
    report = {key: value for key, value in values["report"].items() if key != "timeline_variant"}
    return {
        **{key: value for key, value in values.items() if key not in ("bases", "effects", "ranked", "extends")},
        "suite": f"{values['suite']}-tune",
        "seeds": list(range(tuning.first_seed, tuning.first_seed + last)),
        "report": {**report, "title": f"{values['suite']}: settings that were tried"},
        "variants": dict(variants),
    }


def better_half(scores: Mapping[str, float]) -> list[str]:
    """The names that go on, in the order given: the better half, rounded up; of equal ones the first.

    >>> better_half({"low": 41.5, "middle": 43.0, "high": 41.5})
    ['low', 'middle']
    """
    ranked = sorted(scores, key=lambda name: -scores[name])  # stable, so that the first of equal ones stays first
    kept = set(ranked[: (len(ranked) + 1) // 2])
    return [name for name in scores if name in kept]


LOG_COLUMNS = ("step", "base", "candidate", "values", "rung", "seeds", "score", "goes_on")

Measure = Callable[[dict[str, Any], Sequence[str], Sequence[int]], dict[str, float]]


def choose(
    tuning: TuningFile, file: SuiteFile, values: Mapping[str, Any], measure: Measure
) -> tuple[Chosen, list[Any]]:
    """What successive halving chooses for each base network, and its log, a row of LOG_COLUMNS for each score.

    `measure(suite, variants, seeds)` gives the mean score of variants of a suite file over seeds. Every base network
    has the same candidates and the same rungs; all of a rung are measured at once.
    """
    chosen, log = Chosen.none(list(file.bases)), []
    variants: dict[str, Any] = {}
    for name, step in tuning.steps.items():
        candidates = {entry.variant: entry for entry in candidates_of(tuning, name, list(file.bases))}
        variants |= {key: variant_of(entry, file, chosen, step.variant) for key, entry in candidates.items()}
        going = {base: [key for key, entry in candidates.items() if entry.base == base] for base in file.bases}
        for rung, n_seeds in enumerate(tuning.rungs, start=1):
            measured = [key for keys in going.values() if rung == 1 or len(keys) > 1 for key in keys]
            if not measured:
                break
            seeds = range(tuning.first_seed, tuning.first_seed + n_seeds)
            scores = measure(trying_suite(values, variants, tuning), measured, seeds)
            is_last = rung == len(tuning.rungs)
            for base, keys in going.items():
                if keys[0] in scores:
                    own = {key: scores[key] for key in keys}
                    going[base] = [max(own, key=lambda key: own[key])] if is_last else better_half(own)
            log += [_logged(candidates[key], rung, n_seeds, scores[key], going) for key in measured]
        for base in file.bases:
            chosen.take(candidates[going[base][0]], step.applies_to)
    return chosen, log


def _logged(candidate: Candidate, rung: int, n_seeds: int, score: float, going: Mapping[str, Sequence[str]]) -> Any:
    goes_on = candidate.variant in going[candidate.base]
    return (
        candidate.step,
        candidate.base,
        candidate.number,
        candidate.words,
        rung,
        n_seeds,
        round(score, 6),
        "yes" if goes_on else "no",
    )
