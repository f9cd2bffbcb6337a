"""What every detector and embedder must keep to; run these over one of your own."""

from __future__ import annotations

import numpy as np

from mien.models.detectors import Detector
from mien.models.embedders import Embedder
from mien.types.image import Image
from mien.types.template import check_unit


def check_detector(detector: Detector) -> None:
    """Raise AssertionError, with the rule that is broken, unless the detector keeps to the contract.

    It need not find a face in the pictures used here; what it reports must be well-formed: sorted, inside a picture's
    reach, in pixels of the full picture, the same each time, and none in an even grey.
    """
    random = np.random.default_rng(0)
    for width, height in ((80, 80), (250, 250), (641, 360), (90, 700)):
        pixels = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
        before = pixels.copy()
        faces = detector.detect(Image(pixels, source="noise"))
        again = detector.detect(Image(pixels, source="noise"))
        assert (pixels == before).all(), "a detector must not write into the picture"
        assert faces.size == (width, height), f"size must be that of the picture, got {faces.size}"
        assert faces.source == "noise", "faces must name their picture"
        assert np.array_equal(faces.boxes, again.boxes), "the same picture must give the same faces"
        assert (np.diff(faces.scores) <= 0).all(), "faces must come surest first"
        assert ((faces.scores >= 0) & (faces.scores <= 1)).all(), "scores must lie in 0..1"
        for array in (faces.boxes, faces.scores, faces.points):
            assert array.dtype == np.float32, f"columns must be float32, got {array.dtype}"
            assert np.isfinite(array).all(), "columns must be finite"
        half = detector.detect(Image(pixels, (2 * width, 2 * height), "noise"))
        assert half.size == (2 * width, 2 * height), "size must be that of the full picture after a reduced decode"
        assert np.allclose(half.boxes, 2 * faces.boxes, atol=0.1), "boxes must be in pixels of the full picture"
        assert np.allclose(half.points, 2 * faces.points, atol=0.1), "points must be in pixels of the full picture"
    _check_many(detector, random)
    assert not detector.detect(Image(np.full((240, 320, 3), 128, np.uint8))), "an even grey holds no face"


def _check_many(detector: Detector, random: np.random.Generator) -> None:
    sides = [80, 250, 80, 500, 250, 80]
    images = [Image(random.integers(0, 256, (side, side, 3)).astype(np.uint8), source=f"{side} px") for side in sides]
    many = detector.detect_many(images)
    assert [faces.source for faces in many] == [image.source for image in images], "faces must keep their order"
    for faces, image in zip(many, images, strict=True):
        alone = detector.detect(image)
        assert len(faces) == len(alone), "a picture must have the same faces alone and among others"
        assert np.allclose(faces.boxes, alone.boxes, atol=0.5), "a face must be where it is when its picture is alone"
    assert detector.detect_many([]) == [], "no pictures must give no faces"


def check_embedder(embedder: Embedder) -> None:
    """Raise AssertionError, with the rule that is broken, unless the embedder keeps to the contract."""
    crops = np.random.default_rng(0).integers(0, 256, (2 * embedder.batch + 1, 112, 112, 3)).astype(np.uint8)
    before = crops.copy()
    vectors = embedder.embed(crops)
    assert (crops == before).all(), "an embedder must not write into the crops"
    expected = (len(crops), embedder.contract.dimension)
    assert vectors.shape == expected, f"{len(crops)} crops must give {expected}, got {vectors.shape}"
    assert vectors.dtype == np.float32, f"vectors must be float32, got {vectors.dtype}"
    check_unit(vectors)
    one = np.concatenate([embedder.embed(crop[None]) for crop in crops])
    assert (np.sum(one * vectors, axis=1) > 0.999).all(), "a crop must give the same vector alone and in a batch"
    assert (np.sum(vectors[1:] * vectors[:-1], axis=1) < 0.9999).all(), "different crops must give different vectors"
    none = embedder.embed(crops[:0])
    assert none.shape == (0, embedder.contract.dimension), "no crops must give no rows"
    assert embedder.batch >= 1, "batch must be at least 1"
    assert len(embedder.contract.digest) == 64, "the contract must have a digest"
