"""Figures: self-contained SVG that shows no more than the counts support."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from mien.evaluate import plots
from mien.evaluate.plots.axis import rate_text
from mien.evaluate.plots.canvas import line
from mien.evaluate.plots.supported import Supported
from mien.evaluate.plots.svg import LIGHT

SVG = "{http://www.w3.org/2000/svg}"
CURVE = (np.linspace(0, 1, 101), np.linspace(1, 0, 101) ** 3)
TEXT = {"title": "Errors <b> & more", "note": "Toy, N = 100; 95 %."}
FIGURES: dict[str, Callable[[], str]] = {
    "det": lambda: plots.det({"a": CURVE, "<b>": CURVE}, **TEXT, trials={"a": (100, 100), "<b>": (100, 100)}),
    "roc": lambda: plots.roc({"a": CURVE}, **TEXT),
    "fpir_fnir": lambda: plots.fpir_fnir({"a": CURVE, "b": CURVE}, **TEXT),
    "cmc": lambda: plots.cmc({"a": [0.5, 0.75, 0.75, 1.0]}, **TEXT),
    "precision_recall": lambda: plots.precision_recall({"a": CURVE}, **TEXT),
    "histogram": lambda: plots.histogram([0.6, 0.7, 0.7], [0.1, 0.2, 0.3], **TEXT, threshold=0.5),
    "intervals": lambda: plots.intervals([("a", 0.1, 0.05, 0.2), ("b", None, None, None)], log=True, **TEXT),
    "differences": lambda: plots.intervals([("a name " * 6, -0.1, -0.2, 0.1)], log=False, **TEXT),
    "reliability": lambda: plots.reliability({"a": ([0.2, 0.8], [0.1, 0.9], [0.0, 0.8], [0.2, 1.0])}, **TEXT),
}
figures = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()).strip() for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@figures
def test_a_figure_is_xml_that_says_what_it_shows(draw: Callable[[], str]) -> None:
    root = ElementTree.fromstring(draw())
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title") == TEXT["title"]
    assert (root.findtext(f"{SVG}desc") or "").startswith(TEXT["note"])
    assert root.get("aria-labelledby") == " ".join(root[i].attrib["id"] for i in (0, 1))


@figures
def test_a_figure_refers_to_nothing_outside_and_carries_no_style(draw: Callable[[], str]) -> None:
    svg = draw()
    root = ElementTree.fromstring(svg)
    ids = {element.get("id") for element in root.iter()}
    names = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert names <= {"svg", "title", "desc", "g", "path", "use", "defs", "clipPath", "rect", "text", "tspan"}
    for element in root.iter():
        assert "style" not in element.attrib
        assert not any(name.startswith("on") for name in element.attrib)
        for value in element.attrib.values():
            assert all(target in ids for target in re.findall(r"url\(#([^)]*)\)", value))
        assert element.get("href", "#")[1:] in ids | {""}
    assert re.findall(r"\w+://[^\"' ]*", svg) == ["http://www.w3.org/2000/svg"]


@figures
def test_a_figure_is_the_same_every_time_whatever_matplotlib_is_set_to(draw: Callable[[], str]) -> None:
    first = draw()
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False, "svg.hashsalt": "other", "lines.linewidth": 9}):
        settings = dict(matplotlib.rcParams)
        assert draw() == first
        assert dict(matplotlib.rcParams) == settings


def test_plots_leave_pyplot_alone() -> None:
    program = "import sys; from mien.evaluate import plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_text_is_text_and_names_are_escaped() -> None:
    assert {"a", "<b>", "False match rate (FMR)"} <= set(texts(FIGURES["det"]()))


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (0.2, "0.2"), (0.001, "0.001"), (1e-4, "0.0001"), (1e-5, "10⁻⁵"), (2e-6, "2·10⁻⁶"), (0, "0")],
)
def test_rates_are_written_as_the_field_writes_them(value: float, text: str) -> None:
    assert rate_text(value) == text


def test_a_curve_is_solid_from_three_errors_on_and_drawn_from_one_on() -> None:
    # 1,000 non-mated and 100 mated comparisons: 1/N is 0.001 and 0.01, 3/N is 0.003 and 0.03.
    curve = Supported([0, 0.001, 0.002, 0.003, 0.5, 0.6, 1], [0.9, 0.5, 0.4, 0.3, 0.03, 0.02, 0], (1000, 100))
    assert curve._above(curve.end, both=True).tolist() == [False, True, True, True, True, True, False]
    assert curve._above(curve.floor, both=True).tolist() == [False, False, False, True, True, False, False]
    assert curve._above(curve.floor, both=False).tolist() == [False, False, False, True, True, True, True]


def test_points_may_come_in_any_order() -> None:
    x, y = [0.5, 0.1, 0.1, 1.0], [0.2, 0.3, 0.4, 0.0]
    for order in ([0, 1, 2, 3], [3, 0, 1, 2], [2, 1, 0, 3]):
        curve = Supported(np.take(x, order), np.take(y, order), (10, 10))
        assert curve.x.tolist() == [0.1, 0.1, 0.5, 1.0]
        assert curve.y.tolist() == [0.4, 0.3, 0.2, 0.0]


def test_without_counts_the_least_rate_is_one_error() -> None:
    curve = Supported([0, 0.01, 0.5], [0.5, 0.2, 0], None)
    assert curve.end == (0.01, 0.2)
    assert curve.floor == pytest.approx((0.03, 0.6))


def test_the_note_says_what_is_dotted_only_where_something_is() -> None:
    few, many = {"a": (100, 100)}, {"a": (10**7, 10**7)}
    assert "Dotted: rates below 3/N" in plots.det({"a": CURVE}, **TEXT, trials=few)
    assert "Dotted" not in plots.det({"a": CURVE}, **TEXT, trials=many)


def test_a_system_without_errors_is_named_instead_of_drawn() -> None:
    svg = plots.det({"a": CURVE, "perfect": ([0, 0, 1], [1, 0, 0])}, **TEXT)
    assert "No line for perfect" in svg


def test_millions_of_points_become_a_small_figure() -> None:
    x = np.linspace(0, 1, 1_000_001)
    assert len(plots.det({"a": (x, (1 - x) ** 2)}, **TEXT, trials={"a": (10**6, 10**6)})) < 100_000


def test_points_left_out_lie_on_the_line_between_those_kept() -> None:
    x = np.linspace(0, 1, 1_000_001)
    curve = Supported(x, (1 - x) ** 2, (10**6, 10**6))
    assert len(curve.x) < 20_000
    seen = x[(x >= 1e-6) & (x <= 1 - 1e-3)]
    drawn, true = np.interp(seen, curve.x, curve.y), (1 - seen) ** 2
    assert np.abs(np.log10(drawn / true)).max() < 0.01  # a decade takes about 50 units of the paper
    assert {1e-6, 3e-6} <= set(np.round(curve.x, 12))  # where it begins, and where it becomes solid


def test_scores_that_are_missing_are_counted_in_the_note() -> None:
    svg = plots.histogram([0.5, -np.inf, 0.6], [-np.inf, 0.1], **TEXT)
    assert "2 comparisons without a score are left out." in svg


@pytest.mark.parametrize("scores", [[], [0.5], [-np.inf]])
def test_a_histogram_of_next_to_nothing_is_drawn(scores: list[float]) -> None:
    assert "non-mated" in texts(plots.histogram(scores, scores, **TEXT))


def test_an_undefined_value_is_a_dash() -> None:
    assert "–" in texts(FIGURES["intervals"]())


def test_thirty_six_curves_differ_in_colour_or_dash() -> None:
    looks = [line(number) for number in range(36)]
    assert len({(look["color"], str(look["linestyle"])) for look in looks}) == 36
    for one, other in pairwise(looks):
        assert one["color"] != other["color"]
        assert one["linestyle"] != other["linestyle"]


def contrast(colour: str, paper: str) -> float:
    """WCAG 2.2, relative luminance."""

    def luminance(text: str) -> float:
        text = "".join(c * 2 for c in text[1:]) if len(text) == 4 else text[1:]
        rgb = np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)]) / 255
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    light, dark = sorted((luminance(colour), luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_curves_and_text_can_be_seen_on_light_and_dark_paper() -> None:
    css = files("mien.evaluate").joinpath("report.css").read_text(encoding="utf-8")
    light = dict(re.findall(r"--(\w+): (#\w+)", css.partition("@media")[0]))
    dark = dict(re.findall(r"--(\w+): (#\w+)", css.partition("prefers-color-scheme: dark")[2].partition("\n}")[0]))
    assert [light[f"s{i}"] for i in range(6)] == list(LIGHT)
    for theme in (light, dark):
        for name in ("ink", "soft", "accent", *(f"s{i}" for i in range(6))):
            assert contrast(theme[name], theme["paper"]) >= 4.5, name
