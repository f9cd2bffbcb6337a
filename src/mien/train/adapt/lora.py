"""Adapters of low rank beside frozen layers: Hu et al., LoRA, ICLR 2022, arXiv:2106.09685, by the library `peft`.

y = W x + scale B A x, with A (rank, in) and B (out, rank), B zero at first: the network begins as it was. In the end
W + scale B A takes the place of W, and nothing of it shows in the network's size or speed.
"""

from __future__ import annotations

from torch import Tensor, nn

from mien.train.adapt.frozen import linear_layers
from mien.train.recipe import Adapt

ADAPTER = "lora"


def insert(network: nn.Module, settings: Adapt) -> None:
    """Put adapters beside the layers that `settings` names, linear ones or convolutions; only they move.

    Raises:
        UsageError: it has no such layers.
    """
    from peft import LoraConfig, inject_adapter_in_model  # seconds to import

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.scale * settings.rank,  # type: ignore[arg-type]  # it is only divided by r
        lora_dropout=settings.dropout,
        target_modules=linear_layers(network, settings.targets, (nn.Linear, nn.Conv2d)),
    )
    inject_adapter_in_model(config, network, ADAPTER)


def merged(network: nn.Module) -> dict[str, Tensor]:
    """The weights of the plain network that computes the same; the one given stays as it is."""
    from peft.tuners.lora.layer import Conv2d, Linear

    weights = {
        name.replace(".base_layer.", "."): tensor
        for name, tensor in network.state_dict().items()
        if ".lora_" not in name
    }
    for name, layer in network.named_modules():
        if isinstance(layer, (Linear, Conv2d)):
            weights[f"{name}.weight"] = weights[f"{name}.weight"] + layer.get_delta_weight(ADAPTER)
    return weights
