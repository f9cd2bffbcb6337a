"""A picture as those who judge it need it: the face's box, points and templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mien.errors import FaceError
from mien.geometry.align import align_faces
from mien.image import Limits, PhotoSource, open_photo
from mien.manipulation.morph import Parent
from mien.manipulation.warp import Marks
from mien.models import Detector, Embedder, Head, LoadSettings, load_detector, load_embedder, load_head
from mien.models.views import Cuts, Shape, View, cut_regions
from mien.types.arrays import Boxes, Crops, FloatArray, Pixels

EMBEDDERS = ("sface", "mobileface")
"""Whose templates are compared; `fused` follows from both."""
LEAST_SIDE = 64
"""Pixels; made faces are small."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The largest face of a picture.

    Args:
        pixels: (h, w, 3) uint8 RGB, the whole picture.
        box: (1, 4) float32 of the detector, pixels.
        points: (68, 2) float64, pixels.
        crop: (112, 112, 3) uint8, aligned.
        vectors: by embedder, (d,) unit.
    """

    pixels: Pixels
    box: Boxes
    points: Marks
    crop: Crops
    vectors: Mapping[str, FloatArray]

    @property
    def parent(self) -> Parent:
        """As `mien.manipulation.morph` takes it."""
        return Parent(self.pixels, self.points)

    def cut(self, scale: float, side: int | None = None) -> Pixels:
        """A square about the face.

        Args:
            scale: its side in sides of the box's longer one.
            side: pixels of the result; None keeps the picture's own pixels, and stays inside the picture.
        """
        size = self.pixels.shape[1], self.pixels.shape[0]
        region = View(Shape.SQUARE, scale, side or 1).regions(self.box, size)
        if side is not None:
            return np.asarray(cut_regions(self.pixels, region, side)[0], np.uint8)
        x0, y0, x1, y1 = np.clip(region[0], 0, (*size, *size))
        return self.pixels[y0:y1, x0:x1]


@dataclass(frozen=True, slots=True)
class Looker:
    """Detector, landmarks and embedders; `look` is safe to call from several threads."""

    detector: Detector
    landmarks: Head
    embedders: Mapping[str, Embedder]

    @classmethod
    def open(cls, settings: LoadSettings, *, embed: bool = True) -> Looker:
        """The default detector, ``landmarks68`` and, unless nothing is to be compared, both embedders.

        Raises:
            ModelError: weights are missing, altered, invalid or not allowed.
        """
        embedders = {name: load_embedder(name, settings) for name in EMBEDDERS if embed}
        return cls(load_detector(settings=settings), load_head("landmarks68", settings), embedders)

    def look(self, source: PhotoSource) -> Seen:
        """The largest face of a picture.

        Raises:
            FaceError: there is none.
            ImageError: the picture cannot be used.
        """
        photo = open_photo(source, limits=Limits(min_side=LEAST_SIDE))
        image = photo.decode()
        faces = self.detector.detect(image)
        if not faces:
            raise FaceError(f"{photo.source}: no face found; a frontal portrait is needed", source=photo.source)
        face = faces[[int(np.argmax(faces.widths * faces.heights))]]
        points = self.landmarks.look(Cuts(image, face)).values[0].astype(np.float64)
        crops = align_faces(image.pixels, face.points)
        vectors = {name: embedder.embed(crops)[0] for name, embedder in self.embedders.items()}
        return Seen(image.pixels, face.boxes, points, crops[0], vectors)
