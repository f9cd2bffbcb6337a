"""Every door says the same of bad input: the right exit code, one line that names it, nothing lost.

Rows follow the published table of bad inputs; those of pictures alone are in tests/unit/image, of names and vectors in
tests/unit/gallery. Here is what a person can type.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.cli.main import run
from mien.gallery import Gallery
from mien.models import Store, find_card

pytestmark = pytest.mark.weights


@dataclass(frozen=True)
class Ground:
    """A folder with portraits, broken files and a small gallery."""

    folder: Path
    portrait: Path
    other: Path
    gallery: Path

    def file(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, portraits: Path) -> Ground:
    folder = tmp_path_factory.mktemp("ground")
    gallery = folder / "people.mien"
    portrait = portraits / "obama.jpg"
    assert run(["enrol", "-g", str(gallery), "ada", str(portrait)]) == 0
    assert run(["enrol", "-g", str(gallery), "eileen", str(portraits / "astronaut.png")]) == 0
    return Ground(folder, portrait, portraits / "biden.jpg", gallery)


def half(g: Ground) -> str:
    content = g.portrait.read_bytes()
    return g.file("half.jpg", content[: len(content) // 2])


def faceless(g: Ground) -> str:
    path = g.folder / "faceless.png"
    Image.fromarray(np.full((200, 300, 3), 128, np.uint8)).save(path)
    return str(path)


def pair(g: Ground) -> str:
    """Two people side by side."""
    a, b = (Image.open(p).convert("RGB").resize((400, 500)) for p in (g.portrait, g.other))
    both = Image.new("RGB", (800, 500))
    both.paste(a, (0, 0))
    both.paste(b, (400, 0))
    path = g.folder / "pair.png"
    both.save(path)
    return str(path)


def other_model(g: Ground) -> str:
    return str(g.gallery)


Row = tuple[str, Callable[[Ground], list[str]], int, str]

ROWS: list[Row] = [
    ("empty file", lambda g: ["detect", g.file("empty.jpg", b"")], 3, "image-empty"),
    ("half a JPEG", lambda g: ["detect", half(g)], 3, "image-truncated"),
    (
        "HTML as a picture",
        lambda g: ["detect", g.file("page.jpg", b"<html><body>hello</body></html>")],
        3,
        "image-unrecognised",
    ),
    ("a folder as a picture", lambda g: ["detect", str(g.folder)], 3, "image"),
    ("no such picture", lambda g: ["verify", str(g.portrait), str(g.folder / "none.jpg")], 4, "not-found"),
    ("no face, verify", lambda g: ["verify", str(g.portrait), faceless(g)], 3, "no-face"),
    ("no face, enrol", lambda g: ["enrol", "-g", str(g.gallery), "nobody", faceless(g)], 3, "no-face"),
    ("two faces at enrol", lambda g: ["enrol", "-g", str(g.gallery), "both", pair(g)], 3, "several-faces"),
    (
        "a rate beyond the data",
        lambda g: ["verify", str(g.portrait), str(g.other), "--fmr", "1e-9"],
        2,
        "fmr-unsupported",
    ),
    ("a rate that is none", lambda g: ["verify", str(g.portrait), str(g.other), "--fmr", "nan"], 2, "fmr-range"),
    ("a negative rate", lambda g: ["identify", "-g", str(g.gallery), str(g.portrait), "--fpir", "-1"], 2, "fpir-range"),
    (
        "candidates out of range",
        lambda g: ["identify", "-g", str(g.gallery), str(g.portrait), "--top", "0"],
        2,
        "usage",
    ),
    ("an unknown face policy", lambda g: ["verify", str(g.portrait), str(g.other), "--faces", "some"], 2, "usage"),
    ("an unknown command", lambda _: ["recognise"], 2, "usage"),
    ("no such gallery", lambda g: ["identify", "-g", str(g.folder / "none.mien"), str(g.portrait)], 4, "no-gallery"),
    ("no such subject", lambda g: ["gallery", "show", str(g.gallery), "eve"], 4, ""),
    ("no such folder", lambda g: ["group", str(g.folder / "none")], 4, "not-found"),
    ("a file as a folder", lambda g: ["index", "-g", str(g.gallery), str(g.portrait)], 2, ""),
    ("a picture as a gallery", lambda g: ["gallery", "info", str(g.portrait)], 6, "not-a-gallery"),
    ("an empty file as a gallery", lambda g: ["gallery", "info", g.file("empty.mien", b"")], 6, "not-a-gallery"),
    (
        "a name with a line break",
        lambda g: ["enrol", "-g", str(g.gallery), "a\nb", str(g.portrait)],
        2,
        "name-characters",
    ),
    (
        "a name with a bidi override",
        lambda g: ["enrol", "-g", str(g.gallery), "a\u202eb", str(g.portrait)],
        2,
        "name-characters",
    ),
    ("a blank name", lambda g: ["enrol", "-g", str(g.gallery), "  ", str(g.portrait)], 2, ""),
    ("a very long name", lambda g: ["enrol", "-g", str(g.gallery), "a" * 201, str(g.portrait)], 2, ""),
    ("an unknown model", lambda g: ["verify", str(g.portrait), str(g.other), "--embedder", "arcfce"], 4, ""),
    ("an unknown engine", lambda g: ["detect", str(g.portrait), "--engine", "mxnet"], 2, "usage"),
    ("an unknown licence policy", lambda g: ["detect", str(g.portrait), "--allow-licence", "all"], 2, "usage"),
    (
        "another gallery's model",
        lambda g: ["index", "-g", str(g.gallery), str(g.folder), "--embedder", "mobileface"],
        5,
        "model-mismatch",
    ),
    ("a name that is taken", lambda g: ["gallery", "rename", str(g.gallery), "eileen", "ada"], 5, "name-taken"),
    ("no such card file", lambda g: ["models", "show", str(g.folder / "none.toml")], 4, ""),
    ("a card that is no TOML", lambda g: ["models", "show", g.file("bad.toml", b"name = [")], 7, "card-invalid"),
    (
        "an import that is none",
        lambda g: ["gallery", "import", str(g.folder / "new.mien"), g.file("x.jsonl", b"{}\n")],
        6,
        "",
    ),
]


@pytest.mark.parametrize(("arguments", "code", "slug"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_bad_input_has_its_exit_code_one_line_and_a_json_document(ground, capsys, arguments, code, slug):
    before = facts(ground)
    words = arguments(ground)
    capsys.readouterr()
    assert run(words) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.startswith("mien: ")]
    assert code == 2 or len(lines) == 1, err
    assert run([*words, "--json"]) == code
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert slug in str(document)
    assert facts(ground) == before


def facts(ground: Ground) -> tuple[int, int]:
    with Gallery.open(ground.gallery) as gallery:
        assert gallery.check() == []
        info = gallery.info()
    return info["subjects"], info["references"]


def test_a_batch_with_one_bad_picture_does_the_others_and_says_9(ground, capsys):
    assert run(["detect", str(ground.portrait), half(ground), "--json"]) == 9
    document = json.loads(capsys.readouterr().out)
    assert len(document["images"]) == 1
    assert [f["reason"] for f in document["failures"]] == ["image-truncated"]


def test_nobody_is_an_answer_with_exit_code_1(ground, capsys):
    assert run(["identify", "-g", str(ground.gallery), str(ground.other), "--json"]) == 1
    assert [p["decision"] for p in json.loads(capsys.readouterr().out)["probes"]] == [None]
    assert run(["verify", str(ground.portrait), str(ground.other)]) == 1


@pytest.fixture
def damaged_weights() -> Iterator[Path]:
    """The cached YuNet with one byte changed, put right afterwards."""
    path = Store().path(find_card("yunet").files[0])
    sound = path.read_bytes()
    path.write_bytes(sound[:5000] + bytes([sound[5000] ^ 1]) + sound[5001:])
    yield path
    path.write_bytes(sound)


@pytest.mark.usefixtures("damaged_weights")
def test_altered_weights_are_never_run(tmp_path, ground, subprocess_mien):
    done = subprocess_mien("detect", str(ground.portrait))
    assert done.returncode == 7
    assert "expected sha256" in done.stderr
    assert "mien models pull yunet" in done.stderr


def test_a_closed_reader_is_no_error(ground, subprocess_mien):
    done = subprocess_mien("models", "show", "sface", shell_tail="| head -1")
    assert done.returncode == 0
    assert "Broken" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_gallery_answers_and_refuses_writes(ground, tmp_path):
    copy = tmp_path / "ro.mien"
    copy.write_bytes(ground.gallery.read_bytes())
    copy.chmod(stat.S_IRUSR)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert run(["gallery", "info", str(copy)]) == 0
    assert run(["gallery", "rename", str(copy), "ada", "eve"]) == 6
    tmp_path.chmod(stat.S_IRWXU)
