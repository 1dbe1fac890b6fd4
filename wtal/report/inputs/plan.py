"""What a report is told of a suite: settings/report.json, and beside it what figures or the page alone read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.base.files import digest_of_value, read_json
from wtal.base.schema import from_mapping
from wtal.suite.crossed import first_on_its_base, name_on
from wtal.suite.file import method_of
from wtal.suite.method_settings import EvaluationSettings, MethodSettings
from wtal.suite.paths import settings_name


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantPlan:
    """One variant as the report shows it; `owners` names for each round the variant that trained it."""

    title: str
    compare_with: str | None
    group: str
    rounds: int
    override: dict[str, Any]
    owners: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownSettings:
    """What the tables show beyond the suite's own figures; the words are those of the suite file."""

    timeline_variant: str | None
    published: tuple[str, ...]
    published_row: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureSettings:
    """The content of settings/figures.json."""

    timeline_videos: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSettings:
    """The content of settings/page.json."""

    title: str
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Titled:
    """A base network or a variant with its title."""

    name: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectPlan:
    """What an ingredient does: the mean of the variants `of` less that of `against`, on each base network."""

    name: str
    title: str
    of: tuple[str, ...]
    against: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixPlan:
    """What is told of all base networks of a suite; variants are named without their base."""

    bases: tuple[Titled, ...]  # none: the suite's variants stand on one
    effects: tuple[EffectPlan, ...]
    ranked: tuple[Titled, ...]
    strength: str  # the variant whose figure says how strong a base network is

    def variant(self, base: str, name: str) -> str:
        """The variant of the suite that is `name` on a base network."""
        return name_on(base, name)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanFile:
    """The content of settings/report.json."""

    suite: str
    seeds: tuple[int, ...]
    evaluation: EvaluationSettings
    report: ShownSettings
    method: dict[str, Any]
    variants: dict[str, VariantPlan]
    order: tuple[str, ...]  # of the variants in the suite; JSON written with sorted keys does not keep it
    matrix: MatrixPlan | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A suite as its report needs it, with the digest that stands under every table."""

    file: PlanFile
    source: Path
    settings: dict[str, Any]  # the file as it was read
    digest: str  # sha256 of the settings

    @property
    def base(self) -> str:
        """The variant from which the whole method is told apart: the first one on its base network."""
        return self.base_of(self.whole_method)

    def base_of(self, variant: str) -> str:
        """The variant from which one is told apart: the first of the suite, or of those on the same base network."""
        return first_on_its_base(self.file.variants, self.bases, variant)

    @property
    def bases(self) -> tuple[str, ...]:
        """The base networks on each of which the same variants stand; none where all stand on one."""
        return tuple(base.name for base in self.file.matrix.bases) if self.file.matrix else ()

    @property
    def whole_method(self) -> str:
        """The variant that stands for the whole method: the one of the timelines, else the last."""
        return self.file.report.timeline_variant or list(self.file.variants)[-1]

    @property
    def headline(self) -> str:
        """The average that every comparison is made in, such as "0.1:0.7"."""
        return self.file.evaluation.averages[-1]

    def digest_of_evaluation(self, variant: str) -> str:
        """The digest that stands in metrics.json: of the settings of a variant's evaluation and detection.

        Raises InputError where they do not lie beside report.json.
        """
        names = (settings_name(step, variant) for step in ("evaluate", "detect"))
        return digest_of_value([read_json(self.source.parent / name) for name in names])

    def method(self, variant: str) -> MethodSettings:
        """The method settings of a variant, its overrides applied."""
        override = self.file.variants[variant].override
        return method_of(self.file.method, override, str(self.source), f"variants.{variant}.override")


def read_plan(path: str | Path) -> Plan:
    """Read settings/report.json. Raises InputError where it is missing, broken or disagrees with itself."""
    return plan_of_settings(read_json(path), path)


def plan_of_settings(settings: Any, path: str | Path) -> Plan:
    """The plan of a suite from the content of its report.json, which provenance.json holds too. Raises InputError."""
    file = _in_order(from_mapping(PlanFile, settings, file=path), path)
    if not file.variants or not file.seeds:
        key = "seeds" if file.variants else "variants"
        raise InputError(file=path, key=key, expected="at least one", got="none")
    known = ", ".join(file.variants)
    named = {f"variants.{name}.compare_with": entry.compare_with for name, entry in file.variants.items()}
    named["report.timeline_variant"] = file.report.timeline_variant
    for key, name in named.items():
        if name is not None and name not in file.variants:
            raise InputError(file=path, key=key, expected=f"one of {known}", got=repr(name))
    for name, entry in file.variants.items():
        if len(entry.owners) != entry.rounds + 1:
            expected = f"{entry.rounds + 1} owners, one for each round from 0 on"
            raise InputError(file=path, key=f"variants.{name}.owners", expected=expected, got=len(entry.owners))
    return Plan(file, Path(path), settings, digest_of_value(settings))


def figure_settings(plan: Plan) -> FigureSettings:
    """Read figures.json, which lies beside report.json. Raises InputError where it is missing or broken."""
    path = plan.source.with_name(settings_name("figures"))
    return from_mapping(FigureSettings, read_json(path), file=path)


def page_settings(plan: Plan) -> PageSettings:
    """Read page.json, which lies beside report.json. Raises InputError where it is missing or broken."""
    path = plan.source.with_name(settings_name("page"))
    return from_mapping(PageSettings, read_json(path), file=path)


def _in_order(file: PlanFile, path: str | Path) -> PlanFile:
    if sorted(file.order) != sorted(file.variants):
        expected = f"each of {', '.join(sorted(file.variants))} once"
        raise InputError(file=path, key="order", expected=expected, got=", ".join(file.order))
    return replace(file, variants={name: file.variants[name] for name in file.order})
