"""Many videos, some at once; one that cannot be read is told of, and the others go on."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from wtal.base.errors import InputError, WtalError, listed_in_words
from wtal.base.files import refused_unwritable
from wtal.video.contract import ExtractSettings, SnippetNetwork
from wtal.video.extract import extract_video, is_extracted

logger = logging.getLogger(__name__)

NEWS = 10.0  # seconds after which a long video says how far it is
MOST_NAMED = 20  # videos in the last sentence


@dataclass(frozen=True, slots=True)
class ExtractionJob:
    """One video, and where its features go."""

    video: Path
    array: Path


@dataclass(frozen=True, slots=True)
class ExtractionRequest:
    """What is the same for all videos."""

    settings: ExtractSettings
    weights: Path | None
    device: str

    def load(self) -> SnippetNetwork:
        """The network, computing in one thread so that it gives the same bytes on any machine of a kind."""
        import torch

        torch.set_num_threads(1)
        settings = self.settings
        return settings.extractor.load(self.weights, self.device, float(settings.grid_rate))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went with one video."""

    job: ExtractionJob
    ended: Literal["written", "kept", "refused"]
    sentence: str = ""  # why it was refused


def jobs_of(videos: Iterable[Path], out: Path) -> list[ExtractionJob]:
    """A job for each video. Raises InputError where two would have one array."""
    jobs: dict[str, ExtractionJob] = {}
    for video in videos:
        job = ExtractionJob(video, out / f"{video.stem}.npy")
        if video.stem in jobs:
            other = jobs[video.stem].video
            raise InputError(file=video, expected="another name than that of each other video", got=f"that of {other}")
        jobs[video.stem] = job
    return list(jobs.values())


def extract_all(jobs: Sequence[ExtractionJob], request: ExtractionRequest, n_processes: int) -> list[Outcome]:
    """Extract every video, with a line for each; gives what was written or kept.

    Raises InputError where the extractor cannot be loaded, and, once all others are done, WtalError that lists those
    that were refused.
    """
    outcomes, refusal = extract_those_that_can(jobs, request, n_processes)
    if refusal is not None:
        raise refusal
    return outcomes


def extract_those_that_can(
    jobs: Sequence[ExtractionJob], request: ExtractionRequest, n_processes: int
) -> tuple[list[Outcome], WtalError | None]:
    """Extract every video, with a line for each; gives what was written or kept, and what to say of the others.

    Raises InputError where the extractor cannot be loaded.
    """
    network = request.load()
    for folder in {job.array.parent for job in jobs}:
        with refused_unwritable(folder):
            folder.mkdir(parents=True, exist_ok=True)
    news, outcomes = _News(jobs), []
    for outcome in _outcomes(jobs, request, network, min(n_processes, len(jobs))):
        outcomes.append(outcome)
        news.tell(outcome)
    refused = [outcome.job.video for outcome in outcomes if outcome.ended == "refused"]
    if not refused:
        return outcomes, None
    names = listed_in_words(refused, MOST_NAMED)
    refusal = WtalError(f"{len(refused)} of {len(jobs)} videos have no features: {names}")
    return [outcome for outcome in outcomes if outcome.ended != "refused"], refusal


def _outcomes(
    jobs: Sequence[ExtractionJob], request: ExtractionRequest, network: SnippetNetwork, n_processes: int
) -> Iterator[Outcome]:
    if n_processes <= 1:
        yield from (_outcome(job, request.settings, network) for job in jobs)
        return
    # Spawned, not forked: torch and OpenCV have threads by now.
    pool = ProcessPoolExecutor(n_processes, get_context("spawn"), initializer=_start, initargs=(request,))
    try:
        futures: list[Future[Outcome]] = [pool.submit(_outcome_here, job) for job in jobs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool:
        raise WtalError(
            "a process that extracts was killed, for want of memory perhaps; the same command goes on from here"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(job: ExtractionJob, settings: ExtractSettings, network: SnippetNetwork) -> Outcome:
    try:
        if is_extracted(job.video, job.array, settings, network):
            return Outcome(job, "kept")
        extract_video(job.video, job.array, settings, network, _LongVideo(job.video.name))
    except InputError as error:
        return Outcome(job, "refused", str(error))
    return Outcome(job, "written")


_here: dict[str, Any] = {}  # of a spawned process: what it extracts with


def _start(request: ExtractionRequest) -> None:
    """Make a spawned process ready; it ends when the one that spawned it does, by whatever signal."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    _here.update(settings=request.settings, network=request.load())


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _outcome_here(job: ExtractionJob) -> Outcome:
    return _outcome(job, _here["settings"], _here["network"])


class _LongVideo:
    """Says how far a long video is, and the time left for it."""

    def __init__(self, name: str) -> None:
        self.name, self.began = name, time.monotonic()
        self.last = self.began

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self.last >= NEWS and 0 < share < 1:
            self.last = now
            left = (now - self.began) * (1 - share) / share
            logger.info(f"{self.name}: {100 * share:.0f} %, {in_minutes(left)} left")


class _News:
    """A line a video, with the time left for all of them by the size of their files."""

    def __init__(self, jobs: Sequence[ExtractionJob]) -> None:
        self.n_jobs, self.n_done, self.began = len(jobs), 0, time.monotonic()
        self.bytes_left = sum(map(_size, jobs))
        self.bytes_written = 0

    def tell(self, outcome: Outcome) -> None:
        self.n_done += 1
        size = _size(outcome.job)
        self.bytes_left -= size
        self.bytes_written += size * (outcome.ended == "written")
        line = f"{self.n_done} of {self.n_jobs}: "
        if outcome.ended == "refused":
            logger.error(line + outcome.sentence)
            return
        line += f"{outcome.job.array}" + (" is there already" if outcome.ended == "kept" else "")
        if self.bytes_written and self.n_done < self.n_jobs:
            left = (time.monotonic() - self.began) * self.bytes_left / self.bytes_written
            line += f", {in_minutes(left)} left"
        logger.info(line)


def _size(job: ExtractionJob) -> int:
    try:
        return job.video.stat().st_size
    except OSError:
        return 0


def in_minutes(seconds: float) -> str:
    """A time as one says it: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
