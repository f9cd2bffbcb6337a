"""Training on bona fide features only, on the Poincaré ball (Narayan & Patel 2024, "Hyp-OC").

Attacks are stood in for by pseudo-negatives: draws of a Gaussian about a running mean of the live features. The loss is
the sum of a hyperbolic cross-entropy (Hyp-CE) between live and pseudo-negative and of a hyperbolic pairwise confusion
(Hyp-PC), the mean distance between live pictures, which takes out who is in them. Features are clipped before the ball
and gradients after it, since both grow without bound at its rim.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from mien.presentation.one_class import OneClass
from mien.types.arrays import AnyArray

RIM = 1e-5
"""Share of the radius that points are kept from the rim, as in `mien.geometry.poincare`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Of a training; those of the paper but for the network's width, the rate and the spread.

    Args:
        curvature: c.
        radius: clipping of the vectors before the ball.
        keep: share of the old mean that stays in the running mean.
        spread: standard deviation of the pseudo-negatives, in that of the live features, which are standardised here;
            at 1, the paper's for features that are not, they would lie among the live ones.
        reach: standard deviations to which features are limited.
        widths: of the layers.
        steps, batch, rate, gradient: of Adam; the last is the norm that gradients are clipped to.
        seed: of everything drawn.
    """

    curvature: float = 0.1
    radius: float = 2.0
    keep: float = 0.8
    spread: float = 3.0
    reach: float = 6.0
    widths: tuple[int, ...] = (64, 32, 16)
    steps: int = 1500
    batch: int = 32
    rate: float = 2e-3
    gradient: float = 3.0
    seed: int = 1


DEFAULTS = Settings()


def clipped(v: Tensor, radius: float) -> Tensor:
    """Rows no longer than `radius`."""
    rows: Tensor = v * (radius / v.norm(dim=-1, keepdim=True).clamp_min(radius))
    return rows


def exponential(v: Tensor, c: float) -> Tensor:
    """tanh(√c |v|) v / (√c |v|), kept off the rim."""
    scaled = (c**0.5 * v.norm(dim=-1, keepdim=True)).clamp_min(1e-12)
    return clipped(torch.tanh(scaled) * v / scaled, (1 - RIM) / c**0.5)


def added(x: Tensor, y: Tensor, c: float) -> Tensor:
    """Möbius addition; the formula stands in `mien.geometry.poincare.added`."""
    xy, xx, yy = ((a * b).sum(dim=-1, keepdim=True) for a, b in ((x, y), (x, x), (y, y)))
    return ((1 + 2 * c * xy + c * yy) * x + (1 - c * xx) * y) / (1 + 2 * c * xy + c**2 * xx * yy)


def distance(x: Tensor, y: Tensor, c: float) -> Tensor:
    """(2/√c) artanh(√c |-x ⊕ y|).

    The code published with the paper takes atan here, which is no distance of the ball.
    """
    moved = added(-x, y, c)
    # The norm has no slope at 0, where a pair is one point.
    lengths = (moved.square().sum(dim=-1) + 1e-15).sqrt()
    far: Tensor = 2 / c**0.5 * torch.atanh((c**0.5 * lengths).clamp_max(1 - 1e-7))
    return far


def logits(x: Tensor, places: Tensor, normals: Tensor, c: float) -> Tensor:
    """(n, k) scaled distances to gyroplanes; the formula stands in `mien.geometry.poincare.logits`."""
    moved = added(-places[None], x[:, None], c)
    lengths = normals.norm(dim=-1).clamp_min(1e-12)
    inner = (moved * normals[None]).sum(dim=-1)
    rest = (1 - c * moved.square().sum(dim=-1)) * lengths
    scale = 2 / (1 - c * places.square().sum(dim=-1)) * lengths / c**0.5
    values: Tensor = scale * torch.asinh(2 * c**0.5 * inner / rest)
    return values


def pairwise_confusion(points: Tensor, c: float) -> Tensor:
    """Hyp-PC: distances of the first half of a batch to the second, summed, over n; (n, d) in the ball, n even."""
    half = len(points) // 2
    return distance(points[:half], points[half:], c).sum() / len(points)


def cross_entropy(given: Tensor, truth: Tensor) -> Tensor:
    """Hyp-CE: cross-entropy of the softmax over hyperbolic logits; (n, k) and (n,) class numbers."""
    return nn.functional.cross_entropy(given, truth)


class Network(nn.Module):
    """Features to the ball and to two logits."""

    def __init__(self, features: int, settings: Settings) -> None:
        super().__init__()
        sizes = (features, *settings.widths)
        self.settings = settings
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        # Places lie in the tangent space, so that no step takes them out of the ball.
        self.places = nn.Parameter(torch.randn(2, sizes[-1]) * 0.1)
        self.normals = nn.Parameter(torch.randn(2, sizes[-1]) * 0.3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, e) points in the ball, and (n, 2) logits, live first."""
        for layer in self.layers:
            x = torch.relu(layer(x))
        c = self.settings.curvature
        points = exponential(clipped(x, self.settings.radius), c)
        return points, logits(points, exponential(self.places, c), self.normals, c)


def train(live: AnyArray, features: str, settings: Settings = DEFAULTS) -> tuple[OneClass, float]:
    """A detector that knows live pictures only.

    Args:
        live: (n, d) finite features of bona fide pictures, two at least.
        features: `scale` of the regression that standardised them.
        settings: of the training.

    Returns:
        The detector, and the last loss.

    Raises:
        ValueError: fewer than two pictures.
    """
    if len(live) < 2:
        raise ValueError(f"two live pictures are needed at least, got {len(live)}")
    mean, deviation = live.mean(axis=0, dtype=np.float64), live.std(axis=0, dtype=np.float64) + 1e-6
    x = torch.from_numpy(np.clip((live - mean) / deviation, -settings.reach, settings.reach))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = Network(x.shape[1], settings).double()
        loss = _optimise(network, x, settings)
    layers = tuple(
        (_numbers(layer.weight), _numbers(layer.bias)) for layer in network.layers if isinstance(layer, nn.Linear)
    )
    places = _numbers(exponential(network.places, settings.curvature))
    detector = OneClass(
        features,
        mean,
        deviation,
        settings.reach,
        layers,
        settings.radius,
        settings.curvature,
        places,
        _numbers(network.normals),
    )
    return detector, loss


def _optimise(network: Network, x: Tensor, settings: Settings) -> float:
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.rate, weight_decay=1e-6)
    count = min(settings.batch, len(x) // 2 * 2)
    truth = torch.arange(2).repeat_interleave(count)
    running = torch.zeros(x.shape[1], dtype=x.dtype)
    loss = torch.zeros(())
    for _ in range(settings.steps):
        batch = x[torch.randperm(len(x))[:count]]
        running = settings.keep * running + (1 - settings.keep) * batch.mean(dim=0)
        drawn = running + settings.spread * torch.randn(batch.shape, dtype=x.dtype)
        points, given = network(torch.cat([batch, drawn.clamp(-settings.reach, settings.reach)]))
        loss = cross_entropy(given, truth) + pairwise_confusion(points[:count], settings.curvature)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), settings.gradient)
        optimizer.step()
    return float(loss.detach())


def _numbers(tensor: Tensor) -> AnyArray:
    values: AnyArray = tensor.detach().numpy().copy()
    return values
