"""What every page needs: text that cannot become markup, embedded pictures, and a file that is whole or not there."""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

from mien.errors import StoreError
from mien.types.outcome import Failure

# C0 and C1 controls, and the marks that turn the direction of text: "gpj.exe" must not read "exe.jpg".
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")


def write_page(text: str, out: Path) -> None:
    """Writes a page under its final name once it is complete; an earlier page is replaced.

    Raises:
        StoreError: the file cannot be written.
    """
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        try:
            part.write_text(text, encoding="utf-8", newline="\n")
            os.replace(part, out)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written ({error.strerror}); name another file", code="page-unwritable", source=str(out)
        ) from error


def clean(text: str) -> str:
    """Text that UTF-8 can hold, controls replaced; file names may contain anything."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").translate(_CONTROLS)


def plain(text: str) -> str:
    """`clean`, with what is markup written out."""
    return escape(clean(text))


def embedded(picture: bytes) -> str:
    """A JPEG, PNG or WebP as an address that holds it."""
    kind = "webp" if picture[:4] == b"RIFF" else "png" if picture[:4] == b"\x89PNG" else "jpeg"
    return f"data:image/{kind};base64,{b64encode(picture).decode('ascii')}"


def hash_of(text: str) -> str:
    """How a content policy names an inline style or script."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def count(number: int, one: str, many: str) -> str:
    """A number, marked, and its noun."""
    return f"<b>{number:,}</b> {one if number == 1 else many}"


def plural(number: int, noun: str) -> str:
    """A number and its noun."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def failures_panel(failures: tuple[Failure, ...]) -> str:
    """The files that could not be used, each with its reason; nothing without one."""
    if not failures:
        return ""
    rows = "".join(_failure(failure) for failure in failures)
    return (
        f'<section id="failures" class="panel"><h2>Not read</h2><p class="note">{plural(len(failures), "file")} '
        f'could not be used.</p><ul class="failures">{rows}</ul></section>'
    )


def _failure(failure: Failure) -> str:
    source, reason = plain(failure.source), plain(failure.reason)
    message = plain(failure.message.removeprefix(f"{failure.source}: "))
    return f"<li><bdi>{source}</bdi><span><code>{reason}</code>{message}</span></li>"


@cache
def asset(name: str) -> str:
    """The text of a file that lies beside this one."""
    return files("mien.pages").joinpath(name).read_text(encoding="utf-8")
