"""`wtal completion`: a script by which a shell completes commands, options and what some options take."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from wtal.cli.parser.helpful import commands_of

SUITES = "(cd config 2>/dev/null && find . -name '*.yaml' ! -path './tune/*' | sed 's|^[.]/||; s|[.]yaml$||')"


@dataclass(frozen=True, slots=True)
class CompletedOption:
    """An option of a command, or a positional argument (no names), as a completion needs it."""

    names: tuple[str, ...]
    about: str
    choices: tuple[str, ...]
    takes_value: bool


@dataclass(frozen=True, slots=True)
class CompletedCommand:
    """A command with its options."""

    name: str
    about: str
    options: tuple[CompletedOption, ...]
    takes_suite: bool

    @property
    def flags(self) -> list[str]:
        """The names of its options."""
        return [name for option in self.options for name in option.names]

    @property
    def words(self) -> list[str]:
        """What its positional arguments can be."""
        return [choice for option in self.options if not option.names for choice in option.choices]


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    completion = commands.add_parser(
        "completion",
        help="print a script that completes wtal in a shell",
        description='bash: eval "$(wtal completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc, after '
        "compinit; fish: wtal completion fish > ~/.config/fish/completions/wtal.fish",
    )
    completion.add_argument("shell", choices=tuple(SCRIPTS), help="the shell")
    completion.set_defaults(run=print_completion)


def print_completion(options: argparse.Namespace) -> None:
    """The script of a shell."""
    from wtal.cli import build_parser

    print(completion_script(build_parser(), options.shell), end="")


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for a shell (bash, zsh or fish) that completes what a parser has."""
    return SCRIPTS[shell](list(_completed(parser)))


def _completed(parser: argparse.ArgumentParser) -> Iterator[CompletedCommand]:
    commands = commands_of(parser)
    about = {each.dest: each.help or "" for each in commands._choices_actions} if commands else {}
    for name, command in commands.choices.items() if commands else ():
        options = tuple(
            CompletedOption(
                tuple(action.option_strings),
                action.help or "",
                tuple(map(str, action.choices or ())),
                takes_value=action.nargs != 0,
            )
            for action in command._actions
        )
        takes_suite = any(action.metavar == "SUITE" for action in command._actions)
        yield CompletedCommand(name, about[name], options, takes_suite)


def _bash(commands: list[CompletedCommand]) -> str:
    lines = [
        "_wtal() {",
        '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""',
        "    COMPREPLY=()",
        "    if [ $COMP_CWORD -eq 1 ]; then",
        f"        words={shlex.quote(' '.join([*(each.name for each in commands), '--help', '--version']))}",
        '        COMPREPLY=($(compgen -W "$words" -- "$word"))',
        "        return",
        "    fi",
        '    case "${COMP_WORDS[1]} $before" in',
    ]
    for command in commands:
        for option in command.options:
            names = " | ".join(f'"{command.name} {name}"' for name in option.names)
            if names and option.choices:
                lines.append(f"        {names}) words={shlex.quote(' '.join(option.choices))} ;;")
            elif names and option.takes_value:
                lines.append(f"        {names}) return ;;")  # a file
    lines += ['        *) case "${COMP_WORDS[1]}" in']
    for command in commands:
        suites = f'" $({SUITES[1:-1]})"' if command.takes_suite else ""
        lines.append(
            f"            {command.name}) words={shlex.quote(' '.join(command.flags + command.words))}{suites} ;;"
        )
    lines += [
        "        esac ;;",
        "    esac",
        '    COMPREPLY=($(compgen -W "$words" -- "$word"))',
        "}",
        "complete -o default -F _wtal wtal",
    ]
    return "\n".join(lines) + "\n"


def _zsh(commands: list[CompletedCommand]) -> str:
    lines = ["#compdef wtal", "_wtal() {", "    if (( CURRENT == 2 )); then", "        local -a commands=("]
    lines += [f"            {shlex.quote(f'{each.name}:{each.about}')}" for each in commands]
    lines += ["        )", "        _describe command commands", "        return", "    fi"]
    lines += ["    case ${words[2]} in"]
    for command in commands:
        lines.append(f"        {command.name}) shift words; (( CURRENT-- )); _arguments -S \\")
        for option in command.options:
            values = f"({' '.join(option.choices)})" if option.choices else "_files"
            about = option.about.translate(str.maketrans("[]:", "(),"))
            for name in option.names:
                taken = f":value:{values}" if option.takes_value else ""
                lines.append(f"            {shlex.quote(f'{name}[{about}]{taken}')} \\")
        words = f"{{compadd -- $({SUITES[1:-1]})}}" if command.takes_suite else f"({' '.join(command.words)})"
        lines.append(f"            {shlex.quote(f'*:value:{words}' if words != '()' else '*:file:_files')} ;;")
    lines += ["    esac", "}", "compdef _wtal wtal"]
    return "\n".join(lines) + "\n"


def _fish(commands: list[CompletedCommand]) -> str:
    names = " ".join(each.name for each in commands)
    lines = [
        "complete -c wtal -n __fish_use_subcommand -l help",
        "complete -c wtal -n __fish_use_subcommand -l version",
    ]
    first = "complete -c wtal -f -n __fish_use_subcommand"
    lines += [f"{first} -a {command.name} -d {_fish_word(command.about)}" for command in commands]
    for command in commands:
        head = f"complete -c wtal -n '__fish_seen_subcommand_from {command.name}'"
        for option in command.options:
            spelt = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            values = f" -x -a {_fish_word(' '.join(option.choices))}" if option.choices else " -r"
            if spelt:
                taken = values if option.takes_value else ""
                lines.append(f"{head} {spelt}{taken} -d {_fish_word(option.about)}")
        if command.words:
            lines.append(f"{head} -f -a {_fish_word(' '.join(command.words))}")
        if command.takes_suite:
            lines.append(f"{head} -f -a {_fish_word(SUITES)}")
    return "\n".join([f"# commands: {names}", *lines]) + "\n"


def _fish_word(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"


SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
