"""Claims about the published weights, on every engine that is installed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.errors import UsageError
from mien.models import LoadSettings, Store, contract_of, find_card, load_detector, load_embedder
from mien.models.loading import card_vector
from mien.runtime import Session, open_session
from mien.runtime.selftest import agreement

ENGINES = [("onnxruntime", "f32"), ("openvino", "f32"), ("openvino", "bf16")]
NETWORKS = ["yunet", "centerface", "sface", "mobileface"]

pytestmark = pytest.mark.weights


@pytest.fixture
def _here(need: Callable[[str], None], request: pytest.FixtureRequest) -> None:
    """The weights of the card that the test is about."""
    need(request.getfixturevalue("name"))


def opened(name: str, engine: str, precision: str) -> Session:
    card = find_card(name)
    try:
        return open_session(
            Store().read(card, card.file), rewrites=card.rewrites, engine=engine, precision=precision, threads="latency"
        )
    except UsageError as e:
        pytest.skip(str(e))


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(("engine", "precision"), ENGINES)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_engine_gives_the_golden_vector(name: str, engine: str, precision: str) -> None:
    card = find_card(name)
    assert card.golden is not None
    least = 0.99999 if precision == "f32" else 0.999
    assert agreement(card_vector(card, opened(name, engine, precision)), card.golden) > least


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("name", ["sface", "mobileface", "fused"])
def test_an_embedder_keeps_the_contract_of_its_card_and_gives_unit_rows(name: str) -> None:
    embedder = load_embedder(name, LoadSettings(threads="latency"))
    assert embedder.contract == contract_of(find_card(name))
    crops = np.random.default_rng(0).integers(0, 256, (5, 112, 112, 3), np.uint8)
    vectors = embedder.embed(crops)
    assert vectors.shape == (5, embedder.contract.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("name", ["yunet", "centerface"])
def test_a_detector_bears_the_name_of_its_card(name: str) -> None:
    assert load_detector(name, LoadSettings(threads="latency")).name == name
