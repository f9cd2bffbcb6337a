from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from mien.errors import ModelInvalidError
from mien.runtime import PixelInput
from mien.runtime.selftest import agreement, check_golden, golden_input, golden_vector
from mien.types.template import Precision


@dataclass
class Echo:
    """A session whose outputs are its input and its negative, the second a thousand times smaller."""

    engine: str = "echo"
    precision: Precision = Precision.F32
    batch: int = 1
    shape: tuple[int | None, ...] = (None, None, None, None)
    outputs: tuple[str, ...] = ("same", "small")
    pixels: PixelInput | None = None

    def run(self, pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        return pixels, -pixels / np.float32(1000)


def test_the_input_is_the_formula_of_its_docstring() -> None:
    x = golden_input((2, 3, 8, 16), -1, 1)
    b, c, i, j = 1, 2, 5, 11
    wave = math.sin(0.11 * j + 0.07 * i + 2 * c) * math.cos(0.05 * j - 0.13 * i + b)
    assert x.shape == (2, 3, 8, 16)
    assert x[b, c, i, j] == pytest.approx(wave, abs=1e-6)
    assert golden_input((1, 3, 112, 112)).min() >= 0
    assert golden_input((1, 3, 112, 112)).max() <= 255


def test_the_vector_gives_every_output_an_equal_share() -> None:
    vector = golden_vector(Echo(), (1, 3, 16, 16))
    x = golden_input((1, 3, 16, 16)).reshape(-1)[::6]
    assert vector.dtype == np.float32
    assert len(vector) == 256
    np.testing.assert_allclose(vector[:128], x / np.linalg.norm(x), rtol=1e-6)
    np.testing.assert_allclose(vector[128:], -vector[:128], rtol=1e-5)


def test_a_session_of_bytes_is_shown_the_same_waves() -> None:
    pixels = PixelInput((127.5, 100.0, 80.0), 1 / 128, reverse=True)

    @dataclass
    class Bytewise(Echo):
        """Turns bytes into numbers as `pixels` says, one channel at a time."""

        def run(self, given: np.ndarray) -> tuple[np.ndarray, ...]:
            assert given.dtype == np.uint8
            planes = [(given[..., 2 - c].astype(np.float32) - pixels.mean[c]) * pixels.scale for c in range(3)]
            return super().run(np.stack(planes, axis=1).astype(np.float32))

    low, high = -80 / 128, 127.5 / 128
    vector = golden_vector(Bytewise(pixels=pixels), (1, 3, 16, 16), low=low, high=high)
    assert agreement(vector, golden_vector(Echo(), (1, 3, 16, 16), low=low, high=high)) > 0.9999


def test_agreement_is_the_cosine() -> None:
    assert agreement(np.float32([1, 0]), np.float32([1, 1])) == pytest.approx(math.sqrt(0.5))
    assert agreement(np.float32([1, 0]), np.float32([1, 0, 0])) == 0
    assert agreement(np.float32([0, 0]), np.float32([1, 0])) == 0


def test_a_vector_that_disagrees_is_refused_and_a_close_one_passes() -> None:
    golden = golden_vector(Echo(), (1, 3, 16, 16))
    check_golden(golden * np.float32(1.01), golden, "echo")
    with pytest.raises(ModelInvalidError, match=r"echo fails its self-test: cosine -1\.0000") as caught:
        check_golden(-golden, golden, "echo")
    assert caught.value.source == "echo"
    with pytest.raises(ModelInvalidError, match="cosine nan"):
        check_golden(golden * np.float32(np.nan), golden, "echo")
