"""Running a network changes nothing about the arithmetic of the thread that asked for it."""

import numpy as np
import pytest

from mien.models import LoadSettings, load_embedder


@pytest.mark.weights
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_subnormal_numbers_stay_numbers_after_an_inference(need, engine):
    need("sface")
    embedder = load_embedder("sface", LoadSettings(engine=engine))
    embedder.embed(np.zeros((1, 112, 112, 3), np.uint8))
    assert np.float64(5e-324) * 1 != 0
