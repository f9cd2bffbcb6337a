"""What a decoding process does with a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.geometry.align import ARCFACE, align_faces
from mien.image import Limits, encode_jpeg, open_photo, thumbnail
from mien.models import Detector
from mien.pipeline import Policy, Seen, choose
from mien.pipeline.acquire import require_size
from mien.pipeline.pipeline import CROP, too_small
from mien.types.arrays import Crops
from mien.types.faces import Faces


@dataclass(frozen=True, slots=True)
class Found:
    """What a worker gives: the picture, its faces, and (n, 112, 112, 3) uint8 RGB crops when they were asked for."""

    seen: Seen
    faces: Faces
    crops: Crops | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was sent: the bytes of a file, and what the client calls it."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """Find the faces of a picture.

    Args:
        picture: where to look.
        policy: which faces to cut out; None = find all, cut out none, and none is no error.
        least_px: least height of a chosen face.
        nobody: a picture without a face is no error.
    """

    picture: Picture
    policy: Policy | None
    least_px: float = 0
    nobody: bool = False

    def work(self, detector: Detector, limits: Limits) -> Found:
        """The faces."""
        photo = open_photo(self.picture.data, name=self.picture.name, limits=limits)
        image = photo.decode(detector.side)
        found = detector.detect(image)
        if self.policy is None:
            return Found(Seen.of(photo), found, None)
        if self.nobody and not found:
            return Found(Seen.of(photo), found, np.empty((0, CROP, CROP, 3), np.uint8))
        faces = require_size(choose(found, self.policy), self.least_px)
        if too_small(faces, image):
            image = photo.decode()
        points = faces.points * np.array(image.scale, np.float32)
        return Found(Seen.of(photo), faces, align_faces(image.pixels, points))


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut a square around a face out of a picture.

    Args:
        picture: where it is.
        box: x0 y0 x1 y1 of the face in pixels of the upright full picture.
        side: of the square, in pixels.
    """

    picture: Picture
    box: tuple[float, float, float, float]
    side: int

    def work(self, detector: Detector, limits: Limits) -> bytes:
        """A JPEG."""
        del detector
        image = open_photo(self.picture.data, name=self.picture.name, limits=limits).decode()
        return encode_jpeg(thumbnail(image.pixels, self.box, size=self.side), 85)


@dataclass(frozen=True, slots=True)
class Whole:
    """Take a picture for an aligned face, the middle of it if it is not square; error rates do not hold for it.

    Args:
        picture: the face.
    """

    picture: Picture

    def work(self, detector: Detector, limits: Limits) -> Found:
        """The one face."""
        del detector
        photo = open_photo(self.picture.data, name=self.picture.name, limits=limits)
        box = (0.0, 0.0, float(photo.size[0]), float(photo.size[1]))
        image = photo.decode()
        crop = thumbnail(image.pixels, (0, 0, *image.size), size=CROP, margin=0)
        points = ARCFACE[None] * (np.array(photo.size, np.float32) / np.float32(CROP))
        faces = Faces(np.array([box], np.float32), np.zeros(1, np.float32), points, photo.size, photo.source)
        return Found(Seen.of(photo), faces, crop[None])


Task = Look | Cut | Whole
