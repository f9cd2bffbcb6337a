from __future__ import annotations

import pytest
from model_toys import MakeCard

from mien.errors import LicenceError, UsageError
from mien.models.catalogue import cards
from mien.models.licences import licence_class, require_licence


@pytest.mark.parametrize(
    ("spdx", "needed"),
    [
        ("MIT", "permissive"),
        ("Apache-2.0", "permissive"),
        ("CC-BY-NC-4.0", "non-commercial"),
        ("CC-BY-NC-SA-4.0", "non-commercial"),
        ("AGPL-3.0-only", "any"),
        ("LicenseRef-unknown", "any"),
        ("", "any"),
    ],
)
def test_what_is_not_known_to_be_permissive_is_not_permissive(spdx: str, needed: str) -> None:
    assert licence_class(spdx) == needed


def test_a_refusal_names_licence_part_and_how_to_allow_it(make_card: MakeCard) -> None:
    card = make_card("file:/x", weights="CC-BY-NC-4.0")
    with pytest.raises(LicenceError) as caught:
        require_licence(card, "permissive")
    assert str(caught.value) == "'toy' is CC-BY-NC-4.0 (weights); allow it with --allow-licence non-commercial"


@pytest.mark.parametrize("policy", ["non-commercial", "any"])
def test_a_wider_policy_allows_it(make_card: MakeCard, policy: str) -> None:
    require_licence(make_card("file:/x", weights="CC-BY-NC-4.0"), policy)


def test_an_unknown_policy_is_wrong_use(make_card: MakeCard) -> None:
    with pytest.raises(UsageError, match="no licence policy 'all'"):
        require_licence(make_card("file:/x"), "all")


def test_all_built_in_cards_are_permissive() -> None:
    for card in cards():
        require_licence(card, "permissive")
