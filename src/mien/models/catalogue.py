"""Cards by name: the user's own and the built-in ones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mien.errors import ModelInvalidError, NotFoundError, UsageError
from mien.models.card import Card, read_card
from mien.registry import unknown_name


def card_folders() -> tuple[Path, ...]:
    """Where cards are looked for by name: the user's own, which wins, then the built-in."""
    import platformdirs

    built_in = Path(__file__).parent / "cards"
    try:
        return Path(platformdirs.user_config_dir("mien", appauthor=False)) / "cards", built_in
    except RuntimeError:  # no home folder, so no cards of the user's own
        return (built_in,)


def card_paths() -> dict[str, Path]:
    """Names to files, sorted by name."""
    found: dict[str, Path] = {}
    for folder in card_folders():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def cards(kind: str | None = None) -> list[Card]:
    """All cards known by name, of one kind if asked.

    Raises:
        ModelInvalidError: one of them breaks the rules.
    """
    found = [read_card(path) for path in card_paths().values()]
    return [card for card in found if kind in (None, card.kind)]


def find_card(name: str, kind: str | None = None) -> Card:
    """The card of a name, or in the ``.toml`` file of a path.

    Raises:
        NotFoundError: no such name or file; says which names there are.
        UsageError: it is of another kind.
        ModelInvalidError: the card breaks the rules.
    """
    if name.endswith(".toml"):
        card = read_card(Path(name))
    else:
        path = card_paths().get(name)
        if path is None:
            known = [card.name for card in readable_cards() if kind in (None, card.kind)]
            raise NotFoundError(f"{unknown_name(kind or 'model', name, known)}; see `mien models list`", source=name)
        card = read_card(path)
    if kind not in (None, card.kind):
        raise UsageError(f"'{card.name}' is a card of kind {card.kind}, {kind} was asked for", source=name)
    return card


def readable_cards() -> list[Card]:
    """All cards that can be read: a broken one must not stand in the way where another is the matter."""
    found = []
    for path in card_paths().values():
        with suppress(ModelInvalidError, NotFoundError):
            found.append(read_card(path))
    return found


def parts_of(card: Card) -> tuple[Card, ...]:
    """The cards that a fused one names; none for any other.

    Raises:
        ModelInvalidError: one of them is fused itself.
        NotFoundError: one is not known.
    """
    parts = tuple(find_card(name, "embedder") for name in (card.fuse.cards if card.fuse else ()))
    for part in parts:
        if part.fuse:
            raise ModelInvalidError(
                f"{card.path}: 'fuse.cards' names '{part.name}', which is fused itself", source=card.name
            )
    return parts
