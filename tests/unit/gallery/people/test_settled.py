from __future__ import annotations

from collections.abc import Callable

import pytest

from gallery_toys import picture, templates
from mien.gallery import Gallery

RULE = "cut 0.5"


@pytest.fixture
def settled(tmp_path):
    """Four faces in two groups, by RULE."""
    with Gallery(tmp_path / "family.mien", create=True) as gallery:
        ids = [gallery.add_picture(picture(i), templates(i))[0] for i in range(4)]
        gallery.assign_groups([ids[:2], ids[2:]], RULE)
        yield gallery


def test_faces_that_came_after_a_grouping_are_not_settled(settled):
    settled.add_picture(picture(9), templates(9))
    assert settled.grouped(RULE).settled.tolist() == [True] * 4 + [False]


def test_the_next_process_knows_it_too(settled):
    with Gallery(settled.path) as other:
        assert other.grouped(RULE).settled.all()


def test_nothing_is_settled_by_another_rule_or_without_one(settled):
    assert not settled.grouped("cut 0.4").settled.any()
    assert not settled.grouped().settled.any()


def test_a_name_changes_nothing_that_was_settled(settled):
    settled.rename("#1", "ada")
    assert settled.grouped(RULE).settled.all()


@pytest.mark.parametrize(
    "change",
    [
        lambda gallery: gallery.move(1, "ada"),
        lambda gallery: gallery.merge("#1", "#3"),
        lambda gallery: gallery.separate("#1", "#3"),
        lambda gallery: gallery.remove([2]),
        lambda gallery: gallery.forget("#3"),
        lambda gallery: gallery.assign_groups([[1, 3]]),
    ],
)
def test_after_any_other_change_nothing_is_settled(settled, change: Callable[[Gallery], object]):
    change(settled)
    assert not settled.grouped(RULE).settled.any()


def test_a_settled_gallery_is_sound(settled):
    assert settled.check() == []


def test_columns_hold_the_detector_scores(settled):
    assert settled.grouped().scores == pytest.approx([0.9] * 4)
