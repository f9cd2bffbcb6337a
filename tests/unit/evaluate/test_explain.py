from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from face68 import BOX, points68, portrait
from mien.evaluate.explain import EXPECTED, explain, hide, surroundings
from mien.evaluate.heads_explain import Explained, explained_report
from mien.geometry.face_parts import ACTION_UNITS, action_units_of
from mien.models import Card, find_card
from mien.models.views import Cuts
from mien.types.faces import Column, Faces
from mien.types.image import Image


def face() -> Faces:
    return Faces(BOX[None], np.ones(1, np.float32), np.zeros((1, 5, 2), np.float32), (200, 200), "drawn.png")


@dataclass
class MouthWatcher:
    """Says "happy" as surely as the mouth's corner is dark, and "neutral" otherwise."""

    card: Card

    session = None
    needs = ()

    def look(self, cuts: Cuts) -> Column:
        x, y = np.rint(cuts.faces.boxes[0, :2] + np.array([100, 150]) - BOX[:2]).astype(int)
        light = cuts.image.pixels[y, x, 0] / 255
        shares = np.zeros((1, 7), np.float32)
        shares[0, 3], shares[0, 6] = 1 - light, light
        return Column(shares)

    def describe(self, column: Column, row: int) -> None:
        return None


@pytest.fixture
def head() -> MouthWatcher:
    return MouthWatcher(find_card("expression"))


def test_what_is_hidden_changes_and_the_rest_does_not() -> None:
    units = action_units_of(points68(), (200, 200))
    mouth = ACTION_UNITS.index("mouth")
    changed = np.abs(hide(portrait(), units, mouth, 140).astype(int) - portrait()).max(axis=2)
    assert changed[units == mouth].mean() > 10
    assert changed[:100].max() == 0


def test_a_head_that_watches_the_mouth_is_explained_by_the_mouth(head: MouthWatcher) -> None:
    made = explain(head, Image(portrait()), face(), points68())
    told = made.to_dict(head.card.head.labels if head.card.head else ())
    assert told["label"] == "happy"
    assert next(iter(told["regions"])) == "mouth"
    assert told["regions"]["mouth"]["share"] == pytest.approx(1, abs=0.05)
    assert told["regions"]["mouth"]["fall"] > 0.1
    assert sum(region["area"] for region in told["regions"].values()) == pytest.approx(1, abs=1e-3)


def test_a_head_that_nothing_moves_has_no_shares(head: MouthWatcher) -> None:
    made = explain(head, Image(np.full((200, 200, 3), 90, np.uint8)), face(), points68())
    assert made.shares.tolist() == [0] * len(ACTION_UNITS)


def test_a_reduced_picture_is_explained_in_its_own_pixels() -> None:
    half = Image(np.ascontiguousarray(portrait()[::2, ::2]), (200, 200))
    cut, here, points = surroundings(half, face(), points68())
    assert here.widths[0] == pytest.approx(70)
    assert np.allclose(points - here.boxes[0, :2], points68() / 2 - BOX[:2] / 2)
    assert cut.size == here.size


def test_expected_regions_are_regions() -> None:
    assert {region for regions in EXPECTED.values() for region in regions} <= set(ACTION_UNITS)


def test_the_report_counts_who_leads(head: MouthWatcher) -> None:
    made = explain(head, Image(portrait()), face(), points68())
    result = Explained(head.card, (made, made), ())
    (row,) = result.to_dict()["labels"]
    assert (row["label"], row["faces"]) == ("happy", 2)
    leads = {region["region"]: region["leads"]["errors"] for region in row["regions"]}
    assert leads["mouth"] == 2
    assert row["expected"]["regions"] == ["cheeks", "mouth"]
    assert row["expected"]["leads"]["errors"] == 2
    assert explained_report(result, "toy", "").data["faces"] == 2
