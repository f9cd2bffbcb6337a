"""SwinFace's heads for expression, age and attributes on the levels of a Swin transformer.

Qin et al. 2023, "SwinFace", arXiv:2308.11509, cuts a face of 112 pixels into patches of 2, so that the maps are as
large as there. Each task gets a multi-level channel attention module: convolutions over the maps of all four levels,
reduced to one size, to 512 channels; attention that weighs the channels (CBAM's, Woo et al. 2018, arXiv:1807.06521);
a maximum over places; then two linear layers. Its figures are not printed there.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.backbones import Architecture, register
from mien.backbones.attention import Mlp, init_linear
from mien.backbones.swin import Swin

LEVELS = (192, 384, 768, 768)
SHARES = (47, 93, 186, 186)
"""Channels of the maps, and how many of the 512 of a task each level gives."""
CHANNELS = sum(SHARES)
TASKS: Mapping[str, Mapping[str, int]] = {
    "gender": {"gender": 2},
    "age": {"age": 1, "young": 2},
    "expression": {"expression": 7, "smiling": 2},
    "whole": dict.fromkeys(("attractive", "blurry", "chubby", "heavy_makeup", "oval_face", "pale_skin"), 2),
    "hair": dict.fromkeys(
        (
            "bald",
            "bangs",
            "black_hair",
            "blond_hair",
            "brown_hair",
            "gray_hair",
            "receding_hairline",
            "straight_hair",
            "wavy_hair",
            "wearing_hat",
        ),
        2,
    ),
    "eyes": dict.fromkeys(("arched_eyebrows", "bags_under_eyes", "bushy_eyebrows", "eyeglasses", "narrow_eyes"), 2),
    "nose": dict.fromkeys(("big_nose", "pointy_nose"), 2),
    "cheeks": dict.fromkeys(("high_cheekbones", "rosy_cheeks", "wearing_earrings", "sideburns"), 2),
    "mouth": dict.fromkeys(
        ("five_o_clock_shadow", "big_lips", "mouth_slightly_open", "mustache", "wearing_lipstick", "no_beard"), 2
    ),
    "chin": dict.fromkeys(("double_chin", "goatee"), 2),
    "neck": dict.fromkeys(("wearing_necklace", "wearing_necktie"), 2),
}
"""SwinFace's eleven groups: in each, the outputs and their sizes; 2 are the logits of no and yes, age is in years."""


class ChannelAttention(nn.Module):
    """CBAM's: one network judges the mean and the maximum of each channel, their sum says how much passes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp = Mlp(channels, channels // 16, nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        weights = torch.sigmoid(self.mlp(x.mean(dim=(2, 3))) + self.mlp(x.amax(dim=(2, 3))))
        return x * weights[:, :, None, None]


class Task(nn.Module):
    """Multi-level channel attention and what follows it, for one group of outputs."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, share, 3, padding=1, bias=False) for inputs, share in zip(LEVELS, SHARES, strict=True)
        )
        self.attention = ChannelAttention(CHANNELS)
        self.norm = nn.BatchNorm1d(CHANNELS, eps=2e-5)
        self.layers = nn.Sequential(
            nn.Linear(CHANNELS, CHANNELS),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(CHANNELS, CHANNELS),
            nn.ReLU(),
            nn.Dropout(0.5),
        )
        self.heads = nn.ModuleDict({name: nn.Linear(CHANNELS, size) for name, size in sizes.items()})

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """Four maps (b, c, side, side) of one size to (b, k) for each output."""
        x = torch.cat([f(level) for f, level in zip(self.convolutions, maps, strict=True)], dim=1)
        x = torch.relu(self.attention(x)).amax(dim=(2, 3))
        x = self.layers(self.norm(x))
        return {name: head(x) for name, head in self.heads.items()}


class SwinFace(Swin):
    """SwinFace's tasks on top of `Swin`.

    Args:
        size, dimension, patch, drop_path: as of `Swin`.
        tasks: groups of outputs and their sizes; SwinFace's eleven when left out.
    """

    def __init__(
        self,
        *,
        size: int,
        dimension: int,
        patch: int = 2,
        drop_path: float = 0.1,
        tasks: Mapping[str, Mapping[str, int]] = TASKS,
    ) -> None:
        super().__init__(size=size, dimension=dimension, patch=patch, drop_path=drop_path)
        self.tasks = nn.ModuleDict({name: Task(sizes) for name, sizes in tasks.items()})
        init_linear(self.tasks)

    def outputs(self, x: Tensor) -> dict[str, Tensor]:
        """``embedding`` (b, dimension), and (b, k) for every output of every task, such as ``expression`` (b, 7)."""
        levels = self.maps(x)
        side = levels[-1].shape[1]
        maps = [functional.avg_pool2d(level.permute(0, 3, 1, 2), level.shape[1] // side) for level in levels]
        found = {"embedding": self.embed(levels[-1])}
        for task in self.tasks.values():
            found.update(task(maps))
        return found


register(
    Architecture(
        "swinface",
        SwinFace,
        "SwinFace: A Multi-Task Transformer for Face Recognition, Expression Recognition, … (2023), arXiv:2308.11509",
    )
)
