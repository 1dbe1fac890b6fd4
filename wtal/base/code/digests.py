"""What a result of a command is made from: the digest of the command's code, no more and no less of it.

A command starts from the statements of a module of `cli` that declare its options and name the function it runs; that
module counts only with what these use, so that commands which share a file do not share a digest. From there every
import is followed inside the package, those inside functions too; a module that is reached counts whole. The
`__init__` of a package counts with what is taken from it and with what it does when it is imported, so that a list of
public names joins nothing that it lists; a module that is wanted for what its import does is to be imported where that
is relied upon. An import of a computed name takes the whole package, but for that of a member of a group (a base
network, a fusion, ...): such a module counts where the command is said to use the member, one of another package with
all of that package. Files that are no Python count where the code names them beside `importlib.resources.files` or
`__file__`. Of code its syntax counts, as `wtal.base.code.syntax` reads it.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wtal.base.code.syntax import Code, code_of, code_of_module, declaration, names_bound, needed
from wtal.base.errors import InputError
from wtal.base.files import digest_of_file, digest_of_value, read_text

PACKAGE = Path(__file__).parents[2]
INIT = "__init__.py"
MEMBERS = "base.members"  # imports what a suite names, which counts as a member
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*")  # of a file, or a path that leads down to one


def digest_of_command(*commands: str, members: Iterable[str] = (), package: Path = PACKAGE) -> str:
    """sha256 of the code that these commands run with these members, taken together.

    members: `module:class` of each. Raises InputError where there is no such command or module.
    """
    return digest_of_value(parts_of_command(*commands, members=members, package=package))


def parts_of_command(*commands: str, members: Iterable[str] = (), package: Path = PACKAGE) -> dict[str, str]:
    """Each file that these commands and members are made from, with the sha256 of what counts of it.

    Of a module of `cli` a part for each command. Raises InputError where there is no such command or module.
    """
    closure = _Closure(package)
    for command in commands:
        closure.add_command(command)
    for member in members:
        closure.add_member(member.partition(":")[0])
    return closure.parts


class _Closure:
    """The modules that are reached from commands, each whole or with some of its names."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.waiting: list[tuple[str, frozenset[str] | None]] = []  # module, names; None: whole
        self.reached: dict[str, frozenset[str] | None] = {}
        self.parts: dict[str, str] = {}

    def add_command(self, command: str) -> None:
        """Start from a command's declaration, wherever in `cli` it is, and follow all that it leads to."""
        is_declared = False
        for path in sorted((self.root / "cli").rglob("*.py")):
            text, module = read_text(path), self._module_of(path)
            with _parsing(path):
                statements = declaration(text, command)
            if statements:
                is_declared = True
                self.waiting.append((_parent(module), frozenset()))
                self._count(f"{self._name_of_part(path)}: {command}", module, path, code_of(statements))
        if not is_declared:
            expected = "a command that a module in it adds with add_parser"
            raise InputError(file=self.root / "cli", key=command, expected=expected, got="none")
        self._follow()

    def add_member(self, module: str) -> None:
        """Follow a module that a suite names, with what it takes from this package where it is of another one."""
        if module.partition(".")[0] == self.root.name:
            self.waiting.append((module, None))
        else:
            for part, path in _files_of_other(module):
                text = read_text(path)
                with _parsing(path):
                    code = code_of_module(text)
                self.parts[part] = code.digest
                for level, name, taken in code.imports:
                    if level == 0:
                        self._take(name, taken)
        self._follow()

    def _follow(self) -> None:
        while self.waiting:
            self._reach(*self.waiting.pop())

    def _reach(self, module: str, names: frozenset[str] | None) -> None:
        """Count a module, whole or with some of its names, and note what follows from it."""
        path = self._path(module)
        if path is None:
            return
        known = self.reached.get(module, frozenset())
        if module in self.reached and (known is None or (names is not None and names <= known)):
            return
        self.reached[module] = names = None if names is None or known is None else names | known
        self.waiting.append((_parent(module), frozenset()))
        if path.is_dir():  # a package without __init__
            return
        text = read_text(path)
        with _parsing(path):
            if names is None or not names <= names_bound(text):  # some are made as they are asked for
                self._count(self._name_of_part(path), module, path, code_of_module(text))
            elif part := needed(text, names):
                self._count(self._name_of_part(path), module, path, code_of(part))

    def _count(self, part: str, module: str, path: Path, code: Code) -> None:
        self.parts[part] = code.digest
        if code.takes_all and module != f"{self.root.name}.{MEMBERS}":
            self.waiting += [(self._module_of(other), None) for other in self.root.rglob("*.py")]
        for level, name, taken in code.imports:
            package = module if path.name == INIT else _parent(module)
            self._take(_absolute(package, level, name), taken)
        for folder in code.folders:
            place_of = self._path(folder) if folder else path
            if place_of is not None:
                self._count_data(place_of if place_of.is_dir() else place_of.parent, code.words)

    def _take(self, module: str, name: str | None) -> None:
        """Follow `import module`, or `from module import name`."""
        path = self._path(module)
        if path is None:
            return
        is_package = path.is_dir() or path.name == INIT
        if name is None or name == "*" or not is_package:
            self.waiting.append((module, None))
            return
        inner = f"{module}.{name}"
        if self._path(inner) is not None:
            self.waiting.append((inner, None))
        if self._path(inner) is None or (path.is_file() and name in names_bound(read_text(path))):
            self.waiting.append((module, frozenset({name})))

    def _count_data(self, folder: Path, words: Iterable[str]) -> None:
        """The files of a folder that words name, in the folders that they name too; all that lie in it if none is."""
        named = [folder / word for word in words if NAME.fullmatch(word) and (folder / word).exists()]
        folders = [path for path in named if path.is_dir() and not (path / INIT).exists()]
        found = [path for path in named if path.is_file()]
        found += [path for inside in folders for path in inside.rglob("*")]
        for path in found or folder.iterdir():
            is_data = path.is_file() and path.suffix not in (".py", ".pyc") and not path.name.startswith(".")
            if is_data and path.resolve().is_relative_to(self.root.resolve()):
                self.parts[self._name_of_part(path)] = digest_of_file(path)

    def _path(self, module: str) -> Path | None:
        """The file of a module of the package, or the folder of one without __init__; None where there is none."""
        first, *rest = module.split(".")
        if first != self.root.name:
            return None
        part = self.root.joinpath(*rest)
        for path in (part / INIT, part.with_name(f"{part.name}.py")):
            if path.is_file() and (rest or path.name == INIT):
                return path
        return part if part.is_dir() else None

    def _module_of(self, path: Path) -> str:
        parts = [self.root.name, *path.relative_to(self.root).with_suffix("").parts]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _name_of_part(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _parent(module: str) -> str:
    return module.rpartition(".")[0]


def _files_of_other(module: str) -> Iterator[tuple[str, Path]]:
    """Every file of Python of the package that a module belongs to, under the name of that package."""
    top = module.partition(".")[0]
    found = importlib.util.find_spec(top)
    if found is None or found.origin is None:
        raise InputError(file=module, expected="a module that can be imported", got="none")
    path = Path(found.origin)
    for file in sorted(path.parent.rglob("*.py")) if path.name == INIT else [path]:
        yield f"{top}: {file.relative_to(path.parent).as_posix()}", file


@contextmanager
def _parsing(path: Path) -> Iterator[None]:
    """Make an InputError of a file that is no Python."""
    try:
        yield
    except (SyntaxError, ValueError) as error:
        got = getattr(error, "msg", error)
        raise InputError(file=path, key=f"line {getattr(error, 'lineno', '?')}", expected="Python", got=got) from None


def _absolute(package: str, level: int, module: str) -> str:
    """The full name of what is imported from inside a package."""
    if not level:
        return module
    above = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join([*above, *([module] if module else [])])
