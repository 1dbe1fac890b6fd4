"""Which tool a file comes from, and its reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.data.annotations.raw import RawAnnotations
from wtal.data.annotations.tools import cvat, elan
from wtal.data.annotations.tools.boris import is_boris_project, read_boris_project
from wtal.data.annotations.tools.export import Rates, joined, xml_of
from wtal.data.annotations.tools.label_studio import is_label_studio, read_label_studio
from wtal.data.annotations.tools.via import is_via, read_via

ENDINGS = (".eaf", ".xml")  # of files that may lie in a folder, one a video


def read_tool_json(path: Path, values: Any, rates: Rates) -> RawAnnotations | None:
    """The annotations of a JSON file, if it is an export of Label Studio, BORIS or VIA. Raises InputError."""
    for is_of_tool, read in (
        (is_label_studio, read_label_studio),
        (is_boris_project, read_boris_project),
        (is_via, read_via),
    ):
        if is_of_tool(values):
            try:
                return read(path, values, rates)
            except (TypeError, AttributeError, KeyError, ValueError) as error:
                got = f"something else ({' '.join(str(error).split())})"
                raise InputError(file=path, expected="a whole export of its tool", got=got) from None
    return None


def read_tool_xml(path: Path, rates: Rates) -> RawAnnotations:
    """The annotations of an XML file of ELAN or CVAT. Raises InputError where it is of neither."""
    root = xml_of(path)
    if root.tag == elan.ROOT:
        return elan.read_elan(path, root, rates)
    if root.tag == cvat.ROOT:
        return cvat.read_cvat(path, root, rates)
    raise InputError(file=path, expected="XML of ELAN or CVAT", got=f"<{root.tag}>")


def tool_files(folder: Path) -> tuple[Path, ...]:
    """The files of ELAN and CVAT in a folder, by name."""
    return tuple(file for file in sorted(folder.iterdir()) if file.suffix.lower() in ENDINGS and file.is_file())


def read_tool_files(path: Path, files: tuple[Path, ...], rates: Rates) -> RawAnnotations:
    """The annotations of several files as one. Raises InputError."""
    return joined(path, (read_tool_xml(file, rates) for file in files))
