"""Instance and batch normalisation side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class InstanceNorm(nn.GroupNorm):
    """Each channel a group of its own; PyTorch's InstanceNorm2d is the same, but does not export without warnings."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        return torch.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class IBN(nn.Module):
    """IBN-a of Pan et al. 2018, "Two at Once", arXiv:1807.09441.

    The first half of the channels is normalised by each picture's own mean and variance, which takes away contrast and
    colour cast; the other half by the batch's, which keeps what tells people apart. The paper puts it after the first
    convolution of the residual blocks, except in the last stage.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alone = channels // 2
        self.IN = InstanceNorm(self.alone, self.alone)
        self.BN = nn.BatchNorm2d(channels - self.alone)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        return torch.cat((self.IN(x[:, : self.alone]), self.BN(x[:, self.alone :])), dim=1)


def norm(channels: int, ibn: bool) -> nn.Module:
    """IBN or plain batch normalisation."""
    return IBN(channels) if ibn else nn.BatchNorm2d(channels)
