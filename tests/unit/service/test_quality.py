from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mien.errors import FaceError, NotFoundError, UsageError
from mien.models import find_card
from mien.models.head_facts import HeadThreshold
from mien.service import quality
from mien.service.engine import Models
from mien.service.quality import Gate, open_gate, presentation_head, rate
from mien.service.quality_page import quality_page
from mien.service.remote.gallery import RemoteGallery
from mien.types.faces import Column, Faces
from mien.types.image import Image

THRESHOLD = HeadThreshold(0.7, "made attacks", "2026-01-01", "c")


def faces_of(count: int = 1, source: str = "p.png") -> Faces:
    boxes = np.array([[5, 5, 25, 25]] * count, np.float32).reshape(-1, 4)
    return Faces(boxes, np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32), (30, 30), source)


def analyzer(by_file: dict[str, list[float]], live: float = 0.9) -> Any:
    """Heads that give the scores of a file, and one probability of a living face."""

    def find(source: str) -> tuple[Image, Faces]:
        if source not in by_file:
            raise NotFoundError(f"{source}: no such file", source=source)
        return Image(np.zeros((30, 30, 3), np.uint8)), faces_of(len(by_file[source]), source)

    def columns(image: Image, faces: Faces) -> Faces:
        scores = np.array(by_file[faces.source], np.float32)
        return faces.with_columns(
            {
                "quality": Column(scores),
                "liveness": Column(np.array([[live, 1 - live, 0]] * len(faces), np.float32)),
            }
        )

    def described(column: Column, row: int) -> dict[str, Any]:
        component = {"native": 0.2, "unit": "px", "quality": 40.0, "cost": 12.0}
        score = float(column.values[row])
        return {"unified": score, "advice": ["turn to the light"], "components": {"sharpness": component}}

    card = find_card("liveness", "head")
    assert card.head is not None
    decided = replace(card, head=replace(card.head, operating=THRESHOLD))
    heads = {
        "quality": SimpleNamespace(card=find_card("quality"), describe=described),
        "liveness": SimpleNamespace(card=decided),
    }
    head = {"name": "quality", "sha256": "0" * 64, "gives": "a score"}
    return SimpleNamespace(find=find, columns=columns, head=heads.__getitem__, describe=lambda: [head])


PHOTO: Any = SimpleNamespace(decode=lambda: Image(np.zeros((30, 30, 3), np.uint8)))


def test_pictures_come_with_the_worst_face_first_and_those_without_one_last(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = analyzer({"good": [90.0], "none": [], "mixed": [80.0, 20.0]})
    monkeypatch.setattr(quality, "open_analyzer", lambda names, models: toy)
    rating = rate(["good", "none", "mixed", "gone"])
    assert [picture.source for picture in rating.pictures] == ["mixed", "good", "none"]
    assert [face.unified for face in rating.pictures[0].faces] == [20, 80]
    assert [failure.reason for failure in rating.failures] == ["not-found"]
    assert not any(face.thumbnail for picture in rating.pictures for face in picture.faces)


def test_the_page_has_every_face_the_worst_first(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = analyzer({"a/good.jpg": [90.0], "a/none.jpg": [], "a/mixed.jpg": [95.0, 20.0]})
    monkeypatch.setattr(quality, "open_analyzer", lambda names, models: toy)
    page = quality_page(rate(["a/good.jpg", "a/none.jpg", "a/mixed.jpg", "gone"], thumbnails=True))
    assert [(face.file, face.score) for face in page.faces] == [("mixed.jpg", 20), ("good.jpg", 90), ("mixed.jpg", 95)]
    assert page.empty == ("a/none.jpg",)
    assert page.heading == "Quality of 4 photographs"
    assert all(face.thumbnail[:2] == b"\xff\xd8" for face in page.faces)


def test_a_gate_lets_a_good_living_face_pass() -> None:
    Gate(analyzer({"p.png": [80.0]}), 40.0, "liveness").check(PHOTO, faces_of())


def test_a_face_below_the_least_quality_is_refused_with_what_to_change() -> None:
    with pytest.raises(FaceError) as caught:
        Gate(analyzer({"p.png": [31.0]}), 40.0, None).check(PHOTO, faces_of())
    assert (caught.value.code, caught.value.exit_code) == ("quality-too-low", 3)
    assert str(caught.value) == "p.png: quality 31 of 100, at least 40 is asked for: turn to the light"


def test_without_advice_the_line_names_what_costs_most() -> None:
    toy = analyzer({"p.png": [31.0]})
    rows = {"sharpness": {"cost": 2.0}, "dynamic_range": {"cost": 30.0}}
    toy.head("quality").describe = lambda column, row: {"unified": 31.0, "advice": [], "components": rows}
    with pytest.raises(FaceError, match=r"asked for: most is lost by dynamic range$"):
        Gate(toy, 40.0, None).check(PHOTO, faces_of())


def test_the_least_quality_itself_passes() -> None:
    Gate(analyzer({"p.png": [40.0]}), 40.0, None).check(PHOTO, faces_of())


def test_a_face_that_is_taken_for_an_attack_is_refused() -> None:
    with pytest.raises(FaceError, match=r"bona fide 0\.69, at least 0\.7 is needed") as caught:
        Gate(analyzer({"p.png": [80.0]}, live=0.69), None, "liveness").check(PHOTO, faces_of())
    assert caught.value.code == "not-bona-fide"


def test_without_conditions_there_is_no_gate() -> None:
    assert open_gate(Models(), None, ()) is None


@pytest.mark.parametrize(("least", "require", "message"), [(101, (), "0 to 100"), (None, ("alive",), "known is bona")])
def test_conditions_that_make_no_sense_are_refused(least: float | None, require: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_gate(Models(), least, require)


def test_nobody_is_required_to_be_bona_fide_by_a_head_without_a_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    card = find_card("liveness", "head")
    assert card.head is not None
    monkeypatch.setattr(quality, "card_paths", lambda: {"liveness": card.path})
    monkeypatch.setattr(quality, "find_card", lambda name, kind: replace(card, head=replace(card.head, operating=None)))
    with pytest.raises(UsageError, match="states no threshold") as caught:
        presentation_head()
    assert caught.value.code == "head-uncalibrated"


def test_the_head_pad_decides_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    card = find_card("liveness", "head")
    assert card.head is not None
    decided = replace(card, head=replace(card.head, operating=THRESHOLD))
    monkeypatch.setattr(quality, "card_paths", lambda: {"liveness": card.path, "pad": card.path})
    monkeypatch.setattr(quality, "find_card", lambda name, kind: decided)
    assert presentation_head() == "pad"


def test_a_server_is_not_asked_for_what_it_does_not_check() -> None:
    connection: Any = SimpleNamespace(server="https://host")
    with pytest.raises(UsageError, match="does not check the quality"):
        RemoteGallery(connection, "office").enrol("ada", "a.jpg", min_quality=40)
