"""A loaded network, whatever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mien.errors import ModelInvalidError
from mien.types.arrays import FloatArray, Pixels
from mien.types.template import Precision

Shape = tuple[int | None, ...]
"""An input's shape; None where it is free."""


@dataclass(frozen=True, slots=True)
class PixelInput:
    """How bytes of RGB become a network's numbers: (byte - mean) * scale.

    Args:
        mean: per channel, in the network's order, of 0..255.
        scale: factor after the mean is taken off.
        reverse: the network takes blue, green, red.
    """

    mean: tuple[float, float, float]
    scale: float
    reverse: bool


class Session(Protocol):
    """A network ready to run. `run` may be called from several threads at once."""

    @property
    def engine(self) -> str:
        """``onnxruntime`` or ``openvino``."""
        ...

    @property
    def precision(self) -> Precision:
        """Arithmetic of the network; templates record it."""
        ...

    @property
    def batch(self) -> int:
        """How many pictures a call should get; more only take memory."""
        ...

    @property
    def pixels(self) -> PixelInput | None:
        """What the session itself does to bytes; None for one that takes numbers, as they are prepared elsewhere."""
        ...

    @property
    def shape(self) -> Shape:
        """Of the input: (batch, channels, height, width); of bytes (batch, height, width, channels)."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names, in the order of what `run` returns."""
        ...

    def run(self, pixels: FloatArray | Pixels) -> tuple[FloatArray, ...]:
        """The network's outputs for a batch.

        Args:
            pixels: (b, c, h, w) float32, prepared as the model's card says; (b, h, w, 3) uint8 RGB where the session
                prepares them itself.

        Raises:
            ValueError: another type or shape than the network takes.
            ModelInvalidError: the network cannot take a shape that it declares, or gives values that are not finite.
        """
        ...


def check_input(pixels: FloatArray | Pixels, shape: Shape, *, bytewise: bool = False) -> None:
    """Raise ValueError unless the array is float32, or uint8 if `bytewise`, of the network's shape, and not empty."""
    kind = np.dtype(np.uint8 if bytewise else np.float32)
    fits = len(pixels.shape) == len(shape) and all(
        size > 0 and wanted in (None, size) for size, wanted in zip(pixels.shape, shape, strict=True)
    )
    if not fits or pixels.dtype != kind:
        wanted = tuple("any" if size is None else size for size in shape)
        raise ValueError(f"the network takes {kind} {wanted}, got {pixels.dtype} {pixels.shape}")


def check_outputs(outputs: tuple[FloatArray, ...], names: tuple[str, ...]) -> tuple[FloatArray, ...]:
    """The outputs, which must be finite: a NaN would pass through every comparison that follows. Takes about 20 us."""
    for output, name in zip(outputs, names, strict=True):
        if not np.isfinite(output).all():
            raise ModelInvalidError(f"the network's output '{name}' is not finite: its weights are damaged or unfit")
    return outputs
