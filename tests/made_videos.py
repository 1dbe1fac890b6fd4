"""Videos that tests make for themselves: frames that carry their number, moving textures, broken and odd files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

ROWS, COLUMNS = 3, 4  # of blocks, a bit each


def numbered(number: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A picture [H, W, 3] that carries a number below 4096 in blocks of black and white."""
    bits = [(number >> bit) & 1 for bit in range(ROWS * COLUMNS)]
    blocks = np.array(bits, dtype=np.uint8).reshape(ROWS, COLUMNS) * 200 + 25
    return np.repeat(np.kron(blocks, np.ones((height // ROWS, width // COLUMNS), np.uint8))[..., None], 3, axis=2)


def number_in(picture: np.ndarray) -> int:
    """The number that a picture carries, whatever its size."""
    height, width = picture.shape[:2]
    number = 0
    for bit in range(ROWS * COLUMNS):
        row, column = divmod(bit, COLUMNS)
        y, x = int((row + 0.5) * height / ROWS), int((column + 0.5) * width / COLUMNS)
        number |= int(picture[y - 3 : y + 4, x - 3 : x + 4].mean() > 125) << bit
    return number


def write_video(
    path: Path,
    pictures: Iterable[np.ndarray],
    times: Sequence[Fraction | float] | None = None,
    *,
    rate: Fraction | int = 25,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    time_base: Fraction = Fraction(1, 90000),
    rotation: int = 0,
    sound_seconds: float = 0,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    ratio: Fraction | None = None,
) -> Path:
    """Write pictures, each shown from its time in seconds on, or at a rate. ratio: of a pixel's sides."""
    usual = {"preset": "ultrafast", "crf": "12"} if codec == "libx264" else {}
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream: Any = None
        sound = container.add_stream("aac", rate=8000, layout="mono") if sound_seconds else None
        for index, picture in enumerate(pictures):
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options={**usual, **(options or {})})
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], pixels
                stream.codec_context.time_base = time_base
                if ratio is not None:
                    stream.codec_context.sample_aspect_ratio = ratio
                if rotation:
                    stream.set_display_rotation(rotation)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            seconds = Fraction(index) / rate if times is None else Fraction(times[index])
            frame.pts, frame.time_base = round(seconds / time_base), time_base
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())
        if sound is not None:
            _write_sound(container, sound, sound_seconds)
    return path


def _write_sound(container: Any, stream: Any, seconds: float) -> None:
    for index in range(int(seconds * 8000 / 1024)):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, index * 1024, Fraction(1, 8000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def texture(height: int = 128, width: int = 176, seed: int = 0) -> np.ndarray:
    """A smooth random picture [H, W] in 0..255 that repeats at its edges."""
    noise = np.random.default_rng(seed).normal(size=(height, width))
    y, x = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    smooth = np.fft.ifft2(np.fft.fft2(noise) * np.exp(-((x**2 + y**2) / (2 * 0.06**2)))).real
    return np.clip(128 + 50 * smooth / smooth.std(), 0, 255)


def moving(right: float, down: float, count: int = 16) -> list[np.ndarray]:
    """Pictures [H, W, 3] of a texture that moves by so many pixels a frame."""
    still = np.fft.fft2(texture())
    y, x = np.fft.fftfreq(still.shape[0])[:, None], np.fft.fftfreq(still.shape[1])[None, :]
    shifted = (
        np.fft.ifft2(still * np.exp(-2j * np.pi * index * (x * right + y * down))).real for index in range(count)
    )
    return [np.repeat(np.clip(each, 0, 255).astype(np.uint8)[..., None], 3, axis=2) for each in shifted]
