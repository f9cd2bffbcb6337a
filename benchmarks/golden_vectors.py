"""Prints the `golden` line of each card: its network's answer to the built-in input, from the plainest arithmetic.

    python benchmarks/golden_vectors.py [CARD...]

ONNX Runtime in float32 with all of its optimisation off, on the graph as published: weights unfolded from their int8
blocks, any batch allowed, and beyond that only what the card declares, because it decides what the outputs are.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort

from mien.models import Store, cards, find_card
from mien.models.card import Card
from mien.models.loading import card_vector
from mien.runtime.rewrites import DECLARED, Graph
from mien.runtime.rewrites.drop_stale_inputs import drop_stale_inputs
from mien.runtime.rewrites.fold_constants import fold_constants
from mien.runtime.rewrites.fold_dequantize import fold_dequantize
from mien.runtime.rewrites.free_batch import free_batch
from mien.types.arrays import FloatArray, Pixels
from mien.types.template import Precision


@dataclass(frozen=True)
class PlainSession:
    """The published graph, run as slowly as it likes."""

    inner: ort.InferenceSession
    shape: tuple[None, ...]
    outputs: tuple[str, ...]
    engine: str = "onnxruntime"
    precision: Precision = Precision.F32
    batch: int = 1
    pixels: None = None

    def run(self, pixels: FloatArray | Pixels) -> tuple[FloatArray, ...]:
        """The outputs for (1, 3, h, w) float32."""
        return tuple(self.inner.run(None, {self.inner.get_inputs()[0].name: pixels}))


def plain_session(card: Card) -> PlainSession:
    graph = Graph.parse(Store().read(card, card.file))
    for step in (
        drop_stale_inputs,
        fold_dequantize,
        fold_constants,
        free_batch,
        *(DECLARED[name] for name in card.rewrites),
    ):
        graph = step(graph)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    inner = ort.InferenceSession(graph.to_bytes(), options, providers=["CPUExecutionProvider"])
    return PlainSession(inner, (None,) * 4, graph.outputs)


def main() -> None:
    wanted = [find_card(name) for name in sys.argv[1:]] or [card for card in cards() if card.input]
    for card in wanted:
        Store().pull(card)
        vector = card_vector(card, plain_session(card)).astype(np.float16)
        print(f'# {card.name}\ngolden = "{b64encode(vector.astype("<f2").tobytes()).decode()}"')


if __name__ == "__main__":
    main()
