"""What `--logger-one-line-events FILE` writes: each thing that happens in a run, as a JSON object a line.

    {"event": "plan", "jobs": {"train_base": 3, ...}}      jobs that will run, by rule
    {"event": "cores", "cores": 2}
    {"event": "started", "job": 7, "rule": ..., "wildcards": {...}, "log": [...], "benchmark": ..., "threads": 1}
    {"event": "finished", "job": 7}
    {"event": "failed", "job": 7, "rule": ..., "log": [...]}
    {"event": "progress", "done": 3, "total": 131}
    {"event": "page", "path": "results/hapt/report.html"}  of a run that made it
    {"event": "message", "level": "error", "text": ...}    all else that Snakemake says

Each has `time` besides, in seconds since 1970.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from logging import LogRecord
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

# Told by the other events, or no news to who reads events.
LEFT_OUT = (LogEvent.SHELLCMD, LogEvent.WORKFLOW_STARTED, LogEvent.DEBUG_DAG, LogEvent.RULEGRAPH, LogEvent.JOB_STARTED)


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Options of Snakemake that this plugin adds, as `--logger-one-line-<name>`."""

    events: str = field(
        default="",
        metadata={
            "help": "Write each event of the run to this file (or pipe) as a JSON object a line, and nothing else.",
            "env_var": False,
            "required": False,
        },
    )


class EventFile:
    """The file that events are written to; where its reader is gone they are dropped, and the run goes on."""

    def __init__(self, path: str) -> None:
        self.file: int | None = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def write(self, record: LogRecord, text: str) -> None:
        """Write what a record of Snakemake's is worth; `text`: as it would be printed."""
        event = event_of(record, text)
        if event is None or self.file is None:
            return
        line = json.dumps({**event, "time": round(record.created, 3)}, default=str).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self.file, line) :]
        except OSError:
            self.close()

    def close(self) -> None:
        """Write no more."""
        if self.file is not None:
            with suppress(OSError):
                os.close(self.file)
            self.file = None


def event_of(record: LogRecord, text: str) -> dict[str, Any] | None:
    """The event that a record stands for; None where it is no news."""
    values = vars(record)
    match values.get("event"):
        case LogEvent.RUN_INFO:
            jobs = {rule: count for rule, count in values["stats"].items() if rule != "total"}
            return {"event": "plan", "jobs": jobs}
        case LogEvent.RESOURCES_INFO:
            return {"event": "cores", "cores": values["cores"]} if values.get("cores") else None
        case LogEvent.JOB_INFO:
            names = ("log", "benchmark", "threads")
            about = {"job": values["jobid"], "rule": values["rule_name"], "wildcards": dict(values["wildcards"] or {})}
            return {"event": "started", **about, **{name: values.get(name) for name in names}}
        case LogEvent.JOB_FINISHED:
            return {"event": "finished", "job": values["job_id"]}
        case LogEvent.JOB_ERROR:
            log = [str(path) for path in values["log"] or ()]
            return {"event": "failed", "job": values["jobid"], "rule": values["rule_name"], "log": log}
        case LogEvent.PROGRESS:
            return {"event": "progress", "done": values["done"], "total": values["total"]}
        case event if event in LEFT_OUT:
            return None
    if "page" in values:
        return {"event": "page", "path": values["page"]}
    return {"event": "message", "level": record.levelname.lower(), "text": text} if text.strip() else None
