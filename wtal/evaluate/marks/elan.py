"""Detections as an .eaf file of ELAN: a tier a class, and beside it one of the scores."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from wtal.evaluate.marks.found import FoundSegment, milliseconds

MEDIA_TYPES = {".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime", ".avi": "video/x-msvideo"}
SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
BY_TIME, BY_PARENT = "detection", "score"  # linguistic types


def elan_text(marks: Sequence[FoundSegment], media: str) -> str:
    """The text of an .eaf file. media: address of the video. The same marks always give the same text."""
    root = ElementTree.Element("ANNOTATION_DOCUMENT", AUTHOR="wtal", DATE="2000-01-01T00:00:00+00:00")
    root.attrib |= {"FORMAT": "3.0", "VERSION": "3.0", "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"}
    root.set("xsi:noNamespaceSchemaLocation", SCHEMA)
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    kind = MEDIA_TYPES.get(media[media.rfind(".") :].lower(), "video/*") if "." in media else "video/*"
    ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=media, MIME_TYPE=kind)
    slots = ElementTree.SubElement(root, "TIME_ORDER")
    times = sorted({time for mark in marks for time in (milliseconds(mark.start), milliseconds(mark.end))})
    for time in times:
        ElementTree.SubElement(slots, "TIME_SLOT", TIME_SLOT_ID=f"ts{time}", TIME_VALUE=str(time))
    number = 0
    for label in sorted({mark.label for mark in marks}):
        for level, own in enumerate(_apart([mark for mark in marks if mark.label == label]), start=1):
            number = _add_tiers(root, label if level == 1 else f"{label} ({level})", own, number)
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID=BY_TIME, TIME_ALIGNABLE="true")
    ElementTree.SubElement(
        root,
        "LINGUISTIC_TYPE",
        LINGUISTIC_TYPE_ID=BY_PARENT,
        TIME_ALIGNABLE="false",
        CONSTRAINTS="Symbolic_Association",
    )
    described = "1-1 association with a parent annotation"
    ElementTree.SubElement(root, "CONSTRAINT", STEREOTYPE="Symbolic_Association", DESCRIPTION=described)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_tiers(root: ElementTree.Element, name: str, marks: Sequence[FoundSegment], number: int) -> int:
    """A tier of marks, and one of their scores; gives the number of the last annotation."""
    tier = ElementTree.SubElement(root, "TIER", TIER_ID=name, LINGUISTIC_TYPE_REF=BY_TIME)
    scores = ElementTree.SubElement(root, "TIER", TIER_ID=f"score of {name}", LINGUISTIC_TYPE_REF=BY_PARENT)
    scores.set("PARENT_REF", name)
    for mark in marks:
        number += 2
        timed = ElementTree.SubElement(
            ElementTree.SubElement(tier, "ANNOTATION"),
            "ALIGNABLE_ANNOTATION",
            ANNOTATION_ID=f"a{number - 1}",
            TIME_SLOT_REF1=f"ts{milliseconds(mark.start)}",
            TIME_SLOT_REF2=f"ts{milliseconds(mark.end)}",
        )
        ElementTree.SubElement(timed, "ANNOTATION_VALUE").text = mark.label
        score = ElementTree.SubElement(
            ElementTree.SubElement(scores, "ANNOTATION"),
            "REF_ANNOTATION",
            ANNOTATION_ID=f"a{number}",
            ANNOTATION_REF=f"a{number - 1}",
        )
        ElementTree.SubElement(score, "ANNOTATION_VALUE").text = f"{mark.score:.4f}"
    return number


def _apart(marks: Sequence[FoundSegment]) -> list[list[FoundSegment]]:
    """The marks in as few lists as keep those that overlap apart, since those of a tier may not overlap."""
    tiers: list[list[FoundSegment]] = []
    for mark in marks:
        free = next((own for own in tiers if milliseconds(own[-1].end) <= milliseconds(mark.start)), None)
        if free is None:
            tiers.append([mark])
        else:
            free.append(mark)
    return tiers
