"""Matplotlib's SVG made fit for a page: no inline styles, which a content policy blocks, and the page's colours.

Matplotlib is given marker colours; each becomes `currentColor`, or a colour that is readable on white together with
a class (``k0`` for strokes, ``f0`` for fills) through which the page's style sheet sets another one for dark paper.
"""

from __future__ import annotations

import hashlib
import re
from xml.etree import ElementTree

INK, SOFT, GRID = "#000001", "#000002", "#000003"
SERIES = tuple(f"#0000{10 + i}" for i in range(6))
LIGHT = ("#0067a5", "#b84a00", "#00795a", "#a2408f", "#846500", "#555b66")
"""Colours of the series on white: at least 4.5:1, apart for the colour-blind, and drawn with other dashes."""

_CURRENT = {INK: "", SOFT: "soft", GRID: "grid"}
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
_SIZE = re.compile(r"([\d.]+)px")


def page_svg(text: str, title: str, note: str) -> str:
    """The figure for a page.

    Args:
        text: as matplotlib wrote it.
        title: what it shows, in a few words.
        note: data set, numbers and interval.

    Returns:
        One ``svg`` element with `title` and `note` as its ``title`` and ``desc``; ids are unique to its content.
    """
    root = ElementTree.fromstring(text)
    for parent in root.iter():
        for child in [c for c in parent if c.tag not in _KEPT]:
            parent.remove(child)
    prefix = "m" + hashlib.sha256("\n".join((title, note, text)).encode()).hexdigest()[:10]
    referred = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", text))
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _plain(element)
        _ids(element, prefix, referred)
    _caption(root, prefix, title, note)
    return ElementTree.tostring(root, encoding="unicode")


_KEPT = {_SVG + name for name in ("g", "path", "use", "defs", "clipPath", "rect", "text", "tspan")}


def _plain(element: ElementTree.Element) -> None:
    """Styles as attributes; colours as the page's."""
    style = element.attrib.pop("style", "")
    classes = []
    for key, _, value in (rule.partition(":") for rule in style.split(";") if rule.strip()):
        key, value = key.strip(), value.strip()
        if key == "font":
            size = _SIZE.search(value)
            element.set("font-size", size[1] if size else "11")
            if re.match(r"(bold|[6-9]00)\b", value):
                element.set("font-weight", "600")
        elif key in ("fill", "stroke"):
            colour, name = _colour(key, value)
            element.set(key, colour)
            classes += [name] if name else []
        else:
            element.set(key, value)
    if element.tag == "text" and "fill" not in element.attrib:
        element.set("fill", "currentColor")
    if classes:
        element.set("class", " ".join(dict.fromkeys(classes)))


def _colour(key: str, value: str) -> tuple[str, str]:
    if value in _CURRENT:
        return "currentColor", _CURRENT[value]
    if value in SERIES:
        number = SERIES.index(value)
        return LIGHT[number], f"{'f' if key == 'fill' else 'k'}{number}"
    return value, ""


def _ids(element: ElementTree.Element, prefix: str, referred: set[str]) -> None:
    """Only ids that something refers to stay; several figures share a page, so they get a prefix."""
    name = element.attrib.pop("id", None)
    if name in referred:
        element.set("id", f"{prefix}-{name}")
    if target := element.attrib.pop(_HREF, ""):
        element.set("href", target.replace("#", f"#{prefix}-", 1))
    if clip := element.get("clip-path"):
        element.set("clip-path", clip.replace("#", f"#{prefix}-", 1))


def _caption(root: ElementTree.Element, prefix: str, title: str, note: str) -> None:
    for name, text in (("desc", note), ("title", title)):
        element = ElementTree.Element(name, {"id": f"{prefix}-{name}"})
        element.text = text
        root.insert(0, element)
    size = root.get("viewBox", "0 0 0 0").split()
    root.attrib.clear()
    root.attrib.update(
        {
            "xmlns": _SVG[1:-1],
            "viewBox": " ".join(size),
            "width": size[2],
            "height": size[3],
            "role": "img",
            "aria-labelledby": f"{prefix}-title {prefix}-desc",
            "font-family": _FONT,
            "stroke-linejoin": "round",
        }
    )
