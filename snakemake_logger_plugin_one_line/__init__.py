"""Snakemake's `--logger one-line`: a line a job instead of a page, as it ends, or as a dry run names it.

Everything else, errors above all, keeps its whole text, and the log that snakemake keeps in .snakemake keeps all of it.
With `--logger-one-line-events FILE` a run prints nothing, and FILE gets each event as a JSON object a line.
"""

from __future__ import annotations

import sys
from logging import LogRecord

from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_one_line.events import EventFile, LogHandlerSettings

__all__ = ["LogHandler", "LogHandlerSettings"]  # by these names Snakemake finds them

SAYS_NOTHING = ("", "None", "Select jobs to execute...", "Execute 1 jobs...")


class LogHandler(LogHandlerBase):
    """The default profile asks for it, with `quiet: reason`; --verbose, or other words for --quiet, end it."""

    writes_to_stream = True
    writes_to_file = has_filter = has_formatter = needs_rulegraph = False

    def __post_init__(self) -> None:
        settings = self.common_settings
        self.is_short = Quietness.REASON in (settings.quiet or ()) and not settings.verbose
        self.jobs: dict[int, str] = {}  # by number: rule and wildcards
        self.ended = ""
        path = self.settings.events if isinstance(self.settings, LogHandlerSettings) else None
        self.events = EventFile(path) if path and not settings.dryrun else None
        self.has_filter = self.events is not None  # what is no news to a printed log is an event all the same

    def close(self) -> None:
        if self.events is not None:
            self.events.close()
        super().close()

    def emit(self, record: LogRecord) -> None:
        if self.events is not None:
            text = self.format(record)
            self.events.write(record, "" if text in SAYS_NOTHING else text)
            return
        text = self.line_of(record) if self.is_short else self.format(record)
        if text not in SAYS_NOTHING:
            print(text, file=sys.stdout if self.common_settings.stdout else sys.stderr, flush=True)

    def line_of(self, record: LogRecord) -> str:
        """What a record is worth saying; nothing for one that only announces what another will say."""
        values = vars(record)
        match values.get("event"):
            case LogEvent.JOB_INFO:
                wildcards = (f"{name} {value}" for name, value in (values["wildcards"] or {}).items())
                self.jobs[values["jobid"]] = job = "  ".join([values["rule_name"], *wildcards])
                return job if self.common_settings.dryrun else ""
            case LogEvent.JOB_FINISHED:
                self.ended = self.jobs.get(values["job_id"], "")
                return ""
            case LogEvent.PROGRESS:
                done, total = values["done"], values["total"]
                return f"{done:>{len(str(total))}} of {total}  {self.ended}"
            case LogEvent.JOB_STARTED:
                return ""
        return self.format(record)
