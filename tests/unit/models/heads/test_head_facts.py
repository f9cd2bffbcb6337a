from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import ModelInvalidError
from mien.models.card import read_card
from mien.models.catalogue import find_card
from mien.models.head_facts import read_head
from mien.models.strict import Table

ROW = {
    "measure": "mean absolute error, years",
    "value": 5.0,
    "low": 4.0,
    "high": 6.5,
    "faces": 10,
    "data": "a set",
    "date": "2026-11-22",
    "command": "mien evaluate age --root DIR",
}


def facts(**more: object) -> Table:
    return Table({"gives": "years", "use": "research", **more}, Path("toy.toml"), "head.")


def test_an_error_stands_on_the_card_with_its_groups() -> None:
    head = read_head(facts(errors=[{**ROW, "groups": [["women", 6, 5.5, 4.5, 7]]}]))
    assert head is not None
    assert head.research
    assert head.errors[0].groups[0].group == "women"
    assert head.errors[0].to_dict()["groups"] == [{"group": "women", "faces": 6, "value": 5.5, "low": 4.5, "high": 7}]


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"errors": [{**ROW, "low": 5.5}]}, "value"),
        ({"errors": [{**ROW, "groups": [["women", 6]]}]}, "groups"),
        ({"use": "anything"}, "use"),
        ({"wishes": 1}, "wishes"),
    ],
)
def test_what_does_not_fit_is_named(more: dict[str, object], key: str) -> None:
    with pytest.raises(ModelInvalidError, match=key):
        read_head(facts(**more))


def test_no_other_card_may_have_what_only_heads_have(tmp_path: Path) -> None:
    text = find_card("yunet").path.read_text("utf-8")
    for more in ('\n[head]\nuse = "general"\ngives = "x"\n',):
        (tmp_path / "yunet.toml").write_text(text + more, "utf-8")
        with pytest.raises(ModelInvalidError, match="head"):
            read_card(tmp_path / "yunet.toml")
    (tmp_path / "yunet.toml").write_text(text.replace('colour = "BGR"', 'colour = "GREY"'), "utf-8")
    with pytest.raises(ModelInvalidError, match="GREY"):
        read_card(tmp_path / "yunet.toml")
