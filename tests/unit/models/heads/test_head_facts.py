from __future__ import annotations

import hashlib
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


ARITHMETIC = """
name = "toy"
kind = "head"
family = "quality"
summary = "A toy."
[licences]
code = "MIT"
weights = "MIT"
training_data = "none"
[head]
use = "general"
gives = "a number"
[head.parameters]
weight = 2
"""
FIXED = {"threshold": 0.5, "data": "made attacks", "date": "2026-11-22", "command": "mien evaluate pad"}


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
        ({"operating": {**FIXED, "threshold": 1.0}}, "threshold"),
        ({"operating": {**FIXED, "why": "x"}}, "why"),
        ({"operating": {"threshold": 0.5}}, "data"),
        ({"parameters": {"sharpness": "much"}}, "sharpness"),
        ({"parameters": {"sharpness": True}}, "sharpness"),
    ],
)
def test_what_does_not_fit_is_named(more: dict[str, object], key: str) -> None:
    with pytest.raises(ModelInvalidError, match=key):
        read_head(facts(**more))


def test_a_threshold_stands_on_the_card_with_what_it_was_fixed_on() -> None:
    head = read_head(facts(operating=FIXED))
    assert head is not None
    assert head.operating is not None
    assert (head.operating.value, head.operating.data) == (0.5, "made attacks")


def test_a_head_without_a_threshold_has_none() -> None:
    head = read_head(facts())
    assert head is not None
    assert head.operating is None


def test_a_head_without_a_network_has_its_numbers_on_the_card(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text(ARITHMETIC, "utf-8")
    card = read_card(path)
    assert card.head is not None
    assert card.head.parameters == {"weight": 2.0}
    assert not card.files
    assert card.digest == hashlib.sha256(ARITHMETIC.encode()).hexdigest()


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('family = "quality"\n', "", "family"),
        ('summary = "A toy."', 'summary = "A toy."\ngolden = "ADw="', "golden"),
        ('kind = "head"', 'kind = "detector"\nscore = 0.5', "files"),
        ("[head]", '[input]\nsize = [8, 8]\ncolour = "RGB"\nmean = [0, 0, 0]\nscale = 1.0\n[head]', "files"),
    ],
)
def test_only_a_head_of_pure_arithmetic_goes_without_a_file(tmp_path: Path, old: str, new: str, key: str) -> None:
    path = tmp_path / "toy.toml"
    path.write_text(ARITHMETIC.replace(old, new), "utf-8")
    with pytest.raises(ModelInvalidError, match=f"'{key}'"):
        read_card(path)


def test_no_other_card_may_have_what_only_heads_have(tmp_path: Path) -> None:
    text = find_card("yunet").path.read_text("utf-8")
    for more in ('\n[head]\nuse = "general"\ngives = "x"\n',):
        (tmp_path / "yunet.toml").write_text(text + more, "utf-8")
        with pytest.raises(ModelInvalidError, match="head"):
            read_card(tmp_path / "yunet.toml")
    (tmp_path / "yunet.toml").write_text(text.replace('colour = "BGR"', 'colour = "GREY"'), "utf-8")
    with pytest.raises(ModelInvalidError, match="GREY"):
        read_card(tmp_path / "yunet.toml")
