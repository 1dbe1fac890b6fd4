"""Rules that hold for all of the code: imports point one way, heavy ones stay where they belong, nothing unsafe."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "wtal"
ROOM = re.compile(r"^  (\w+)/ +([\w ]+)")
# Each room of the package with its parts, in the order in which the architecture page has them.
ROOMS = {
    match[1]: match[2].split()
    for line in (PACKAGE.parent / "ARCHITECTURE.md").read_text().splitlines()
    if (match := ROOM.match(line))
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in the code, in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


TREES = {path: ast.parse(path.read_text()) for path in MODULES}
ENTRIES = ("__init__", "__main__")  # they start the command line


def test_the_architecture_page_lists_every_room_and_every_part_of_it() -> None:
    found = {
        room.name: {part.stem for part in room.iterdir() if part.suffix == ".py" or (part / "__init__.py").exists()}
        for room in PACKAGE.iterdir()
        if (room / "__init__.py").exists()
    }
    assert set(ROOMS) == set(found)
    for room in set(ROOMS) - {"cli"}:
        assert set(ROOMS[room]) == found[room] - {"__init__"}, room


def rank_of(parts: tuple[str, ...]) -> tuple[int, int]:
    """The position of a module's room, and of its part in that room; a room by itself comes before its parts."""
    room, part = parts[0], parts[1] if len(parts) > 1 else ""
    order = ROOMS[room]
    return list(ROOMS).index(room), order.index(part) if part in order else -1


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path) not in ENTRIES], ids=name_of)
def test_imports_point_up_the_list(path: Path) -> None:
    here = path.relative_to(PACKAGE).with_suffix("").parts
    if here[-1] == "__init__":  # public names of a room come from all of its parts
        here = (here[0], ROOMS[here[0]][-1]) if len(here) == 2 else here[:-1]
    for module in imported(TREES[path]):
        first, *rest = module.split(".")
        if first == "wtal" and rest and rest != ["__version__"]:
            assert here[0] == "cli" or rank_of(tuple(rest)) <= rank_of(here), f"{name_of(path)} imports {module}"


@pytest.mark.parametrize(
    ("library", "folders"),
    [
        ("torch", {"methods", "training", "video"}),
        ("av", {"video"}),
        ("cv2", {"video"}),
        ("torchvision", {"video"}),
        ("pandas", {"report"}),
        ("matplotlib", {"report"}),
        ("jinja2", {"report"}),
        ("scipy", set()),
    ],
)
def test_a_heavy_library_stays_in_its_folder(library: str, folders: set[str]) -> None:
    found = {
        name_of(path) for path, tree in TREES.items() for module in imported(tree) if module.split(".")[0] == library
    }
    assert {name for name in found if name.partition(".")[0] not in folders} == set()


MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_MODULES = 300, 50, 12


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_and_its_functions_are_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MOST_LINES_OF_A_FUNCTION, node.name


def test_a_folder_holds_few_modules() -> None:
    folders = Counter(path.parent.relative_to(PACKAGE).as_posix() for path in MODULES if path.stem != "__init__")
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}


def test_a_public_name_stands_for_one_thing() -> None:
    """`register` alone has one for each module of commands."""
    found = Counter(
        node.name
        for tree in TREES.values()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name for name, count in found.items() if count > 1} == {"register"}


ARRAY = re.compile(r"\b(Floats|Integers|NDArray|Tensor|Bounds)\b")
OF_ARRAYS = [path for path in MODULES if name_of(path).partition(".")[0] in ("evaluate", "localise", "methods")]


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions of a module and methods of its classes that others may call."""
    holders = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))]
    for holder in holders:
        for node in holder.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield node


@pytest.mark.parametrize("path", OF_ARRAYS, ids=name_of)
def test_a_function_of_arrays_says_their_shapes(path: Path) -> None:
    for node in public_functions(TREES[path]):
        hints = [each.annotation for each in (*node.args.args, *node.args.kwonlyargs)] + [node.returns]
        if any(ARRAY.search(ast.unparse(hint)) for hint in hints if hint is not None):
            text = ast.get_docstring(node) or ""
            assert re.search(r"\[[\w.]|Axes: see", text), f"{node.name} takes or gives arrays of unsaid shape"


def called(node: ast.Call) -> str:
    """The name under which a function is called, as written."""
    return ast.unparse(node.func)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_unsafe_and_nothing_left_over(path: Path) -> None:
    for node in ast.walk(TREES[path]):
        where = f"{name_of(path)}, line {getattr(node, 'lineno', '?')}"
        assert not isinstance(node, ast.Assert), f"{where}: input is refused by InputError, not by assert"
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"{where}: a bare except"
        if isinstance(node, ast.Call):
            assert called(node) not in ("eval", "exec", "pickle.load", "pickle.loads"), where
            switched_on = {
                keyword.arg
                for keyword in node.keywords
                if isinstance(keyword.value, ast.Constant) and keyword.value.value is True
            }
            assert not switched_on & {"allow_pickle", "shell"}, where
    assert not any(word in path.read_text() for word in ("TODO", "FIXME", "XXX"))


WITHOUT = """
import sys
from wtal.cli import main
try:
    main({arguments!r})
except SystemExit:
    pass
heavy = sorted({heavy!r} & set(sys.modules))
print("loaded:", *heavy)
"""


HEAVY = {"torch", "pandas", "matplotlib", "jinja2", "snakemake"}


def loaded_by(*arguments: str, heavy: set[str] = HEAVY) -> str:
    """The heavy libraries that a command has loaded when it ends."""
    code = WITHOUT.format(arguments=list(arguments), heavy=heavy)
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return printed.splitlines()[-1].partition(":")[2].strip()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("train", "--help"),
        ("plan", str(PACKAGE.parent / "config" / "tiny.yaml")),
        ("schema",),
        ("doctor",),
        ("fetch", "hapt"),
        ("check-data", "--data", "nowhere"),
        ("solve-labels", "--settings", "none", "--scores", "none", "--data", "none", "--out", "none"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_does_not_train_starts_light(arguments: tuple[str, ...]) -> None:
    assert loaded_by(*arguments) == ""


@pytest.mark.parametrize("arguments", [("--help",), ("evaluate", "--help")], ids=" ".join)
def test_a_command_that_reads_no_array_starts_without_numpy(arguments: tuple[str, ...]) -> None:
    assert loaded_by(*arguments, heavy={"numpy"}) == ""


NO_TRAINING = [
    "wtal.data.kinds.prepare",
    "wtal.localise.labels.make",
    "wtal.localise.detect",
    "wtal.evaluate.run.evaluate_run",
    "wtal.report.page.page",
]


@pytest.mark.parametrize("module", NO_TRAINING)
def test_only_training_loads_torch(module: str) -> None:
    code = f"import sys, {module}; print('torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.+?) *$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_source_points_at_a_heading_that_exists(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\bsections? \d", text, flags=re.IGNORECASE), "a heading is named by its anchor"
    for page, anchor in re.findall(r"\bdocs/([\w-]+\.md)(?:#([\w-]+))?", text):
        assert (PACKAGE.parent / "docs" / page).is_file(), page
        assert not anchor or anchor in anchors(PACKAGE.parent / "docs" / page), f"{page}#{anchor}"


@pytest.mark.parametrize(
    "page", [*PACKAGE.parent.glob("*.md"), *PACKAGE.parent.glob("docs/*.md")], ids=lambda page: page.name
)
def test_a_link_between_pages_leads_to_a_heading_that_exists(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([\w./-]*\.md)?#([\w-]+)\)", page.read_text()):
        assert anchor in anchors(page.parent / target if target else page), f"{target}#{anchor}"
