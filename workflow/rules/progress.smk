"""One line a job instead of a page: what started, what ended, how far the run is. Errors keep their whole text."""

import logging

from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent


class OneLineAJob(logging.Filter):
    """Turns snakemake's messages of a job into one line when it ends, or when a dry run names it."""

    def __init__(self, workflow):
        super().__init__()
        self.workflow, self.jobs, self.ended = workflow, {}, ""

    def filter(self, record):
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO:
            words = [record.rule_name, *(f"{name} {value}" for name, value in (record.wildcards or {}).items())]
            self.jobs[record.jobid] = "  ".join(words)
            return self.workflow.dryrun and self.plain(record, self.jobs[record.jobid])
        if event == LogEvent.JOB_FINISHED:
            self.ended = self.jobs.get(record.job_id, "")
            return False
        if event == LogEvent.PROGRESS:
            width = len(str(record.total))
            return self.plain(record, f"{record.done:>{width}} of {record.total}  {self.ended}")
        return event != LogEvent.JOB_STARTED and record.msg not in ("Select jobs to execute...", "Execute 1 jobs...")

    def plain(self, record, text):
        record.event, record.msg, record.args = None, text, ()
        return True


# The default profile asks for it by `quiet: reason`; --verbose, or --quiet with other words, brings the pages back.
if Quietness.REASON in (workflow.output_settings.quiet or ()) and not workflow.output_settings.verbose:
    logger.addFilter(OneLineAJob(workflow))
