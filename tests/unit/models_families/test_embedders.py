from dataclasses import replace

import numpy as np
import pytest
from toy_sessions import ToySession

from mien.errors import ModelInvalidError
from mien.models import find_card
from mien.models.embedders.arcface import arcface, preprocessing
from mien.types.arrays import Crops, FloatArray
from mien.types.template import Precision

CARD = replace(find_card("sface"), dimension=3)


def crops(n: int) -> Crops:
    return np.random.default_rng(0).integers(1, 256, (n, 112, 112, 3)).astype(np.uint8)


def means(pixels: FloatArray) -> tuple[FloatArray, ...]:
    """The mean of each channel as the vector."""
    return (pixels.mean(axis=(2, 3)),)


@pytest.mark.parametrize("n", [0, 1, 4, 11])
def test_every_crop_gets_its_row_whatever_the_chunks(n: int) -> None:
    session = ToySession(means, batch=4)
    expected = crops(n).mean(axis=(1, 2))
    vectors = arcface(CARD, session).embed(crops(n))
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), rtol=1e-5)
    assert vectors.dtype == np.float32
    assert all(shape[0] <= 4 for shape in session.shapes)


@pytest.mark.parametrize(("n", "calls"), [(0, []), (4, [4]), (5, [3, 2]), (9, [3, 3, 3]), (10, [4, 4, 2])])
def test_no_call_is_for_a_few_crops_left_over_where_it_can_be_avoided(n: int, calls: list[int]) -> None:
    session = ToySession(means, batch=4)
    arcface(CARD, session).embed(crops(n))
    assert [shape[0] for shape in session.shapes] == calls


def test_pixels_go_in_as_the_card_says() -> None:
    mobileface = replace(find_card("mobileface"), dimension=3)
    seen: list[FloatArray] = []

    def keep(pixels: FloatArray) -> tuple[FloatArray, ...]:
        seen.append(pixels.copy())
        return means(pixels)

    arcface(mobileface, ToySession(keep)).embed(crops(1))
    expected = (crops(1)[0, :, :, ::-1].transpose(2, 0, 1).astype(float) - 127.5) / 127.5
    np.testing.assert_allclose(seen[0][0], expected, atol=1e-6)


def test_the_contract_names_weights_and_preprocessing() -> None:
    contract = arcface(CARD, ToySession(means)).contract
    assert (contract.model, contract.weights, contract.dimension) == ("sface", CARD.file.sha256, 3)
    assert contract.preprocessing == "arcface5-112-rgb-(0,0,0)-1"


def test_another_colour_order_is_another_contract() -> None:
    assert CARD.input is not None
    assert preprocessing(CARD.input) != preprocessing(replace(CARD.input, colour="BGR"))


def test_precision_and_batch_are_the_sessions() -> None:
    embedder = arcface(CARD, ToySession(means, batch=16, precision=Precision.BF16))
    assert (embedder.precision, embedder.batch) == (Precision.BF16, 16)


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ModelInvalidError, match="correct 'dimension' in its card"):
        arcface(find_card("sface"), ToySession(means)).embed(crops(2))


def test_a_zero_vector_is_refused() -> None:
    with pytest.raises(ModelInvalidError, match="zero or not finite"):
        arcface(CARD, ToySession(lambda pixels: (np.zeros((len(pixels), 3), np.float32),))).embed(crops(2))


def test_a_card_for_crops_of_another_size_is_refused() -> None:
    assert CARD.input is not None
    with pytest.raises(ModelInvalidError, match="must be \\[112, 112\\]"):
        arcface(replace(CARD, input=replace(CARD.input, size=(160, 160))), ToySession(means))
