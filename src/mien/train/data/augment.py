"""Changes to faces during training, drawn by seed, epoch and place: the same whatever batch or thread a face is in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.registry import unknown_name
from mien.train.data import changes
from mien.train.data.draws import uniform
from mien.types.arrays import Crops, Pixels


@dataclass(frozen=True, slots=True)
class Augment:
    """How often a face is changed in which way, and how much at most; applied in this order.

    Args:
        flip: left and right exchanged.
        zoom: a square part of it enlarged to the whole.
        zoom_side: of that part, at least, as a share of the side.
        crop: a random rectangle is left and the rest black (AdaFace).
        crop_area: of that rectangle, at least, as a share.
        mask: a mask over nose and mouth.
        blur: Gaussian.
        blur_sigma: at most, pixels.
        low_resolution: reduced and enlarged again, by methods drawn from five (AdaFace).
        low_resolution_side: at least, as a share of the side.
        low_resolution_most: at most, likewise.
        low_resolution_smooth: share of these that are averaged down and enlarged by bicubic interpolation instead, as a
            face is that a camera sees from afar and an aligner enlarges.
        jpeg: compressed.
        jpeg_quality: at least; at most 95.
        photometric: brightness, contrast and saturation, in random order (AdaFace).
        photometric_strength: of each, 0..1.

    Raises:
        UsageError: a probability or amount outside its range.
    """

    flip: float = 0.0
    zoom: float = 0.0
    zoom_side: float = 0.88
    crop: float = 0.0
    crop_area: float = 0.2
    mask: float = 0.0
    blur: float = 0.0
    blur_sigma: float = 3.0
    low_resolution: float = 0.0
    low_resolution_side: float = 0.2
    low_resolution_most: float = 1.0
    low_resolution_smooth: float = 0.0
    jpeg: float = 0.0
    jpeg_quality: int = 30
    photometric: float = 0.0
    photometric_strength: float = 0.5

    def __post_init__(self) -> None:
        for field in fields(self):
            value, most = getattr(self, field.name), _MOST.get(field.name, 1.0)
            least = _LEAST.get(field.name, 0.0)
            if not least <= value <= most:
                raise UsageError(f"augment.{field.name} must be {least:g} to {most:g}, got {value:g}")
        if self.low_resolution_side > self.low_resolution_most:
            raise UsageError("augment.low_resolution_side must not be above augment.low_resolution_most")

    def apply(self, crops: Crops, *, seed: int, epoch: int, index: NDArray[np.int64]) -> Crops:
        """Changed copies.

        Args:
            crops: (b, 112, 112, 3) uint8 RGB.
            seed: of the run.
            epoch: of the run.
            index: (b,) place of each within the epoch, over all processes.

        Returns:
            (b, 112, 112, 3) uint8 RGB.
        """
        chances = uniform(seed, epoch, index, "which", len(_ORDER) + 1)
        flipped = chances[:, 0] < self.flip
        out = crops.copy()
        out[flipped] = crops[flipped, :, ::-1]
        for column, name in enumerate(_ORDER, 1):
            rows = np.flatnonzero(chances[:, column] < getattr(self, name))
            numbers = uniform(seed, epoch, index[rows], name, _DRAWS[name])
            for row, u in zip(rows.tolist(), numbers, strict=True):
                out[row] = self._change(name, out[row], u)
        return out

    def _change(self, name: str, face: Pixels, u: NDArray[np.float64]) -> Pixels:
        match name:
            case "zoom":
                return changes.zoom(face, u, self.zoom_side)
            case "crop":
                return changes.black_outside(face, u, self.crop_area)
            case "mask":
                return changes.wear_mask(face, u)
            case "blur":
                return changes.blur(face, 0.2 + float(u[0]) * (self.blur_sigma - 0.2))
            case "low_resolution":
                share = self.low_resolution_side + float(u[0]) * (self.low_resolution_most - self.low_resolution_side)
                side = int(share * face.shape[0])
                if u[3] < self.low_resolution_smooth:
                    return changes.low_resolution(face, side)
                down, up = (changes.METHODS[int(v * len(changes.METHODS))] for v in u[1:3])
                return changes.low_resolution(face, side, down, up)
            case "jpeg":
                return changes.jpeg(face, self.jpeg_quality + int(u[0] * (96 - self.jpeg_quality)))
            case _:
                return changes.photometric(face, u, self.photometric_strength)


_DRAWS: Final = {
    "zoom": 3,
    "crop": changes.RECTANGLE_DRAWS,
    "mask": changes.MASK_DRAWS,
    "blur": 1,
    "low_resolution": 4,
    "jpeg": 1,
    "photometric": 4,
}
_ORDER: Final = tuple(_DRAWS)
_LEAST: Final = {
    "zoom_side": 0.1,
    "crop_area": 0.01,
    "blur_sigma": 0.2,
    "low_resolution_side": 0.05,
    "low_resolution_most": 0.05,
    "jpeg_quality": 1,
}
_MOST: Final = {"blur_sigma": 20.0, "jpeg_quality": 95}

RECIPES: Final = {
    "none": Augment(),
    # Deng et al., ArcFace (CVPR 2019), and most that came after: nothing but the flip.
    "flip": Augment(flip=0.5),
    # Kim, Jain & Liu, AdaFace (CVPR 2022), section 4.1: crop, rescale and photometric jitter, 0.2 each.
    "adaface": Augment(flip=0.5, crop=0.2, low_resolution=0.2, photometric=0.2),
    # The blur and compression of Real-ESRGAN (Wang et al., ICCVW 2021): sigma 0.2 to 3, quality 30 to 95; with the
    # reduction of AdaFace down to 16 pixels, for cameras that look from afar.
    "degraded": Augment(flip=0.5, blur=0.3, low_resolution=0.5, low_resolution_side=0.143, jpeg=0.3, photometric=0.2),
    # Anwar & Raychowdhury (arXiv:2008.11104): a part of the training faces wears a mask.
    "masked": Augment(flip=0.5, mask=0.3),
}
"""By name."""


def find_augment(name: str) -> Augment:
    """A named set of changes.

    Raises:
        UsageError: none of that name, with the nearest that are.
    """
    if name not in RECIPES:
        raise UsageError(unknown_name("augmentation", name, list(RECIPES)))
    return RECIPES[name]
