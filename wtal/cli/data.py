"""`wtal fetch`, `wtal prepare` and `wtal check-data`: files of a data set, its store, and whether that is whole."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    fetch = commands.add_parser(
        "fetch",
        help="fetch and verify the files of a data set",
        description="Fetch the files that a data set's manifest names, from its sources in order, and hold each "
        "against its sha256; broken downloads go on where they ended. What cannot be had is listed with the place "
        "where to put it.",
    )
    fetch.add_argument("dataset", metavar="DATASET", help="hapt, thumos14, activitynet13, or a manifest's path (.yaml)")
    fetch.add_argument("--into", type=Path, help="folder to put the files in (default: data/DATASET)")
    fetch.add_argument("--mirror", metavar="DIR_OR_URL", help="asked first; holds DATASET/FILE")
    fetch.add_argument("--from", dest="by_hand", type=Path, metavar="DIR", help="folder of files fetched by hand")
    fetch.add_argument("--only", choices=["annotations", "features", "diagnosis"], help="this part of the files alone")
    fetch.set_defaults(run=fetch_files)
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


def fetch_files(options: argparse.Namespace) -> None:
    """A manifest in, verified files out; what cannot be had is told in one message."""
    from wtal.data.fetch import Request, fetch
    from wtal.data.manifest import read_manifest

    manifest = read_manifest(options.dataset)
    into = options.into or Path("data") / manifest.dataset
    request = Request(manifest, into, mirror=options.mirror, by_hand=options.by_hand, only=options.only)
    for line in fetch(request):
        print(line)


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
