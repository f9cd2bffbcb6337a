from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from mien.errors import ModelInvalidError
from mien.runtime import open_session
from mien.runtime import rewrites as rewriting
from mien.runtime.intermediate import pack, unpack
from mien.runtime.prepared import UNUSED_S, Prepared

Build = Callable[..., onnx.ModelProto]
ENGINES = [
    "onnxruntime",
    pytest.param("openvino", marks=pytest.mark.skipif(find_spec("openvino") is None, reason="no OpenVINO here")),
]


@pytest.fixture
def model(build: Build) -> bytes:
    weights = np.random.default_rng(0).normal(size=(8, 3, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("PRelu", ["c", "a"], ["y"])]
    return build(nodes, {"w": weights, "a": np.full((8, 1, 1), 1.5, np.float32)}).SerializeToString()


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_was_put_comes_back_under_the_same_facts_only(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path / "new")
    assert prepared.get("a", 1) is None
    prepared.put(b"network", "a", 1)
    assert prepared.get("a", 1) == b"network"
    assert prepared.get("a", 2) is None


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "append"])
def test_damaged_bytes_are_never_handed_out(tmp_path: Path, harm: str) -> None:
    prepared = Prepared(tmp_path)
    prepared.put(bytes(1000), "a")
    path = only_file(tmp_path)
    data = path.read_bytes()
    path.write_bytes(
        {"flip": data[:500] + b"\x01" + data[501:], "cut": data[:-1], "empty": b"", "append": data + b"\0"}[harm]
    )
    assert prepared.get("a") is None


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")
def test_a_file_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path)
    prepared.put(b"network", "a")
    path = only_file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    path.chmod(0o666)
    assert prepared.get("a") is None


def test_a_folder_that_cannot_be_made_keeps_nothing_and_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    prepared = Prepared(tmp_path / "file" / "folder")
    prepared.put(b"network", "a")
    assert prepared.get("a") is None


def test_what_was_not_used_for_long_is_removed(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path)
    prepared.put(b"old", "old")
    path = only_file(tmp_path)
    os.utime(path, (0, time.time() - UNUSED_S - 60))
    prepared.put(b"new", "new")
    assert prepared.get("old") is None
    assert prepared.get("new") == b"new"


@pytest.mark.parametrize("engine", ENGINES)
def test_the_second_start_rewrites_nothing_and_computes_the_same(
    model: bytes, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)
    first = open_session(model, engine=engine, precision="f32", cache=tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the graph was rewritten again")

    monkeypatch.setattr(rewriting, "rewrite", refuse)
    second = open_session(model, engine=engine, precision="f32", cache=tmp_path)
    assert (second.shape, second.outputs, second.precision) == (first.shape, first.outputs, first.precision)
    np.testing.assert_array_equal(second.run(x)[0], first.run(x)[0])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_damaged_cache_costs_time_and_nothing_else(model: bytes, engine: str, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)
    first = open_session(model, engine=engine, precision="f32", cache=tmp_path)
    only_file(tmp_path).write_bytes(b"\0" * 4096)
    second = open_session(model, engine=engine, precision="f32", cache=tmp_path)
    np.testing.assert_array_equal(second.run(x)[0], first.run(x)[0])


@pytest.mark.skipif(find_spec("openvino") is None, reason="no OpenVINO here")
def test_a_compiled_network_that_openvino_will_not_have_is_compiled_again(model: bytes, tmp_path: Path) -> None:
    open_session(model, engine="openvino", precision="f32", cache=tmp_path)
    from mien.runtime.prepared import write_whole

    write_whole(only_file(tmp_path), b"of another version")
    session = open_session(model, engine="openvino", precision="f32", cache=tmp_path)
    assert session.run(np.ones((1, 3, 8, 8), np.float32))[0].shape == (1, 8, 6, 6)


def test_a_network_and_its_weights_survive_packing() -> None:
    assert unpack(pack(b"<xml/>", b"\0\1\2")) == (b"<xml/>", b"\0\1\2")
    for data in (b"", b"mien-ir1", pack(b"x" * 50, b"")[:-1], b"\x08\x07" * 50):
        with pytest.raises(ModelInvalidError, match="no int8 network"):
            unpack(data)
