"""A convolution whose weights depend on the place in the picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

AFFINITY_CHANNELS = 4
HIDDEN_CHANNELS = 16


class TVConv(nn.Module):
    """Translation-variant convolution of Chen et al. 2022, arXiv:2203.10489, in place of a depthwise 3 x 3 one.

    In an aligned face each place has its own meaning. A few affinity maps ``A`` (4, h, w) are learnt, and a small
    network turns them into a kernel for every channel and place: ``out[c, p] = sum_k W(A)[c, k, p] in[c, p + k]``. The
    kernels do not depend on the picture: where no gradient is asked for they are computed once, until a weight
    changes, and an exported network holds them as constants.

    Args:
        channels: of input and output.
        size: side of the square output.
        stride: 1 or 2; the input's side is ``size * stride``.
    """

    def __init__(self, channels: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.channels, self.size, self.stride = channels, size, stride
        self.affinity = nn.Parameter(torch.ones(1, AFFINITY_CHANNELS, size, size))
        self.kernels = nn.Sequential(
            *_layer(AFFINITY_CHANNELS, size),
            *_layer(HIDDEN_CHANNELS, size),
            nn.Conv2d(HIDDEN_CHANNELS, 9 * channels, 3, padding=1, bias=False),
        )
        self._kept: tuple[tuple[int, ...], Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, size * stride, size * stride) to (b, c, size, size)."""
        kernels = self._kernels().to(x.dtype)
        x = framed(x)
        reach = self.stride * (self.size - 1) + 1
        out = x.new_zeros(())
        for k in range(9):
            row, column = divmod(k, 3)
            out = out + kernels[:, k] * x[:, :, row : row + reach : self.stride, column : column + reach : self.stride]
        return out

    def macs(self, inputs: tuple[Tensor, ...], output: Tensor) -> int:
        """Nine multiply-adds an output, as for a depthwise convolution: the kernels are made once, not a picture."""
        del inputs
        return 9 * output.numel()

    def _kernels(self) -> Tensor:
        """(channels, 9, size, size), made anew when a weight has changed."""
        if torch.is_grad_enabled():
            self._kept = None
            return self._make()
        # in-place changes (a step, loaded weights) raise the version, moves to elsewhere change the address
        stamp = tuple(n for p in self.parameters() for n in (p.data_ptr(), p._version))
        if self._kept is None or self._kept[0] != stamp:
            self._kept = stamp, self._make()
        return self._kept[1]

    def _make(self) -> Tensor:
        kernels: Tensor = self.kernels(self.affinity)
        return kernels.view(self.channels, 9, self.size, self.size)


def framed(x: Tensor) -> Tensor:
    """(b, c, h, w) to (b, c, h + 2, w + 2) with a border of zeros, in operators that export without a warning."""
    row = torch.zeros_like(x[:, :, :1])
    x = torch.cat((row, x, row), dim=2)
    column = torch.zeros_like(x[:, :, :, :1])
    return torch.cat((column, x, column), dim=3)


def _layer(channels: int, size: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(channels, HIDDEN_CHANNELS, 3, padding=1, bias=False)
    return convolution, nn.LayerNorm([HIDDEN_CHANNELS, size, size]), nn.ReLU()


def depthwise(channels: int, size: int, stride: int, *, tvconv: bool) -> nn.Module:
    """A 3 x 3 depthwise convolution, or the translation-variant one in its place; `size` is the output's."""
    if tvconv:
        return TVConv(channels, size, stride)
    return nn.Conv2d(channels, channels, 3, stride, padding=1, groups=channels, bias=False)
