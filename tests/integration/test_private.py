"""Nothing is told to the makers of the engines, and no id of this machine is made."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

USE = """
import sys, numpy as np, onnx
from onnx import TensorProto, helper
from mien.runtime import open_session
one = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, 8, 8]) for name in ("x", "y")]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", one[:1], one[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
open_session(model.SerializeToString(), engine=sys.argv[1]).run(np.zeros((1, 3, 8, 8), np.float32))
"""


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_engine_leaves_nothing_in_the_home_folder_and_loads_no_reporter(engine: str, tmp_path: Path) -> None:
    if not find_spec(engine):
        pytest.skip(f"{engine} is not installed")
    hidden = {"CI", "GITHUB_ACTIONS", "BUILD_BUILDID", "TF_BUILD", "MIEN_CACHE", "ORT_DISABLE_TELEMETRY"}
    env = {key: value for key, value in os.environ.items() if key not in hidden and not key.startswith("XDG_")}
    # In a CI both keep quiet anyway, which would hide the fault.
    code = USE + "assert sys.modules.get('openvino_telemetry') is None, 'it reports'\n"
    subprocess.run([sys.executable, "-c", code, engine], env=env | {"HOME": str(tmp_path)}, check=True, timeout=120)
    left = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()}
    assert left <= {(".cache", "mien")}
