"""Reports: a page that needs nothing beside itself, and the same figures for programs."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mien.errors import StoreError
from mien.evaluate import plots
from mien.evaluate.rates import Rate
from mien.evaluate.report import Report, Section, Table, render_report, report_json, undefined, write_report

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
PLACE = {"mien": "0", "engines": [{"name": "onnxruntime", "version": "1.31", "precision": "f32", "chosen": True}]}


def table(*rows: tuple[str, ...], caption: str = "On 100 pairs", columns: tuple[str, ...] = ("system", "EER")) -> Table:
    return Table(caption, columns, rows)


def report(*sections: Section, **changes: object) -> Report:
    values = {"title": "Verification", "data": {"results": []}, "command": "mien evaluate …", "environment": PLACE}
    return Report(sections=sections, **{**values, **changes})  # type: ignore[arg-type]


class Elements(HTMLParser):
    """Tags with their attributes, and the text of each cell, its lines parted by " / "."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")
        elif tag in ("small", "br"):
            self.cells[-1] += " / "

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self._open):
            self.cells[-1] += data


def page(*sections: Section, **changes: object) -> Elements:
    return Elements(render_report(report(*sections, **changes)))


def test_nothing_that_a_report_is_given_becomes_markup() -> None:
    figure = plots.cmc({EVIL: [0.5, 1.0], "b": [0.4, 0.5]}, title=EVIL, note=EVIL)
    cells = table((EVIL, f"0.1 ({EVIL})"), ("b", undefined(EVIL)), caption=EVIL, columns=(EVIL, EVIL))
    elements = page(Section(EVIL, EVIL, (cells,), (figure,)), title=EVIL, command=EVIL, environment={EVIL: EVIL})
    assert not {"script", "img"} & {tag for tag, _ in elements.tags}
    assert not any(name.startswith("on") for _, attributes in elements.tags for name in attributes)


def test_the_page_allows_its_own_style_and_nothing_else() -> None:
    html = render_report(report(Section("A", figures=(plots.cmc({"a": [1.0]}, title="t", note="n"),))))
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    assert style is not None
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(a["content"] for t, a in Elements(html).tags if t == "meta" and "http-equiv" in a)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_the_page_refers_to_nothing_outside() -> None:
    figure = plots.cmc({"a": [0.5, 1.0]}, title="t", note="n")
    html = render_report(report(*(Section(str(i), figures=(figure,)) for i in range(4))))
    elements = Elements(html)
    assert set(re.findall(r"\w+://[^\"' ]*", html)) == {"http://www.w3.org/2000/svg"}
    for _, attributes in elements.tags:
        assert "style" not in attributes  # the policy would block it
        assert not {"src", "srcset", "data", "action"} & attributes.keys()
        assert (attributes.get("href") or "#").startswith("#")


def test_two_figures_of_a_page_share_no_id() -> None:
    svgs = tuple(plots.cmc({"a": [0.5, 1.0]}, title=title, note="n") for title in "xy")
    ids = [a["id"] for _, a in page(Section("A", figures=svgs)).tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_a_figures_title_and_note_stand_above_it() -> None:
    html = render_report(report(Section("A", figures=(plots.cmc({"a": [1.0]}, title="Ranks", note="N = 5."),))))
    assert "<figcaption><b>Ranks</b> N = 5.</figcaption><svg" in html


def test_counts_and_interval_stand_below_a_rate() -> None:
    cells = page(Section("A", tables=(table(("a", str(Rate(3, 2500))), ("b", "0.5 (1 of 2) at FMR 1e-3")),))).cells
    assert cells[3] == "0.0012 / 3 of 2,500 / 95 % 0.00025 to 0.0035"
    assert cells[5] == "0.5 at FMR 1e-3 / 1 of 2"


@pytest.mark.parametrize("cell", [undefined("no trials"), str(Rate(0, 0))])
def test_what_is_undefined_is_a_dash_with_its_reason(cell: str) -> None:
    assert page(Section("A", tables=(table(("a", cell)),))).cells[-1] == "– / no trials"


def test_numbers_are_aligned_and_names_are_not() -> None:
    rows = (("1", "0.5", "20_1_4_2017.jpg"), ("2", undefined("few"), "x"))
    tags = page(Section("A", tables=(table(*rows, columns=("fold", "EER", "file")),))).tags
    assert [a.get("class") for tag, a in tags if tag in ("th", "td")] == [None, "n", None] * 3


def test_text_comes_in_paragraphs_with_code() -> None:
    html = render_report(report(Section("A", "One\ntwo.\n\nSee `mien <x>`.")))
    assert "<p>One two.</p><p>See <code>mien &lt;x&gt;</code>.</p>" in html


def test_controls_and_broken_letters_are_replaced() -> None:
    html = render_report(report(Section("A", "a\x1b[31m \u202egpj.exe \udce9")))
    assert not re.search("[\x1b\u202e\udce9]", html)
    html.encode("utf-8")


def test_the_environment_is_told_in_words() -> None:
    assert "<dd>onnxruntime 1.31 f32 (chosen)</dd>" in render_report(report())


def test_report_json_holds_the_data_the_command_and_the_environment() -> None:
    data = {"results": [{"name": "sfäce", "eer": {"value": None}}]}
    assert json.loads(report_json(report(data=data))) == data | {"command": "mien evaluate …", "environment": PLACE}


def test_a_row_needs_a_cell_for_every_column() -> None:
    with pytest.raises(ValueError, match="a row of 'On 100 pairs' has 1 cells for 2 columns"):
        table(("a",))


def test_a_report_is_written_into_a_new_folder(tmp_path: Path) -> None:
    written = write_report(report(Section("A")), tmp_path / "a" / "b")
    assert [path.relative_to(tmp_path).as_posix() for path in written] == ["a/b/report.html", "a/b/report.json"]
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["report.html", "report.json"]


def test_a_report_that_cannot_be_written_as_json_leaves_the_earlier_one(tmp_path: Path) -> None:
    write_report(report(data={"eer": 0.1}), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_report(report(title="Other", data={"eer": float("nan")}), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="the report cannot be written there"):
        write_report(report(), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
