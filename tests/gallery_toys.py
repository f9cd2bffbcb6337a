"""Templates drawn at random, and pictures that exist by name only."""

import hashlib

import numpy as np

from mien.gallery import PictureRecord
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

DIMENSION = 16
CONTRACT = TemplateContract("drawn", "00" * 32, DIMENSION, "none")


def unit(*seeds: int, dimension: int = DIMENSION) -> np.ndarray:
    rows = np.stack([np.random.default_rng(seed).normal(size=dimension) for seed in seeds])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def templates(*seeds: int, contract: TemplateContract = CONTRACT, precision: Precision = Precision.F32) -> Templates:
    places = tuple(Face((20.0 * i, 0.0, 20.0 * i + 15, 15.0), 0.9, ((1.0, 2.0),) * 5) for i in range(len(seeds)))
    vectors = unit(*seeds, dimension=contract.dimension) if seeds else np.empty((0, contract.dimension), np.float32)
    return Templates(vectors, precision, contract, places)


def picture(number: int, path: str = "") -> PictureRecord:
    digest = hashlib.sha256(b"picture %d" % number).hexdigest()
    return PictureRecord(digest, path or f"photos/{number}.jpg", (640, 480))
