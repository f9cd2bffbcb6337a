"""A detector that was trained on bona fide pictures only, on the Poincaré ball, and its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ModelInvalidError, NotFoundError
from mien.geometry.poincare import F8, clipped, exponential, logits
from mien.types.arrays import AnyArray, FloatArray

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class OneClass:
    """Standardised features through a small network to the ball, and two gyroplanes there: live and not.

    As Narayan & Patel 2024 ("Hyp-OC: Hyperbolic one class classification for face anti-spoofing"), with the features of
    another network in place of their VGG-Face.

    Args:
        features: `scale` of the regression whose standardised cues it takes, hex.
        mean, deviation: (d,) of the live pictures' features.
        reach: standard deviations to which features are limited.
        layers: weight (out, in) and bias (out,) of each; ReLU after each.
        radius: to which vectors are clipped before the ball.
        curvature: c; the ball's is -c.
        places: (2, e) in the ball, live first.
        normals: (2, e).
    """

    features: str
    mean: F8
    deviation: F8
    reach: float
    layers: tuple[tuple[F8, F8], ...]
    radius: float
    curvature: float
    places: F8
    normals: F8

    def standard(self, values: AnyArray) -> F8:
        """(n, d) features as the network takes them."""
        standard: F8 = np.clip((values.astype(np.float64) - self.mean) / self.deviation, -self.reach, self.reach)
        return standard

    def scores(self, values: AnyArray) -> FloatArray:
        """(n,) probabilities of live for (n, d) features; NaN where a feature is NaN."""
        x = self.standard(values)
        for weight, bias in self.layers:
            x = np.maximum(x @ weight.T + bias, 0)
        given = logits(exponential(clipped(x, self.radius), self.curvature), self.places, self.normals, self.curvature)
        apart = np.clip(given[:, 1] - given[:, 0], -700, 700)
        shares: FloatArray = (1 / (1 + np.exp(apart))).astype(np.float32)
        return shares

    def write(self, path: Path, facts: dict[str, Any]) -> None:
        """As JSON; `facts` say what it was trained on."""
        table = {
            "version": VERSION,
            "facts": facts,
            "features": self.features,
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
            "reach": self.reach,
            "layers": [[weight.tolist(), bias.tolist()] for weight, bias in self.layers],
            "radius": self.radius,
            "curvature": self.curvature,
            "places": self.places.tolist(),
            "normals": self.normals.tolist(),
        }
        path.write_text(json.dumps(table) + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> OneClass:
        """The other way.

        Raises:
            NotFoundError: no such file.
            ModelInvalidError: it is none.
        """
        try:
            table = json.loads(path.read_text("utf-8"))
            if table["version"] != VERSION:
                raise ValueError(f"version {table['version']}")
            mean, deviation, places, normals = (
                np.array(table[key], np.float64) for key in ("mean", "deviation", "places", "normals")
            )
            layers = tuple((np.array(w, np.float64), np.array(b, np.float64)) for w, b in table["layers"])
            numbers = (float(table[key]) for key in ("reach", "radius", "curvature"))
        except OSError as error:
            raise NotFoundError(f"{path}: {error.strerror}", source=str(path)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ModelInvalidError(f"{path}: not a one-class detector: {error}", source=str(path)) from error
        reach, radius, curvature = numbers
        return cls(str(table["features"]), mean, deviation, reach, layers, radius, curvature, places, normals)
