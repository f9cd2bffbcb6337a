"""Fine-tuning: which weights of a finished network move, and which small ones are put beside those that do not.

full    all of them
head    those of its last part
lora    matrices of low rank beside frozen layers (Hu et al., LoRA, ICLR 2022); added to them in the end
petal   two sets of those, mixed for each picture by its quality (Narayan et al., PETALface, WACV 2025)
"""

from __future__ import annotations

from torch import Tensor, nn

from mien.backbones.base import Backbone
from mien.train.adapt import lora
from mien.train.adapt.begin import load_start, require_start, start_facts
from mien.train.adapt.frozen import Share, freeze, hold_norms, last_part, share
from mien.train.adapt.petal import Petal, calibrate
from mien.train.recipe import Adapt

__all__ = [
    "Petal",
    "Share",
    "adapted",
    "calibrate",
    "finished_network",
    "finished_weights",
    "load_start",
    "require_start",
    "share",
    "start_facts",
]


def adapted(backbone: Backbone, settings: Adapt) -> Backbone:
    """The network as it learns: what moves has gradients, and the statistics of frozen norms stand still.

    Raises:
        UsageError: it has no layers of the names in `settings`.
    """
    match settings.kind:
        case "head":
            freeze(backbone, but=settings.targets or last_part(backbone))
        case "lora":
            lora.insert(backbone, settings)
        case "petal":
            backbone = Petal(backbone, settings)
    hold_norms(backbone)
    return backbone


def finished_weights(backbone: nn.Module, settings: Adapt) -> dict[str, Tensor]:
    """What a run writes in the end: of LoRA the sums, so that the network is a plain one again."""
    return lora.merged(backbone) if settings.kind == "lora" else backbone.state_dict()


def finished_network(backbone: Backbone, settings: Adapt) -> Backbone:
    """The network that `finished_weights` are of."""
    return Petal(backbone, settings) if settings.kind == "petal" else backbone
