"""Where a run of Snakemake stands, made from its events alone, and how long it will still take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wtal.base.progress import EpochProgress
from wtal.cli.live.measured import mean_seconds

TARGETS = ("suite", "all", "tables", "figures", "report")  # rules that only name files: no time


@dataclass(slots=True)
class RunningJob:
    """A job that Snakemake has started."""

    number: int
    rule: str
    wildcards: Mapping[str, str]
    log: tuple[str, ...]
    started_at: float  # seconds since 1970
    epoch: EpochProgress | None = None  # of training, as its log has it

    @property
    def name(self) -> str:
        """Rule and wildcards, as a line of a run has them."""
        return "  ".join([self.rule, *(f"{name} {value}" for name, value in self.wildcards.items())])

    def seconds_left(self, now: float, mean: float | None) -> float | None:
        """By its epochs where it has any, else by what such a job takes; None where neither is known."""
        passed = now - self.started_at
        if self.epoch is not None:
            return passed * (self.epoch.of - self.epoch.position) / self.epoch.position
        return None if mean is None else max(0.0, mean - passed)


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """How long a run will still take, and the rules whose jobs nobody has measured and that come on top."""

    seconds: float
    unmeasured: tuple[str, ...]

    def words(self) -> str:
        """Such as `about 4 min left`; `at least` where some jobs are not measured."""
        return f"{'at least' if self.unmeasured else 'about'} {duration(self.seconds)} left"


@dataclass(slots=True)
class RunState:
    """Takes in the events of a run, one after the other."""

    earlier: Mapping[str, float]  # mean seconds of a job by rule, of an earlier run
    cores: int = 1
    done: int = 0
    total: int = 0
    planned: Mapping[str, int] = field(default_factory=dict)  # jobs by rule
    running: dict[int, RunningJob] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)  # jobs by rule, failed ones too
    seen: dict[str, list[float]] = field(default_factory=dict)  # seconds of each finished job by rule
    failed: dict[int, RunningJob] = field(default_factory=dict)
    last: tuple[RunningJob, float] | None = None  # the job that ended last, and its seconds
    page: str | None = None

    def take(self, event: Mapping[str, Any]) -> bool:
        """One more event; false where it says nothing new."""
        match event["event"]:
            case "plan":
                self.planned, self.total = event["jobs"], sum(event["jobs"].values())
            case "cores":
                self.cores = max(1, event["cores"])
            case "started":
                log = tuple(event["log"] or ())
                job = RunningJob(event["job"], event["rule"], event["wildcards"], log, event["time"])
                self.running[job.number] = job
            case "finished":
                return self._end(event, is_failure=False)
            case "failed":
                return self._end(event, is_failure=True)
            case "progress":
                self.done, self.total = event["done"], event["total"]
            case "page":
                self.page = event["path"]
        return True

    def _end(self, event: Mapping[str, Any], *, is_failure: bool) -> bool:
        job = self.running.pop(event["job"], None)
        if job is None:  # Snakemake tells of a failure twice
            return False
        seconds = event["time"] - job.started_at
        self.last = (job, seconds)
        self.ended[job.rule] += 1
        if is_failure:
            self.failed[job.number] = job
        else:
            self.seen.setdefault(job.rule, []).append(seconds)
        return True

    def time_left(self, now: float) -> TimeLeft | None:
        """By measured seconds a rule and jobs left, over as many cores as can be busy; None where nothing is known.

        now: seconds since 1970.
        """
        means = {**self.earlier, **mean_seconds(self.seen)}
        unmeasured, known = [], []
        for job in self.running.values():
            seconds = job.seconds_left(now, means.get(job.rule))
            if seconds is not None:
                known.append(seconds)
                means.setdefault(job.rule, seconds + now - job.started_at)  # of its epochs, where no other is known
        busy = Counter(job.rule for job in self.running.values())
        for rule, count in self.planned.items():
            left = count - self.ended[rule] - busy[rule]
            if left <= 0 or rule in TARGETS:
                continue
            if rule in means:
                known += [means[rule]] * left
            else:
                unmeasured.append(rule)
        if not known:
            return None
        return TimeLeft(max(max(known), sum(known) / min(self.cores, len(known))), tuple(unmeasured))


def duration(seconds: float) -> str:
    """A time in words, no finer than it is sure: `12 s`, `4 min`, `2 h 10 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
