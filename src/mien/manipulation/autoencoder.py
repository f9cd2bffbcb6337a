"""A small convolutional autoencoder that is fitted in closed form.

Encoder: one convolution, 8 x 8 x 3 to `k` maps at a stride. Decoder: one transposed convolution of the same size and
stride, its overlaps averaged. Both are linear, so the best weights for single patches are known without descent: the
principal components (Baldi & Hornik 1989). At a stride of 4 the decoder draws as a generator's last layer does, and
what it draws depends on where in the grid of 4 a pixel lies; at a stride of 2 hardly any grid is left. With a bias the
codes pass a rectifier on each side: weak ones are left out, strong ones stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mien.types.arrays import FloatArray, Pixels

PATCH = 8
"""Pixels of a side."""


@dataclass(frozen=True, slots=True)
class Autoencoder:
    """What it keeps of a patch.

    Args:
        mean: (192,) of the training patches, 0..255.
        basis: (k, 192) orthonormal rows.
        stride: divides 8.
        bias: codes of a smaller size are left out.
    """

    mean: FloatArray
    basis: FloatArray
    stride: int
    bias: float = 0.0

    @classmethod
    def fit(cls, pictures: Sequence[Pixels], *, width: int, stride: int, bias: float = 0.0) -> Autoencoder:
        """The best `width` maps for some pictures.

        Args:
            pictures: (h, w, 3) uint8, at least one.
            width: maps between encoder and decoder, 1..192.
            stride: as above.
            bias: as above.
        """
        patches = np.concatenate([_patches(p.astype(np.float32), PATCH // 2).reshape(-1, 192) for p in pictures])
        mean = patches.mean(axis=0)
        centred = patches - mean
        _, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        basis = np.ascontiguousarray(vectors[:, ::-1][:, :width].T, np.float32)
        return cls(mean, basis, stride, bias)

    def give_back(self, pixels: Pixels) -> Pixels:
        """(h, w, 3) uint8 through encoder and decoder; the picture is mirrored where a patch passes its border."""
        height, width = pixels.shape[:2]
        ends = [PATCH + (-side) % self.stride for side in (height, width)]
        framed = np.pad(pixels.astype(np.float32), ((PATCH, ends[0]), (PATCH, ends[1]), (0, 0)), "reflect")
        patches = _patches(framed, self.stride)
        codes = (patches.reshape(-1, 192) - self.mean) @ self.basis.T
        codes[np.abs(codes) < self.bias] = 0
        drawn = (codes @ self.basis + self.mean).reshape(*patches.shape[:2], PATCH, PATCH, 3)
        total, weight = np.zeros_like(framed), np.zeros((*framed.shape[:2], 1), np.float32)
        rows, columns = (self.stride * count for count in drawn.shape[:2])
        for dy in range(PATCH):
            for dx in range(PATCH):
                here = slice(dy, dy + rows, self.stride), slice(dx, dx + columns, self.stride)
                total[here] += drawn[:, :, dy, dx]
                weight[here] += 1
        inner = slice(PATCH, PATCH + height), slice(PATCH, PATCH + width)
        return np.asarray(np.clip(np.rint(total[inner] / weight[inner]), 0, 255), np.uint8)


def _patches(values: FloatArray, stride: int) -> FloatArray:
    """(h, w, 3) to (rows, columns, 8, 8, 3), whole patches only."""
    windows = sliding_window_view(values, (PATCH, PATCH), axis=(0, 1))[::stride, ::stride]
    patches: FloatArray = np.ascontiguousarray(np.moveaxis(windows, 2, -1))
    return patches
