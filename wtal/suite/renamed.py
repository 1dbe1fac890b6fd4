"""Keys of a suite file that had another name before: each is refused with a sentence that names the new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wtal.base.errors import InputError

# Within `method` and the overrides of variants; an entry for a group stands for all of its keys.
RENAMED: dict[str, str] = {
    "model": "base (with kind: rskp)",
    "loss": "base",
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


def refuse_renamed(method: Mapping[str, object], file: str | Path, key: str) -> None:
    """Raises InputError for the first key under `key` that has another name now."""
    for old, new in RENAMED.items():
        found: object = method
        for part in old.split("."):
            found = found.get(part, _ABSENT) if isinstance(found, Mapping) else _ABSENT
        if found is not _ABSENT:
            raise InputError(
                file=file, key=f"{key}.{old}", expected=f"its present name, {key}.{new}", got="the old name"
            )


_ABSENT = object()
