"""From data settings to a feature store: one way for every data set."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from wtal.base.files import read_json
from wtal.base.schema import from_mapping
from wtal.data.store.read import Store, read_store
from wtal.data.store.tables import SUBSETS
from wtal.data.store.write import RESUME_EVERY, DataSet, write_store
from wtal.suite.data_settings import DataSettings, FeatureData, HaptData, SyntheticData, WatchData, described


def read_data_settings(path: str | Path) -> DataSettings:
    """The data settings of a JSON file. Raises InputError naming the key that is wrong."""
    return cast("DataSettings", from_mapping(cast("type[HaptData]", DataSettings), read_json(path), file=path))


def data_set(settings: DataSettings) -> DataSet:
    """The data set that the settings describe, ready to be written."""
    if isinstance(settings, SyntheticData):
        from wtal.data.kinds.synthetic import synthetic_data_set

        return synthetic_data_set(settings)
    if isinstance(settings, WatchData):
        from wtal.data.kinds.watch_exercises import watch_data_set

        return watch_data_set(settings)
    if isinstance(settings, FeatureData):
        from wtal.data.convert.convert import converted_data_set

        return converted_data_set(settings)
    from wtal.data.kinds.hapt import hapt_data_set

    return hapt_data_set(settings)


def prepare(settings: DataSettings, out: str | Path, *, resume_every: float = RESUME_EVERY) -> Store:
    """Write the store of a data set whole, or raise InputError and leave what was there; the store, opened.

    resume_every: seconds after which the state of a conversion is saved, from which the next call goes on.
    """
    precision = settings.precision if isinstance(settings, FeatureData) else "float32"
    write_store(out, data_set(settings), precision=precision, resume_every=resume_every)
    return read_store(out)


def summary(store: Store) -> list[str]:
    """What a store holds, in lines for people: videos, segments, classes, background, source."""
    lines = [f"data set        {store.meta.dataset}", f"classes         {len(store.classes)}"]
    for subset in SUBSETS:
        numbers, truth = store.videos(subset), store.instances(subset)
        hours = float(store.seconds[numbers].sum()) / 3600
        lines.append(f"{subset:<15} {len(numbers)} clips, {len(truth)} segments, {hours:.2f} h")
    snippets = f"{len(store.rows)} of {store.feature_size} features, {store.snippets_per_second:g} a second"
    lines += [
        f"snippets        {snippets}",
        f"streams         {described(store.meta.streams) or 'not named'}",
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
