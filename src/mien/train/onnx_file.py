"""The backbone as an ONNX file, and the proof that it computes what PyTorch computes."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.jit._trace import TracerWarning

from mien.errors import ModelInvalidError
from mien.models.blob import blob
from mien.models.card import InputContract
from mien.runtime import open_session
from mien.runtime.session import Shape
from mien.train.tensors import MEAN, SCALE
from mien.train.validate import embed
from mien.types.arrays import Crops, FloatArray, Pixels, unit_rows
from mien.types.template import Precision

INPUT = InputContract((112, 112), 1, "RGB", (MEAN, MEAN, MEAN), SCALE)
LEAST_COSINE = 1 - 1e-4
"""Between PyTorch's embedding of a face and the file's. Backbones measured: 0.999999 and more."""
SEED = 112


def onnx_bytes(
    backbone: nn.Module, dimension: int, output: str = "embedding", *, side: int = 112, cells: tuple[int, ...] = ()
) -> bytes:
    """The network alone, without classifier: ``pixels`` (n, 3, side, side) to `output` (n, dimension, *cells), any n.

    Pixels come prepared as the card says, so the graph has no normalisation of its own.

    Raises:
        ModelInvalidError: the file's one output is of another shape.
    """
    import onnx

    backbone = backbone.cpu().eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        file = Path(folder) / "network.onnx"
        # The exporter that goes by tracing: it needs no package beside PyTorch, and the backbones have no branches.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", TracerWarning)
        torch.onnx.export(
            backbone,
            (torch.zeros(2, 3, side, side),),
            file,
            dynamo=False,
            opset_version=17,
            input_names=["pixels"],
            output_names=[output],
            dynamic_axes={"pixels": {0: "n"}, output: {0: "n"}},
        )
        data = file.read_bytes()
    outputs = [
        [axis.dim_param or axis.dim_value for axis in output.type.tensor_type.shape.dim]
        for output in onnx.load_from_string(data).graph.output
    ]
    expected = ["n", dimension, *cells]
    if outputs != [expected]:
        raise ModelInvalidError(f"the exported network gives {outputs}, expected one output {expected}")
    return data


def check_parity(backbone: nn.Module, network: bytes, crops: Crops) -> float:
    """The lowest cosine between PyTorch's embedding and the file's, over some crops.

    Args:
        backbone: as it was trained.
        network: the ONNX file.
        crops: (n, 112, 112, 3) uint8 RGB.

    Raises:
        ModelInvalidError: it lies below `LEAST_COSINE`.
    """
    session = open_session(network, precision=Precision.F32.value)
    answers = np.concatenate(
        [session.run(blob(part, INPUT))[0] for part in np.array_split(crops, len(crops) // 16 + 1)]
    )
    ours = embed(backbone, crops, torch.device("cpu"))
    cosine = float((unit_rows(answers) * ours).sum(axis=1).min())
    if not cosine >= LEAST_COSINE:
        raise ModelInvalidError(
            f"the exported network strays from the trained one: cosine {cosine:.6f} on the worst of {len(crops)} "
            f"faces, not {LEAST_COSINE} or more; nothing was written"
        )
    return cosine


def drawn_crops(count: int = 16) -> Crops:
    """(count, 112, 112, 3) uint8: coarse fields, waves and noise that no face resembles."""
    random = np.random.default_rng(SEED)
    fields = random.integers(0, 256, (count, 7, 7, 3)).repeat(16, axis=1).repeat(16, axis=2)
    noise = random.integers(-40, 41, (count, 112, 112, 3)) * (np.arange(count) % 2)[:, None, None, None]
    return np.clip(fields + noise, 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class TorchSession:
    """A backbone as a session, so that the card's golden vector is PyTorch's own answer.

    Args:
        backbone: the network.
    """

    backbone: nn.Module
    engine: str = "torch"
    precision: Precision = Precision.F32
    batch: int = 16
    pixels: None = None
    shape: Shape = (None, 3, 112, 112)
    outputs: tuple[str, ...] = ("embedding",)

    def run(self, pixels: FloatArray | Pixels) -> tuple[FloatArray, ...]:
        """(n, 3, 112, 112) float32 to (n, d) float32."""
        with torch.inference_mode():
            answer: FloatArray = self.backbone.eval()(torch.from_numpy(pixels)).numpy()
        return (answer,)
