from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.errors import UsageError
from mien.evaluate.heads_occlusion import BARE, Covered, Seen, occlusion_report, shares_of
from mien.evaluate.heads_parsing import renumbering
from mien.evaluate.protocols.labelled import Labelled
from mien.geometry.face_parts import OCCLUSION
from mien.models import find_card


def test_shares_are_counted_in_pixels() -> None:
    number = {name: i for i, name in enumerate(OCCLUSION)}
    names = ["rest"] * 6 + ["covered rest"] * 2 + ["eyes"] + ["covered eyes"] * 3 + ["background"] * 9
    shares = shares_of(np.array([[number[name] for name in names]], np.uint8))
    assert shares[:2].tolist() == [5 / 12, 3 / 4]
    assert np.isnan(shares[2:]).all()


def seen(row: int, kind: str, truth: float, said: float, counts: list[list[int]]) -> Seen:
    both = (np.array([share, np.nan, np.nan, np.nan]) for share in (truth, said))
    return Seen(row, kind, *both, np.array(counts))


def test_errors_are_told_by_kind_and_by_group_and_the_missed_are_counted() -> None:
    data = Labelled("toy", (Path("a"), Path("b")), np.arange(2), {"gender": np.array(["female", "male"])})
    looks = (
        seen(0, BARE, 0.0, 0.1, [[9, 1], [0, 0]]),
        seen(0, "mask", 0.4, 0.5, [[5, 1], [1, 3]]),
        seen(1, BARE, 0.0, 0.0, [[10, 0], [0, 0]]),
        seen(1, "sheet", 0.6, 0.3, [[4, 0], [3, 3]]),
    )
    result = Covered(find_card("expression"), data, looks, ("mask",), ())
    said = result.to_dict()
    kinds = {row["kind"]: row for row in said["kinds"]}
    assert kinds["mask"]["iou"]["value"] == pytest.approx(3 / 5)
    assert kinds["mask"]["missed"] == 1
    assert kinds["sheet"]["unseen"]
    assert kinds["sheet"]["errors"]["face"]["value"] == pytest.approx(0.3)
    assert kinds["sheet"]["errors"]["eyes"]["value"] is None
    assert kinds[BARE]["iou"] is None
    groups = {row["group"]: row for row in said["groups"]}
    assert groups["all"]["false"]["value"] == pytest.approx(0.05)
    assert groups["gender: female"]["false"]["value"] == pytest.approx(0.1)
    assert groups["gender: male"]["iou"]["value"] == pytest.approx(0.5)
    assert occlusion_report(result, "toy", 7, "").data["seed"] == 7


def test_classes_are_matched_by_name_and_unknown_ones_are_background() -> None:
    assert renumbering(("background", "hair", "skin"), ("background", "skin", "hat")).tolist() == [0, 0, 1]
    with pytest.raises(UsageError, match="no class is in both"):
        renumbering(("background", "hair"), ("background", "skin"))
