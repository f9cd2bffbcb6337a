"""The quality that a run has learnt to tell: read back, measured, and made a file of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save as tensor_bytes
from torch import Tensor, nn

from mien.backbones.base import Backbone
from mien.errors import ModelInvalidError
from mien.evaluate.metrics.edc import Edc, edc
from mien.models.blob import blob
from mien.runtime import open_session
from mien.train.losses import losses
from mien.train.onnx_file import INPUT, onnx_bytes
from mien.train.recipe import Recipe
from mien.train.state import read_tensors, write_whole
from mien.train.tensors import normalised
from mien.train.terms.kinds import QualityTerm, RecognisabilityTerm, TokenTerm
from mien.train.validate import Pairs, Validation
from mien.types.arrays import Crops, FloatArray
from mien.types.template import Precision

HEADS = "quality.safetensors"
"""Of a run folder: ``<term>.weight`` and ``<term>.bias`` of each head."""
FMR = 0.01
"""Of the threshold under which discarding is measured: what a validation's few hundred pairs support."""
CHUNK = 64
CLOSE = 1e-3
"""Most that the file's quality may differ from PyTorch's; qualities lie about 0..2."""


class Rater(nn.Module):
    """A network and what tells quality from it.

    Args:
        backbone: the network.
        head: on its embedding; None = its own quality token.
    """

    def __init__(self, backbone: Backbone, head: nn.Module | None) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, pictures: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, 1), greater for more useful ones."""
        if self.head is None:
            return self.backbone.outputs(pictures)["quality"][:, None]
        return torch.as_tensor(self.head(self.backbone(pictures)))


def raters(backbone: Backbone, terms: nn.ModuleDict) -> dict[str, Rater]:
    """One for each term that predicts, by its name."""
    made: dict[str, Rater] = {}
    for name, term in terms.items():
        if isinstance(term, QualityTerm | RecognisabilityTerm):
            made[name] = Rater(backbone, term.head)
        elif isinstance(term, TokenTerm):
            made[name] = Rater(backbone, None)
    return made


def write_heads(folder: Path, terms: nn.ModuleDict) -> None:
    """Keep the heads of a run that has ended, if it has any."""
    heads = {name: term.head for name, term in terms.items() if isinstance(term, QualityTerm | RecognisabilityTerm)}
    if heads:
        tensors = {f"{name}.{key}": t.detach().cpu() for name, h in heads.items() for key, t in h.state_dict().items()}
        write_whole(folder / HEADS, tensor_bytes(tensors))


def rating_terms(recipe: Recipe) -> list[str]:
    """Terms of a recipe that predict quality."""
    return [name for name in recipe.terms.options if losses[name].kind in ("quality", "recognisability")]


def read_raters(folder: Path, recipe: Recipe, backbone: Backbone) -> dict[str, Rater]:
    """What `raters` gave when the run ended.

    Raises:
        NotFoundError, StoreCorruptError: its heads are not there, or damaged.
    """
    predicting = rating_terms(recipe)
    own = [name for name in predicting if getattr(losses[name].make, "token", False)]
    tensors = read_tensors(folder / HEADS) if len(own) < len(predicting) else {}
    made: dict[str, Rater] = {}
    for name in predicting:
        head = None if name in own else nn.Linear(backbone.dimension, 1)
        if head is not None:
            head.load_state_dict({key: tensors[f"{name}.{key}"] for key in ("weight", "bias")})
        made[name] = Rater(backbone, head)
    return made


def rate(rater: Rater, crops: Crops, device: torch.device) -> FloatArray:
    """(n, 112, 112, 3) uint8 RGB to (n,) float32 qualities; the network is left in the mode it was in."""
    training, found = rater.backbone.training, []
    rater.eval()
    with torch.inference_mode():
        for start in range(0, len(crops), CHUNK):
            chunk = torch.from_numpy(np.ascontiguousarray(crops[start : start + CHUNK].transpose(0, 3, 1, 2)))
            found.append(rater(normalised(chunk.to(device)))[:, 0].float().cpu().numpy())
    rater.train(training)
    qualities: FloatArray = np.concatenate(found)
    return qualities


def measure_rater(rater: Rater, pairs: Pairs, last: Validation, device: torch.device) -> Edc:
    """Error versus discard on the pairs that the network was validated on: by the lower quality of each pair."""
    quality = np.where(pairs.failed, np.nan, rate(rater, pairs.crops, device))
    lower = np.minimum(quality[pairs.task.a], quality[pairs.task.b])
    return edc(last.measurement.scores, lower, fmr=FMR)


def rater_file(rater: Rater, crops: Crops) -> bytes:
    """An ONNX file: ``pixels`` as the network's own to ``quality`` (n, 1).

    Raises:
        ModelInvalidError: it says something else than PyTorch of these crops.
    """
    data = onnx_bytes(rater, 1, output="quality")
    answers = open_session(data, precision=Precision.F32.value).run(blob(crops, INPUT))[0][:, 0]
    ours = rate(rater, crops, torch.device("cpu"))
    if not np.abs(answers - ours).max() <= CLOSE * max(1.0, float(np.abs(ours).max())):
        raise ModelInvalidError("the exported quality strays from the trained one; nothing was written")
    return data
