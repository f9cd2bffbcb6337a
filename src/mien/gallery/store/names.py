"""Names of people: which are allowed, and when two are the same."""

from __future__ import annotations

import re
import unicodedata

from mien.errors import UsageError

MAX_NAME = 200
"""Longest name, in characters after NFC."""

# Unicode property Bidi_Control: they reorder the text around them, so a shown name would not be the stored one.
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED = {"Cc": "a control character", "Cs": "a lone surrogate", "Zl": "a line separator", "Zp": "a line separator"}
_INVISIBLE = frozenset({"Zs", "Cf", "Mn", "Me"})
_LABEL = re.compile(r"#([0-9]{1,18})")


def check_name(name: str) -> str:
    """The name as it is stored: NFC, outer blanks removed.

    Raises:
        UsageError: ``name-blank``, ``name-length``, ``name-characters`` or ``name-reserved`` (``#`` and digits stand
            for people without a name).
    """
    if not isinstance(name, str):
        raise UsageError(f"a name must be text, got {type(name).__name__}", code="name-characters")
    plain = name.isascii() and name.isprintable()  # the usual case: nothing to look for, letter by letter
    for character in "" if plain else name:
        kind = (
            "a bidirectional control" if character in _BIDI_CONTROLS else _REFUSED.get(unicodedata.category(character))
        )
        if kind:
            raise UsageError(
                f"the name {name!a:.60} holds {kind} (U+{ord(character):04X}): leave it out", code="name-characters"
            )
    stored = unicodedata.normalize("NFC", name).strip()
    if not stored or not (plain or any(unicodedata.category(c) not in _INVISIBLE for c in stored)):
        raise UsageError("a name needs at least one visible character", code="name-blank")
    if len(stored) > MAX_NAME:
        raise UsageError(f"a name has at most {MAX_NAME} characters, this one has {len(stored)}", code="name-length")
    if stored[0] == "#" and stored[1:2].isdigit():
        raise UsageError(
            f"'{stored}' is reserved: '#' and a number stand for someone without a name", code="name-reserved"
        )
    return stored


def check_text(what: str, text: str, longest: int, *, blank: bool = False) -> str:
    """A short text that is no name, as it is stored: NFC, outer blanks removed.

    Args:
        what: what it is, for the message.
        text: one line.
        longest: in characters.
        blank: whether it may be empty.

    Raises:
        UsageError: ``text``.
    """
    stored = unicodedata.normalize("NFC", text).strip() if isinstance(text, str) else ""
    why = None
    if not isinstance(text, str):
        why = f"must be text, got {type(text).__name__}"
    elif not (stored or blank):
        why = "must not be blank"
    elif len(stored) > longest:
        why = f"has at most {longest} characters, this one has {len(stored)}"
    elif any(unicodedata.category(character) in _REFUSED for character in stored):
        why = "holds a control character, a line break or a lone surrogate: leave it out"
    if why:
        raise UsageError(f"the {what} {why}", code="text")
    return stored


def name_key(name: str) -> str:
    """What two spellings of one name share: NFC and letter case do not matter."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).strip().casefold())


def label_id(label: str) -> int | None:
    """The subject id in ``#12``; None for a name."""
    match = _LABEL.fullmatch(label)
    return int(match[1]) if match else None


def label(subject: int, name: str | None) -> str:
    """What a subject is called: the name, or ``#12`` without one."""
    return f"#{subject}" if name is None else name
