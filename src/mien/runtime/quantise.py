"""int8 networks by calibration: NNCF measures the range of each layer on real pictures, OpenVINO runs the result.

NNCF is an optional package and is imported here alone. Its mixed preset is used: weights symmetric, activations
asymmetric, which keeps networks with PReLU closest to what they were.
"""

from __future__ import annotations

import importlib
import logging
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from mien.errors import UsageError
from mien.runtime.intermediate import pack
from mien.types.arrays import FloatArray


def quantise(model: bytes, rewrites: tuple[str, ...], samples: Sequence[FloatArray]) -> bytes:
    """An int8 network, as `open_session` takes it with precision ``int8``.

    Args:
        model: an ONNX file.
        rewrites: as for `open_session`.
        samples: inputs (1, c, h, w) float32, prepared as the model's card says; some hundred.

    Raises:
        UsageError: NNCF or OpenVINO is not installed.
        ModelInvalidError: the bytes are no network.
    """
    try:
        nncf, ov = (importlib.import_module(name) for name in ("nncf", "openvino"))
    except ImportError as error:
        raise UsageError(f"int8 needs the package {error.name}: `pip install 'mien[tune]'`") from error
    from mien.runtime.rewrites import Graph, rewrite

    network = ov.Core().read_model(rewrite(Graph.parse(model), rewrites).to_bytes())
    nncf.set_log_level(logging.ERROR)
    with redirect_stdout(sys.stderr):  # stdout belongs to the answer
        quantised = nncf.quantize(
            network, nncf.Dataset(samples), preset=nncf.QuantizationPreset.MIXED, subset_size=len(samples)
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.xml"
        ov.save_model(quantised, path, compress_to_fp16=False)
        return pack(path.read_bytes(), path.with_suffix(".bin").read_bytes())
