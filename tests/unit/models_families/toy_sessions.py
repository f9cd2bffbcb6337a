"""Sessions that answer with numbers chosen by the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mien.runtime import PixelInput
from mien.types.arrays import FloatArray
from mien.types.template import Precision


@dataclass
class ToySession:
    """Runs a function and remembers the shapes that it was given."""

    answer: Callable[[FloatArray], tuple[FloatArray, ...]]
    batch: int = 4
    engine: str = "onnxruntime"
    precision: Precision = Precision.F32
    shape: tuple[int | None, ...] = (None, 3, None, None)
    outputs: tuple[str, ...] = ()
    pixels: PixelInput | None = None
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def run(self, pixels: FloatArray) -> tuple[FloatArray, ...]:
        self.shapes.append(pixels.shape)
        return self.answer(pixels)
