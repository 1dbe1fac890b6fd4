"""What the syntax of a file says to whoever asks what a result is made from: what it does, and what it asks for.

No comment, docstring or help text, no layout, no block under `TYPE_CHECKING` is part of it, and it is the same for
every version of Python that parses the file.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

HELP = ("help", "description", "epilog", "metavar")  # what a parser is told for its reader alone
PARSER = ("add_parser", "add_argument", "add_argument_group", "ArgumentParser")
LONGEST_NAME = 200  # letters; a longer text names no file

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Code:
    """What some statements are, and what they ask for beyond themselves."""

    digest: str
    imports: frozenset[tuple[int, str, str | None]]  # level, module, name
    takes_all: bool  # imports what only running it tells
    folders: frozenset[str]  # whose files they read: modules; "" is their own
    words: frozenset[str]  # that may name such files


@lru_cache(maxsize=64)
def _statements(text: str) -> list[ast.stmt]:
    """The statements of a module that can matter to what it does, imports of several names one by one."""
    split: list[ast.stmt] = []
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Import):
            split += [ast.Import([alias]) for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            split += [ast.ImportFrom(statement.module, [alias], statement.level) for alias in statement.names]
        elif not _is_idle(statement):
            split.append(statement)
    return split


def _is_idle(node: ast.AST) -> bool:
    """Whether a statement does nothing when it is run: docstrings, `pass`, imports for annotations."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.If):
        return not node.orelse and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING"
    return isinstance(node, ast.Pass)


def declaration(text: str, command: str) -> list[ast.stmt]:
    """The statements that declare a command with add_parser, and those of the module that these use; none where none.

    What they use is looked for in the function that they stand in, and then in the module.
    """
    for function in _statements(text) if command in text else ():
        adding = [each for each in getattr(function, "body", ()) if _adds(each, command)]
        if adding and isinstance(function, ast.FunctionDef):
            parsers = frozenset(name for statement in adding for name in _bound(statement))
            own = {id(each) for each in function.body if each in adding or _used(each) & parsers}
            inside = _kept(function.body, frozenset(), lambda each, own=own: id(each) in own)  # type: ignore[misc]
            return [*inside, *needed(text, frozenset(name for each in inside for name in _used(each)))]
    return []


def _adds(statement: ast.stmt, command: str) -> bool:
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and _called(node) == "add_parser" and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and first.value == command:
                return True
    return False


def needed(text: str, names: Names) -> list[ast.stmt]:
    """The statements of a module that bind these names, those that act on import, and all that any of them uses."""
    return _kept(_statements(text), names, _acts)


def _kept(statements: Sequence[ast.stmt], names: Names, always: Callable[[ast.stmt], bool]) -> list[ast.stmt]:
    kept: set[int] = set()
    sought = set(names)
    new = {index for index, statement in enumerate(statements) if always(statement)}
    while True:
        kept |= new
        sought.update(name for index in new for name in _used(statements[index]))
        rest = (index for index in range(len(statements)) if index not in kept)
        new = {index for index in rest if _bound(statements[index]) & sought}
        if not new:
            return [statements[index] for index in sorted(kept)]


def _acts(statement: ast.stmt) -> bool:
    """Whether a statement does something to others when its module is imported, beyond binding names."""
    if isinstance(statement, ast.Import):
        return "." in statement.names[0].name and statement.names[0].asname is None
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return not all(isinstance(target, (ast.Name, ast.Tuple)) for target in targets)
    return not isinstance(statement, (ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def _bound(statement: ast.stmt) -> Names:
    """The names that a statement of a module binds there."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return frozenset({statement.name})
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return frozenset(alias.asname or alias.name.partition(".")[0] for alias in statement.names)
    nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return frozenset(node.id for node in nodes if isinstance(node.ctx, ast.Store))


def _used(statement: ast.stmt) -> Names:
    return frozenset(node.id for node in _running(statement) if isinstance(node, ast.Name))


@cache
def names_bound(text: str) -> Names:
    """The names that a module binds when it is imported."""
    return frozenset(name for statement in _statements(text) for name in _bound(statement))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, but for what a parser is told for its reader."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.keyword) and _is_help(node, child.arg)):
            yield from _running(child)


def _is_help(node: ast.AST, keyword: str | None) -> bool:
    return keyword in HELP and isinstance(node, ast.Call) and _called(node) in PARSER


def _called(node: ast.Call) -> str | None:
    """The last word of what is called."""
    return getattr(node.func, "attr", getattr(node.func, "id", None))


@cache
def code_of_module(text: str) -> Code:
    """A whole module, given as its text."""
    return code_of(ast.parse(text).body)


def code_of(statements: Sequence[ast.stmt]) -> Code:
    """Some statements of a module."""
    reading = _Reading()
    content = json.dumps(reading.plain(list(statements)))
    digest = hashlib.sha256(content.encode()).hexdigest()
    words = reading.words if reading.folders else ()
    return Code(digest, frozenset(reading.imports), reading.takes_all, frozenset(reading.folders), frozenset(words))


class _Reading:
    """Syntax as a JSON value that is the same for every version of Python, and what was met on the way."""

    def __init__(self) -> None:
        self.imports: set[tuple[int, str, str | None]] = set()
        self.takes_all = False
        self.folders: set[str] = set()
        self.words: set[str] = set()

    def plain(self, value: Any) -> Any:
        """A node, or a field of one; what is empty or left out is not in it, since versions differ in that."""
        if isinstance(value, list):
            return [self.plain(entry) for entry in value if not _is_idle(entry)]
        if isinstance(value, ast.Constant):
            return self._constant(value.value)
        if not isinstance(value, ast.AST):
            return value
        self._meet(value)
        fields: list[Any] = [type(value).__name__]
        for key in value._fields:
            entry = getattr(value, key, None)
            if entry is None or key in ("ctx", "type_comment"):
                continue
            if key == "keywords":
                entry = [keyword for keyword in entry if not _is_help(value, keyword.arg)]
            found = self.plain(entry)
            if found != []:
                fields.append([key, _in_one_piece(found) if isinstance(value, ast.JoinedStr) else found])
        return fields

    def _constant(self, value: object) -> list[str]:
        if isinstance(value, str):
            if 0 < len(value) < LONGEST_NAME:
                self.words.add(value)
            return ["Constant", "str", value]
        return ["Constant", type(value).__name__, repr(value)]

    def _meet(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            if node.id == "__file__":
                self.folders.add("")
        elif isinstance(node, ast.Call):
            self._meet_call(_called(node), node.args)
        elif isinstance(node, ast.Import):
            self.imports |= {(0, alias.name, None) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            self.imports |= {(node.level, node.module or "", alias.name) for alias in node.names}

    def _meet_call(self, called: str | None, arguments: Sequence[ast.expr]) -> None:
        if called not in ("import_module", "__import__", "files"):
            return
        first = arguments[0] if arguments else None
        text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
        if called == "files":
            self.folders.add(text or "")
        elif text is None:
            self.takes_all = True
        else:
            name = text.lstrip(".")
            self.imports.add((len(text) - len(name), name, None))


def _in_one_piece(parts: Sequence[Any]) -> list[Any]:
    """The parts of an f-string, with plain text in one piece however it was written."""
    joined: list[Any] = []
    for part in parts:
        if part[0] == "Constant" and joined and joined[-1][0] == "Constant":
            joined[-1] = [*part[:2], joined[-1][2] + part[2]]
        elif part[0] != "Constant" or part[2]:
            joined.append(part)
    return joined
