"""Tiny networks, and the published ones where they are cached."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.models.catalogue import find_card
from mien.models.store import Store

Weights = Callable[[str], bytes]
Build = Callable[..., onnx.ModelProto]


@pytest.fixture(scope="session")
def weights(need: Callable[[str], None]) -> Weights:
    """The file of a card; the test is skipped where it cannot be had."""

    def read(name: str) -> bytes:
        need(name)
        card = find_card(name)
        return Store().read(card, card.file)

    return read


@pytest.fixture(scope="session")
def build() -> Build:
    """``build(nodes, constants, shape)``: a model with input x, output y and operators of version 21."""

    def make(
        nodes: list[onnx.NodeProto],
        constants: dict[str, np.ndarray],
        shape: tuple[int | str, ...] = (1, 3, 8, 8),
        outputs: tuple[str, ...] = ("y",),
        more_inputs: tuple[str, ...] = (),
    ) -> onnx.ModelProto:
        graph = helper.make_graph(
            nodes,
            "tiny",
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape if name == "x" else None)
                for name in ("x", *more_inputs)
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)

    return make
