"""What a command is made from: which files its digest follows, what changes it, and what leaves it as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from wtal.base.code.digests import PACKAGE, digest_of_command, parts_of_command
from wtal.base.code.syntax import code_of_module
from wtal.base.errors import InputError
from wtal.cli import build_parser
from wtal.suite.plan import read_suite

FILES = {
    "__init__.py": '"""Public names."""\nfrom made.late import Lazy\n__version__ = "1"\n',
    "cli/__init__.py": "import importlib\ndef main(): importlib.import_module('made.' + name())\n",
    "cli/work.py": '''
"""Two commands."""
from made.words import LIMIT, UNUSED
def register(commands):
    first = commands.add_parser("first", help="do it")
    shared(first)
    first.add_argument("--count", default=LIMIT, help="how often")
    first.set_defaults(run=run_first)
    second = commands.add_parser("second", help="do the other")
    second.set_defaults(run=run_second)
def shared(parser):
    """What both have."""
    parser.add_argument("--out")
def run_first(options):
    """Do it."""
    from made.data import store
    store.write(options)
def run_second(options):
    from made.report.page import page
    page(options)
''',
    "words.py": "LIMIT = 3\nUNUSED = 4\n",
    "late.py": "class Lazy: ...\n",
    "data/__init__.py": '"""Data."""\nfrom made.data.other import other\n',
    "data/store.py": '''
"""The store."""
from typing import TYPE_CHECKING
from ..words import LIMIT
from . import deep
if TYPE_CHECKING:
    from made.late import Lazy
def write(options):
    """Write it."""
    # in whole pieces
    return deep.reader.read(options) + LIMIT
''',
    "data/other.py": "def other():\n    return 1\n",
    "data/deep/__init__.py": "from . import reader\n",
    "data/deep/reader.py": "def read(options):\n    from made.data import store\n    return len(store.__name__) - 1\n",
    "report/page.py": """
from importlib import resources
from made.data import other
def page(options):
    return resources.files("made.report").joinpath("page.css").read_text() + str(other())
""",
    "report/page.css": "p {}\n",
    "report/spare.css": "q {}\n",
}  # the folder report has no __init__


@pytest.fixture
def made(tmp_path: Path) -> Path:
    root = tmp_path / "made"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def parts(root: Path, command: str = "first") -> set[str]:
    return set(parts_of_command(command, package=root))


def changes(root: Path, name: str, old: str, new: str) -> set[str]:
    """The commands of the made-up package whose digest another text in a file changes."""
    before = {command: digest_of_command(command, package=root) for command in ("first", "second")}
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))
    return {command for command, digest in before.items() if digest_of_command(command, package=root) != digest}


def test_imports_are_followed_through_functions_relative_names_and_circles(made: Path) -> None:
    assert parts(made) == {"cli/work.py: first", "words.py", "data/store.py", "data/deep/__init__.py"} | {
        "data/deep/reader.py"
    }


def test_a_command_starts_from_its_own_function_and_takes_of_a_package_what_it_names(made: Path) -> None:
    assert parts(made, "second") == {"cli/work.py: second", "report/page.py", "report/page.css", "data/__init__.py"} | {
        "data/other.py"
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("data/deep/reader.py", "- 1", "+ 1", {"first"}),
        ("data/other.py", "return 1", "return 2", {"second"}),
        ("report/page.css", "p {}", "p { margin: 0 }", {"second"}),
        ("words.py", "LIMIT = 3", "LIMIT = 4", {"first"}),
        ("cli/work.py", "default=LIMIT", "default=LIMIT + 1", {"first"}),
        ("cli/work.py", "page(options)", "page(None)", {"second"}),
        ("data/__init__.py", "import other", "import other, other as more", set()),
        ("data/store.py", "# in whole pieces", "# whole", set()),
        ("data/store.py", '"""Write it."""', '"""Write all of it."""\n\n    pass', set()),
        ("data/store.py", "deep.reader.read(options) + LIMIT", "(deep.reader\n  .read(options,)+LIMIT)", set()),
        ("data/store.py", "import Lazy", "import Lazy as Later", set()),
        ("cli/work.py", "how often", "how many times", set()),
        ("__init__.py", '"1"', '"2"', set()),
        ("late.py", "class Lazy", "class Lazier", set()),
        ("report/spare.css", "q", "r", set()),
    ],
)  # fmt: skip
def test_what_is_run_changes_the_digest_and_nothing_else_does(
    made: Path, name: str, old: str, new: str, changed: set[str]
) -> None:
    assert changes(made, name, old, new) == changed


def test_a_new_folder_that_is_imported_is_followed(made: Path) -> None:
    (made / "data/new/inner").mkdir(parents=True)
    (made / "data/new/inner/sums.py").write_text("def total(): return 1\n")
    assert changes(made, "data/other.py", "return 1", "from .new.inner.sums import total\n    return total()") == {
        "second"
    }
    assert "data/new/inner/sums.py" in parts(made, "second")
    assert changes(made, "data/new/inner/sums.py", "return 1", "return 2") == {"second"}


def test_what_a_package_does_when_it_is_imported_counts_for_all_that_lies_in_it(made: Path) -> None:
    assert changes(made, "data/__init__.py", "other\n", "other\nimport os\nos.environ['X'] = str(other())\n") == {
        "first",
        "second",
    }
    assert "data/other.py" in parts(made)


def test_a_computed_import_takes_the_whole_package_and_a_named_one_what_it_names(made: Path) -> None:
    (made / "late.py").write_text("import importlib\ndef late(name): return importlib.import_module('made.words')\n")
    assert changes(made, "data/other.py", "return 1", "import made.late\n    return made.late") == {"second"}
    assert "words.py" in parts(made, "second")
    (made / "late.py").write_text("import importlib\ndef late(name): return importlib.import_module(f'made.{name}')\n")
    assert {"data/store.py", "words.py"} <= parts(made, "second")


def test_files_that_are_no_code_count_by_their_folder_or_all_where_none_is_named(made: Path) -> None:
    (made / "report/lists").mkdir()
    (made / "report/lists/one.yaml").write_text("a: 1\n")
    named = 'resources.files("made.report").joinpath("page.css")'
    assert changes(made, "report/page.py", named, 'resources.files("made.report").joinpath("lists", name)') == {
        "second"
    }
    assert {name for name in parts(made, "second") if not name.endswith((".py", "second"))} == {"report/lists/one.yaml"}
    changes(made, "report/page.py", '"lists", name', "name")
    assert {"report/page.css", "report/spare.css"} <= parts(made, "second")


def test_commands_taken_together_are_made_from_what_each_is_made_from(made: Path) -> None:
    assert set(parts_of_command("first", "second", package=made)) == parts(made) | parts(made, "second")


def test_an_unknown_command_and_a_broken_file_are_refused_by_name(made: Path) -> None:
    with pytest.raises(InputError, match=r"cli: third: expected a command"):
        digest_of_command("third", package=made)
    (made / "words.py").write_text("LIMIT =\n")
    with pytest.raises(InputError, match=r"words\.py: line 1: expected Python"):
        digest_of_command("first", package=made)


def commands() -> list[str]:
    parser = build_parser()
    return [name for action in parser._actions for name in getattr(action, "choices", None) or ()]


@pytest.mark.parametrize("command", commands())
def test_every_command_has_a_digest_that_starts_at_its_own_function(command: str) -> None:
    own = [name for name in parts_of_command(command) if name.startswith("cli/") and ": " in name]
    assert [name.partition(": ")[2] for name in own] == [command]


LOADED = """
import json, sys
sys.argv = {arguments!r}
from wtal.cli import main
try:
    main({arguments!r})
except SystemExit:
    pass
own = [module for name, module in sys.modules.items() if name.partition(".")[0] == "wtal"]
print(json.dumps([module.__file__ for module in own]))
"""


def loaded_by(*arguments: str) -> set[str]:
    """The files of the package that a command has loaded when it ends."""
    code = LOADED.format(arguments=list(arguments))
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return {Path(name).relative_to(PACKAGE).as_posix() for name in json.loads(printed.splitlines()[-1])}


# What a suite names; a part that is outside of a step is so with these too.
USED = [
    "wtal.data.convert.settings:FeatureData",
    "wtal.methods.rskp.settings:RskpSettings",
    "wtal.evaluate.protocols.snippet:SnippetProtocol",
]


def test_what_a_command_loads_is_in_its_digest_but_for_the_command_line_and_lists_of_names(tmp_path: Path) -> None:
    settings = tmp_path / "data.json"
    settings.write_text('{"kind": "synthetic", "train_videos": 4, "test_videos": 2, "feature_size": 8}')
    loaded = loaded_by("prepare", "--settings", str(settings), "--out", str(tmp_path / "store"))
    assert "data/kinds/synthetic.py" in loaded
    made = ["wtal.data.kinds.synthetic_settings:SyntheticData"]
    missing = {
        name for name in loaded - set(parts_of_command("prepare", members=made)) if not name.endswith("__init__.py")
    }
    # Names of files; and the instructions of a processor, which provenance says, as it says the processor.
    allowed = {"suite/paths.py", "base/code/kernels.py"}
    assert {name for name in missing if not name.startswith("cli/")} <= allowed


@pytest.mark.parametrize(
    ("command", "inside", "outside"),
    [
        (
            "prepare",
            "base/npy/stack_machine.py data/features/h5.py base/files.py",
            "data/fetch/fetch.py data/user/inspect.py training/round_job.py suite/plan.py",
        ),
        (
            "train",
            "methods/rskp/network.py data/store/read.py base/files.py",
            "data/fetch/fetch.py localise/labels/interior_point.py suite/plan.py",
        ),
        (
            "solve-labels",
            "localise/labels/make.py base/timebase.py",
            "training/trainer.py localise/detect.py suite/plan.py localise/labels/naive.py localise/fusion/nms.py",
        ),
        (
            "detect",
            "localise/detect.py evaluate/write_detections.py",
            "evaluate/score/uncertainty.py localise/labels/interior_point.py localise/fusion/gaussian.py",
        ),
        (
            "evaluate-run",
            "evaluate/score/matching.py localise/detect.py evaluate/protocols/snippet.py",
            "evaluate/score/uncertainty.py evaluate/diagnose/error_kinds.py evaluate/protocols/step.py",
        ),
        (
            "tables",
            "report/tables/tables.py data/store/read.py __init__.py",
            "report/page/page.css report/figures/figures.py training/trainer.py",
        ),
        (
            "figures",
            "report/figures/timelines.py data/store/read.py",
            "report/page/page.css report/page/page.py",
        ),
        (
            "report",
            "report/page/page.css report/page/tables.js report/page/suite.jinja",
            "report/figures/figures.py data/kinds/synthetic.py",
        ),
    ],
)
def test_each_step_is_made_from_its_own_chain(command: str, inside: str, outside: str) -> None:
    found = set(parts_of_command(command, members=USED))
    assert set(inside.split()) <= found
    assert not found & set(outside.split())


def test_labels_are_made_from_the_fusion_and_the_maker_that_are_named_and_no_others() -> None:
    variants = read_suite(PACKAGE.parent / "config/tiny.yaml").variants
    optimised, naive = (
        set(parts_of_command("solve-labels", members=variants[variant].members(*keys)))
        for variant, keys in (("optimised", ("labels.fusion", "labels.maker")), ("naive", ("labels.maker",)))
    )
    solver = {f"localise/labels/{name}.py" for name in ("optimised", "programme", "interior_point", "vertex")}
    assert solver | {"localise/fusion/gaussian.py"} <= optimised
    assert not optimised & {"localise/labels/naive.py", "localise/fusion/nms.py"}
    assert naive - optimised == {"localise/labels/naive.py"}
    assert not naive & solver


WITH_MEMBERS = {
    "base/members.py": "import importlib\ndef member(name):\n    return importlib.import_module(name)\n",
    "cli/choose.py": """
from made.base.members import member
def register(commands):
    commands.add_parser("choose").set_defaults(run=run)
def run(options):
    member(options.name)()
""",
    "methods/one.py": "from made.words import LIMIT\nclass One: ...\n",
    "methods/two.py": "class Two: ...\n",
}


@pytest.fixture
def chosen(made: Path) -> Path:
    for name, text in WITH_MEMBERS.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(text)
    return made


def test_a_member_counts_with_what_it_takes_where_it_is_used_and_nowhere_else(chosen: Path) -> None:
    none = set(parts_of_command("choose", package=chosen))
    one = set(parts_of_command("choose", members=["made.methods.one:One"], package=chosen))
    assert one - none == {"methods/one.py", "words.py"}
    assert not any(name.startswith("methods/") for name in none)


def test_a_member_of_another_package_counts_with_all_of_that_package(
    chosen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "elsewhere" / "plugged_in"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("")
    (other / "mine.py").write_text("from made.words import LIMIT\nclass Mine: ...\n")
    (other / "more.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(str(other.parent))
    none = set(parts_of_command("choose", package=chosen))
    found = set(parts_of_command("choose", members=["plugged_in.mine:Mine"], package=chosen))
    assert found - none == {"plugged_in: __init__.py", "plugged_in: mine.py", "plugged_in: more.py", "words.py"}
    with pytest.raises(InputError, match=r"not_there.*a module that can be imported"):
        parts_of_command("choose", members=["not_there:Mine"], package=chosen)


SYNTAX: list[tuple[str, str]] = [
    ("x = f'a{b}' 'c' f'{d!r:>{n}}'", "x = f'a{b}c{d!r:>{n}}'"),
    ("x = 1_000 + 0x10", "x = (1000 + 16)"),
    ("def f(): ...", 'def f():\n    "nothing"'),
    ("x = '\\u00e9'", "x = 'é'"),
]


@pytest.mark.parametrize(("one", "other"), SYNTAX)
def test_a_text_that_says_the_same_in_other_letters_has_the_same_digest(made: Path, one: str, other: str) -> None:
    (made / "words.py").write_text(f"LIMIT = 1\n{one}\n")
    assert changes(made, "words.py", one, other) == set()


@pytest.mark.parametrize("other", ["x = True", "x = 1.0", "x = '1'", "x = b'1'", "x: int = 1", "y = 1", "x = None"])
def test_values_that_look_alike_are_told_apart(made: Path, other: str) -> None:
    (made / "words.py").write_text("LIMIT = 1\nx = 1\n")
    assert changes(made, "words.py", "x = 1", other) == {"first"}


EVERYTHING = """
from __future__ import annotations
import a.b as c, d
@decorated(1, *rest, key="é", **more)
class Each(Base, metaclass=Kind):
    x: int | None = None
    async def f(self, a, /, b: str = "b", *args, c=..., **kwargs) -> list[int]:
        async with one as (two, three), four:
            yield {**a, 1: 2.5e-3}, {*b}, [x async for x in y if x if not z], a[1:2, ::3]
        try:
            await x
        except* (ValueError, TypeError) as error:
            raise error from None
        else:
            del a.b, c[0]
        match a:
            case {"k": [1, *_], **rest} | Point(x=0) if rest:
                return f"a{b!r:>{width}}c" "d" f"{e=}"
            case None | -1 | "s":
                nonlocal g
        while (n := n - 1) > 0 <= m != k is not j:
            x @= lambda *, y=1: y if x else ~y
        return b"\\x00" + 1j
"""


def test_the_digest_of_syntax_is_the_same_for_every_version_of_python() -> None:
    # Found with Python 3.11, 3.12 and 3.13.
    assert code_of_module(EVERYTHING).digest == "34704556a87d10144ee10c75c09e206975a6c601606541059a26c7fcf62d819a"
