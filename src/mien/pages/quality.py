"""The quality of faces as one self-contained page: no network, no script, and no picture unless one is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template

from mien.pages.html import asset, count, embedded, failures_panel, hash_of, plain, write_page
from mien.types.outcome import Failure

GOOD, MIDDLING = 70, 40
"""From these scores on a number is green or amber: colour for the eye, not a decision."""


@dataclass(frozen=True, slots=True)
class PageComponent:
    """One component of a face: name, native value with its unit, quality of 0..100, points of the score it costs."""

    name: str
    native: str
    quality: float
    cost: float


@dataclass(frozen=True, slots=True)
class PageRated:
    """A face and its score.

    Args:
        file: the picture.
        place: where in it, in words.
        score: 0..100; None where nothing could be measured.
        advice: short orders, the one that helps most first.
        components: in the order shown.
        thumbnail: JPEG of the face; empty = none is shown.
    """

    file: str
    place: str
    score: float | None
    advice: tuple[str, ...]
    components: tuple[PageComponent, ...]
    thumbnail: bytes = b""


@dataclass(frozen=True, slots=True)
class QualityPage:
    """All that one page shows.

    Args:
        heading: such as ``Quality of 12 photographs``.
        faces: in the order shown, the worst first.
        empty: pictures without a face.
        failures: pictures that could not be used.
        basis: what the score is and what it is not.
        made: when and by which version.
    """

    heading: str
    faces: tuple[PageRated, ...]
    empty: tuple[str, ...]
    failures: tuple[Failure, ...]
    basis: str
    made: str


def write_quality(page: QualityPage, out: Path) -> None:
    """Writes the page under its final name once it is complete; an earlier page is replaced.

    Raises:
        StoreError: the file cannot be written.
    """
    write_page(render_quality(page), out)


def render_quality(page: QualityPage) -> str:
    """The page as HTML."""
    style = asset("quality.css")
    failures = page.failures + tuple(Failure(name, "no-face", "no face found") for name in page.empty)
    return Template(asset("quality.html")).substitute(
        title=plain(page.heading),
        style=style,
        style_hash=hash_of(style),
        counts=_counts(page, len(failures)),
        faces="\n".join(map(_face, page.faces)) or '<li class="empty">No face was found.</li>',
        failures=failures_panel(failures),
        basis=plain(page.basis),
        made=plain(page.made),
    )


def _counts(page: QualityPage, failed: int) -> str:
    parts = [count(len(page.faces), "face", "faces") + ", the worst first"]
    if failed:
        parts.append(f'<a href="#failures">{count(failed, "file", "files")} without an answer</a>')
    return " · ".join(parts)


def _face(face: PageRated) -> str:
    score = "–" if face.score is None else f"{face.score:.0f}"
    said = f'<span class="score {_colour(face.score)}" title="unified score of 0 to 100">{score}</span>'
    picture = f'<img src="{embedded(face.thumbnail)}" width="96" height="96" alt="the face">' if face.thumbnail else ""
    return (
        f'<li class="one{"" if picture else " bare"}">{said}{picture}<div class="says">'
        f'<h2 class="file"><bdi>{plain(face.file)}</bdi></h2><p class="place">{plain(face.place)}</p>'
        f"{_advice(face.advice)}{_table(face.components)}</div></li>"
    )


def _colour(score: float | None) -> str:
    return "good" if score is not None and score >= GOOD else "middling" if (score or 0) >= MIDDLING else "poor"


def _advice(advice: tuple[str, ...]) -> str:
    if not advice:
        return '<p class="fine">Nothing to change.</p>'
    return f'<ul class="advice">{"".join(f"<li>{plain(line)}</li>" for line in advice)}</ul>'


def _table(components: tuple[PageComponent, ...]) -> str:
    if not components:
        return ""
    rows = "".join(map(_row, components))
    return (
        "<details><summary>Components</summary><table><thead><tr>"
        '<th scope="col">component</th><th scope="col" class="n">measured</th><th scope="col" class="n">quality</th>'
        f'<th class="bar"></th><th scope="col" class="n">costs</th></tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _row(component: PageComponent) -> str:
    name = plain(component.name.replace("_", " "))
    cost = f"{component.cost:.0f}" if component.cost >= 0.5 else ""
    return (
        f'<tr><th scope="row">{name}</th><td class="n">{plain(component.native)}</td>'
        f'<td class="n">{component.quality:.0f}</td><td class="bar">'
        f'<meter min="0" max="100" low="{MIDDLING}" high="{GOOD}" optimum="100" value="{component.quality:.0f}" '
        f'aria-label="quality of {name}"></meter></td><td class="n">{cost}</td></tr>'
    )
