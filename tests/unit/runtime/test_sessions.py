from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from mien.errors import ModelInvalidError, UsageError
from mien.runtime import PixelInput, Session, open_session
from mien.runtime.onnxruntime import pick_device
from mien.runtime.rewrites import graph as graph_module
from mien.types.template import Precision

Build = Callable[..., onnx.ModelProto]
ENGINES = [
    "onnxruntime",
    pytest.param("openvino", marks=pytest.mark.skipif(find_spec("openvino") is None, reason="no OpenVINO here")),
]
RNG = np.random.default_rng(0)


def pictures(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def model(build: Build) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["c", "a"], ["p"]),
        helper.make_node("GlobalAveragePool", ["p"], ["y"]),
    ]
    return build(nodes, {"w": pictures(16, 3, 3, 3), "a": pictures(16, 1, 1)}, (1, 3, 32, 32))


def opened(model: onnx.ModelProto, engine: str) -> Session:
    return open_session(model.SerializeToString(), engine=engine, precision="f32")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_session_computes_what_the_reference_does(model: onnx.ModelProto, engine: str) -> None:
    x = pictures(1, 3, 32, 32)
    session = opened(model, engine)
    assert (session.engine, session.precision, session.outputs) == (engine, Precision.F32, ("y",))
    assert session.shape == (None, 3, 32, 32)
    np.testing.assert_allclose(session.run(x)[0], ReferenceEvaluator(model).run(None, {"x": x})[0], atol=1e-5)


@pytest.mark.parametrize("threads", ["throughput", "latency"])
@pytest.mark.parametrize("engine", ENGINES)
def test_calls_from_several_threads_give_what_they_give_one_by_one(
    model: onnx.ModelProto, engine: str, threads: str
) -> None:
    session = open_session(model.SerializeToString(), engine=engine, precision="f32", threads=threads)
    batches = [pictures(1 + i % 5, 3, 32, 32) for i in range(60)]
    serial = [session.run(x)[0] for x in batches]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda x: session.run(x)[0], batches))
    for got, expected in zip(together, serial, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_is_not_overwritten_by_the_next_call(model: onnx.ModelProto, engine: str) -> None:
    session = opened(model, engine)
    first = session.run(pictures(1, 3, 32, 32))[0]
    kept = first.copy()
    session.run(pictures(1, 3, 32, 32))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "x",
    [
        np.zeros((1, 3, 32, 32)),
        np.zeros((1, 3, 32, 31), np.float32),
        np.zeros((3, 32, 32), np.float32),
        np.zeros((0, 3, 32, 32), np.float32),
    ],
    ids=["float64", "size", "rank", "empty"],
)
def test_another_type_or_shape_is_refused(model: onnx.ModelProto, engine: str, x: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"the network takes float32 \('any', 3, 32, 32\), got"):
        opened(model, engine).run(x)


@pytest.mark.skipif(find_spec("openvino") is None, reason="no OpenVINO here")
@pytest.mark.parametrize("reverse", [False, True])
def test_a_session_of_bytes_prepares_them_as_it_was_told(model: onnx.ModelProto, reverse: bool, tmp_path: Path) -> None:
    pixels = PixelInput((104.0, 117.0, 123.0), 1 / 64, reverse)
    rgb = RNG.integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    given = rgb[..., ::-1] if reverse else rgb
    x = ((given.astype(np.float32) - pixels.mean) * pixels.scale).transpose(0, 3, 1, 2).astype(np.float32)
    expected = np.concatenate([ReferenceEvaluator(model).run(None, {"x": each[None]})[0] for each in x])
    data = model.SerializeToString()
    plain = open_session(data, engine="openvino", precision="f32", cache=tmp_path)
    for _ in range(2):  # compiled, and read back from the cache
        session = open_session(data, engine="openvino", precision="f32", cache=tmp_path, pixels=pixels)
        assert (session.pixels, session.shape) == (pixels, (None, 32, 32, 3))
        np.testing.assert_allclose(session.run(rgb)[0], expected, atol=1e-5)
        rgb.flags.writeable = False
    np.testing.assert_allclose(plain.run(x)[0], expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"the network takes uint8 \('any', 32, 32, 3\), got float32"):
        session.run(x)


def test_an_engine_that_gains_nothing_from_bytes_takes_numbers(model: onnx.ModelProto) -> None:
    session = open_session(model.SerializeToString(), engine="onnxruntime", pixels=PixelInput((0, 0, 0), 1.0, True))
    assert session.pixels is None
    assert session.run(pictures(1, 3, 32, 32))[0].shape == (1, 16, 1, 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_that_is_not_finite_is_refused(build: Build, engine: str) -> None:
    session = opened(build([helper.make_node("Sqrt", ["x"], ["y"])], {}), engine)
    with pytest.raises(ModelInvalidError, match="output 'y' is not finite"):
        session.run(np.full((1, 3, 8, 8), -1, np.float32))
    assert np.all(session.run(np.full((1, 3, 8, 8), 4, np.float32))[0] == 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_picture_too_small_for_the_network_is_one_line(build: Build, engine: str) -> None:
    conv = helper.make_node("Conv", ["x", "w"], ["y"])
    data = build([conv], {"w": pictures(4, 3, 5, 5)}).SerializeToString()
    session = open_session(data, engine=engine, precision="f32", rewrites=("free_size",))
    with pytest.raises(ModelInvalidError, match=r"cannot run this graph on \(1, 3, 2, 2\)") as caught:
        session.run(np.zeros((1, 3, 2, 2), np.float32))
    assert "\n" not in str(caught.value)
    assert session.run(np.zeros((1, 3, 8, 8), np.float32))[0].shape == (1, 4, 4, 4)


@pytest.mark.parametrize("data", [b"", b"\x00" * 64, b"not a model", b"\x80\x04\x95pickle", b"\xff" * 1000])
def test_bytes_that_are_no_network_are_refused(data: bytes) -> None:
    with pytest.raises(ModelInvalidError, match="no ONNX file") as caught:
        open_session(data)
    assert "\n" not in str(caught.value)


def test_no_cut_of_a_model_gets_past_the_door_as_anything_but_an_error(model: onnx.ModelProto) -> None:
    data = model.SerializeToString()
    for end in range(0, len(data), 97):
        with pytest.raises(ModelInvalidError):
            open_session(data[:end], engine="onnxruntime")


@pytest.mark.parametrize("where", ["weights", "a constant node", "a branch"])
def test_weights_in_other_files_are_refused(build: Build, where: str) -> None:
    outside = TensorProto(name="secret", dims=[1], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    outside.external_data.add(key="location", value="../../etc/passwd")
    model = build([helper.make_node("Relu", ["x"], ["y"])], {})
    constant = helper.make_node("Constant", [], ["k"])
    constant.attribute.add(name="value", type=onnx.AttributeProto.TENSOR, t=outside)
    if where == "weights":
        model.graph.initializer.append(outside)
    elif where == "a constant node":
        model.graph.node.append(constant)
    else:
        branch = helper.make_graph([constant], "branch", [], [])
        model.graph.node.append(helper.make_node("If", ["yes"], [], then_branch=branch))
    with pytest.raises(ModelInvalidError, match="keeps 'secret' in another file"):
        open_session(model.SerializeToString())


def test_a_tensor_shorter_than_its_shape_is_refused(build: Build) -> None:
    model = build([helper.make_node("Add", ["x", "w"], ["y"])], {"w": pictures(4)})
    model.graph.initializer[0].dims[0] = 1 << 40
    with pytest.raises(ModelInvalidError, match="does not agree with its shape"):
        open_session(model.SerializeToString())


def test_an_unreasonably_large_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_module, "LARGEST_MODEL", 10)
    with pytest.raises(ModelInvalidError, match="11 bytes; mien loads at most 10"):
        open_session(b"x" * 11)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_operator_that_no_engine_knows_is_one_line(build: Build, engine: str) -> None:
    with pytest.raises(ModelInvalidError, match="rejects the graph") as caught:
        opened(build([helper.make_node("Nonsense", ["x"], ["y"])], {}), engine)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_two_inputs_are_refused(build: Build, engine: str) -> None:
    model = build([helper.make_node("Add", ["x", "z"], ["y"])], {}, more_inputs=("z",))
    with pytest.raises(ModelInvalidError, match="must have one float32 input"):
        opened(model, engine)


def test_a_device_that_the_build_lacks_is_refused_and_auto_takes_the_best() -> None:
    cpu = "CPUExecutionProvider"
    with pytest.raises(UsageError, match=r"has no device 'cuda' \(it has cpu\)"):
        pick_device("cuda", (cpu,))
    with pytest.raises(UsageError, match="device must be auto, cuda"):
        pick_device("gpu", (cpu,))
    assert pick_device("auto", (cpu,)) == "cpu"
    assert pick_device("auto", ("CUDAExecutionProvider", cpu)) == "cuda"
