"""Which file a suite's name stands for."""

from __future__ import annotations

from pathlib import Path

from wtal.base.errors import InputError, nearest

FOLDER, ENDINGS = Path("config"), (".yaml", ".yml")


def suite_file(name: str) -> Path:
    """config/NAME.yaml of a name, such as `hapt` or `matrix/hapt`; a path to a YAML file is itself.

    Raises InputError naming the nearest suite where there is none of this name.
    """
    path = Path(name)
    if path.suffix in ENDINGS:
        return path
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = (file.relative_to(FOLDER).with_suffix("").as_posix() for file in FOLDER.rglob("*.yaml"))
        suites = [each for each in known if not each.startswith("tune/")]
        raise InputError(file=path, expected="the name of a suite, or the path of its file", got=_got(name, suites))
    return path


def _got(name: str, suites: list[str]) -> str:
    return f"{name!r} ({nearest(name, suites)})"
