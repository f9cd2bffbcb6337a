"""One picture through a detector and an embedder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.geometry.align import align_faces
from mien.image import Photo
from mien.models.detectors import Detector
from mien.models.embedders import Embedder
from mien.pipeline.acquire import Policy, choose
from mien.types.arrays import Crops
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.template import Templates

CROP = 112
"""Side of an aligned face in pixels."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A detector and an embedder that work together; safe to use from several threads."""

    detector: Detector
    embedder: Embedder

    def detect(self, photo: Photo) -> Faces:
        """All faces of a picture, boxes in pixels of the full upright picture."""
        return self.detector.detect(photo.decode(self.detector.side))

    def crops(self, photo: Photo, policy: Policy = Policy.ALL) -> tuple[Faces, Crops]:
        """The chosen faces and their aligned crops (n, 112, 112, 3) uint8 RGB.

        The picture is decoded once at the resolution the detector needs. Only when a chosen face has fewer pixels
        there than the crop is the full picture decoded: a 12-megapixel group photograph costs twice, a portrait once.

        Raises:
            ImageError: the picture cannot be decoded.
            FaceError: the policy finds no face to take.
        """
        image = photo.decode(self.detector.side)
        faces = choose(self.detector.detect(image), policy)
        if image.scale != (1.0, 1.0) and _too_small(faces, image):
            image = photo.decode()
        x, y = image.scale
        return faces, align_faces(image.pixels, faces.points * np.array([x, y], np.float32))

    def templates(self, photo: Photo, policy: Policy = Policy.ALL) -> Templates:
        """Templates of the chosen faces.

        Raises:
            ImageError: the picture cannot be decoded.
            FaceError: the policy finds no face to take.
        """
        faces, crops = self.crops(photo, policy)
        return self.finish(faces, self.embedder.embed(crops))

    def finish(self, faces: Faces, vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Templates:
        """Vectors with the faces they come from and the contract they fall under."""
        return Templates(vectors, self.embedder.precision, self.embedder.contract, tuple(faces))


def _too_small(faces: Faces, image: Image) -> bool:
    """Whether a face has fewer pixels in this decode than its crop will have; a box is about as high as the crop."""
    return bool((faces.heights * image.scale[1]).min() < CROP)
