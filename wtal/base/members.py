"""What can have siblings: base networks, fusions, label makers, kinds of data set, protocols, extractors of
features, each a class of settings.

Those of this package stand in a table; those of others are found through the entry points of their installation, as
pytest finds its plugins. None is imported before a suite asks for it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wtal.base.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.metadata import EntryPoint

# group -> kind -> module:class. What a module here is made of counts in a digest where it is named as a member.
BUILT_IN: dict[str, dict[str, str]] = {
    "wtal.methods": {
        "rskp": "wtal.methods.rskp.settings:RskpSettings",
        "basnet": "wtal.methods.basnet.settings:BasNetSettings",
        "co2net": "wtal.methods.co2net.settings:Co2NetSettings",
        "delu": "wtal.methods.co2net.settings:DeluSettings",
        "cola": "wtal.methods.cola.settings:ColaSettings",
        "wtalc": "wtal.methods.wtalc.settings:WtalcSettings",
        "external": "wtal.methods.external.settings:ExternalMethod",
    },
    "wtal.fusions": {
        "gaussian": "wtal.localise.fusion.gaussian:GaussianFusion",
        "nms": "wtal.localise.fusion.nms:Nms",
        "soft_nms": "wtal.localise.fusion.soft_nms:SoftNms",
        "support_filter": "wtal.localise.fusion.support_filter:SupportFilter",
    },
    "wtal.label_makers": {
        "optimised": "wtal.localise.labels.optimised:OptimisedLabels",
        "naive": "wtal.localise.labels.naive:NaiveLabels",
        "union": "wtal.localise.labels.union:UnionLabels",
        "attention": "wtal.localise.labels.attention:AttentionLabels",
        "complementary": "wtal.localise.labels.complementary:ComplementaryLabels",
    },
    "wtal.data_kinds": {
        "hapt": "wtal.data.kinds.hapt_settings:HaptData",
        "synthetic": "wtal.data.kinds.synthetic_settings:SyntheticData",
        "watch": "wtal.data.kinds.watch_settings:WatchData",
        "shrec21": "wtal.data.kinds.fetched.shrec21_settings:Shrec21Data",
        "swimming": "wtal.data.kinds.fetched.swimming_settings:SwimmingData",
        "features": "wtal.data.convert.settings:FeatureData",
        "toy_video": "wtal.video.toy.settings:ToyVideoData",
    },
    "wtal.protocols": {
        "activitynet": "wtal.evaluate.protocols.activitynet:ActivityNetProtocol",
        "snippet": "wtal.evaluate.protocols.snippet:SnippetProtocol",
        "step": "wtal.evaluate.protocols.step:StepProtocol",
        "wtalc": "wtal.evaluate.protocols.wtalc:WtalcProtocol",
    },
    "wtal.extractors": {
        "lite0+dis": "wtal.video.lite0_dis:Lite0Dis",
        "s3d": "wtal.video.torchvision_networks:S3d",
        "r2plus1d_18": "wtal.video.torchvision_networks:R2Plus1d18",
        "mvit_v2_s": "wtal.video.torchvision_networks:MvitV2S",
        "i3d": "wtal.video.i3d_streams:I3d",
    },
}


@dataclass(frozen=True, slots=True)
class OneOf:
    """Of an annotation: any class of a group. In YAML a group of keys with `kind`, or the kind alone."""

    group: str


def kinds(group: str) -> tuple[str, ...]:
    """The kinds of a group, those of this package first."""
    own = BUILT_IN[group]
    return (*own, *sorted(entry.name for entry in _installed()[group] if entry.name not in own))


def reference(group: str, kind: object, *, file: str | Path, key: str = "kind") -> str:
    """The `module:class` of a kind. Raises InputError, with the nearest known one, where there is no such kind."""
    own = BUILT_IN[group]
    if isinstance(kind, str) and kind in own:
        return own[kind]
    for entry in _installed()[group]:
        if isinstance(kind, str) and entry.name == kind:
            return entry.value
    hint = nearest(str(kind), kinds(group))
    raise InputError(file=file, key=key, expected=f"a known kind ({hint})", got=repr(kind))


def member(group: str, kind: object, *, file: str | Path, key: str = "kind") -> type[Any]:
    """The settings class of a kind. Raises InputError where there is no such kind, or no such class can be imported."""
    text = reference(group, kind, file=file, key=key)
    module, _, name = text.partition(":")
    try:
        found: type[Any] = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever the module of another package raises
        expected = f"{text}, as the entry point {kind} of {group} has it, to be there"
        got = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(file=file, key=key, expected=expected, got=got) from None
    if not is_dataclass(found):
        raise InputError(file=file, key=key, expected=f"{text} to be a settings class", got=repr(found))
    return found


def reference_of(chosen: object) -> str:
    """The `module:class` of a member."""
    return f"{type(chosen).__module__}:{type(chosen).__qualname__}"


def usual(group: str, kind: str, **settings: object) -> Any:
    """The default of a settings field that takes any class of a group: this kind; imported once it is asked for."""
    return field(default_factory=lambda: member(group, kind, file=group)(**settings))


def member_title(chosen: Any) -> str:
    """A member in words: its kind, with its own settings where it has any, such as `nms (tiou 0.45)`."""
    own = [f"{entry.name} {getattr(chosen, entry.name)}" for entry in fields(chosen) if entry.name != "kind"]
    return f"{chosen.kind} ({', '.join(own)})" if own else str(chosen.kind)


@cache
def _installed() -> Mapping[str, Sequence[EntryPoint]]:
    from importlib.metadata import entry_points  # most suites name no member of another package

    found = entry_points()
    return {group: tuple(found.select(group=group)) for group in BUILT_IN}
