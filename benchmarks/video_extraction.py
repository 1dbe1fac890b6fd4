"""What `wtal extract` costs: times real time on one core, the shares of its parts, and the most memory that it takes.

    python benchmarks/video_extraction.py [--seconds 60] [--extractor lite0+dis] [VIDEO]

Without a video it makes one of 640 x 360 at 30 frames a second: a moving texture with noise. Times are those of the
processor, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from wtal.base.schema import from_mapping
from wtal.video.contract import ExtractSettings
from wtal.video.decode import PictureMaker, VideoFile
from wtal.video.extract import extract_video
from wtal.video.lite0_dis import Lite0DisNetwork
from wtal.video.motion import MotionDescriptor

HEIGHT, WIDTH, RATE = 360, 640, 30


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
    """Seconds of the processor inside some methods."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def watch(self, kind: Any, method: str, name: str) -> None:
        plain = getattr(kind, method)

        def watched(*arguments: Any) -> Any:
            began = time.process_time()
            try:
                return plain(*arguments)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("video", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--extractor", default="lite0+dis")
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    settings = from_mapping(ExtractSettings, {"extractor": options.extractor}, file="benchmark")
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
        network = settings.extractor.load(options.weights, "cpu", float(settings.grid_rate))
        began = time.process_time()
        record = extract_video(video, Path(folder) / "features.npy", settings, network)
        spent = time.process_time() - began
    print(
        f"{record['seconds']:.1f} s of video in {spent:.1f} s of one core: {record['seconds'] / spent:.1f} x real time"
    )
    for name, seconds in [*shares.seconds.items(), ("the rest", spent - sum(shares.seconds.values()))]:
        print(f"  {name:<9}{100 * seconds / spent:5.1f} %")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
