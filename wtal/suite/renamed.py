"""Keys of a suite file that had another name before: each is refused with a sentence that names the new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError

# Within `method` and the overrides of variants; an entry for a group stands for all of its keys.
RENAMED: dict[str, str] = {
    "model": "base (with kind: rskp)",
    "loss": "base",
    "training.checkpoint": "training.report_best_test_epoch (true or false)",
    "training.memory_from_epoch": "base.memory_from_epoch",
    "training.memory_index": "base.memory_index",
    "proposals.video_original_share": "base.video_original_share",
    "proposals.overlap": "labels.fusion.overlap (and detection.fusion.overlap)",
    "proposals.nms_tiou": "labels.fusion.tiou (and detection.fusion.tiou)",
    "proposals.soft_nms_sigma": "labels.fusion.sigma (and detection.fusion.sigma)",
    "proposals.soft_nms_floor": "labels.fusion.floor (and detection.fusion.floor)",
    "labels.kind": "labels.maker.kind",
    "labels.naive_overlap": "labels.maker.overlap (with kind: naive)",
    "labels.lp_solution": "labels.maker.solution",
    "labels.lp_infeasible": "labels.maker.infeasible",
    "labels.bounds": "labels.maker.rounding",
    "labels.snippet_original_share": "base.label_snippet_original_share",
    "detection.snippet_original_share": "base.detection_snippet_original_share",
    "detection.temperature": "detection.fusion.temperature",
}


RENAMED_OF_VARIANTS = {"streams": "random_group"}  # within each entry of `variants`


def refuse_renamed_of_variants(values: Any, file: str | Path) -> None:
    """Raises InputError for the first key of a variant in a suite file that has another name now."""
    variants = values.get("variants") if isinstance(values, Mapping) else None
    for name, entry in variants.items() if isinstance(variants, Mapping) else ():
        for old, new in RENAMED_OF_VARIANTS.items():
            if isinstance(entry, Mapping) and old in entry:
                raise _old_name(file, f"variants.{name}", old, new)


def refuse_renamed(method: Mapping[str, object], file: str | Path, key: str) -> None:
    """Raises InputError for the first key under `key` that has another name now."""
    for old, new in RENAMED.items():
        found: object = method
        for part in old.split("."):
            found = found.get(part, _ABSENT) if isinstance(found, Mapping) else _ABSENT
        if found is not _ABSENT:
            raise _old_name(file, key, old, new)


def _old_name(file: str | Path, key: str, old: str, new: str) -> InputError:
    return InputError(file=file, key=f"{key}.{old}", expected=f"its present name, {key}.{new}", got="the old name")


_ABSENT = object()
