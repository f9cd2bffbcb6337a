"""A network cut before its last linear layer."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.errors import ModelInvalidError
from mien.runtime import open_session
from mien.runtime.tail import split_last_linear

RANDOM = np.random.default_rng(0)


def made(nodes: list[onnx.NodeProto], **constants: np.ndarray) -> bytes:
    """``pixels`` (n, 3, 4, 4) through a convolution of 2 x 2 pixels to ``map`` (n, 5, 3, 3), and the nodes."""
    held = {"kernel": RANDOM.normal(size=(5, 3, 2, 2)), **constants}
    first = [helper.make_node("Conv", ["pixels", "kernel"], ["before"]), helper.make_node("Relu", ["before"], ["map"])]
    graph = helper.make_graph(
        [*first, *nodes],
        "toy",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 4, 4])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.asarray(array, np.int64 if array.dtype.kind == "i" else np.float32), name)
            for name, array in held.items()
        ],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape)


NORM = {"gain": normal(4), "offset": normal(4), "mean": normal(4), "variance": normal(4) ** 2 + 0.5}
node = helper.make_node
GEMM = [
    node("Dropout", ["map"], ["kept"]),
    node("Flatten", ["kept"], ["flat"]),
    node("Gemm", ["flat", "w", "b"], ["gemm"], transB=1, alpha=0.5, beta=2.0),
    node("BatchNormalization", ["gemm", "gain", "offset", "mean", "variance"], ["out"], epsilon=1e-3),
]
MATMUL = [
    node("Reshape", ["map", "shape"], ["flat"]),
    node("MatMul", ["flat", "w"], ["product"]),
    node("Add", ["b", "product"], ["sum"]),
    node("Div", ["sum", "gain"], ["out"]),
]
CONV = [
    node("Conv", ["map", "w", "b"], ["pooled"]),
    node("Mul", ["pooled", "two"], ["scaled"]),
    node("Flatten", ["scaled"], ["out"]),
]
NETWORKS = {
    "gemm": made(GEMM, w=normal(4, 45), b=normal(4), **NORM),
    "matmul": made(MATMUL, w=normal(45, 4), b=normal(4), gain=NORM["variance"], shape=np.array([-1, 45])),
    "conv": made(CONV, w=normal(4, 5, 3, 3), b=normal(4), two=np.array([2.0])),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_features_times_the_matrix_are_what_the_whole_network_gives(name: str) -> None:
    pixels = RANDOM.normal(size=(3, 3, 4, 4)).astype(np.float32)
    (whole,) = open_session(NETWORKS[name], precision="f32").run(pixels)
    split = split_last_linear(NETWORKS[name])
    assert split.weight.shape == (45, 4)
    features = split.features(open_session(split.network, precision="f32").run(pixels)[0])
    assert (features >= 0).all()  # those after the Relu
    assert features @ split.weight + split.bias == pytest.approx(whole.reshape(3, 4), abs=1e-4)


@pytest.mark.parametrize(
    ("nodes", "constants", "said"),
    [
        ([node("GlobalAveragePool", ["map"], ["out"])], {}, "'GlobalAveragePool' follows"),
        ([*GEMM[:-1], node("Sigmoid", ["gemm"], ["out"])], {"w": normal(4, 45), "b": normal(4)}, "'Sigmoid' follows"),
        ([node("Mul", ["map", "map"], ["out"])], {}, "'Mul' follows"),
    ],
)
def test_a_network_that_does_not_end_so_is_refused(nodes: list, constants: dict, said: str) -> None:
    with pytest.raises(ModelInvalidError, match=said) as caught:
        split_last_linear(made(nodes, **constants))
    assert caught.value.code == "no-linear-layer"


def test_a_convolution_that_slides_is_no_linear_layer() -> None:
    split = split_last_linear(made([node("Conv", ["map", "w"], ["out"])], w=normal(4, 5, 1, 1)))
    with pytest.raises(ModelInvalidError, match="it is a convolution over a map") as caught:
        split.features(np.zeros((1, 5, 3, 3), np.float32))
    assert caught.value.code == "no-linear-layer"
