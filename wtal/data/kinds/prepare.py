"""From data settings to a feature store: one way for every data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

from wtal.base.files import read_json, to_json, write_if_changed
from wtal.base.members import OneOf
from wtal.base.schema import from_mapping
from wtal.data.store.read import Store, read_store
from wtal.data.store.tables import SUBSETS
from wtal.data.store.write import RESUME_EVERY, write_store
from wtal.suite.contracts import DataKind
from wtal.suite.streams import streams_in_words


def read_data_settings(path: str | Path) -> DataKind:
    """The data settings of a JSON file, of any kind. Raises InputError naming the key that is wrong."""
    any_kind: Any = Annotated[DataKind, OneOf("wtal.data_kinds")]
    return cast("DataKind", from_mapping(any_kind, read_json(path), file=path))


def keep_listing(path: str | Path, settings: DataKind) -> None:
    """Have what the raw files look like at a path, touched only where that changes; no file for a kind without any.

    What files that have gone looked like stays: whoever deletes them once they are converted means to keep the store.
    """
    path, listing = Path(path), settings.raw_files()
    if listing is None:
        path.unlink(missing_ok=True)
    elif listing or not path.exists():
        write_if_changed(path, to_json(listing))


def prepare(settings: DataKind, out: str | Path, *, resume_every: float = RESUME_EVERY) -> Store:
    """Write the store of a data set whole, or raise InputError and leave what was there; the store, opened.

    resume_every: seconds after which the state of a conversion is saved, from which the next call goes on.
    """
    write_store(out, settings.data_set(), precision=settings.precision, resume_every=resume_every)
    return read_store(out)


def store_summary(store: Store) -> list[str]:
    """What a store holds, in lines for people: videos, segments, classes, background, source."""
    lines = [f"data set        {store.meta.dataset}", f"classes         {len(store.classes)}"]
    for subset in SUBSETS:
        numbers, truth = store.videos(subset), store.instances(subset)
        hours = float(store.seconds[numbers].sum()) / 3600
        lines.append(f"{subset:<15} {len(numbers)} clips, {len(truth)} segments, {hours:.2f} h")
    snippets = f"{len(store.rows)} of {store.feature_size} features, {store.snippets_per_second:g} a second"
    lines += [
        f"snippets        {snippets}",
        f"streams         {streams_in_words(store.meta.streams) or 'not named'}",
        f"background      {100 * background_share(store):.1f} % of the time",
        f"source          {store.meta.source}",
        f"licence         {store.meta.licence}",
        f"citation        {store.meta.citation}",
    ]
    return lines


def background_share(store: Store) -> float:
    """The share of the time, in [0, 1], that no annotated segment covers."""
    covered = 0.0
    for subset in SUBSETS:
        truth = store.instances(subset)
        seconds = store.seconds[store.videos(subset)]
        for video in range(len(truth.videos)):
            mine = truth.video == video
            covered += _covered(truth.start[mine].tolist(), truth.end[mine].tolist(), float(seconds[video]))
    return 1 - covered / float(store.seconds.sum())


def _covered(starts: list[float], ends: list[float], seconds: float) -> float:
    """Seconds of [0, seconds) inside at least one interval."""
    total, reached = 0.0, 0.0
    for start, end in sorted(zip(starts, ends)):
        begin, finish = max(start, reached), min(end, seconds)
        total += max(0.0, finish - begin)
        reached = max(reached, finish)
    return total
