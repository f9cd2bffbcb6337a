"""Attention of several heads, counted by `mien.backbones.cost`."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Attend(nn.Module):
    """``softmax(q k' / sqrt(d) + bias) v``: the two matrix products of attention, without weights."""

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
        """(…, n, d) each to (…, n, d)."""
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)

    def macs(self, inputs: tuple[Tensor, ...], output: Tensor) -> int:
        """Two products of n x n x d for each head and picture."""
        return 2 * output.numel() * inputs[1].shape[-2]


class Attention(nn.Module):
    """Self-attention over (b, n, d) tokens, with the names of timm.

    Args:
        width: numbers in a token.
        heads: that share them.
        bias: whether queries, keys and values have one.
    """

    def __init__(self, width: int, heads: int, *, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.attend = Attend()
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """(b, n, d) to the same shape; `bias` (heads or 1, n, n) is added before the soft-max."""
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = self.attend(q, k, v, bias if bias is None else bias.to(q.dtype))
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(b, n, d))
        return out


class Mlp(nn.Module):
    """Two linear layers with an activation between, with the names of timm."""

    def __init__(self, width: int, hidden: int, activation: nn.Module) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = activation
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) to the same shape."""
        out: Tensor = self.fc2(self.act(self.fc1(x)))
        return out


def init_linear(network: nn.Module) -> None:
    """Truncated normal weights of 0.02 and no bias, as the vision transformers start."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
