"""A parser that lists commands in groups and names the command or option that a misspelt one is nearest to."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

GROUPS = {
    "everyday": (
        *("run", "plan", "list", "predict", "extract", "new-dataset", "fetch", "check-data", "check-pulled"),
        *("check-method", "convert-annotations", "tune", "export-labels", "doctor", "schema", "completion"),
    ),
    "scoring": ("evaluate", "compare", "diagnose", "label-quality", "matrix", "export-tables", "export"),
    "workflow steps": (
        *("prepare", "train", "train-external", "score", "set-detection", "solve-labels", "detect", "evaluate-run"),
        *("tables", "figures", "diagnose-suite", "report"),
    ),
}


class CommandParser(argparse.ArgumentParser):
    """The parser of `wtal`, and of each of its commands.

    What stands after `--` is left for `passed_on` where a command has that among its defaults.
    """

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse has it, but that an unknown option is refused before one that is missing."""
        import sys

        given = list(sys.argv[1:] if args is None else args)
        own, after = _split(given)
        passes_on = self.get_default("passed_on") is not None
        self._refuse_unknown_options(own)
        found, rest = super().parse_known_args(own if passes_on else given, namespace)
        if passes_on:
            found.passed_on = tuple(after)
        return found, rest

    def _refuse_unknown_options(self, given: Sequence[str]) -> None:
        known = list(self._option_string_actions)
        has_commands = commands_of(self) is not None
        for word in given:
            if not word.startswith("-") and has_commands:
                return  # what follows is the command's
            name = word.partition("=")[0]
            if name.startswith("--") and len(name) > 2 and not any(option.startswith(name) for option in known):
                self.refuse(f"unknown option {name}", name, (option for option in known if option.startswith("--")))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(each) for each in action.choices]
            if isinstance(action, argparse._SubParsersAction):
                self.refuse(f"unknown command {value}", str(value), known)
            hint = f"; {_meant(str(value), known)}" if _meant(str(value), known) else ""
            choices = f"invalid choice: {value!r} (choose from {', '.join(map(repr, known))}){hint}"
            raise argparse.ArgumentError(action, choices)

    def refuse(self, sentence: str, word: str, known: Iterable[str]) -> NoReturn:
        """End with exit code 2 and a sentence that names the known word nearest to one that is not."""
        self.exit(2, f"{self.prog}: {sentence}; {_meant(word, known) or f'{self.prog} --help names those there are'}\n")

    def format_help(self) -> str:
        """The commands in their groups, a line each, in place of argparse's one long list."""
        commands = commands_of(self)
        if commands is None:
            return super().format_help()
        about = {each.dest: each.help or "" for each in commands._choices_actions}
        grouped = {name for names in GROUPS.values() for name in names}
        formatter = self._get_formatter()
        formatter.add_usage("%(prog)s [-h] [--version] COMMAND ...", [], [])
        formatter.add_text(self.description)
        text = formatter.format_help()
        rest = tuple(name for name in about if name not in grouped)
        for title, names in {**GROUPS, **({"others": rest} if rest else {})}.items():
            width = max(map(len, about))
            room = formatter._width - width - 2
            lines = (f"  {name:<{width}}  {_fitted(about[name], room)}\n" for name in names if name in about)
            text += f"\n{title}:\n{''.join(lines)}"
        return f"{text}\n{self.epilog or ''}\n"


def commands_of(parser: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser] | None:
    """The commands of a parser; None where it has none."""
    return next((each for each in parser._actions if isinstance(each, argparse._SubParsersAction)), None)


def _fitted(text: str, room: int) -> str:
    """A text without its last clauses, as far as it must be shorter and has any."""
    while len(text) > room and (ends := [where for mark in ",:;" if (where := text.rfind(mark)) > 0]):
        text = text[: max(ends)]
    return text


def _split(given: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What stands before and after `--`."""
    where = given.index("--") if "--" in given else len(given)
    return given[:where], given[where + 1 :]


def _meant(word: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""
