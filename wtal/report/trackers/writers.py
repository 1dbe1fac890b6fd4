"""Runs written for TensorBoard, Weights & Biases and MLflow into a folder; nothing is sent anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from wtal.base.errors import InputError
from wtal.report.trackers.runs import TrackedRun

Writer = Callable[[Sequence[TrackedRun], Path, str], None]
AT_ONCE = 1000  # metrics that MLflow takes in one call


def to_tensorboard(runs: Sequence[TrackedRun], folder: Path, suite: str) -> None:
    """Event files, a folder for each variant and seed: `training/…` by epoch, `metrics/…` once."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for run in runs:
        writer = EventFileWriter(str(folder / run.variant / f"seed{run.seed}"))
        for step, values in enumerate(_steps(run)):
            shown = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
            writer.add_event(Event(step=step, wall_time=float(step), summary=Summary(value=shown)))
        writer.close()


def to_mlflow(runs: Sequence[TrackedRun], folder: Path, suite: str) -> None:
    """An experiment with the suite's name and a run for each variant and seed, in a folder."""
    import os

    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder is what is asked for, not a data base
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(tracking_uri=folder.resolve().as_uri())
    experiment = client.create_experiment(suite)
    for run in runs:
        number = client.create_run(experiment, start_time=0, run_name=run.name).info.run_id
        params = [Param("variant", run.variant), Param("seed", run.seed), Param("protocol", run.protocol)]
        values = [
            Metric(tag.replace("@", "_at_").replace(":", "_to_"), value, step, step)
            for step, shown in enumerate(_steps(run))
            for tag, value in shown.items()
        ]
        client.log_batch(number, params=params)
        for first in range(0, len(values), AT_ONCE):
            client.log_batch(number, metrics=values[first : first + AT_ONCE])
        client.set_terminated(number)


def to_wandb(runs: Sequence[TrackedRun], folder: Path, suite: str) -> None:
    """Offline runs, which `wandb sync` sends if asked to: a run for each variant and seed, grouped by variant."""
    import wandb

    for run in runs:
        settings = wandb.Settings(silent=True, disable_git=True, disable_code=True, console="off", x_disable_stats=True)
        config = {"variant": run.variant, "seed": run.seed, "protocol": run.protocol}
        with wandb.init(
            mode="offline",
            dir=folder,
            project=suite,
            name=run.name,
            group=run.variant,
            config=config,
            settings=settings,
        ) as shown:
            for step, values in enumerate(_steps(run)):
                shown.log(values, step=step)
    wandb.teardown()  # its own process writes the files; they are whole once that has ended


WRITERS: dict[str, Writer] = {"tensorboard": to_tensorboard, "wandb": to_wandb, "mlflow": to_mlflow}


def export_runs(runs: Sequence[TrackedRun], kind: str, folder: Path, suite: str) -> None:
    """Write runs for a tracker into a new folder. Raises InputError where something lies in it already."""
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(file=folder, expected="a new or an empty folder", got="one with files in it")
    folder.mkdir(parents=True, exist_ok=True)
    WRITERS[kind](runs, folder, suite)


def _steps(run: TrackedRun) -> Iterable[dict[str, float]]:
    """What is shown at each step: the epochs of all rounds, one after the other, and at the last step the metrics."""
    for epoch in run.epochs:
        yield {f"training/{name}": value for name, value in epoch.items()}
    yield {f"metrics/{name}": value for name, value in run.metrics.items()}
