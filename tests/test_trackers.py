"""`wtal export` writes what the tables hold, read back by the trackers' own readers."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from wtal.cli import main
from wtal.report.trackers.runs import tracked_runs

BLOCK, WHOLE, FIRST, LAST = 32768, 1, 2, 4  # of the files of W&B


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Tables of one variant with two seeds: two epochs, of which one has a value that is no number."""
    folder = tmp_path / "results"
    folder.mkdir()
    curves = ["variant,seed,round,epoch,loss_total,held_out_loss"]
    curves += [f"base,{seed},0,{epoch},{3 - epoch}.5,nan" for seed in (0, 1) for epoch in (0, 1)]
    metrics = ["variant,seed,protocol,mAP@0.5,mAP@0.1:0.7", "base,0,activitynet,40.5,30", "base,1,activitynet,41.5,31"]
    (folder / "training.csv").write_text("\n".join([*curves, ""]))
    (folder / "metrics.csv").write_text("\n".join([*metrics, ""]))
    return folder


def test_a_run_has_its_epochs_and_metrics_without_what_is_no_number(results: Path) -> None:
    first, second = tracked_runs(results)
    assert (first.name, second.name) == ("base/seed0", "base/seed1")
    assert first.epochs[1] == {"round": 0.0, "epoch": 1.0, "loss_total": 2.5}
    assert second.metrics == {"mAP@0.5": 41.5, "mAP@0.1:0.7": 31.0}


def test_tensorboard_reads_the_curves_and_the_metrics_back(results: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    out = tmp_path / "out"
    assert main(["export", str(results), "--to", "tensorboard", "--out", str(out)]) == 0
    (file,) = (out / "base" / "seed1").iterdir()
    found = {
        (value.tag, event.step): value.simple_value
        for event in LegacyEventFileLoader(str(file)).Load()
        for value in event.summary.value
    }
    assert found["training/loss_total", 0] == 3.5
    assert found["training/loss_total", 1] == 2.5
    assert found["metrics/mAP@0.5", 2] == 41.5
    assert ("training/held_out_loss", 0) not in found
    assert main(["export", str(results), "--to", "tensorboard", "--out", str(out)]) == 2


def test_mlflow_reads_the_curves_and_the_metrics_back(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    out = tmp_path / "out"
    assert main(["export", str(results), "--to", "mlflow", "--out", str(out)]) == 0
    client = mlflow.MlflowClient(tracking_uri=out.resolve().as_uri())
    experiment = client.get_experiment_by_name("results")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert runs["base/seed0"].data.metrics["metrics/mAP_at_0.1_to_0.7"] == 30.0
    history = client.get_metric_history(runs["base/seed1"].info.run_id, "training/loss_total")
    assert [(each.step, each.value) for each in history] == [(0, 3.5), (1, 2.5)]


def test_an_absent_table_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path), "--to", "mlflow", "--out", str(tmp_path / "out")]) == 2
    assert "training.csv: expected" in capsys.readouterr().err


def logged(content: bytes) -> Iterator[bytes]:
    """The records of a W&B file: its header, then blocks of 32 KiB of parts: checksum, length, kind, and the part."""
    position, record = 7, b""
    while position + 7 <= len(content):
        left = BLOCK - position % BLOCK
        if left < 7:
            position += left  # a part does not begin so near the end of a block
            continue
        length, kind = struct.unpack_from("<HB", content, position + 4)
        record = (b"" if kind in (WHOLE, FIRST) else record) + content[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (WHOLE, LAST):
            yield record


def test_the_files_of_wandb_hold_the_curves_and_the_metrics(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    from wandb.proto.wandb_internal_pb2 import Record

    monkeypatch.setenv("HOME", str(tmp_path))
    out = tmp_path / "out"
    assert main(["export", str(results), "--to", "wandb", "--out", str(out)]) == 0
    found: dict[str, list[dict[str, float]]] = {}
    for file in sorted(out.glob("wandb/offline-run-*/*.wandb")):
        name, history = "", []
        for data in logged(file.read_bytes()):
            record = Record.FromString(data)
            name = record.run.display_name or name
            if record.HasField("history"):
                items = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
                history.append({key: float(value) for key, value in items.items() if not key.startswith("_")})
        found[name] = history
    assert set(found) == {"base/seed0", "base/seed1"}
    epochs = [row["training/loss_total"] for row in found["base/seed1"] if "training/loss_total" in row]
    assert epochs == [3.5, 2.5]
    assert [row["metrics/mAP@0.5"] for row in found["base/seed1"] if "metrics/mAP@0.5" in row] == [41.5]
