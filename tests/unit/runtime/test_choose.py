from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import UsageError
from mien.runtime import choose as module
from mien.runtime.choose import Choice, choose, cpu_flags
from mien.types.template import Precision

F32, BF16 = Precision.F32, Precision.BF16


def machine(monkeypatch: pytest.MonkeyPatch, *, bf16: bool = True, engines: tuple[str, ...] = module.ENGINES) -> None:
    monkeypatch.setattr(module, "has_bf16", lambda: bf16)
    monkeypatch.setattr(module, "installed", lambda engine: engine in engines)


@pytest.mark.parametrize(
    ("precision", "threads", "device", "expected"),
    [
        ("auto", "throughput", "cpu", Choice("openvino", BF16)),
        ("auto", "latency", "cpu", Choice("onnxruntime", F32)),
        ("f32", "throughput", "cpu", Choice("onnxruntime", F32)),
        ("bf16", "latency", "cpu", Choice("openvino", BF16)),
        ("auto", "throughput", "cuda", Choice("onnxruntime", F32)),
    ],
)
def test_on_a_processor_with_bf16(
    monkeypatch: pytest.MonkeyPatch, precision: str, threads: str, device: str, expected: Choice
) -> None:
    machine(monkeypatch)
    assert choose("auto", precision, threads, device) == expected


def test_without_bf16_or_without_openvino_it_is_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, bf16=False)
    assert choose("auto", "auto", "throughput") == Choice("onnxruntime", F32)
    assert choose("openvino", "auto", "throughput") == Choice("openvino", F32)
    machine(monkeypatch, engines=("onnxruntime",))
    assert choose("auto", "auto", "throughput") == Choice("onnxruntime", F32)


@pytest.mark.parametrize(
    ("engine", "precision", "device", "message"),
    [
        ("onnxruntime", "bf16", "cpu", "ONNX Runtime runs f32 only"),
        ("auto", "bf16", "cuda", "ONNX Runtime runs f32 only"),
        ("openvino", "auto", "cuda", "OpenVINO runs on the processor"),
        ("onnxruntime", "int8", "cpu", "ONNX Runtime runs f32 only"),
        ("auto", "f16", "cpu", "precision must be auto, f32, bf16 or int8; got 'f16'"),
        ("tensorrt", "auto", "cpu", "engine must be auto, onnxruntime, openvino; got 'tensorrt'"),
    ],
)
def test_what_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, engine: str, precision: str, device: str, message: str
) -> None:
    machine(monkeypatch)
    with pytest.raises(UsageError, match=message):
        choose(engine, precision, "throughput", device)


def test_bf16_is_refused_where_the_processor_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, bf16=False)
    with pytest.raises(UsageError, match="this processor has no bfloat16"):
        choose("openvino", "bf16", "throughput")


def test_an_engine_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, engines=("onnxruntime",))
    with pytest.raises(UsageError, match="openvino is not installed: `pip install openvino`"):
        choose("openvino", "auto", "throughput")


def test_flags_are_those_of_the_first_processor(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nflags\t\t: fpu avx2 amx_bf16\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert cpu_flags(file) == {"fpu", "avx2", "amx_bf16"}
    file.write_text("processor\t: 0\nFeatures\t: asimd i8mm\n")
    assert cpu_flags(file) == {"asimd", "i8mm"}
