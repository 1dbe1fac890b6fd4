"""ELAN: an .eaf file a video, whose tiers hold annotations in milliseconds."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from wtal.base.errors import InputError
from wtal.data.annotations.raw import RawAnnotations
from wtal.data.annotations.tools.export import Export, Rates

ROOT = "ANNOTATION_DOCUMENT"


def read_elan(path: Path, root: Element, rates: Rates) -> RawAnnotations:
    """The annotations that are aligned in time, labelled by their value, or by their tier where that is empty.

    root: of the file, ROOT. Raises InputError where a bound has no time.
    """
    export = Export(path, rates)
    media = root.find("./HEADER/MEDIA_DESCRIPTOR")
    file = None if media is None else media.get("MEDIA_URL") or media.get("RELATIVE_MEDIA_URL")
    video = export.video(file or f"{path.stem}.mp4", "MEDIA_DESCRIPTOR")
    offset = 0.0 if media is None else float(media.get("TIME_ORIGIN") or 0) / 1000
    slots = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.findall("./TIME_ORDER/TIME_SLOT")}
    for tier in root.findall("TIER"):
        name = tier.get("TIER_ID") or ""
        for number, row in enumerate(tier.iterfind("./ANNOTATION/ALIGNABLE_ANNOTATION")):
            key = f"{name}[{number}]"
            times = [_milliseconds(path, key, slots, row, end) for end in ("TIME_SLOT_REF1", "TIME_SLOT_REF2")]
            label = (row.findtext("ANNOTATION_VALUE") or "").strip() or name
            export.add(video, label, [max(0.0, time / 1000 + offset) for time in times], key)
    return export.annotations(("TIER",))


def _milliseconds(path: Path, key: str, slots: dict[str | None, str | None], row: Element, end: str) -> int:
    text = slots.get(row.get(end)) or ""
    if not text.isdigit():
        raise InputError(file=path, key=f"{key}, {end}", expected="a slot with a time", got=repr(text))
    return int(text)
