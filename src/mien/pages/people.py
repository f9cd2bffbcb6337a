"""People as one self-contained page: no network, no server, opens from a folder."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64encode
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote

from mien.errors import StoreError
from mien.pages.page import PageFace, PagePerson, PagePhoto, PeoplePage
from mien.types.outcome import Failure

_FIRST = 24  # faces of one person shown before "show more"
# C0 and C1 controls, and the marks that turn the direction of text: "gpj.exe" must not read "exe.jpg".
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")


def write_people(page: PeoplePage, out: Path) -> None:
    """Writes the page under its final name once it is complete; an earlier page is replaced.

    Args:
        page: what it shows.
        out: file to write. Links to the photographs are relative to its folder.

    Raises:
        StoreError: the file cannot be written.
    """
    text = render_people(page, out.resolve().parent)
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


def render_people(page: PeoplePage, folder: Path) -> str:
    """The page as HTML.

    Args:
        page: what it shows.
        folder: where the page will lie; links to the photographs are relative to it.
    """
    style, script = _asset("people.css"), _asset("people.js")
    links = [_link(photo.path, folder) for photo in page.photos]
    faces = _Faces(page.photos, links)
    return Template(_asset("people.html")).substitute(
        title=_text(page.heading),
        heading=f"<bdi>{_text(page.heading)}</bdi>",
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        counts=_counts(page),
        people="\n".join(_person(person, number, faces) for number, person in enumerate(page.people, 1)) or _NOBODY,
        alone=_alone(page.alone, faces),
        failures=_failures(page.failures),
        basis=_text(page.basis),
        made=_text(page.made),
        photos=_photos(page.photos, links),
    )


_NOBODY = '<p class="empty">Nobody appears more than once.</p>'


def _counts(page: PeoplePage) -> str:
    faces = sum(len(person.faces) for person in page.people) + len(page.alone)
    parts = [
        _count(len(page.people), "person", "people"),
        _count(faces, "face", "faces"),
        _count(page.files, "photograph", "photographs"),
    ]
    if page.alone:
        parts.append(f'<a href="#alone">{_count(len(page.alone), "face", "faces")} seen once</a>')
    if page.failures:
        parts.append(f'<a href="#failures">{_count(len(page.failures), "file", "files")} not read</a>')
    return " · ".join(parts)


def _count(number: int, one: str, many: str) -> str:
    return f"<b>{number:,}</b> {one if number == 1 else many}"


class _Faces:
    """Face tiles, which link to the original until the script shows the photograph in the page."""

    def __init__(self, photos: tuple[PagePhoto, ...], links: list[str]) -> None:
        self._photos = photos
        self._links = links

    def list(self, faces: tuple[PageFace, ...]) -> str:
        return f'<ul class="faces">{"".join(self._tile(face) for face in faces)}</ul>'

    def photographs(self, faces: tuple[PageFace, ...]) -> int:
        return len({face.photo for face in faces})

    def _tile(self, face: PageFace) -> str:
        box = " ".join(f"{value:.0f}" for value in face.box)
        return (
            f'<li><a class="face" href="{_text(self._links[face.photo])}" data-p="{face.photo}" data-b="{box}">'
            f'<img src="{_data(face.crop)}" width="96" height="96" loading="lazy" decoding="async" '
            f'alt="{_text(self._photos[face.photo].name)}"></a></li>'
        )


def _person(person: PagePerson, number: int, faces: _Faces) -> str:
    name = f"<bdi>{_text(person.name)}</bdi>" if person.name else f"Person {number}"
    size = len(person.faces)
    span = " wide" if size > 7 else " mid" if size > 3 else ""
    unnamed = "" if person.named else ' class="unnamed"'
    more = person.faces[_FIRST:]
    return (
        f'<section class="person{span}" aria-labelledby="p{number}"><header><h2 id="p{number}"{unnamed}>{name}</h2>'
        f'<p class="size">{_plural(faces.photographs(person.faces), "photograph")}</p></header>'
        f"{faces.list(person.faces[:_FIRST])}"
        + (f"<details><summary>{len(more):,} more</summary>{faces.list(more)}</details>" if more else "")
        + _rename(person.rename)
        + "</section>"
    )


def _rename(command: str) -> str:
    if not command:
        return ""
    return f'<p class="rename"><code>{_text(command)}</code><button type="button">Copy</button></p>'


def _alone(alone: tuple[PageFace, ...], faces: _Faces) -> str:
    if not alone:
        return ""
    return (
        '<section id="alone" class="panel"><h2>Faces seen once</h2>'
        '<p class="note">Nobody else in these photographs is alike enough.</p>'
        f"{faces.list(alone)}</section>"
    )


def _failures(failures: tuple[Failure, ...]) -> str:
    if not failures:
        return ""
    rows = "".join(_failure(failure) for failure in failures)
    return (
        f'<section id="failures" class="panel"><h2>Not read</h2><p class="note">{_plural(len(failures), "file")} '
        f'could not be used.</p><ul class="failures">{rows}</ul></section>'
    )


def _failure(failure: Failure) -> str:
    source, reason = _text(failure.source), _text(failure.reason)
    message = _text(failure.message.removeprefix(f"{failure.source}: "))
    return f"<li><bdi>{source}</bdi><span><code>{reason}</code>{message}</span></li>"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _photos(photos: tuple[PagePhoto, ...], links: list[str]) -> str:
    rows = [
        {"n": _clean(photo.name), "u": link, "w": photo.size[0], "h": photo.size[1]}
        | ({"s": _data(photo.preview)} if photo.preview else {})
        for photo, link in zip(photos, links, strict=True)
    ]
    # "<" could end the script element; as an escape it means the same to JSON.
    return json.dumps(rows, separators=(",", ":")).replace("<", "\\u003c")


def _link(path: Path, folder: Path) -> str:
    """Relative address of the file; absolute where there is no relative one (another drive)."""
    try:
        relative = os.path.relpath(path.absolute(), folder)
    except ValueError:
        return path.absolute().as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")))


def _data(picture: bytes) -> str:
    kind = "webp" if picture[:4] == b"RIFF" else "png" if picture[:4] == b"\x89PNG" else "jpeg"
    return f"data:image/{kind};base64,{b64encode(picture).decode('ascii')}"


def _clean(text: str) -> str:
    """Text that UTF-8 can hold, controls replaced; file names may contain anything."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").translate(_CONTROLS)


def _text(text: str) -> str:
    return escape(_clean(text))


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"


@cache
def _asset(name: str) -> str:
    return files("mien.pages").joinpath(name).read_text(encoding="utf-8")
