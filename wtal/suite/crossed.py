"""Variants crossed with base networks: a suite with `bases` runs each of its variants on every one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError, nearest
from wtal.base.schema import to_mapping
from wtal.suite.file import BaseEntry, SuiteFile, VariantEntry, merge, with_kinds


def crossed(file: SuiteFile, source: str | Path) -> SuiteFile:
    """The suite with a variant `<base>_<variant>` for each pair in place of its variants; as it is without `bases`.

    An override is that of the base, then the variant's, then what the base says of that variant. Raises InputError
    where a base speaks of a variant that is not there, or where two pairs get one name.
    """
    if not file.bases:
        return file
    variants: dict[str, VariantEntry] = {}
    for base, entry in file.bases.items():
        for unknown in set(entry.of_variants) - set(file.variants):
            expected = f"variants of this suite ({nearest(unknown, file.variants)})"
            raise InputError(file=source, key=f"bases.{base}.of_variants", expected=expected, got=repr(unknown))
        for name, variant in _variants_of(base, entry, file):
            if name in variants:
                raise InputError(file=source, key=f"bases.{base}", expected="names that differ once joined", got=name)
            variants[name] = variant
    return replace(file, variants=variants, bases={}, effects={}, ranked=())


def effects_of(file: SuiteFile, source: str | Path) -> dict[str, Any]:
    """The plain value of effects and ranks as the report is told of them; empty where the suite has none.

    file: as it was read, with its `bases`. Raises InputError where an effect names a variant that is not there.
    """
    named = {f"effects.{name}": (*effect.of, *effect.against) for name, effect in file.effects.items()}
    for key, variants in {**named, "ranked": file.ranked}.items():
        for unknown in set(variants) - set(file.variants):
            expected = f"variants of this suite ({nearest(unknown, file.variants)})"
            raise InputError(file=source, key=key, expected=expected, got=repr(unknown))
    if not file.effects and not file.ranked:
        return {}
    return {
        "bases": [{"name": name, "title": base.title} for name, base in file.bases.items()],
        "effects": [{"name": name, **to_mapping(effect)} for name, effect in file.effects.items()],
        "ranked": [{"name": name, "title": file.variants[name].title} for name in file.ranked],
        "strength": next(iter(file.variants)),
    }


def first_on_its_base(variants: Iterable[str], bases: Iterable[str], variant: str) -> str:
    """The variant from which one is told apart: the first of the suite, or of those on the same base network."""
    prefixes = [name_on(base, "") for base in bases]
    prefix = max((prefix for prefix in prefixes if variant.startswith(prefix)), key=len, default="")
    return next(name for name in variants if name.startswith(prefix))


def name_on(base: str, variant: str) -> str:
    """The name that a variant has on a base network; its own where the suite has one base network alone."""
    return f"{base}_{variant}" if base else variant


def _variants_of(base: str, entry: BaseEntry, file: SuiteFile) -> Iterator[tuple[str, VariantEntry]]:
    """Each variant on one base network, which is the heading under which they stand."""
    for name, variant in file.variants.items():
        override: dict[str, Any] = {}
        for layer in (entry.override, variant.override, entry.of_variants.get(name, {})):
            override = merge(override, with_kinds(layer))
        compared = None if variant.compare_with is None else name_on(base, variant.compare_with)
        title, group = f"{entry.title}: {variant.title}", entry.title
        yield name_on(base, name), replace(variant, title=title, group=group, compare_with=compared, override=override)
