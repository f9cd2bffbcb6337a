"""Clips made from one photograph: of a head that moves and blinks in a room, or of a flat copy that is moved about.

Both come from a portrait before a plain wall, which is given a drawn room. In the live clip the head turns by a few
degrees, as an ellipsoid with a nose would, sways and blinks, while the room stays; the camera shakes by hand. In the
attack the picture of person and room together is moved as one plane in front of another room, by the same kind of hand.

What this can show: whether cues of motion are seen where they are, at a stated noise. What it cannot: how real people
move, how a real camera renders paper or a screen, or how an attacker would answer; a head that is a warp of a
photograph has the photograph's light and texture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.presentation.species.bona_fide import person
from mien.types.arrays import AnyArray, FloatArray, Pixels

F4 = NDArray[np.float32]
SIDE = 400
"""Of a frame, pixels."""
ROOM = 1.3
"""Side of a drawn room in sides of a frame, so that the camera may move."""
EYES = (36, 42)
"""First landmark of each eye in the order of 68."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A photograph of one person before a plain wall.

    Args:
        pixels: (SIDE, SIDE, 3) uint8 RGB.
        points: (68, 2) float32 landmarks in it.
        wall: (SIDE, SIDE) float32, 1 where the wall is seen.
    """

    pixels: Pixels
    points: FloatArray
    wall: F4

    @classmethod
    def of(cls, photo: Pixels, points: FloatArray) -> Portrait:
        """From a square photograph of any size before a plain light wall, and its landmarks.

        Raises:
            ValueError: the photograph is not square.
        """
        side = photo.shape[0]
        if photo.shape[1] != side:
            raise ValueError(f"a portrait must be square, got {photo.shape[1]} x {side}")
        small = np.asarray(cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        wall = 1 - np.asarray(cv2.resize(person(photo), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)
        return cls(small, (points * (SIDE / side)).astype(np.float32), wall)


@dataclass(frozen=True, slots=True)
class Motion:
    """How things stand at each of t times.

    Args:
        times_s: (t,) seconds.
        camera: (t, 4) shift x and y in pixels, turn in radians, growth (0 = none).
        head: (t, 4) yaw and pitch in radians, sway x and y in pixels.
        lids: (t,) 0 open to 1 closed.
        tilt: (t, 2) of a held plane: perspective, in parts of its side.
    """

    times_s: F4
    camera: F4
    head: F4
    lids: F4
    tilt: F4

    @classmethod
    def drawn(cls, seed: int, *, seconds: float, rate: float) -> Motion:
        """A motion by its seed: slow sines of random phase, and a blink every two to six seconds."""
        draw = np.random.default_rng((seed, 7))
        times = np.arange(round(seconds * rate)) / rate

        def wander(amounts: tuple[float, ...], low_hz: float, high_hz: float) -> F4:
            waves = np.zeros((len(times), len(amounts)))
            for _ in range(3):
                hz, phase = draw.uniform(low_hz, high_hz, len(amounts)), draw.uniform(0, 2 * np.pi, len(amounts))
                waves += np.sin(2 * np.pi * times[:, None] * hz + phase) / 3
            return np.asarray(waves * amounts * draw.uniform(0.5, 1.5), np.float32)

        lids, at = np.zeros(len(times)), draw.uniform(0.2, 2.0)
        while at < times[-1]:
            lids = np.maximum(lids, np.clip(1.6 - np.abs(times - at) / 0.1, 0, 1))  # closed 120 ms, 320 ms in all
            at += draw.uniform(2.0, 6.0)
        return cls(
            times.astype(np.float32),
            camera=wander((4.0, 4.0, 0.01, 0.01), 0.2, 0.9),
            head=wander((0.16, 0.08, 8.0, 5.0), 0.15, 0.6),
            lids=lids.astype(np.float32),
            tilt=wander((0.05, 0.05), 0.15, 0.6),
        )


def room(seed: int) -> Pixels:
    """A drawn room (h, w, 3) by its seed: soft light, a coarse grain, and things of straight edges."""
    draw = np.random.default_rng((seed, 11))
    side = round(SIDE * ROOM)
    coarse = draw.uniform(0.45, 1.0, (4, 4, 1)) * draw.uniform(0.85, 1.0, (4, 4, 3))
    light = cv2.resize(coarse.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    for _ in range(14):
        x, y = (int(v) for v in draw.integers(-side // 6, side, 2))
        width, height = (int(v) for v in draw.integers(side // 20, side // 3, 2))
        colour = draw.uniform(0.35, 1.0) * draw.uniform(0.8, 1.0, 3)
        cv2.rectangle(light, (x, y), (x + width, y + height), colour.tolist(), -1)
    grain = cv2.GaussianBlur(draw.normal(0, 0.2, (side, side)).astype(np.float32), (0, 0), 1.5)
    return np.asarray(np.clip((light + grain[..., None]) * 255, 0, 255), np.uint8)


def live(portrait: Portrait, motion: Motion, seed: int) -> Iterator[Pixels]:
    """The frames (SIDE, SIDE, 3) of a person who moves in a room."""
    behind, depth = room(seed), _depth(portrait.points)
    # the shoulders follow the head less
    near_by = np.asarray(cv2.GaussianBlur((depth > 0).astype(np.float32), (0, 0), 25), np.float32)
    for camera, head, lid in zip(motion.camera, motion.head, motion.lids, strict=True):
        maps = _turned(portrait.points, depth, near_by, head, float(lid))
        person, wall = (_moved(layer, maps, camera) for layer in (portrait.pixels, portrait.wall))
        seen = cv2.warpAffine(behind, _into_room(camera), (SIDE, SIDE))
        yield _before(np.asarray(person, np.uint8), np.asarray(wall, np.float32), np.asarray(seen, np.uint8))


def _moved(layer: AnyArray, maps: tuple[F4, F4], camera: F4) -> AnyArray:
    """A layer of a portrait as the head moves, then as the camera does."""
    turned = cv2.remap(layer, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.warpAffine(turned, _seen(camera), (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE))


def attack(copies: Iterable[Pixels], motion: Motion, seed: int) -> Iterator[Pixels]:
    """The frames of a flat copy that is held before the camera.

    Args:
        copies: for each time what the copy shows, (h, w, 3) uint8: the same picture, or frames of a replay.
        motion: of the hand that holds it and the one that holds the camera.
        seed: of the room in which it is held, and how near.
    """
    draw = np.random.default_rng((seed, 13))
    behind, share = room(seed + 1), draw.uniform(0.8, 1.25)
    for copy, camera, head, tilt in zip(copies, motion.camera, motion.head, motion.tilt, strict=True):
        height, width = copy.shape[:2]
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        middle = SIDE / 2 + head[2:] * 1.5
        half = SIDE / 2 * share * (1 + tilt[0]) * np.array([min(1.0, width / height), min(1.0, height / width)])
        lean = np.array(
            [
                [1 - tilt[0], 1 - tilt[1]],
                [1 + tilt[0], 1 + tilt[1]],
                [1 - tilt[0], 1 - tilt[1]],
                [1 + tilt[0], 1 + tilt[1]],
            ]
        )
        held = middle + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * lean
        held = np.column_stack([held, np.ones(4)]) @ _seen(camera).T
        matrix = cv2.getPerspectiveTransform(corners, held.astype(np.float32))
        frame = cv2.warpAffine(behind, _into_room(camera), (SIDE, SIDE))
        cv2.warpPerspective(copy, matrix, (SIDE, SIDE), dst=frame, borderMode=cv2.BORDER_TRANSPARENT)
        yield np.asarray(frame, np.uint8)


def screened(frames: Iterable[Pixels], screen: Pixels) -> Iterator[Pixels]:
    """Frames of a clip that is replayed on a screen.

    Args:
        frames: (SIDE, SIDE, 3) of the clip.
        screen: any size, what a camera sees of the same screen when it shows an even grey.
    """
    light = cv2.resize(screen, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    light /= max(float(np.median(light)), 1.0)
    for frame in frames:
        yield np.clip(frame * light, 0, 255).astype(np.uint8)


def filmed(frames: Iterable[Pixels], seed: int) -> Iterator[Pixels]:
    """What a camera makes of frames: a little blur, noise, and coding as JPEG, the same for every kind of clip."""
    draw = np.random.default_rng((seed, 17))
    sigma, noise, quality = draw.uniform(0.3, 0.9), draw.uniform(1.0, 4.0), int(draw.integers(70, 95))
    for frame in frames:
        grain = draw.standard_normal(frame.shape, dtype=np.float32) * np.float32(noise)
        soft = cv2.GaussianBlur(frame, (0, 0), sigma) + grain
        _, data = cv2.imencode(".jpg", np.clip(soft, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
        yield np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _depth(points: FloatArray) -> F4:
    """(SIDE, SIDE) nearness of a head in pixels: half an ellipsoid over the face, and a nose."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle = np.array([(low[0] + high[0]) / 2, low[1] + (high[1] - low[1]) * 0.4])
    width, height = (high[0] - low[0]) * 0.68, (high[1] - low[1]) * 0.95
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    inside = 1 - ((x - middle[0]) / width) ** 2 - ((y - middle[1]) / height) ** 2
    skull = width * np.sqrt(np.clip(inside, 0, None))
    tip = points[33] * 0.5 + points[30] * 0.5
    nose = 0.3 * width * np.exp(-(((x - tip[0]) / (0.16 * width)) ** 2 + ((y - tip[1]) / (0.3 * width)) ** 2))
    return np.asarray(cv2.GaussianBlur((skull + nose).astype(np.float32), (0, 0), 3), np.float32)


def _turned(points: FloatArray, depth: F4, near_by: F4, head: F4, lid: float) -> tuple[F4, F4]:
    """Maps of `cv2.remap` that turn and shift the head and close its eyes."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    _close(y, x, points, lid)
    x -= depth * np.sin(head[0]) + near_by * head[2]
    y -= depth * np.sin(head[1]) + near_by * head[3]
    return x, y


def _close(y: F4, x: F4, points: FloatArray, lid: float) -> None:
    """Draw the skin above each eye down over it."""
    if lid <= 0:
        return
    for first in EYES:
        eye = points[first : first + 6]
        middle, half = eye.mean(axis=0), float(np.ptp(eye[:, 0])) / 2 * 1.35
        tall = max(float(np.ptp(eye[:, 1])), half * 0.55)
        arch = np.sqrt(np.clip(1 - ((x - middle[0]) / half) ** 2, 0, None))
        top, bottom, skin = middle[1] - tall * 0.7 * arch, middle[1] + tall * 0.7 * arch, half * 0.7
        edge = top + lid * (bottom - top)
        drawn = (arch > 0) & (y > top - skin) & (y <= edge)
        stretched = top - skin + (y - top + skin) * skin / (skin + lid * (bottom - top))
        y[drawn] = stretched[drawn].astype(np.float32)


def _seen(camera: F4, share: float = 1.0) -> NDArray[np.float64]:
    """(2, 3) what a camera's motion does to a frame."""
    turn, grow = float(camera[2]), 1 + float(camera[3])
    matrix = np.asarray(cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), float(np.degrees(turn)), grow), np.float64)
    matrix[:, 2] += camera[:2] * share
    return matrix


def _into_room(camera: F4) -> NDArray[np.float64]:
    """(2, 3) from a room to a frame: what is far moves less."""
    matrix = _seen(camera, 0.6)
    start = np.full(2, SIDE * (1 - ROOM) / 2)
    matrix[:, 2] += matrix[:, :2] @ start
    return matrix


def _before(person: Pixels, wall: F4, behind: Pixels) -> Pixels:
    """A person before a room: the wall is tinted with it, so that hair keeps its edge."""
    tint = 1 - wall[..., None] * (1 - behind.astype(np.float32) / 255)
    return np.asarray(person * tint, np.uint8)
