"""Every rewrite leaves the answer as it was; the oracle is ONNX's own reference implementation on the graph before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from mien.errors import ModelInvalidError, UsageError
from mien.runtime.rewrites import Graph, rewrite
from mien.runtime.rewrites.drop_identities import drop_identities
from mien.runtime.rewrites.drop_stale_inputs import drop_stale_inputs
from mien.runtime.rewrites.flush_tiny import flush_tiny
from mien.runtime.rewrites.fold_batch_norm import fold_batch_norm
from mien.runtime.rewrites.fold_constants import fold_constants
from mien.runtime.rewrites.fold_dequantize import fold_dequantize
from mien.runtime.rewrites.fold_scale import fold_scale
from mien.runtime.rewrites.free_batch import free_batch, free_size
from mien.runtime.rewrites.split_prelu import split_prelu

Build = Callable[..., onnx.ModelProto]
RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def norm_constants(prefix: str, channels: int) -> dict[str, np.ndarray]:
    values = {f"{prefix}_{name}": floats(channels) for name in ("gamma", "beta", "mean")}
    return {**values, f"{prefix}_var": RNG.uniform(0.5, 2, channels).astype(np.float32)}


def norm(source: str, output: str, prefix: str, **attributes: object) -> onnx.NodeProto:
    inputs = [source, *(f"{prefix}_{name}" for name in ("gamma", "beta", "mean", "var"))]
    return helper.make_node("BatchNormalization", inputs, [output], epsilon=1e-3, **attributes)


def node(op: str, *inputs: str, to: str = "y", **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, list(inputs), [to], **attributes)


def rewritten(model: onnx.ModelProto, step: Callable[[Graph], Graph]) -> Graph:
    return step(Graph.parse(model.SerializeToString()))


def run(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    return ReferenceEvaluator(model).run(None, {"x": x})


def assert_same(model: onnx.ModelProto, graph: Graph, x: np.ndarray) -> None:
    after = onnx.load_from_string(graph.to_bytes())
    for got, expected in zip(run(after, x), run(model, x), strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-6 * np.abs(expected).max())


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def test_inputs_with_a_stored_value_and_unread_ones_are_dropped(build: Build) -> None:
    model = build([node("Conv", "x", "w")], {"w": floats(4, 3, 3, 3)}, more_inputs=("w", "left_behind"))
    graph = rewritten(model, drop_stale_inputs)
    assert list(graph.inputs) == ["x"]
    assert "w" in graph.constants


def test_an_input_that_is_read_and_has_no_value_stays(build: Build) -> None:
    model = build([node("Add", "x", "other")], {}, more_inputs=("other",))
    assert list(rewritten(model, drop_stale_inputs).inputs) == ["x", "other"]


def test_identity_and_idle_dropout_are_bypassed(build: Build) -> None:
    nodes = [node("Identity", "x", to="a"), node("Dropout", "a", to="b"), node("Relu", "b")]
    model = build(nodes, {})
    graph = rewritten(model, drop_identities)
    assert ops(graph) == ["Relu"]
    assert_same(model, graph, floats(1, 3, 8, 8))


def test_dropout_in_training_mode_stays(build: Build) -> None:
    constants = {"ratio": np.float32(0.5), "training": np.bool_(True)}
    model = build([node("Dropout", "x", "ratio", "training", to="a"), node("Relu", "a")], constants)
    assert "Dropout" in ops(rewritten(model, drop_identities))


def test_an_identity_that_makes_an_output_stays(build: Build) -> None:
    model = build([node("Relu", "x", to="a"), node("Identity", "a")], {})
    assert ops(rewritten(model, drop_identities)) == ["Relu", "Identity"]


@pytest.mark.parametrize(
    ("shape", "scale_shape", "axis", "block"),
    [
        ((4, 6), (), 1, 0),
        ((4, 6), (1,), 1, 0),
        ((4, 6), (4,), 0, 0),
        ((4, 6), (6,), -1, 0),
        ((4, 6), (4, 2), 1, 3),
        ((4, 6), (2, 6), 0, 2),
        ((2, 3, 4), (2, 1, 4), 1, 3),
        ((8,), (2,), 0, 4),
        ((8,), (1,), 0, 8),
    ],
)
def test_dequantised_weights_follow_the_operators_text(
    build: Build, shape: tuple[int, ...], scale_shape: tuple[int, ...], axis: int, block: int
) -> None:
    q = RNG.integers(-128, 128, shape).astype(np.int8)
    scale, zero = floats(*scale_shape) ** 2 + np.float32(0.01), RNG.integers(-9, 9, scale_shape).astype(np.int8)
    attributes = {"axis": axis, "block_size": block} if block else {"axis": axis}
    nodes = [node("DequantizeLinear", "q", "scale", "zero", to="w", **attributes), node("Add", "w", "x")]
    graph = rewritten(build(nodes, {"q": q, "scale": np.asarray(scale), "zero": np.asarray(zero)}), fold_dequantize)

    expected = np.empty(shape)
    for index in np.ndindex(shape):  # the text of the operator, one element at a time
        if not scale_shape or (scale_shape == (1,) and not block):
            at: tuple[int, ...] = (0,) * len(scale_shape)
        elif block:
            at = tuple(i // block if k == axis else i for k, i in enumerate(index))
        else:
            at = (index[axis],)
        expected[index] = (float(q[index]) - float(np.asarray(zero)[at])) * float(np.asarray(scale)[at])
    assert ops(graph) == ["Add"]
    np.testing.assert_allclose(graph.constants["w"], expected, rtol=1e-6)


def test_scales_that_do_not_fit_are_refused(build: Build) -> None:
    constants = {"q": np.zeros((4, 6), np.int8), "scale": floats(4, 5)}
    model = build(
        [node("DequantizeLinear", "q", "scale", to="w", axis=1, block_size=3), node("Add", "w", "x")], constants
    )
    with pytest.raises(ModelInvalidError, match=r"'w': scales of shape \(4, 5\) do not fit \(4, 6\), axis 1, block 3"):
        rewritten(model, fold_dequantize)


def test_reshaped_constants_are_stored(build: Build) -> None:
    constants = {"flat": floats(2, 27), "shape": np.array([0, 3, 3, -1])}
    model = build([node("Reshape", "flat", "shape", to="w"), node("Conv", "x", "w")], constants)
    graph = rewritten(model, fold_constants)
    assert ops(graph) == ["Conv"]
    assert_same(model, graph, floats(1, 3, 8, 8))


def test_a_shape_that_the_constant_cannot_take_is_refused(build: Build) -> None:
    constants = {"flat": floats(2, 27), "shape": np.array([5, 3, 3, 3])}
    model = build([node("Reshape", "flat", "shape", to="w"), node("Conv", "x", "w")], constants)
    with pytest.raises(ModelInvalidError, match=r"\(2, 27\) cannot take the shape \[5, 3, 3, 3\]"):
        rewritten(model, fold_constants)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("op", "weight", "attributes"),
    [
        ("Conv", (4, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
        ("Conv", (3, 1, 3, 3), {"group": 3}),
        ("ConvTranspose", (3, 4, 2, 2), {"strides": [2, 2]}),
    ],
)
def test_a_norm_after_a_convolution_goes_into_it(
    build: Build, op: str, weight: tuple[int, ...], attributes: dict[str, object], bias: bool
) -> None:
    channels = weight[1] if op == "ConvTranspose" else weight[0]
    constants = {"w": floats(*weight), "b": floats(channels), **norm_constants("n", channels)}
    inputs = ("x", "w", "b") if bias else ("x", "w")
    model = build([node(op, *inputs, to="c", **attributes), norm("c", "y", "n")], constants)
    graph = rewritten(model, fold_batch_norm)
    assert ops(graph) == [op]
    assert_same(model, graph, floats(1, 3, 8, 8))


@pytest.mark.parametrize("transposed", [0, 1])
def test_norms_around_the_last_layer_go_into_it(build: Build, transposed: int) -> None:
    weight = floats(5, 48) if transposed else floats(48, 5)
    constants = {"w": weight, "b": floats(5), **norm_constants("n", 3), **norm_constants("m", 5)}
    nodes = [
        node("Relu", "x", to="r"),
        norm("r", "a", "n"),
        node("Flatten", "a", to="f"),
        node("Gemm", "f", "w", "b", to="g", transB=transposed, alpha=0.5, beta=2.0),
        norm("g", "y", "m"),
    ]
    model = build(nodes, constants, (1, 3, 4, 4))
    graph = rewritten(model, fold_batch_norm)
    assert ops(graph) == ["Relu", "Flatten", "Gemm"]
    assert_same(model, graph, floats(1, 3, 4, 4))


def test_a_norm_goes_into_the_next_convolution_when_nothing_is_padded(build: Build) -> None:
    constants = {"w": floats(4, 3, 3, 3), **norm_constants("n", 3)}
    model = build([norm("x", "a", "n"), node("Conv", "a", "w")], constants)
    graph = rewritten(model, fold_batch_norm)
    assert ops(graph) == ["Conv"]
    assert_same(model, graph, floats(1, 3, 8, 8))


@pytest.mark.parametrize("attributes", [{"pads": [1, 1, 1, 1]}, {"auto_pad": "SAME_UPPER"}, {"pads": [0, 0, 1, 0]}])
def test_a_norm_before_a_padded_convolution_stays(build: Build, attributes: dict[str, object]) -> None:
    constants = {"w": floats(4, 3, 3, 3), **norm_constants("n", 3)}
    model = build([norm("x", "a", "n"), node("Conv", "a", "w", **attributes)], constants)
    assert ops(rewritten(model, fold_batch_norm)) == ["BatchNormalization", "Conv"]


def test_a_norm_stays_when_others_read_what_it_reads(build: Build) -> None:
    constants = {"w": floats(3, 3, 1, 1), **norm_constants("n", 3)}
    model = build([node("Conv", "x", "w", to="c"), norm("c", "a", "n"), node("Add", "a", "c")], constants)
    graph = rewritten(model, fold_batch_norm)
    assert "BatchNormalization" in ops(graph)
    assert_same(model, graph, floats(1, 3, 8, 8))


def test_weights_that_two_layers_share_are_scaled_for_one_only(build: Build) -> None:
    constants = {"w": floats(3, 3, 1, 1), **norm_constants("n", 3)}
    nodes = [node("Conv", "x", "w", to="c"), norm("c", "a", "n"), node("Conv", "x", "w", to="d"), node("Add", "a", "d")]
    model = build(nodes, constants)
    graph = rewritten(model, fold_batch_norm)
    assert ops(graph) == ["Conv", "Conv", "Add"]
    assert_same(model, graph, floats(1, 3, 8, 8))


@pytest.mark.parametrize(
    ("steps", "constants"),
    [
        ((("Mul", "x", "k"),), {"k": floats(1)}),
        ((("Mul", "k", "x"),), {"k": floats(3, 1, 1)}),
        ((("Div", "x", "k"),), {"k": np.full(1, 128, np.float32)}),
        ((("Sub", "x", "m"), ("Mul", "", "k")), {"m": floats(1, 3, 1, 1), "k": floats(1)}),
        ((("Sub", "m", "x"),), {"m": floats(1)}),
        ((("Add", "x", "m"), ("Div", "", "k")), {"m": floats(1), "k": np.full(1, 3, np.float32)}),
    ],
)
def test_preprocessing_goes_into_an_unpadded_convolution(
    build: Build, steps: tuple[tuple[str, str, str], ...], constants: dict[str, np.ndarray]
) -> None:
    nodes = [node(op, *(name or f"s{i - 1}" for name in names), to=f"s{i}") for i, (op, *names) in enumerate(steps)]
    weights = {"w": floats(4, 3, 3, 3), "b": floats(4)}
    model = build([*nodes, node("Conv", f"s{len(steps) - 1}", "w", "b")], {**weights, **constants})
    graph = rewritten(model, fold_scale)
    assert ops(graph) == ["Conv"]
    assert_same(model, graph, floats(1, 3, 8, 8))


def test_before_a_padded_convolution_the_factor_moves_and_the_subtraction_stays(build: Build) -> None:
    constants = {"m": floats(1), "k": floats(1), "w": floats(4, 3, 3, 3)}
    nodes = [node("Sub", "x", "m", to="a"), node("Mul", "a", "k", to="b"), node("Conv", "b", "w", pads=[1, 1, 1, 1])]
    model = build(nodes, constants)
    graph = rewritten(model, fold_scale)
    assert ops(graph) == ["Sub", "Conv"]
    assert_same(model, graph, floats(1, 3, 8, 8))


def test_a_factor_for_each_pixel_stays(build: Build) -> None:
    constants = {"k": floats(8), "w": floats(4, 3, 1, 1)}
    model = build([node("Mul", "x", "k", to="a"), node("Conv", "a", "w")], constants)
    assert ops(rewritten(model, fold_scale)) == ["Mul", "Conv"]


def test_subnormal_weights_become_zero_and_the_smallest_that_count_stay(build: Build) -> None:
    w = np.array([1e-45, -1e-40, 1e-21, 1e-19, 0, -2], np.float32).reshape(2, 3, 1, 1)
    graph = rewritten(build([node("Conv", "x", "w")], {"w": w}), flush_tiny)
    np.testing.assert_array_equal(graph.constants["w"].reshape(-1), np.float32([0, 0, 0, 1e-19, 0, -2]))


@pytest.mark.parametrize("slopes", [(4, 1, 1), (1, 4, 1, 1), (1,)])
def test_split_prelu_is_prelu_for_every_slope(build: Build, slopes: tuple[int, ...]) -> None:
    constants = {"w": floats(4, 3, 1, 1), "a": 2 * floats(*slopes)}  # below 0 and above 1 too
    model = build([node("Conv", "x", "w", to="c"), node("PRelu", "c", "a")], constants)
    graph = rewritten(model, split_prelu)
    assert ops(graph) == ["Conv", "Conv", "Relu", "Conv", "Add"]
    assert_same(model, graph, floats(1, 3, 8, 8))


@pytest.mark.parametrize("slopes", [(8,), (4, 8, 8), (4, 1, 8)])
def test_a_prelu_whose_slopes_do_not_go_by_channel_stays(build: Build, slopes: tuple[int, ...]) -> None:
    model = build(
        [node("Conv", "x", "w", to="c"), node("PRelu", "c", "a")], {"w": floats(4, 3, 1, 1), "a": floats(*slopes)}
    )
    assert ops(rewritten(model, split_prelu)) == ["Conv", "PRelu"]


@pytest.mark.parametrize("shape", [(1, -1), (1, 2, 2), (1, 2, 1, 2)])
def test_a_free_batch_gives_each_picture_the_row_it_had_alone(build: Build, shape: tuple[int, ...]) -> None:
    constants = {"w": floats(4, 3, 8, 8), "shape": np.array(shape)}
    model = build([node("Conv", "x", "w", to="c"), node("Reshape", "c", "shape")], constants)
    x = floats(3, 3, 8, 8)
    freed = onnx.load_from_string(rewritten(model, free_batch).to_bytes())
    alone = np.concatenate([run(model, row[None])[0] for row in x])
    np.testing.assert_allclose(run(freed, x)[0], alone, rtol=0, atol=2e-5)  # sums of 192 terms, in another order


def test_a_free_size_frees_height_and_width_only(build: Build) -> None:
    graph = rewritten(build([node("Relu", "x")], {}), free_size)
    dims = graph.inputs["x"].type.tensor_type.shape.dim
    assert [(d.dim_value, d.dim_param) for d in dims] == [(1, ""), (3, ""), (0, "height"), (0, "width")]


def test_names_used_inside_a_subgraph_are_kept(build: Build) -> None:
    branch = helper.make_graph([node("Add", "c", "c", to="inner")], "branch", [], [
        helper.make_tensor_value_info("inner", onnx.TensorProto.FLOAT, None)
    ])  # fmt: skip
    constants = {"w": floats(3, 3, 1, 1), "yes": np.bool_(True), **norm_constants("n", 3)}
    nodes = [
        node("Conv", "x", "w", to="c"),
        norm("c", "a", "n"),
        node("If", "yes", to="i", then_branch=branch, else_branch=branch),
        node("Add", "a", "i"),
    ]
    model = build(nodes, constants)
    assert_same(model, rewritten(model, fold_batch_norm), floats(1, 3, 8, 8))


def test_a_graph_that_needs_no_rewriting_comes_through_unchanged(build: Build) -> None:
    model = build(
        [
            node("Conv", "x", "w", pads=[1, 1, 1, 1]),
        ],
        {"w": floats(4, 3, 3, 3)},
    )
    graph = rewrite(Graph.parse(model.SerializeToString()), ("merge_yunet_heads", "free_size"), split_prelus=True)
    assert ops(graph) == ["Conv"]
    assert_same(model, graph, floats(1, 3, 8, 8))


def test_an_unknown_rewrite_is_refused_with_the_known_ones(build: Build) -> None:
    graph = Graph.parse(build([node("Relu", "x")], {}).SerializeToString())
    with pytest.raises(UsageError, match="no rewrite named 'free_sizes'; did you mean 'free_size'"):
        rewrite(graph, ("free_sizes",))


def test_twelve_outputs_made_otherwise_than_yunets_are_refused(build: Build) -> None:
    names = tuple(f"{head}_{stride}" for head in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32))
    model = build([node("Relu", "x", to=name) for name in names], {}, outputs=names)
    with pytest.raises(ModelInvalidError, match="output cls_8 is made by Relu: not a YuNet graph"):
        rewrite(Graph.parse(model.SerializeToString()), ("merge_yunet_heads",))
