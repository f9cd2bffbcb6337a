"""A recorded path is opened only below an allowed folder, and shown only if it holds what was indexed."""

import hashlib
from pathlib import Path

import pytest

from mien.errors import NotFoundError
from mien.gallery import Reference
from mien.server.originals import allowed_path, kept_picture
from mien.server.settings import Settings
from mien.types.faces import Face

CONTENT = b"the very bytes that were indexed"


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder that may be shown, beside one that may not."""
    for name in ("album", "albums", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(CONTENT)
    return (tmp_path / "album").resolve()


def kept(album: Path, source: str | Path) -> bytes:
    face = Face((0, 0, 9, 9), 1.0, source=str(source))
    reference = Reference(1, "Ada", face, 1, hashlib.sha256(CONTENT).hexdigest(), "float32", False, "")
    settings = Settings({"family": Path("f.mien")}, Path("s.sqlite"), folders={"album": album})
    return kept_picture(reference, settings).data


def test_what_was_indexed_in_an_allowed_folder_is_shown(album: Path) -> None:
    assert kept(album, album / "a.jpg") == CONTENT


def test_a_gallery_indexed_with_relative_paths_is_shown_where_the_server_was_started(
    album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(album.parent)
    assert kept(album, "album/a.jpg") == CONTENT


def elsewhere(album: Path) -> list[str]:
    (album / "link.jpg").symlink_to(album.parent / "secret" / "a.jpg")
    (album / "round.jpg").symlink_to(album / "round.jpg")
    (album / "out").symlink_to(album.parent / "secret")
    return [
        str(album.parent / "secret" / "a.jpg"),
        f"{album}/../secret/a.jpg",
        f"{album}s/a.jpg",  # begins like the folder, and is another
        f"{album}/link.jpg",
        f"{album}/out/a.jpg",
        f"{album}/out/../secret/a.jpg",
        f"{album}/round.jpg",
        "/dev/stdin",
        "/proc/self/environ",
        "a.jpg",
        "",
        "a\0b",
        f"{album}/\0",
        "x" * 100_000,
    ]


def test_nothing_else_is_opened_even_with_the_right_content(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    monkeypatch.setattr("mien.server.originals.read_bytes", lambda path, *_: (opened.append(path), (CONTENT, ""))[1])
    paths = [path for path in elsewhere(album) if not path.endswith("round.jpg")]
    for path in paths:
        with pytest.raises(NotFoundError):
            kept(album, path)
    assert opened == []
    assert [allowed_path(path, []) for path in paths] == [None] * len(paths)


def test_all_refusals_look_the_same(album: Path) -> None:
    (album / "changed.jpg").write_bytes(CONTENT[::-1])
    told = set()
    for path in [*elsewhere(album), str(album / "changed.jpg"), str(album / "gone.jpg"), str(album)]:
        with pytest.raises(NotFoundError) as refusal:
            kept(album, path)
        told.add((refusal.value.code, str(refusal.value)))
    assert told == {("picture-not-kept", "reference 1: its picture is not kept here")}
