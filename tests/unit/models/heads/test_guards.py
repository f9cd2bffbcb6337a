"""What no head may do: guess ethnicity, or say something of people without an error that can be looked up."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import mien
from mien.models.catalogue import cards

SOURCE = Path(mien.__file__).parent
FORBIDDEN = re.compile(r"ethnic|\brac(e|es|ial)\b", re.IGNORECASE)
GROUPED = ("evaluate",)
"""Packages that read the labels of data sets and tell errors by them."""


def test_no_head_gives_anything_about_ethnicity() -> None:
    for card in cards("head"):
        assert card.head is not None
        assert not FORBIDDEN.search(" ".join((card.name, card.family, card.head.gives, *card.head.labels))), card.name


def test_nothing_outside_of_the_evaluation_names_ethnicity_but_to_refuse_it() -> None:
    """Names of functions, classes, arguments and attributes: what the code does, whatever its words say."""
    found = []
    for path in SOURCE.rglob("*.py"):
        place = path.relative_to(SOURCE)
        if place.parts[0] in GROUPED:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node, "name", None) or getattr(node, "arg", None) or getattr(node, "attr", None)
            if isinstance(name, str) and re.search(r"ethnic|(^|_)(race|racial)(_|$)", name, re.IGNORECASE):
                found.append(f"{place}:{node.lineno} {name}")
    assert found == []


def test_what_is_guessed_from_looks_has_an_error_by_group() -> None:
    for card in cards("head"):
        assert card.head is not None
        if card.head.research and card.files:
            assert any(error.groups for error in card.head.errors), card.name
            assert all(error.command.startswith("mien evaluate ") for error in card.head.errors)
