"""An extraction killed whenever, and resumed, ends in the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("av", reason="av is optional")
pytest.importorskip("cv2", reason="OpenCV is optional")

from made_videos import moving, write_video

from wtal.cli import main

ROOT = Path(__file__).resolve().parents[1]
KILLS = 20


def test_twenty_kills_at_random_instants_leave_the_bytes_of_an_extraction_that_nobody_disturbed(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for number in range(3):
        write_video(tmp_path / "videos" / f"{number}.mp4", moving(number + 1, 0, count=17))
    command = [sys.executable, str(ROOT / "tests/killed_extractions.py"), str(tmp_path), str(KILLS), "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["names"]) == 6
    assert len(told["left"]) == KILLS == sum(sequence["kills"] for sequence in told["sequences"])
    assert all(sequence["code"] == 0 and sequence["same"] for sequence in told["sequences"]), told
    assert any(0 < len(left) < 6 for left in told["left"]), told["left"]  # some kills came while features were written


def test_what_killed_writers_left_of_a_video_is_removed_whatever_its_name(tmp_path: Path) -> None:
    video, out = write_video(tmp_path / "a [1].mp4", moving(1, 0, count=17)), tmp_path / "out"
    out.mkdir()
    for name in (".a [1].json.x1", ".a [1].npy.x2"):
        (out / name).write_text("half")
    assert main(["extract", str(video), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a [1].json", "a [1].npy"]
