"""Reports: one folder with a page for people and the same figures for programs.

The page needs nothing beside itself: plots are inline SVG, the style is inline and named by its hash in a content
policy that allows nothing else, and it prints.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from xml.etree import ElementTree

from mien.errors import StoreError
from mien.evaluate.environment import environment

UNDEFINED = "–"
"""What stands in a cell where there is no value; a reason may follow it."""

_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"[<≤>≥±+−-]?\d[\d,.]*(?:e[+-]?\d+)?%?(?=\s|$)")
_RATE = re.compile(r"(\S+) \((.+)\)(.*)", re.DOTALL)
_WHOLE = re.compile(r"\d[\d.,]*(?:e-\d+| %)")
"""What a line must not break: 1e-3, 95 %."""
_CODE = re.compile(r"`([^`]+)`")
# C0 and C1 controls, and the marks that turn the direction of text.
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a caption.

    Args:
        caption: what it shows, and on what.
        columns: headings.
        rows: cells as text. A rate reads ``0.0012 (3 of 2,500; …)``; ``–`` is undefined, and ``– reason`` says why.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of '{self.caption}' has {len(row)} cells for {len(self.columns)} columns")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report.

    Args:
        heading: a few words.
        text: paragraphs parted by an empty line; `code` in backticks.
        tables: shown after the text.
        figures: SVG text of `mien.evaluate.plots`, shown after the tables.
    """

    heading: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All that one evaluation says.

    Args:
        title: such as ``Verification on LFW``.
        sections: in reading order; the first answers the question.
        data: what ``--json`` prints; report.json holds it with ``command`` and ``environment`` added.
        command: what makes the report again.
    """

    title: str
    sections: tuple[Section, ...]
    data: dict[str, Any]
    command: str
    environment: dict[str, Any] = field(default_factory=environment)


def undefined(reason: str) -> str:
    """The cell of a value that does not exist, with the reason."""
    return f"{UNDEFINED} {reason}"


def write_report(report: Report, folder: Path) -> list[Path]:
    """Writes ``report.html`` and ``report.json``; an earlier report there is replaced once both are complete.

    Args:
        report: what to write.
        folder: made if it is not there.

    Returns:
        The files written.

    Raises:
        StoreError: the folder cannot be written.
    """
    texts = {folder / "report.html": render_report(report), folder / "report.json": report_json(report)}
    parts = {out: out.with_name(f".{out.name}.{os.getpid()}.part") for out in texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            for out, text in texts.items():
                parts[out].write_text(text, encoding="utf-8", newline="\n")
            for out, part in parts.items():
                os.replace(part, out)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: the report cannot be written there ({error.strerror}); name another folder",
            code="report-unwritable",
            source=str(folder),
        ) from error
    return list(texts)


def report_json(report: Report) -> str:
    """The report for programs: its data, the command and the environment. NaN and infinity are refused."""
    document = report.data | {"command": report.command, "environment": report.environment}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def render_report(report: Report) -> str:
    """The report as HTML."""
    style = _asset("report.css")
    return Template(_asset("report.html")).substitute(
        title=_text(report.title),
        style=style,
        style_hash=f"sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode('ascii')}",
        contents=_contents(report.sections),
        sections="\n".join(_section(section, number) for number, section in enumerate(report.sections, 1)),
        command=_text(report.command),
        environment=_environment(report.environment),
    )


def _contents(sections: Sequence[Section]) -> str:
    if len(sections) < 4:
        return ""
    rows = "".join(f'<li><a href="#s{n}">{_text(s.heading)}</a></li>' for n, s in enumerate(sections, 1))
    return f'<nav aria-label="Contents"><ol>{rows}</ol></nav>'


def _section(section: Section, number: int) -> str:
    paragraphs = "".join(f"<p>{_prose(text)}</p>" for text in re.split(r"\n\s*\n", section.text.strip()) if text)
    tables = "".join(_table(table) for table in section.tables)
    figures = "".join(_figure(svg) for svg in section.figures)
    return (
        f'<section aria-labelledby="s{number}"><h2 id="s{number}">{_text(section.heading)}</h2>{paragraphs}'
        + (f'<div class="tables">{tables}</div>' if tables else "")
        + (f'<div class="figures">{figures}</div>' if figures else "")
        + "</section>"
    )


def _table(table: Table) -> str:
    numeric = [i > 0 and _numeric([row[i] for row in table.rows]) for i in range(len(table.columns))]
    kinds = [' class="n"' if n else "" for n in numeric]
    head = "".join(f'<th scope="col"{k}>{_prose(c)}</th>' for c, k in zip(table.columns, kinds, strict=True))
    body = "".join(f"<tr>{_row(row, kinds)}</tr>" for row in table.rows if row)
    return (
        f'<div class="table"><p class="caption">{_prose(table.caption)}</p>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{_text(table.caption)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></div>"
    )


def _row(row: Sequence[str], kinds: Sequence[str]) -> str:
    cells = "".join(f"<td{kind}>{_cell(cell)}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True))
    return f'<th scope="row">{_cell(row[0])}</th>{cells}'


def _numeric(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers; cells without a value do not count."""
    filled = [cell for cell in cells if cell and not cell.startswith((UNDEFINED, "undefined"))]
    return bool(filled) and all(_NUMBER.match(cell) for cell in filled)


def _cell(text: str) -> str:
    """Text of a cell; the counts of a rate, and the reason of a missing one, in smaller type below."""
    if text.startswith(f"{UNDEFINED} "):
        return f'{UNDEFINED}<small class="why">{_prose(text[2:])}</small>'
    if rate := _RATE.fullmatch(text):
        if rate[1] == "undefined":
            return f'{UNDEFINED}<small class="why">{_prose(rate[2])}</small>'
        if _NUMBER.match(text):
            basis = "<br>".join(_prose(part) for part in rate[2].split("; "))
            return f"{_prose(rate[1] + rate[3])}<small>{basis}</small>"
    return _prose(text)


def _figure(svg: str) -> str:
    root = ElementTree.fromstring(svg)
    title, note = (root.findtext(_SVG + name) or "" for name in ("title", "desc"))
    return f"<figure><figcaption><b>{_text(title)}</b> {_prose(note)}</figcaption>{svg}</figure>"


def _environment(facts: dict[str, Any]) -> str:
    rows = (f"<dt>{_text(key.replace('_', ' '))}</dt><dd>{_text(_plain(value))}</dd>" for key, value in facts.items())
    return "".join(rows)


def _plain(value: Any) -> str:
    """A fact in words: {name: onnxruntime, version: 1.31} is "onnxruntime 1.31"."""
    if isinstance(value, dict) and "name" in value:
        return " ".join(str(v) if v is not True else f"({k})" for k, v in value.items() if v)
    if isinstance(value, dict):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return UNDEFINED if value is None else str(value)


def _prose(text: str) -> str:
    """Escaped, with `code` marked and numbers kept whole."""
    return _CODE.sub(r"<code>\1</code>", _WHOLE.sub(r"<span>\g<0></span>", _text(text)))


def _text(text: str) -> str:
    """Escaped, and such as UTF-8 can hold; names in other people's files may contain anything."""
    return escape(
        text.replace("\n", " ").encode("utf-8", "surrogateescape").decode("utf-8", "replace").translate(_CONTROLS)
    )


@cache
def _asset(name: str) -> str:
    return files("mien.evaluate").joinpath(name).read_text(encoding="utf-8")
