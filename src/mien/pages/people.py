"""People as one self-contained page: no network, no server, opens from a folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from string import Template
from urllib.parse import quote

from mien.pages.html import asset, clean, count, embedded, failures_panel, hash_of, plain, plural, write_page
from mien.pages.page import PageFace, PagePerson, PagePhoto, PeoplePage

_FIRST = 24  # faces of one person shown before "show more"


def write_people(page: PeoplePage, out: Path) -> None:
    """Writes the page under its final name once it is complete; an earlier page is replaced.

    Args:
        page: what it shows.
        out: file to write. Links to the photographs are relative to its folder.

    Raises:
        StoreError: the file cannot be written.
    """
    write_page(render_people(page, out.resolve().parent), out)


def render_people(page: PeoplePage, folder: Path) -> str:
    """The page as HTML.

    Args:
        page: what it shows.
        folder: where the page will lie; links to the photographs are relative to it.
    """
    style, script = asset("people.css"), asset("people.js")
    links = [_link(photo.path, folder) for photo in page.photos]
    faces = _Faces(page.photos, links)
    return Template(asset("people.html")).substitute(
        title=plain(page.heading),
        heading=f"<bdi>{plain(page.heading)}</bdi>",
        style=style,
        script=script,
        style_hash=hash_of(style),
        script_hash=hash_of(script),
        counts=_counts(page),
        people="\n".join(_person(person, number, faces) for number, person in enumerate(page.people, 1)) or _NOBODY,
        alone=_alone(page.alone, faces),
        failures=failures_panel(page.failures),
        basis=plain(page.basis),
        made=plain(page.made),
        photos=_photos(page.photos, links),
    )


_NOBODY = '<p class="empty">Nobody appears more than once.</p>'


def _counts(page: PeoplePage) -> str:
    faces = sum(len(person.faces) for person in page.people) + len(page.alone)
    parts = [
        count(len(page.people), "person", "people"),
        count(faces, "face", "faces"),
        count(page.files, "photograph", "photographs"),
    ]
    if page.alone:
        parts.append(f'<a href="#alone">{count(len(page.alone), "face", "faces")} seen once</a>')
    if page.failures:
        parts.append(f'<a href="#failures">{count(len(page.failures), "file", "files")} not read</a>')
    return " · ".join(parts)


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
            f'<li><a class="face" href="{plain(self._links[face.photo])}" data-p="{face.photo}" data-b="{box}">'
            f'<img src="{embedded(face.crop)}" width="96" height="96" loading="lazy" decoding="async" '
            f'alt="{plain(self._photos[face.photo].name)}"></a></li>'
        )


def _person(person: PagePerson, number: int, faces: _Faces) -> str:
    name = f"<bdi>{plain(person.name)}</bdi>" if person.name else f"Person {number}"
    size = len(person.faces)
    span = " wide" if size > 7 else " mid" if size > 3 else ""
    unnamed = "" if person.named else ' class="unnamed"'
    more = person.faces[_FIRST:]
    return (
        f'<section class="person{span}" aria-labelledby="p{number}"><header><h2 id="p{number}"{unnamed}>{name}</h2>'
        f'<p class="size">{plural(faces.photographs(person.faces), "photograph")}</p></header>'
        f"{faces.list(person.faces[:_FIRST])}"
        + (f"<details><summary>{len(more):,} more</summary>{faces.list(more)}</details>" if more else "")
        + _rename(person.rename)
        + "</section>"
    )


def _rename(command: str) -> str:
    if not command:
        return ""
    return f'<p class="rename"><code>{plain(command)}</code><button type="button">Copy</button></p>'


def _alone(alone: tuple[PageFace, ...], faces: _Faces) -> str:
    if not alone:
        return ""
    return (
        '<section id="alone" class="panel"><h2>Faces seen once</h2>'
        '<p class="note">Nobody else in these photographs is alike enough.</p>'
        f"{faces.list(alone)}</section>"
    )


def _photos(photos: tuple[PagePhoto, ...], links: list[str]) -> str:
    rows = [
        {"n": clean(photo.name), "u": link, "w": photo.size[0], "h": photo.size[1]}
        | ({"s": embedded(photo.preview)} if photo.preview else {})
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
