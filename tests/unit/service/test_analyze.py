from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mien.errors import ImageError, ModelInvalidError, NotFoundError, UsageError
from mien.models import find_card
from mien.service import analyze
from mien.service.analyze import Analyzer, asked_for, in_order
from mien.service.engine import Models
from mien.types.faces import Column, Faces
from mien.types.image import Image
from mien.types.outcome import Failure


def head(name: str, values: Any, seen: list[Any], needs: tuple[str, ...] = ()) -> Any:
    """A head of a real card that gives the same for every face, and keeps what it was shown."""

    def look(cuts: Any) -> Column:
        seen.append((name, cuts))
        return Column(np.array([values] * len(cuts.faces), np.float32), "years")

    return SimpleNamespace(
        card=find_card(name, "head"),
        session=SimpleNamespace(engine="none", precision=SimpleNamespace(value="f32")),
        needs=needs,
        look=look,
        describe=lambda column, row: float(column.values[row]),
    )


def opened(monkeypatch: pytest.MonkeyPatch, heads: list[Any], asked: tuple[str, ...], count: int) -> Analyzer:
    boxes = np.array([[0, 0, 10, 10]] * count, np.float32).reshape(-1, 4)
    faces = Faces(boxes, np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32), (30, 30), "p.png")
    decoded = SimpleNamespace(decode=lambda: Image(np.zeros((30, 30, 3), np.uint8)))
    monkeypatch.setattr(analyze, "open_photo", lambda source, limits: decoded)
    monkeypatch.setattr(Models, "load_detector", lambda self, settings: SimpleNamespace(detect=lambda image: faces))
    return Analyzer(Models(), tuple(heads), asked)


def test_no_head_is_on_by_itself() -> None:
    with pytest.raises(UsageError, match=r"--heads \(age, "):
        asked_for([])


def test_research_heads_must_be_named() -> None:
    assert not {"age", "sex", "expression"} & set(asked_for(["all"]))
    assert asked_for(["age", "age"]) == ["age"]


def test_an_unknown_head_is_named_with_its_neighbours() -> None:
    with pytest.raises(NotFoundError, match="landmarks68"):
        analyze.missing(["landmark68"], Models())


def test_all_heads_share_one_decode_and_the_faces_have_a_column_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    heads = [head("age", 30, seen), head("pose", 0, seen)]
    faces = opened(monkeypatch, heads, ("age",), 2).look("p.png")
    assert {name: column.values.tolist() for name, column in faces.columns.items()} == {"age": [30, 30], "pose": [0, 0]}
    assert seen[0][1] is seen[1][1]


def test_rows_carry_value_unit_head_and_error_of_what_was_asked_for_only(monkeypatch: pytest.MonkeyPatch) -> None:
    analyzer = opened(monkeypatch, [head("landmarks68", 1, []), head("age", 30, [])], ("age",), 1)
    (face,) = analyzer.rows(analyzer.look("p.png"))["faces"]
    assert set(face["heads"]) == {"age"}
    row = face["heads"]["age"]
    assert (row["value"], row["unit"], row["head"]) == (30, "years", "age@4f9f0075200b")
    assert [described["name"] for described in analyzer.describe()] == ["age"]


def test_a_picture_without_faces_asks_no_head(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    analyzer = opened(monkeypatch, [head("age", 30, seen)], ("age",), 0)
    assert analyzer.rows(analyzer.look("p.png"))["faces"] == []
    assert seen == []


def test_a_head_comes_after_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = head("landmarks68", 1, [])
    monkeypatch.setattr(analyze, "load_head", lambda name, settings: marks)
    eyes = head("eyes", 1, [], needs=("landmarks68",))
    assert [h.card.name for h in in_order([eyes], Models())] == ["landmarks68", "eyes"]
    assert [h.card.name for h in in_order([eyes, marks], Models())] == ["landmarks68", "eyes"]


def test_many_pictures_are_answered_in_their_order_and_a_bad_one_stands_in_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    analyzer = opened(monkeypatch, [head("age", 30, [])], ("age",), 1)
    usable = vars(analyze)["open_photo"]

    def refuses(source: Any, limits: Any) -> Any:
        if source == "bad.png":
            raise ImageError("bad.png: no picture", code="image-unrecognised", source=source)
        return usable(source, limits=limits)

    monkeypatch.setattr(analyze, "open_photo", refuses)
    outcomes = list(analyzer.look_all(["a.png", "bad.png", *["b.png"] * 20]))
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [False, True, *[False] * 20]
    assert isinstance(outcomes[1], Failure)
    assert outcomes[1].reason == "image-unrecognised"


def test_an_error_that_is_not_about_a_picture_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    analyzer = opened(monkeypatch, [head("age", 30, [])], ("age",), 1)

    def broken(cuts: Any) -> Column:
        raise ModelInvalidError("age: no network", code="model-invalid")

    analyzer.heads[0].look = broken  # type: ignore[method-assign]
    for count in (1, 3):
        with pytest.raises(ModelInvalidError):
            list(analyzer.look_all(["a.png"] * count))
