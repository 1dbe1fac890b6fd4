"""Names for classes that detections give by number: from a file of names, the ground truth, or THUMOS14's own list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wtal.base.errors import InputError
from wtal.base.files import read_json, read_text
from wtal.base.records import Detections
from wtal.data.annotations.file_kind import DESCRIBED, kind_of
from wtal.data.annotations.forms import text_array
from wtal.data.annotations.json_forms import read_entries
from wtal.data.annotations.values import number_of
from wtal.evaluate.read.datasets import THUMOS14_NUMBERS
from wtal.evaluate.read.ground_truth import GroundTruth, class_names_of

OPTION = "--class-names FILE"
FORMS = "`number name` or a name a line, a .json list or {name: number}, or classlist.npy"
Names = list[str] | dict[int, str]  # in order, or by number


def read_class_names(path: str | Path) -> Names:
    """The names of classes in a file: in order, or by the number that the file states.

    Raises InputError where it is none of the forms, and for a number of two names.
    """
    path = Path(path)
    kind = kind_of(path)
    if kind == "npy":
        return text_array(path)
    if kind == "json":
        return _from_json(path)
    if kind not in ("text", "csv"):
        raise InputError(file=path, expected=f"names of classes: {FORMS}", got=DESCRIBED[kind])
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    numbered = [re.fullmatch(r"(\d+)[\s,;:]+(\S.*)", line) for line in lines]
    if lines and all(numbered):
        return _by_number(path, [(int(found[1]), found[2].strip()) for found in numbered if found])
    if not lines or any(numbered):
        got = "no line" if not lines else "lines with and without a number"
        raise InputError(file=path, expected=f"names of classes: {FORMS}", got=got)
    return lines


def _from_json(path: Path) -> Names:
    values = read_json(path)
    if isinstance(values, list) and values and all(isinstance(name, str) for name in values):
        return values
    if isinstance(values, Mapping) and values:
        if all(name.isdecimal() for name in values) and all(isinstance(name, str) for name in values.values()):
            return _by_number(path, [(int(number), name) for number, name in values.items()])
        numbers = {name: number_of(number) for name, number in values.items() if not isinstance(number, (list, dict))}
        if len(numbers) == len(values) and all(n is not None and n == int(n) for n in numbers.values()):
            return _by_number(path, [(int(number), name) for name, number in numbers.items() if number is not None])
        if "database" in values and (names := class_names_of(read_entries(path))):
            return names
    raise InputError(file=path, expected=f"names of classes: {FORMS}", got=f"{values!r:.60}")


def _by_number(path: Path, pairs: Sequence[tuple[int, str]]) -> dict[int, str]:
    names: dict[int, str] = {}
    for number, name in pairs:
        if names.setdefault(number, name) != name:
            got = f"{names[number]!r} and {name!r}"
            raise InputError(file=path, key=str(number), expected="one name of this number", got=got)
    return names


def with_class_names(
    path: Path, detections: Detections, truth: GroundTruth, class_names: Names | None, *, is_toolkit: bool
) -> Detections:
    """The same detections with names in place of class numbers; as they are where they have names.

    given: of --class-names. is_toolkit: whether they are in the THUMOS toolkit's text, whose numbers are those of
    THUMOS14's list. Raises InputError where a number has no name, or its name could be one of two.
    """
    if not all(re.fullmatch(r"-?\d+", name) for name in detections.classes):
        return detections
    if set(detections.classes) & set(truth.instances.classes):
        return detections
    numbers = sorted(map(int, detections.classes))
    names = _names_for(path, numbers, truth, class_names, is_toolkit)
    for number in numbers:
        if number not in names:
            known_numbers = ", ".join(map(str, sorted(names)[:30]))
            raise InputError(
                file=path, key="label", expected=f"a class number that has a name ({known_numbers})", got=number
            )
    return replace(detections, classes=tuple(names[int(number)] for number in detections.classes))


def _names_for(
    path: Path, numbers: Sequence[int], truth: GroundTruth, class_names: Names | None, is_toolkit: bool
) -> Mapping[int, str]:
    if isinstance(class_names, dict):
        return class_names
    if class_names is not None:
        return dict(enumerate(class_names, start=_first_number(path, numbers, class_names) if is_toolkit else 0))
    if is_toolkit and _is_of_thumos14(numbers, truth):
        return THUMOS14_NUMBERS
    if not is_toolkit and truth.class_names:
        return truth.class_names
    few = f"{', '.join(map(str, numbers[:5]))}{', ...' if numbers[5:] else ''}"
    expected = f"names for its class numbers: {OPTION} with {FORMS}, or a ground truth that states label_id"
    raise InputError(file=path, key="label", expected=expected, got=f"the numbers {few} alone")


def _first_number(path: Path, numbers: Sequence[int], names: Sequence[str]) -> int:
    """Whether the classes of a list are counted from 0 or from 1, by the numbers that occur."""
    if numbers[0] == 0 or numbers[-1] == len(names):
        return 0 if numbers[0] == 0 else 1
    expected = f"{OPTION} with `number name` lines, since {len(names)} names may be counted from 0 or from 1"
    raise InputError(file=path, key="label", expected=expected, got=f"the numbers {numbers[0]} to {numbers[-1]}")


def _is_of_thumos14(numbers: Sequence[int], truth: GroundTruth) -> bool:
    """Whether numbers are without doubt those of THUMOS14's list: all in it, and too high for a count of 20."""
    known = set(numbers) <= set(THUMOS14_NUMBERS) and numbers[-1] > len(THUMOS14_NUMBERS)
    return known and bool(set(THUMOS14_NUMBERS.values()) & set(truth.instances.classes))
