"""Jobs on this machine are forked by a worker that has the slow libraries loaded; others start as ever."""

import psutil
from snakemake import benchmark

from wtal.cli.worker.orphan import VARIABLE as OWNER
from wtal.cli.worker.owner import start_worker


class WithForked(psutil.Process):
    """A process of a job, with what the worker runs for it among its children."""

    def children(self, recursive=False):
        found = super().children(recursive)
        notes = [job for each in (self, *found) if (job := WORKER.job_of(each.pid))]
        for job in map(psutil.Process, notes):
            found += [job, *job.children(recursive)]
        return found


class Timer(benchmark.BenchmarkTimer):
    """Measures a job wherever it runs, so that the benchmark files hold the memory of all of it."""

    def __init__(self, pid, *arguments, **options):
        super().__init__(pid, *arguments, **options)
        self.main = WithForked(pid)


onstart:
    if workflow.local_exec:
        # Here a limit of jobs a second does but harm: for each job that was started Snakemake (9.27) looks once more at
        # all that are ready, every second from then on; after 700 jobs that takes half a core.
        workflow.scheduler.job_rate_limiter = None
        os.environ[OWNER] = str(os.getpid())  # what runs by itself, without the worker, ends with this process too
    is_plain = DeploymentMethod.CONDA not in workflow.deployment_settings.deployment_method
    if workflow.local_exec and is_plain and not workflow.touch:
        global WORKER
        WORKER = start_worker()
        if WORKER is not None:
            os.environ |= WORKER.variables
            benchmark.BenchmarkTimer = Timer
