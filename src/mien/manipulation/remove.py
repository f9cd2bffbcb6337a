"""Counter-attacks: what somebody does to a made face so that a detector of traces sees none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from mien.manipulation.autoencoder import Autoencoder
from mien.manipulation.spectra import azimuthal, luminance
from mien.types.arrays import FloatArray, Pixels

Remover: TypeAlias = "Callable[[Pixels], Pixels]"


def low_pass(pixels: Pixels) -> Pixels:
    """A slight blur, of a standard deviation of 0.8 pixels."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.8), np.uint8)


def with_spectrum(pixels: Pixels, wanted: FloatArray) -> Pixels:
    """The same picture with the azimuthal spectrum of real faces (the aim of Durall et al. 2020 in training).

    Every ring of the transform is scaled alike in all colours, at most eightfold.

    Args:
        pixels: (h, w, 3) uint8.
        wanted: (bins,) as `mien.manipulation.spectra.azimuthal` gives it.
    """
    height, width = pixels.shape[:2]
    gain = np.clip((wanted - azimuthal(luminance(pixels), len(wanted))) / 2, -np.log(8), np.log(8))
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]) * 2
    scale = np.exp(np.interp(radius, np.arange(1, len(wanted) + 1) / len(wanted), gain))
    scale[0, 0] = 1
    waves = np.fft.rfft2(pixels.astype(np.float32), axes=(0, 1)) * scale[..., None]
    return np.asarray(np.clip(np.rint(np.fft.irfft2(waves, s=(height, width), axes=(0, 1))), 0, 255), np.uint8)


def removers(autoencoder: Autoencoder, wanted: FloatArray) -> dict[str, Remover]:
    """By name: ``none``, ``low-pass``, ``autoencoder``, and ``spectrum``, which is the last and then `with_spectrum`.

    The autoencoder follows GANprintR (Neves et al., IEEE JSTSP 2020, arXiv:1911.05351): one that has learnt real faces
    only gives back what real faces have, and leaves out what they have not. Theirs is a deep one with pooling between;
    this one has one layer and stands for it.
    """

    def both(pixels: Pixels) -> Pixels:
        return with_spectrum(autoencoder.give_back(pixels), wanted)

    return {
        "none": lambda pixels: pixels,
        "low-pass": low_pass,
        "autoencoder": autoencoder.give_back,
        "spectrum": both,
    }
