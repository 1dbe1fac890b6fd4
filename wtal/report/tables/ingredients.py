"""What two variants of a suite differ in, and what that is called: the ingredients whose worth a suite measures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wtal.base.schema import to_mapping
from wtal.report.inputs.plan import Plan

WHOLE = "The whole method"
# What a reader calls a key of the method; the first one that fits counts, and a key without words is shown as it is.
WORDS = {
    "base": "Base network",
    "detection.fusion": "Fusion at test time",
    "labels.fusion": "Fusion for labels",
    "labels.maker": "Pseudo labels",
    "labels.maker.solution": "Solution of the linear programme",
    "labels.dropout": "Dropout when labels are made",
    "base.memory_index": "Index of the memory",
    "delta.mode": "Δ pseudo labels",
    "delta.learning_rate_factor": "Learning rate of Δ, as a factor",
}
ASIDE = ("labels.weight", "labels.fusion_temperatures")  # what follows from another change is not named beside it
MEMBERS = (("labels", "maker"), ("labels", "fusion"), ("detection", "fusion"))
NONE = "none"
MOST_PARTS = 2  # of a change that is said in words; one of more parts has the title of its variant

Leaves = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A change of settings, and the pairs of variants (with it, without it) that differ in nothing else."""

    title: str
    pairs: tuple[tuple[str, str], ...]


def ingredients_of(plan: Plan) -> list[Ingredient]:
    """The whole method against the base, then each change that a variant makes to the one it is compared with.

    A change is looked for in every other pair of variants too: a design of three choices has four pairs for each.
    """
    leaves = {name: leaves_of(plan, name) for name in plan.file.variants}
    named = [(name, entry.compare_with) for name, entry in plan.file.variants.items() if entry.compare_with]
    found = [Ingredient(WHOLE, ((plan.whole_method, plan.base),))] if plan.whole_method != plan.base else []
    seen = set()
    for name, other in named:
        change = _change(leaves[other], leaves[name])
        if name == other or change in seen:
            continue
        seen.add(change)
        pairs = [(name, other)]
        if change:
            pairs += [pair for pair in _pairs(leaves) if _change(leaves[pair[1]], leaves[pair[0]]) == change]
        parts = _parts_of(leaves[other], leaves[name])
        own_title = plan.file.variants[name].title
        title = "; ".join(parts) if 0 < len(parts) <= MOST_PARTS else own_title
        if title in (one.title for one in found):
            title = f"{title} ({own_title})"
        found.append(Ingredient(title, tuple(dict.fromkeys(pairs))))
    return found


def _pairs(names: Mapping[str, Leaves]) -> Iterator[tuple[str, str]]:
    return ((one, other) for one in names for other in names if one != other)


def leaves_of(plan: Plan, variant: str) -> Leaves:
    """Every setting of a variant that has an effect, by its dotted key."""
    entry = plan.file.variants[variant]
    values = to_mapping(plan.method(variant))
    values.pop("preset", None)
    values["base"] = _with_kind(values["base"])
    for group, name in MEMBERS:
        values[group][name] = _with_kind(values[group][name])
    if not entry.rounds:
        values = {key: value for key, value in values.items() if key not in ("labels", "delta")}
    elif values["delta"]["mode"] == "off":
        values["delta"] = {"mode": "off"}
    return {**dict(_flat(values)), "rounds": entry.rounds}


def _with_kind(value: Any) -> Mapping[str, Any]:
    """A member that is written as a word, for it has no settings, as a group."""
    return value if isinstance(value, Mapping) else {"kind": value}


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _change(before: Leaves, after: Leaves) -> frozenset[tuple[str, str, str]]:
    return frozenset(
        (key, json.dumps(before.get(key)), json.dumps(after.get(key)))
        for key in {*before, *after}
        if before.get(key) != after.get(key)
    )


def _parts_of(before: Leaves, after: Leaves) -> list[str]:
    """Each change in words, such as `Fusion at test time: nms → gaussian`; of another member its kind alone."""
    keys = [key for key in dict.fromkeys([*before, *after]) if before.get(key) != after.get(key)]
    started = []
    if bool(before["rounds"]) != bool(after["rounds"]):
        held = after if after["rounds"] else before
        made = f"{_word(held['labels.maker.kind'])} from {_word(held['labels.fusion.kind'])}"
        sides = (NONE, made) if after["rounds"] else (made, NONE)
        started = [f"Pseudo labels: {sides[0]} → {sides[1]}"]
        keys = [key for key in keys if not key.startswith(("labels.", "delta.", "rounds"))]
    if "base.kind" in keys:
        keys = ["base.kind"]  # a network comes with its own schedule
    for member in [key.removesuffix("kind") for key in keys if key.endswith(".kind")]:
        keys = [key for key in keys if not key.startswith(member) or key == f"{member}kind"]
    if "delta.mode" in keys:
        keys = [key for key in keys if not key.startswith("delta.") or key == "delta.mode"]
    named = [key for key in keys if not key.startswith(ASIDE)] or keys
    return [*started, *(f"{_name(key)}: {_word(before.get(key))} → {_word(after.get(key))}" for key in named)]


def _name(key: str) -> str:
    key = key.removesuffix(".kind")
    return WORDS.get(key, key.replace("_", " "))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return NONE
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
