"""What `wtal extract` costs with the default extractor: times real time on one core, shares of its parts, memory.

    python benchmarks/video_extraction.py [--seconds 60] [VIDEO]

Without a video it makes one of 640 x 360 at 30 frames a second: a moving texture with noise. Times are those of the
processor, so that other work on the machine does not count. Beside each part stands what it takes alone, measured in
the same run: PyAV on the same file, DIS flow and the network on pictures of the same size.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from av.video.reformatter import Interpolation, VideoReformatter

from wtal.video.contract import ExtractSettings
from wtal.video.decode import PictureMaker, VideoFile
from wtal.video.extract import extract_video
from wtal.video.lite0 import normalised
from wtal.video.lite0_dis import Lite0DisNetwork
from wtal.video.motion import MotionDescriptor

HEIGHT, WIDTH, RATE = 360, 640, 30
SMALL, ALONE = (228, 128), 300  # width and height of the pictures that are looked at; frames of each part alone


def write_example(path: Path, seconds: float) -> None:
    """A texture that moves, with fresh noise in each frame, as H.264."""
    random = np.random.default_rng(0)
    still = np.kron(random.integers(0, 255, (60, 107, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    noise = random.integers(0, 12, (8, HEIGHT, WIDTH, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(int(seconds * RATE)):
            shift = (number * 2) % (still.shape[1] - WIDTH)
            picture = still[number % 100 : number % 100 + HEIGHT, shift : shift + WIDTH] // 2 + noise[number % 8]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


class Shares:
    """Seconds of the processor inside some methods, and how often they were called."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    def watch(self, kind: Any, method: str, name: str) -> None:
        plain = getattr(kind, method)

        def watched(*arguments: Any) -> Any:
            began = time.process_time()
            try:
                return plain(*arguments)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began
                self.calls[name] = self.calls.get(name, 0) + 1

        setattr(kind, method, watched)

    def watch_frames(self) -> None:
        """Decoding is a generator: what counts is each step of it."""
        plain = VideoFile._decoded

        def watched(video: VideoFile) -> Any:
            frames = plain(video)
            while True:
                began = time.process_time()
                frame = next(frames, None)
                self.seconds["decoding"] = self.seconds.get("decoding", 0.0) + time.process_time() - began
                if frame is None:
                    return
                yield frame

        VideoFile._decoded = watched  # type: ignore[method-assign]


def alone(video: Path, network: Lite0DisNetwork) -> dict[str, float]:
    """Milliseconds of each part by itself: a frame decoded, a picture made of it, a pair of flow, a picture seen."""
    began = time.process_time()
    with av.open(str(video)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        frames = list(islice(container.decode(video=0), ALONE))
    decoding = (time.process_time() - began) / len(frames)
    maker = VideoReformatter()
    began = time.process_time()
    pictures = [
        maker.reformat(frame, *SMALL, format="rgb24", interpolation=Interpolation.BILINEAR, threads=1).to_ndarray()
        for frame in frames
    ]
    scaling = (time.process_time() - began) / len(frames)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    began = time.process_time()
    for before, after in pairwise(grey):
        flow_of.calc(before, after, None)
    flow = (time.process_time() - began) / (len(grey) - 1)
    seen = normalised(torch.from_numpy(np.stack([picture[:, :128] for picture in pictures[:16]])))
    with torch.inference_mode():
        network.network.features(seen)
        began = time.process_time()
        for _ in range(8):
            network.network.features(seen)
    parts = {"decoding": decoding, "scaling": scaling, "flow": flow}
    return {**parts, "network": (time.process_time() - began) / (8 * len(seen))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("video", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings = ExtractSettings()
    torch.set_num_threads(1)
    shares = Shares()
    shares.watch_frames()
    shares.watch(PictureMaker, "__call__", "scaling")
    shares.watch(MotionDescriptor, "__call__", "flow")
    shares.watch(Lite0DisNetwork, "_appearance", "network")
    with tempfile.TemporaryDirectory() as folder:
        video = options.video or Path(folder) / "example.mp4"
        if options.video is None:
            write_example(video, options.seconds)
        network = settings.extractor.load(None, "cpu", float(settings.grid_rate))
        began = time.process_time()
        record = extract_video(video, Path(folder) / "features.npy", settings, network)
        spent = time.process_time() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        by_itself = alone(video, network)
    times = record["seconds"] / spent
    print(f"{record['seconds']:.1f} s of video in {spent:.1f} s of one core: {times:.1f} x real time")
    n_snippets, n_frames = record["n_snippets"], settings.frames_per_snippet
    counts = {
        "decoding": record["frames_decoded"],
        "scaling": shares.calls["scaling"],
        "flow": n_snippets * (n_frames - 1),
        "network": n_snippets * network.n_seen,
    }
    for name, seconds in shares.seconds.items():
        each = f"{1000 * seconds / counts[name]:6.2f} ms each, alone {1000 * by_itself[name]:6.2f}"
        print(f"  {name:<9}{100 * seconds / spent:5.1f} %  {counts[name]:6} times {each}")
    print(f"  the rest {100 * (1 - sum(shares.seconds.values()) / spent):5.1f} %")
    print(f"most memory: {memory:.0f} MB")
    if options.json:
        share = {name: seconds / spent for name, seconds in shares.seconds.items()}
        options.json.write_text(json.dumps({"times": times, "memory": memory, "share": share}))


if __name__ == "__main__":
    main()
