"""An extraction killed at random instants and started again, over and over: how each sequence ended, as JSON.

`python killed_extractions.py FOLDER KILLS SEED` extracts FOLDER/videos in forks of one process, so that libraries
are loaded once. Each fork leads a process group of its own, which is killed whole.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import av  # noqa: F401
import cv2
import torch  # noqa: F401

import wtal.video.lite0
import wtal.video.many  # noqa: F401
from wtal.cli import build_parser, main


def begun(videos: Path, out: Path) -> int:
    """Begin an extraction in a process group of its own; its number."""
    process = os.fork()
    if process == 0:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        code = 70
        try:
            code = main(["extract", str(videos), "--out", str(out)])
        finally:
            os._exit(code)
    return process


def ended_by(process: int, delay: float) -> int:
    """Kill the group of a process after so many seconds, if it has not ended; its exit code, -9 where it was killed."""
    until = time.monotonic() + delay
    while time.monotonic() < until:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:  # it is not the leader of a group yet
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder, hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def main_of_this_file(folder: Path, n_kills: int, seed: int) -> None:
    """Print how many kills each sequence took, how it ended, and what lay there at each kill."""
    cv2.setNumThreads(1)
    build_parser()  # and with it the commands are loaded
    rng, videos = random.Random(seed), folder / "videos"
    began = time.monotonic()
    assert ended_by(begun(videos, folder / "whole"), 600) == 0
    whole, longest = contents(folder / "whole"), time.monotonic() - began
    sequences, left, out = [], [], folder / "out0"
    kills = 0
    while len(left) < n_kills or kills:
        delay = rng.uniform(0, longest) if len(left) < n_kills else 600
        code = ended_by(begun(videos, out), delay)
        if code == -signal.SIGKILL:
            left.append(sorted(contents(out)))
            kills += 1
            continue
        sequences.append({"kills": kills, "code": code, "same": contents(out) == whole})
        kills, out = 0, folder / f"out{len(sequences)}"
    print(json.dumps({"names": sorted(whole), "sequences": sequences, "left": left}))


if __name__ == "__main__":
    main_of_this_file(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
