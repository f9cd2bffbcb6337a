"""Networks that turn a face aligned to ArcFace's template into a vector: ArcFace, SFace, MobileFaceNet and their like.

What sets them apart as far as pixels go (colour order, mean, scale) stands in the card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import ModelInvalidError
from mien.models.blob import blob, input_of
from mien.models.card import Card, InputContract
from mien.models.embedders import embedders
from mien.types.arrays import Crops, Embeddings, FloatArray, unit_rows
from mien.types.template import Precision, TemplateContract

if TYPE_CHECKING:
    from mien.runtime import Session


@dataclass(frozen=True, slots=True)
class ArcFace:
    """An embedder on a session.

    Args:
        contract: what its templates are comparable with.
        session: the network.
        input: how pixels go in.
    """

    contract: TemplateContract
    session: Session
    input: InputContract

    @property
    def engine(self) -> str:
        """What runs the network."""
        return self.session.engine

    @property
    def precision(self) -> Precision:
        """Arithmetic of the session."""
        return self.session.precision

    @property
    def batch(self) -> int:
        """Crops for one call of the network."""
        return self.session.batch

    def embed(self, crops: Crops) -> Embeddings:
        """(n, 112, 112, 3) uint8 RGB aligned crops to (n, d) float32 rows of length 1.

        Raises:
            ModelInvalidError: the network's vectors are not what the card says, or one of them is zero.
        """
        vectors = self.raw(crops)
        try:
            return unit_rows(vectors)
        except ValueError as e:
            raise ModelInvalidError(f"'{self.contract.model}': {e}; the weights are damaged or unfit") from e

    def raw(self, crops: Crops) -> FloatArray:
        """(n, d) float32: the network's own vectors, whose length says something of quality.

        Raises:
            ModelInvalidError: the network's vectors are not what the card says.
        """
        vectors = np.empty((len(crops), self.contract.dimension), np.float32)
        # Calls of equal size: one for a single face takes a quarter more. SFace, 17 faces: 16 + 1 55 ms, 9 + 8 51 ms.
        calls = max(1, -(-len(crops) // self.batch))
        step = -(-len(crops) // calls) or 1
        for start in range(0, len(crops), step):
            vectors[start : start + step] = self._vectors(crops[start : start + step])
        return vectors

    def _vectors(self, crops: Crops) -> FloatArray:
        raw = self.session.run(blob(crops, self.input))[0]
        if raw.shape != (len(crops), self.contract.dimension):
            raise ModelInvalidError(
                f"'{self.contract.model}' gives {raw.shape} for {len(crops)} faces, expected {self.contract.dimension}"
                " numbers a face: correct 'dimension' in its card"
            )
        return raw


@embedders.register("arcface")
def arcface(card: Card, session: Session) -> ArcFace:
    """The embedder of a card."""
    contract = input_of(card)
    if contract.size != (112, 112) or card.dimension is None:
        raise ModelInvalidError(
            f"{card.path}: 'input.size' of an ArcFace-like embedder must be [112, 112], got {contract.size}"
        )
    template = TemplateContract(card.name, card.file.sha256, card.dimension, preprocessing(contract))
    return ArcFace(template, session, contract)


def preprocessing(contract: InputContract) -> str:
    """How a face becomes the network's input, as one word: alignment, side, colour order, mean and scale."""
    mean = ",".join(f"{value:g}" for value in contract.mean)
    return f"arcface5-112-{contract.colour.lower()}-({mean})-{contract.scale:g}"
