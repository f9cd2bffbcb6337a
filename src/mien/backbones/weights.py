"""Weights of others, where their names are ours."""

from __future__ import annotations

import os
from pathlib import Path

from torch import nn

from mien.errors import ModelInvalidError, NotFoundError


def load_state(network: nn.Module, path: str | os.PathLike[str]) -> None:
    """Fill a network with the weights of a ``.safetensors`` file; never pickle, which can run code.

    iresnet (InsightFace), lightcnn, inception_resnet_v1 (facenet-pytorch), mobilenetv2 (torchvision) and vit
    (InsightFace) have the names of their authors' code.

    Raises:
        NotFoundError: no such file.
        ModelInvalidError: no safetensors file, or tensors that are missing, unknown or of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not Path(path).is_file():
        raise NotFoundError(f"{path}: no such file of weights", source=str(path))
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ModelInvalidError(f"{path}: not a safetensors file ({error})", source=str(path)) from error
    own = network.state_dict()
    # batch normalisation's counter is of no use without momentum None, and several exporters leave it out
    needed = {name for name in own if not name.endswith("num_batches_tracked")}
    wrong = sorted(needed - state.keys()) + sorted(state.keys() - own.keys())
    wrong += [name for name in sorted(needed & state.keys()) if own[name].shape != state[name].shape]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelInvalidError(
            f"{path}: weights of another network; these tensors do not fit: {', '.join(wrong[:3])}{more}",
            source=str(path),
        )
    network.load_state_dict({**own, **state})
