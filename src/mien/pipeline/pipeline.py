"""Pictures through a detector and an embedder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.geometry.align import align_faces
from mien.image import Photo
from mien.models.detectors import Detector
from mien.models.embedders import Embedder
from mien.pipeline.acquire import Policy, choose
from mien.pipeline.profile import Recorder, span
from mien.types.arrays import Crops, Embeddings
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.template import Templates

CROP: Final = 112
"""Side of an aligned face in pixels."""
CUT_PX: Final = 56
"""Faces at least this high in a reduced decode are cut from it; for smaller ones the full picture is decoded.

Verification accuracy of LFW view 1, cut from 12 megapixels and from their half: 98.4 and 98.6 % where faces have 56 px
in the half, 98.1 and 97.5 at 40 px, 96.7 and 95.2 at 28 px, 89.0 and 87.1 at 20 px. The half takes 27 ms, all 41
(benchmarks/bench_decode.py, 2026-11-22).
"""


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

        The picture is decoded at the resolution the detector needs, and once more in full only when a chosen face is
        too small there to be cut from it.

        Raises:
            ImageError: the picture cannot be decoded.
            FaceError: the policy finds no face to take.
        """
        image = photo.decode(self.detector.side)
        faces = choose(self.detector.detect(image), policy)
        return faces, cut(photo, image, faces)

    def templates(self, photo: Photo, policy: Policy = Policy.ALL) -> Templates:
        """Templates of the chosen faces.

        Raises:
            ImageError: the picture cannot be decoded.
            FaceError: the policy finds no face to take.
        """
        faces, crops = self.crops(photo, policy)
        return self.finish(faces, self.embedder.embed(crops))

    def finish(self, faces: Faces, vectors: Embeddings) -> Templates:
        """Vectors with the faces they come from and the contract they fall under."""
        return Templates(vectors, self.embedder.precision, self.embedder.contract, tuple(faces))


def cut(photo: Photo, image: Image, faces: Faces, recorder: Recorder | None = None) -> Crops:
    """The aligned faces (n, 112, 112, 3) uint8 RGB of a picture.

    Args:
        photo: the picture.
        image: the decode in which the faces were found; they are cut from it unless one is too small there.
        faces: at least one.
        recorder: told where the time goes.

    Raises:
        ImageError: the picture cannot be decoded in full.
    """
    if too_small(faces, image):
        with span(recorder, "decode again"):
            image = photo.decode()
    with span(recorder, "align", len(faces)):
        return align_faces(image.pixels, faces.points * np.array(image.scale, np.float32))


def too_small(faces: Faces, image: Image) -> bool:
    """Whether the full picture is needed: a face has too few pixels in this reduced decode."""
    return image.size != image.full_size and float(faces.heights.min()) * image.scale[1] < CUT_PX
