from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import ModelInvalidError
from mien.image.cues import CUES
from mien.models.catalogue import find_card
from mien.models.heads import arithmetic
from mien.models.heads.pad import LABELS, REACH, Linear, Pad
from mien.models.views import Cuts
from mien.types.faces import Column, Faces
from mien.types.image import Image

COUNT = len(CUES)


def table() -> Linear:
    """Prints by their raster, replays by glare, cut-outs by eyes, two deviations for the bias."""
    weights = np.zeros((4, COUNT), np.float32)
    for label, cue in (("print", "raster"), ("replay", "glare"), ("cutout", "eyes")):
        weights[LABELS.index(label), list(CUES).index(cue)] = 2
    return Linear(
        LABELS, np.zeros(COUNT, np.float32), np.ones(COUNT, np.float32), weights, np.array([4, 0, 0, 0], np.float32)
    )


def head() -> Pad:
    return Pad(find_card("pad", "head"), table(), 0.5)


def column(**deviations: float) -> Column:
    values = np.array([[deviations.get(cue.replace("-", "_"), 0.0) for cue in CUES]], np.float32)
    return Column(np.concatenate([table().probabilities(values), table().standard(values)], axis=1))


def test_nothing_unusual_is_bona_fide() -> None:
    told = head().describe(column(), 0)
    assert told["label"] == "bona-fide"
    assert told["bona_fide"] is True
    # e^4 against three times e^0
    assert told["probability"] == pytest.approx(np.exp(4) / (np.exp(4) + 3), abs=1e-4)


@pytest.mark.parametrize(("cue", "label"), [("raster", "print"), ("glare", "replay"), ("eyes", "cutout")])
def test_an_attack_is_named_with_its_cue(cue: str, label: str) -> None:
    told = head().describe(column(**{cue: 3.5}), 0)
    assert told["label"] == label
    assert told["bona_fide"] is False
    assert told["cues"][0]["cue"] == cue
    assert told["cues"][0]["deviations"] == 3.5
    assert sum(told["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def test_below_the_threshold_the_likeliest_attack_is_named_even_if_bona_fide_is_likelier() -> None:
    strict = replace(head(), threshold=0.99)
    assert strict.describe(column(raster=1.0), 0)["label"] == "print"


def test_a_cue_beyond_reach_says_no_more() -> None:
    far = np.full((1, COUNT), 1e6, np.float32)
    assert table().standard(far).max() == REACH


def test_the_table_survives_a_card() -> None:
    again = Linear.from_parameters(LABELS, table().to_parameters())
    assert again.weights.tolist() == table().weights.tolist()
    assert again.bias.tolist() == table().bias.tolist()


def test_the_delivered_card_makes_a_head_that_looks_at_every_face() -> None:
    card = find_card("pad", "head")
    made = arithmetic["pad"](card)
    boxes = np.array([[10, 10, 90, 100], [100, 20, 180, 110]], np.float32)
    points = np.array([[[35, 40], [65, 40], [50, 60], [38, 80], [62, 80]]] * 2, np.float32)
    points[1] += (90, 10)
    pixels = np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8)
    cuts = Cuts(Image(pixels), Faces(boxes, np.ones(2, np.float32), points, (200, 120), "p.jpg"))
    found = made.look(cuts)
    assert found.values.shape == (2, len(LABELS) + COUNT)
    assert found.values[:, : len(LABELS)].sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_a_card_without_a_threshold_is_refused() -> None:
    card = find_card("pad", "head")
    assert card.head is not None
    with pytest.raises(ModelInvalidError, match="operating"):
        arithmetic["pad"](replace(card, head=replace(card.head, operating=None)))
    with pytest.raises(ModelInvalidError, match="lacks"):
        arithmetic["pad"](replace(card, head=replace(card.head, parameters={})))
