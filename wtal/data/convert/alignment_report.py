"""The report of `wtal check-data DATASET`: every video, what is odd about it, and a verdict on the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wtal.base.errors import InputError
from wtal.data.annotations.read import AnnotatedVideo
from wtal.data.convert.chosen_videos import chosen_videos, warnings_about
from wtal.data.convert.collection import Collection, collect, known_durations, stated_frame_rates
from wtal.data.convert.convert import read_all
from wtal.data.convert.settings import FeatureData
from wtal.data.features.alignment import covers_class, crowded, overlap_of_ambiguous, rate_problem, remarks
from wtal.data.store.tables import Subset

NAMED = 12  # videos that a summary names
Intervals = Mapping[str, Sequence[tuple[float, float]]]  # of each video, seconds


@dataclass(frozen=True, slots=True)
class Report:
    """Lines to print, the last of them the verdict; problem: why features and annotations do not belong together."""

    lines: tuple[str, ...]
    problem: str | None


def alignment_report(
    settings: FeatureData, ambiguous: Intervals, *, reads: bool = True, remarks_only: bool = False
) -> Report:
    """Hold annotations, durations and features against one another, as far as they are there.

    ambiguous: intervals by video; reads: every number is read too; remarks_only: videos without a remark are left out.
    Raises InputError where the annotations themselves cannot be read.
    """
    annotations, chosen = chosen_videos(settings)
    lines = [f"data set     {settings.name}", *_counts(settings, chosen)]
    has_features = Path(settings.features).exists()
    warnings = [] if has_features else warnings_about(settings, annotations, chosen)
    collection, problem = None, None
    if has_features:
        try:
            collection = collect(replace(settings, alignment="warn", past_end="keep"), warnings.append)
            known, frames = known_durations(collection), stated_frame_rates(collection)
            problem = rate_problem(*known[1:], collection.snippets_per_second, frames)
            if reads:
                read_all(collection, warnings.append)
        except InputError as error:
            problem = str(error)
    lines.append(_features_line(settings, collection, has_features))
    found = _remarks(chosen, collection, ambiguous)
    lines += _table(chosen, collection, found, settings.snippets_per_second, remarks_only)
    lines += [f"summary      {line}" for line in _summary(chosen, found, ambiguous)]
    lines += [f"caution      {line}" for line in dict.fromkeys(warnings) if line != problem]
    lines.append(f"verdict      {_verdict(collection, problem, has_features, found)}")
    return Report(tuple(lines), problem)


def _counts(settings: FeatureData, chosen: Sequence[tuple[AnnotatedVideo, Subset]]) -> list[str]:
    lines = []
    for subset, name in (("train", settings.train_subset), ("test", settings.test_subset)):
        own = [video for video, of in chosen if of == subset]
        n_instances = sum(len(video.instances) for video in own)
        lines.append(f"{subset:<12} {len(own):,} videos ({name}), {n_instances:,} instances")
    return lines


def _features_line(settings: FeatureData, collection: Collection | None, has_features: bool) -> str:
    if collection is None:
        state = (
            "cannot be used" if has_features else f"missing; `wtal fetch {settings.name}` says from where to have them"
        )
        return f"features     {settings.features}: {state}"
    rate = f"{collection.snippets_per_second:.6g} snippets a second"
    layout = collection.features.layout
    return f"features     {collection.features.path}: {layout}, {collection.feature_size} columns, {rate}"


def _remarks(
    chosen: Sequence[tuple[AnnotatedVideo, Subset]], collection: Collection | None, ambiguous: Intervals
) -> dict[str, dict[str, list[str]]]:
    """What is odd about each video; those that were left out for want of features among them."""
    members = () if collection is None else collection.members
    seconds = {} if collection is None else {member.video.name: collection.seconds(member) for member in members}
    found = {}
    for video, _ in chosen:
        found[video.name] = remarks(video, seconds.get(video.name, video.seconds), ambiguous.get(video.name, ()))
        if collection is not None and video.name not in seconds:
            found[video.name]["no features"] = ["left out"]
    return found


def _table(
    chosen: Sequence[tuple[AnnotatedVideo, Subset]],
    collection: Collection | None,
    found: Mapping[str, Mapping[str, Sequence[str]]],
    rate: float | None,
    remarks_only: bool,
) -> Iterator[str]:
    counts = {member.video.name: member.n_snippets for member in collection.members} if collection else {}
    rate = collection.snippets_per_second if collection else rate
    width = max(len(video.name) for video, _ in chosen)
    yield f"{'video':<{width}} subset snippets  expected   seconds  remarks"
    for video, subset in chosen:
        told = "; ".join(f"{kind}: {', '.join(rows)}" for kind, rows in found[video.name].items())
        if remarks_only and not told:
            continue
        expected = "-" if video.seconds is None or rate is None else f"{video.seconds * rate:.1f}"
        seconds = "-" if video.seconds is None else f"{video.seconds:.2f}"
        count = counts.get(video.name, "-")
        yield f"{video.name:<{width}} {subset:<6} {count:>8} {expected:>9} {seconds:>9}  {told}".rstrip()


def _summary(
    chosen: Sequence[tuple[AnnotatedVideo, Subset]],
    found: Mapping[str, Mapping[str, Sequence[str]]],
    ambiguous: Intervals,
) -> list[str]:
    lines = []
    for subset in ("train", "test"):
        own = [video for video, of in chosen if of == subset]
        for kind in dict.fromkeys(kind for video in own for kind in found[video.name]):
            rows = [(video.name, len(found[video.name][kind])) for video in own if kind in found[video.name]]
            named = ", ".join(f"{name} ({count})" for name, count in rows[:NAMED])
            more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
            total = sum(count for _, count in rows)
            lines.append(f"{subset}: {kind}: {total} in {len(rows)} videos: {named}{more}")
        lines += [f"{subset}: {line}" for line in (*covers_class(own), *crowded(own))]
    pairs = sum(overlap_of_ambiguous(video, ambiguous.get(video.name, ())) for video, _ in chosen)
    if ambiguous:
        lines.append(f"ambiguous intervals overlap an instance {pairs} times")
    unknown = sorted(set(ambiguous) - {video.name for video, _ in chosen})
    if unknown:
        lines.append(f"ambiguous intervals of {len(unknown)} videos that are in neither subset, first {unknown[0]}")
    return lines


def _verdict(
    collection: Collection | None,
    problem: str | None,
    has_features: bool,
    found: Mapping[str, Mapping[str, Sequence[str]]],
) -> str:
    odd = sum(bool(kinds) for kinds in found.values())
    stand = f"{odd} of {len(found)} videos have remarks, which stand as they are"
    if problem:
        return f"does not fit: {problem}"
    if collection is None and not has_features:
        return f"annotations are whole ({stand}); features are missing, so that nothing more can be said"
    return f"fits: features, durations and annotations belong together; {stand}"
