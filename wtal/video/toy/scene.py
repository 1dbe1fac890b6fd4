"""What happens in a made-up video, and its pictures: a textured background, two textured shapes, camera noise.

All videos of a data set are of one fixed camera, with the same background and shapes: where these are new in each, most
of what varies in the columns of appearance tells videos apart, not actions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.base.seeds import seed_of

CLASSES = ("bounce", "shake", "spin")
HEIGHT, WIDTH, FRAMES_PER_SECOND = 128, 176, 25
ACTION_SECONDS, REST_SECONDS = (2.4, 4.8), (1.6, 3.6)
REACH, TURNS = 22, 1.1  # pixels that a shape moves to a side; turns, or times to and fro, a second
DRIFT = 3  # pixels that a shape at rest is carried about


@dataclass(frozen=True, slots=True)
class ShownAction:
    """A stretch of a video in which a shape does something, in seconds."""

    label: str
    start: float
    end: float
    shape: int  # which of the two
    turns: float  # times a second


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a video shows, drawn from its seed before a picture is made."""

    name: str
    seed: int
    camera: int  # the seed of what all videos of a data set share
    n_frames: int
    actions: tuple[ShownAction, ...]
    noise: float

    @property
    def seconds(self) -> float:
        """Its duration."""
        return self.n_frames / FRAMES_PER_SECOND


def scene_of(name: str, seed: int, number: int, seconds: tuple[float, float], noise: float) -> Scene:
    """Video `number` of a data set: one or two classes, every one of them in turn, between rests."""
    own_seed = seed_of("toy video", seed, name)
    rng = np.random.default_rng(own_seed)
    n_frames = round(rng.uniform(*seconds) * FRAMES_PER_SECOND)
    chosen = [CLASSES[number % len(CLASSES)]]
    if rng.random() < 0.5:
        chosen.append(CLASSES[(number + 1 + int(rng.integers(len(CLASSES) - 1))) % len(CLASSES)])
    actions: list[ShownAction] = []
    time = rng.uniform(*REST_SECONDS)
    while time + ACTION_SECONDS[0] < n_frames / FRAMES_PER_SECOND - REST_SECONDS[0] / 2 or not actions:
        end = min(time + rng.uniform(*ACTION_SECONDS), n_frames / FRAMES_PER_SECOND - 0.2)
        label = chosen[len(actions) % len(chosen)]
        bounds = round(time * FRAMES_PER_SECOND), round(end * FRAMES_PER_SECOND)
        start, after = (bound / FRAMES_PER_SECOND for bound in bounds)
        turns = TURNS * rng.uniform(0.85, 1.25)
        actions.append(ShownAction(label, start, after, int(rng.integers(2)), turns))
        time = end + rng.uniform(*REST_SECONDS)
    return Scene(name, own_seed, seed_of("toy camera", seed), n_frames, tuple(actions), noise)


def pictures_of(scene: Scene) -> Iterator[NDArray[np.uint8]]:
    """The pictures [H, W, 3] of a scene, one after the other; equal scenes give equal ones."""
    import cv2

    cv2.setNumThreads(1)
    rng, shared = (np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32]) for seed in (scene.seed, scene.camera))
    background = 95 + 28 * _texture(shared, HEIGHT, WIDTH, 0.05)
    shapes = [_Shape(shared, rng, side) for side in (0.28, 0.72)]
    for number in range(scene.n_frames):
        time = number / FRAMES_PER_SECOND
        picture = background.copy()
        for index, shape in enumerate(shapes):
            action = next((one for one in scene.actions if one.shape == index and one.start <= time < one.end), None)
            shape.draw(cv2, picture, time, action)
        picture += scene.noise * rng.standard_normal(picture.shape, dtype=np.float32)
        yield np.clip(picture, 0, 255).astype(np.uint8)


class _Shape:
    """A textured disk or square at its place."""

    def __init__(self, shared: np.random.Generator, rng: np.random.Generator, side: float) -> None:
        self.radius = int(shared.integers(19, 26))
        size = 2 * self.radius + 1
        self.patch = shared.uniform(110, 200, 3).astype(np.float32) + 45 * _texture(shared, size, size, 0.16)
        row, column = np.mgrid[-self.radius : self.radius + 1, -self.radius : self.radius + 1]
        is_disk = shared.random() < 0.5
        inside = np.hypot(row, column) <= self.radius if is_disk else np.maximum(abs(row), abs(column)) < self.radius
        self.mask = np.repeat(inside[..., None].astype(np.float32), 3, axis=2)
        self.x, self.y = WIDTH * side, HEIGHT * shared.uniform(0.45, 0.6)
        self.phase = rng.uniform(0, 2 * math.pi, 2)

    def draw(self, cv2: Any, picture: NDArray[np.float32], time: float, action: ShownAction | None) -> None:
        """Put the shape into a picture, as it is at a time."""
        x = self.x + DRIFT * math.sin(0.5 * time + self.phase[0])
        y = self.y + DRIFT * math.sin(0.4 * time + self.phase[1])
        angle = 0.0
        if action is not None:
            turn = 2 * math.pi * action.turns * (time - action.start)
            x += REACH * math.sin(turn) if action.label == "shake" else 0
            y -= REACH * math.sin(turn) if action.label == "bounce" else 0
            angle = math.degrees(turn) if action.label == "spin" else 0.0
        place = cv2.getRotationMatrix2D((float(self.radius), float(self.radius)), angle, 1.0)
        place[:, 2] += (x - self.radius, y - self.radius)
        size = (WIDTH, HEIGHT)
        mask = cv2.warpAffine(self.mask, place, size)
        picture += mask * (cv2.warpAffine(self.patch, place, size, borderMode=cv2.BORDER_REPLICATE) - picture)


def _texture(rng: np.random.Generator, height: int, width: int, fineness: float) -> NDArray[np.float32]:
    """Smooth noise [height, width, 3] of deviation 1. fineness: in cycles a pixel."""
    y, x = np.fft.fftfreq(height)[:, None, None], np.fft.fftfreq(width)[None, :, None]
    noise = np.fft.fft2(rng.standard_normal((height, width, 3)), axes=(0, 1))
    smooth = np.fft.ifft2(noise * np.exp(-(x**2 + y**2) / (2 * fineness**2)), axes=(0, 1)).real
    scaled: NDArray[np.float32] = (smooth / smooth.std()).astype(np.float32)
    return scaled
