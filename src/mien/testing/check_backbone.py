"""What every backbone must keep to; run it over one of your own."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mien.backbones.base import Backbone

PARITY = 1 - 1e-4
"""Least cosine between what PyTorch and an engine make of one picture."""


def check_backbone(network: Backbone, *, pictures: int = 3) -> None:
    """Raise AssertionError, with the rule that is broken, unless the network keeps to the contract.

    Its weights may be random: statistics of batch normalisation are first taken from the pictures, so that values stay
    where training would have them. Leaves it in evaluation mode, with those statistics and without gradients.

    Args:
        network: takes (b, 3, size, size) float32, has `size` and `dimension`.
        pictures: in a batch, at least 3: of two, batch normalisation leaves only signs.
    """
    x = draw_inputs(pictures, network.size)
    settle(network, x)
    _check_gradients(network, x)
    _check_bf16(network, x)
    with torch.no_grad():
        embeddings = network(x)
        _check_outputs(network, x, embeddings)
        again = network(x)
        assert torch.equal(again, embeddings), "in evaluation the same pictures must give the same embeddings"
        alone = torch.cat([network(picture[None]) for picture in x])
        assert _least_cosine(alone, embeddings) > 1 - 1e-5, (
            "a picture must give the same embedding alone and in a batch"
        )
        _check_export(network, x, embeddings)


def draw_inputs(pictures: int, size: int) -> Tensor:
    """(pictures, 3, size, size) float32 in -1..1: smooth patterns that differ as faces do, the same each time."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(pictures, 3, 28, 28, generator=random) * 2 - 1
    return nn.functional.interpolate(coarse, (size, size), mode="bilinear")


def settle(network: nn.Module, x: Tensor) -> None:
    """Set the running statistics of batch normalisation to those of this batch, and leave the network evaluating."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    dropping = [m for m in network.modules() if isinstance(m, nn.Dropout) or hasattr(m, "rate")]
    network.train()
    for module in dropping:
        module.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches since, which is this one
    with torch.no_grad():
        getattr(network, "outputs", network)(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()


def export_onnx(network: nn.Module, x: Tensor) -> bytes:
    """The network as ONNX bytes, any batch; input ``input`` and output ``embedding`` as float32."""
    axes = {"input": {0: "batch"}, "embedding": {0: "batch"}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # the newer exporter needs a further package and writes the same operators for these networks
        warnings.simplefilter("ignore", DeprecationWarning)
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            network,
            (x[:2],),
            path,
            input_names=["input"],
            output_names=["embedding"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
        return path.read_bytes()


def _check_outputs(network: Backbone, x: Tensor, embeddings: Tensor) -> None:
    expected = (len(x), network.dimension)
    assert embeddings.shape == expected, f"{len(x)} pictures must give {expected}, got {tuple(embeddings.shape)}"
    assert embeddings.dtype == torch.float32, f"embeddings must be float32, got {embeddings.dtype}"
    assert torch.isfinite(embeddings).all(), "embeddings must be finite"
    assert _least_cosine(embeddings[1:], embeddings[:-1]) < 0.9999, "different pictures must give different embeddings"
    outputs = network.outputs(x)
    assert torch.equal(outputs["embedding"], embeddings), "outputs() must have the embedding that a call gives"
    for name, output in outputs.items():
        assert len(output) == len(x), f"output '{name}' must have a row for each picture"
        assert torch.isfinite(output).all(), f"output '{name}' must be finite"


def _check_gradients(network: Backbone, x: Tensor) -> None:
    network.zero_grad()
    torch.autograd.backward(torch.stack([_spread(output) for output in network.outputs(x).values()]).sum())
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, f"no gradient reaches {name}"
            assert torch.isfinite(parameter.grad).all(), f"the gradient of {name} must be finite"
            assert parameter.grad.abs().sum() > 0, f"the gradient of {name} is zero"
    network.zero_grad()


def _check_bf16(network: Backbone, x: Tensor) -> None:
    """Runs, forwards and backwards. How near it is to float32 says nothing while weights are random."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = network.outputs(x)
    for name, output in outputs.items():
        assert torch.isfinite(output).all(), f"bf16 autocast must give a finite '{name}'"
    torch.autograd.backward(torch.stack([_spread(output.float()) for output in outputs.values()]).sum())
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            assert torch.isfinite(parameter.grad).all(), f"under bf16 autocast the gradient of {name} must be finite"
    network.zero_grad()


def _spread(output: Tensor) -> Tensor:
    """A sum with uneven weights: an even one has no gradient before normalisation."""
    return (output.flatten() * torch.linspace(-1, 2, output.numel())).sum()


def _check_export(network: Backbone, x: Tensor, embeddings: Tensor) -> None:
    from mien.runtime import open_session

    session = open_session(export_onnx(network, x), engine="onnxruntime", precision="f32", threads="latency")
    for count in (1, len(x)):
        (found,) = session.run(np.ascontiguousarray(x[:count].numpy()))
        assert found.shape == (count, network.dimension), f"exported, {count} pictures gave {found.shape}"
        cosine = _least_cosine(torch.from_numpy(found), embeddings[:count])
        assert cosine >= PARITY, f"exported, the network gives other embeddings: cosine {cosine:.6f}"


def _least_cosine(a: Tensor, b: Tensor) -> float:
    return float(nn.functional.cosine_similarity(a, b).min())
