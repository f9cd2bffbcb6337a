"""The published files, rewritten for either engine, against the files as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx.reference import ReferenceEvaluator

from mien.runtime import open_session
from mien.runtime.rewrites import DECLARED, Graph, rewrite
from mien.runtime.selftest import golden_input

pytestmark = pytest.mark.weights

Weights = Callable[[str], bytes]
ENGINES = ("onnxruntime", "openvino")


def assert_close(got: np.ndarray, expected: np.ndarray) -> None:
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=5e-6 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("name", ["sface", "mobileface", "yunet", "centerface"])
def test_a_rewritten_file_is_valid_onnx(weights: Weights, name: str) -> None:
    graph = rewrite(Graph.parse(weights(name)), DECLARED, split_prelus=True)
    onnx.checker.check_model(graph.to_bytes(), full_check=True)
    assert {"DequantizeLinear", "BatchNormalization", "PRelu"}.isdisjoint(node.op for node in graph.nodes)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize(("name", "low", "high"), [("sface", 0, 255), ("mobileface", -1, 1)])
def test_an_embedder_is_the_reference_evaluation_of_its_file(
    weights: Weights, name: str, low: float, high: float
) -> None:
    model = onnx.load_from_string(weights(name))
    x = golden_input((1, 3, 112, 112), low, high)
    (expected,) = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: x})
    for engine in ENGINES:
        (got,) = open_session(weights(name), engine=engine, precision="f32").run(x)
        assert_close(got, expected)


@pytest.mark.parametrize("name", ["sface", "mobileface"])
def test_an_embedder_gives_a_face_the_same_row_in_any_batch(weights: Weights, name: str) -> None:
    x = golden_input((5, 3, 112, 112))
    for engine in ENGINES:
        session = open_session(weights(name), engine=engine, precision="f32")
        alone = np.concatenate([session.run(row[None])[0] for row in x])
        assert_close(session.run(x)[0], alone)


def test_yunets_merged_outputs_are_the_twelve_it_had(weights: Weights) -> None:
    model = onnx.load_from_string(weights("yunet"))
    x = golden_input((1, 3, 640, 640))
    names = [output.name for output in model.graph.output]
    expected = dict(zip(names, ReferenceEvaluator(model).run(None, {"input": x}), strict=True))
    for engine in ENGINES:
        session = open_session(
            weights("yunet"), engine=engine, precision="f32", rewrites=("merge_yunet_heads", "free_size")
        )
        assert session.outputs == ("stride_8", "stride_16", "stride_32")
        for stride, merged in zip((8, 16, 32), session.run(x), strict=True):
            assert merged.shape == (1, 16, 640 // stride, 640 // stride)
            rows = merged.transpose(0, 2, 3, 1).reshape(1, -1, 16)
            assert_close(sigmoid(rows[..., 0:1]), expected[f"cls_{stride}"])
            assert_close(sigmoid(rows[..., 1:2]), expected[f"obj_{stride}"])
            assert_close(rows[..., 2:6], expected[f"bbox_{stride}"])
            assert_close(rows[..., 6:], expected[f"kps_{stride}"])


def test_centerface_of_free_size_is_the_unoptimised_file(weights: Weights) -> None:
    # Not ONNX's reference evaluator: its batch norm of operator version 9 differs from the text and from every engine.
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    model = onnx.load_from_string(weights("centerface"))
    x = golden_input((10, 3, 32, 32))
    expected = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(
        None, {"input.1": x}
    )
    for engine in ENGINES:
        session = open_session(weights("centerface"), engine=engine, precision="f32", rewrites=("free_size",))
        for got, wanted in zip(session.run(x), expected, strict=True):
            assert_close(got, wanted)
        assert session.run(golden_input((1, 3, 64, 96)))[0].shape == (1, 1, 16, 24)
