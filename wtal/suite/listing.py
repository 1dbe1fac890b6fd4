"""What `wtal list` tells of the kinds of a group: what each is, and its settings with range, default and meaning."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from typing import Any

from wtal.base.members import kinds, member, reference
from wtal.base.ranges import described, hints
from wtal.base.schema import to_mapping, type_in_words


@dataclass(frozen=True, slots=True)
class ListedSetting:
    """One key of a kind."""

    name: str
    takes: str  # type and range in words
    is_required: bool
    default: Any  # as JSON has it; None where it must be given
    about: str


@dataclass(frozen=True, slots=True)
class ListedKind:
    """One kind of a group."""

    kind: str
    about: str  # the first line of its docstring
    where: str  # module:class
    settings: tuple[ListedSetting, ...]


def listed(group: str) -> list[ListedKind]:
    """The kinds of a group, those of this package first. Raises InputError where one cannot be imported."""
    return [_kind(group, kind) for kind in kinds(group)]


def _kind(group: str, kind: str) -> ListedKind:
    found: Any = member(group, kind, file=group)
    written = found.__doc__ or ""
    about = "" if written.startswith(f"{found.__name__}(") else written.partition("\n")[0]  # dataclass writes that
    settings = []
    for field in fields(found):
        if field.name == "kind":
            continue
        hint = hints(found)[field.name]
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        required = default is MISSING
        value = None if required else to_mapping(default)
        settings.append(ListedSetting(field.name, type_in_words(hint), required, value, described(hint)))
    return ListedKind(kind, about, reference(group, kind, file=group), tuple(settings))


def in_lines(found: list[ListedKind]) -> list[str]:
    """The kinds of a group as text: a line each, and one below it for each setting."""
    lines = []
    for entry in found:
        lines.append(f"{entry.kind}: {entry.about}" if entry.about else entry.kind)
        for setting in entry.settings:
            default = "must be given" if setting.is_required else f"default {json.dumps(setting.default)}"
            about = f"; {setting.about}" if setting.about else ""
            lines.append(f"  {setting.name}: {setting.takes} ({default}){about}")
    return lines
