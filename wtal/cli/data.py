"""`wtal prepare` and `wtal check-data`: from settings to a feature store, and whether a store is whole."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    prepare = commands.add_parser(
        "prepare",
        help="write the feature store of a data set",
        description="Write features, weak labels and annotations of a data set as a feature store: all of it or "
        "nothing. The same settings always give the same bytes.",
    )
    prepare.add_argument("--settings", type=Path, required=True, help="data settings, such as settings/data.json")
    prepare.add_argument("--out", type=Path, required=True, help="folder of the store, such as results/hapt/data")
    prepare.set_defaults(run=prepare_store)
    check = commands.add_parser(
        "check-data",
        help="verify a feature store and say what it holds",
        description="Read every file of a feature store whole, hold each against its sha256, and print clips, "
        "segments, classes and the share of background.",
    )
    check.add_argument("--data", type=Path, required=True, help="folder of the store, such as results/hapt/data")
    check.set_defaults(run=check_data)


def prepare_store(options: argparse.Namespace) -> None:
    """Settings in, a whole store out."""
    from wtal.data.prepare import prepare, read_data_settings

    store = prepare(read_data_settings(options.settings), options.out)
    print(f"{options.out}: {store.meta.dataset}, {len(store.names)} clips, {len(store.classes)} classes")


def check_data(options: argparse.Namespace) -> None:
    """Everything a store holds is read; the verdict is the last line."""
    from wtal.data.prepare import summary
    from wtal.data.store import read_store

    for line in summary(read_store(options.data, verify=True)):
        print(line)
    print("verdict         whole: every file has its sha256, every feature is finite")
