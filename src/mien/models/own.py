"""The user's own cards: a network made here, known by name from the next command on."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from mien.errors import ConflictError, ModelError
from mien.models.card import Card, read_card
from mien.models.catalogue import card_folders
from mien.models.store import Store


def own_folder() -> Path:
    """Where the user's own cards lie.

    Raises:
        ModelError: there is no home folder.
    """
    folders = card_folders()
    if len(folders) < 2:
        raise ModelError("there is no home folder to keep cards in; set HOME or XDG_CONFIG_HOME", code="cards-unusable")
    return folders[0]


def require_free(name: str, *, replace: bool = False) -> None:
    """Raise unless a card of the user's may be called so.

    Raises:
        ConflictError: a built-in card has the name, or one of the user's own has it and is not to be replaced.
    """
    *own, built_in = card_folders()
    if (built_in / f"{name}.toml").exists():
        raise ConflictError(f"'{name}' is a model that comes with mien; choose another name", source=name)
    if not replace and any((folder / f"{name}.toml").exists() for folder in own):
        raise ConflictError(f"there is a card named '{name}' already; choose another name, or --replace", source=name)


def file_table(path: Path, data: bytes) -> str:
    """The ``[[files]]`` table of a card for a file on this machine."""
    return (
        f'[[files]]\nname = "{path.name}"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\nbytes = {len(data)}\n'
        f'sources = ["file:{quote(str(path.resolve()))}"]\n'
    )


def keep_own(card_file: Path, data: bytes, *, replace: bool = False) -> Card:
    """Put a card among the user's own, and its file into the cache: the file may then move or go.

    Args:
        card_file: the card, checked as any card is.
        data: the bytes of its one file.
        replace: a card of the same name gives way.

    Raises:
        ConflictError: the name is taken.
        ModelInvalidError: the card breaks the rules.
        HashMismatchError: the bytes are not those that the card names.
        ModelError: the folder or the cache cannot be written.
    """
    card = read_card(card_file)
    require_free(card.name, replace=replace)
    Store().keep(card.file, data)
    folder = own_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".draft-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(card_file.read_bytes())
            os.replace(draft, folder / card_file.name)
        except OSError:
            with suppress(OSError):
                os.unlink(draft)
            raise
    except OSError as error:
        raise ModelError(f"{folder}: {error.strerror or error}; make it writable", code="cards-unusable") from error
    return read_card(folder / card_file.name)
