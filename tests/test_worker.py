"""A command that the worker forks ends as one that starts new, and neither outlives who asked for it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wtal.cli.worker.owner import Worker, start_worker

ROOT = Path(__file__).resolve().parents[1]
RUN_HERE = 99  # the exit code of a client below whose command the worker did not take

# The client is this project's; the job imports what lies first on the client's path, as it lies there now.
CLIENT = """
import sys
from wtal.cli.worker.client import run_in_worker
sys.path.insert(0, {folder!r})
code = run_in_worker()
sys.exit(99 if code is None else code)
"""
COMMANDS = """
import os, resource, subprocess, sys, time

def main(arguments):
    command, *values = arguments
    if command == "exit":
        sys.exit(values[0] if values[0].isalpha() else int(values[0]))
    if command == "copy":
        sys.stdout.write(sys.stdin.read().upper())
        sys.stderr.write("said")
    if command == "tell":
        import torch
        print(os.getcwd(), os.environ.get("GREETING"), os.umask(0), torch.get_num_threads(), sep="|")
        print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], {"torch", "pandas"} <= set(sys.modules), sep="|")
    if command == "name":
        print(sys.executable)
    if command == "fail":
        raise RuntimeError("no luck")
    if command == "sleep":
        helper = subprocess.Popen(["sleep", "60"])  # of the same group
        print(os.getpid(), flush=True)
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            return 130
    return 0
"""


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    kept = {key: value for key, value in os.environ.items() if key != "WTAL_WORKER"}
    return kept | threads | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def worker(environment: dict[str, str]) -> Iterator[Worker]:
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        started = start_worker()
    assert started is not None
    yield started
    started.close()


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(worker: Worker, environment: dict[str, str], tmp_path: Path) -> Start:
    """Starts a client of the worker with a command of those above; `more` is laid over its environment."""
    (tmp_path / "code/wtal/cli").mkdir(parents=True)
    (tmp_path / "code/wtal/__init__.py").touch()
    (tmp_path / "code/wtal/cli/__init__.py").write_text(COMMANDS)

    def of(*command: str, more: dict[str, str] | None = None, **options: object) -> subprocess.Popen[str]:
        code = CLIENT.format(folder=str(tmp_path / "code"))
        pipe = subprocess.PIPE
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [options.pop("python", sys.executable), "-c", code, *command],
            env=environment | worker.variables | (more or {}),
            text=True,
            **{"stdin": pipe, "stdout": pipe, "stderr": pipe} | options,
        )

    return of


def ended(client: subprocess.Popen[str], given: str = "") -> tuple[int, str, str]:
    """Exit code and what was printed."""
    said, complained = client.communicate(given, timeout=60)
    return client.returncode, said, complained


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    pytest.fail("it did not come to be within half a minute")


def group_of(job: int) -> list[int]:
    """The processes that run in a job's group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            group = int(path.read_text().rpartition(")")[2].split()[2])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if group == job and is_running(int(path.parent.name)):
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize(("said", "code"), [("0", 0), ("2", 2), ("7", 7), ("words", 1)])
def test_the_exit_code_is_the_command_s(start: Start, said: str, code: int) -> None:
    assert ended(start("exit", said))[0] == code


def test_an_error_that_nobody_caught_is_shown(start: Start) -> None:
    code, _, complained = ended(start("fail"))
    assert code == 1
    assert complained.endswith("RuntimeError: no luck\n")


def test_the_three_standard_files_are_the_client_s(start: Start) -> None:
    assert ended(start("copy"), "words\n") == (0, "WORDS\n", "said")


def test_folder_environment_rights_limits_and_threads_are_the_client_s(start: Start, tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (123, 456))

    more = {"GREETING": "good day", "OMP_NUM_THREADS": "3"}
    told = ended(start("tell", more=more, cwd=tmp_path, umask=0o27, preexec_fn=limited))
    assert told == (0, f"{tmp_path}|good day|{0o27}|3\n123|True\n", "")


def test_one_interpreter_is_alike_by_each_of_its_names(start: Start) -> None:
    names = [Path(sys.executable).with_name(name) for name in ("python", "python3")]
    for name in [str(name) for name in names if name.exists()]:  # as an environment has them: links to one file
        assert ended(start("name", python=name)) == (0, f"{name}\n", "")


@pytest.mark.parametrize(
    "more", [{"MKL_NUM_THREADS": "2"}, {"PYTHONHASHSEED": "5"}, {"LD_LIBRARY_PATH": "/nowhere"}, {"WTAL_WORKER": "/no"}]
)
def test_a_client_that_is_not_alike_runs_its_command_itself(start: Start, more: dict[str, str]) -> None:
    assert ended(start("exit", "0", more=more))[0] == RUN_HERE


def test_a_client_that_was_given_another_file_runs_its_command_itself(start: Start) -> None:
    with open(os.devnull) as file:
        os.set_inheritable(file.fileno(), True)
        assert ended(start("exit", "0", pass_fds=[file.fileno()]))[0] == RUN_HERE


def test_a_folder_that_others_may_enter_is_not_trusted(start: Start, worker: Worker) -> None:
    folder = Path(worker.socket).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    try:
        assert ended(start("exit", "0"))[0] == RUN_HERE
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130), (signal.SIGHUP, -signal.SIGHUP)]
)
def test_a_signal_to_the_client_reaches_the_command(start: Start, number: signal.Signals, code: int) -> None:
    client = start("sleep")
    job = int(client.stdout.readline())  # type: ignore[union-attr]
    client.send_signal(number)
    assert client.wait(60) == code
    assert not is_running(job)
    wait_until(lambda: not group_of(job))


def test_a_client_that_is_killed_takes_its_command_along(start: Start, worker: Worker) -> None:
    client = start("sleep")
    job = int(client.stdout.readline())  # type: ignore[union-attr]
    assert worker.job_of(client.pid) == job
    client.kill()
    client.wait()
    wait_until(lambda: not group_of(job))
    wait_until(lambda: worker.job_of(client.pid) is None)
    assert ended(start("exit", "0"))[0] == 0  # the worker goes on


OWNER = """
import time
from wtal.cli.worker.owner import start_worker
worker = start_worker()
print(worker.process.pid, worker.socket, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("is_owner_killed", [True, False], ids=["owner", "server"])
def test_nothing_outlives_the_owner_or_the_server(
    start: Start, environment: dict[str, str], is_owner_killed: bool
) -> None:
    command = [sys.executable, "-c", OWNER]
    owner = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    number, path = owner.stdout.readline().split()  # type: ignore[union-attr]
    client = start("sleep", more={"WTAL_WORKER": path})
    job = int(client.stdout.readline())  # type: ignore[union-attr]
    os.kill(owner.pid if is_owner_killed else int(number), signal.SIGKILL)
    assert client.wait(60) == -signal.SIGKILL
    wait_until(lambda: not group_of(job) and not is_running(int(number)))
    assert is_owner_killed != Path(path).exists()
    assert ended(start("exit", "0", more={"WTAL_WORKER": path}))[0] == RUN_HERE
    owner.kill()
    owner.wait()
    shutil.rmtree(Path(path).parent, ignore_errors=True)


@pytest.mark.parametrize("command", [("plan", "config/tiny.yaml"), ("plan", "none.yaml"), ("schema",), ("none",)])
def test_a_command_prints_the_same_bytes_in_the_worker(
    worker: Worker, environment: dict[str, str], command: tuple[str, ...]
) -> None:
    def run(more: dict[str, str]) -> tuple[int, bytes, bytes]:
        line = [sys.executable, "-m", "wtal", *command]
        done = subprocess.run(line, cwd=ROOT, env=environment | more, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    assert run(worker.variables) == run({})


def test_a_command_that_runs_by_itself_ends_with_snakemake_and_not_with_the_shell_between(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(
        "import time\nfrom wtal.cli.worker.orphan import end_with_owner\n"
        "end_with_owner()\nprint('up', flush=True)\ntime.sleep(60)\n"
    )
    owner = subprocess.Popen(["sleep", "60"])
    command = [sys.executable, str(tmp_path / "own.py")]
    job = subprocess.Popen(command, env=environment | {"WTAL_OWNER": str(owner.pid)}, stdout=subprocess.PIPE, text=True)
    assert job.stdout.readline() == "up\n"  # type: ignore[union-attr]
    assert job.poll() is None
    owner.kill()
    owner.wait()
    assert job.wait(20) == -signal.SIGKILL
    late = subprocess.run(command, env=environment | {"WTAL_OWNER": str(owner.pid)}, check=False)
    assert late.returncode == -signal.SIGKILL
