from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from model_toys import make_tar, make_wheel

from mien.errors import ModelMissingError
from mien.models import archives
from mien.models.archives import read_members

MEMBERS = {"pkg/a.bin": b"aaaa", "pkg/b.bin": b"bb", "a.bin": b"root"}


def zipped(folder: Path) -> Path:
    return make_wheel(folder, MEMBERS)


def tarred(folder: Path) -> Path:
    return make_tar(folder / "x.tgz", MEMBERS)


@pytest.mark.parametrize("make", [zipped, tarred])
class TestBothKinds:
    def test_only_the_exact_path_is_read(self, make: object, tmp_path: Path) -> None:
        assert callable(make)
        assert read_members(make(tmp_path), {"pkg/a.bin": 4, "b.bin": 2}) == {"pkg/a.bin": b"aaaa"}

    def test_a_member_of_another_length_is_left_alone(self, make: object, tmp_path: Path) -> None:
        assert callable(make)
        assert read_members(make(tmp_path), {"pkg/a.bin": 3}) == {}

    def test_a_cut_archive_is_named_as_broken(self, make: object, tmp_path: Path) -> None:
        assert callable(make)
        path = make(tmp_path)
        path.write_bytes(path.read_bytes()[:60])
        with pytest.raises(ModelMissingError, match=f"{path.name} cannot be read as an archive"):
            read_members(path, {"pkg/a.bin": 4})

    def test_nothing_is_written(self, make: object, tmp_path: Path) -> None:
        assert callable(make)
        path = make(tmp_path)
        read_members(path, {"pkg/a.bin": 4})
        assert list(tmp_path.iterdir()) == [path]


def test_links_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as t:
        for kind, name in ((tarfile.SYMTYPE, "s"), (tarfile.LNKTYPE, "h")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            t.addfile(info)
    assert read_members(path, {"s": 0, "h": 0}) == {}


def test_a_tar_that_unpacks_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1 << 20)
    path = make_tar(tmp_path / "x.tgz", {"zeros": bytes(2 << 20), "wanted": b"w"})
    assert path.stat().st_size < 10_000
    with pytest.raises(ModelMissingError, match="unpacks to more than 1 MiB"):
        read_members(path, {"wanted": 1})


def test_a_zip_entry_that_lies_about_its_length_gives_no_more_than_it_said(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a", bytes(1 << 20))
    lie = buffer.getvalue().replace((1 << 20).to_bytes(4, "little"), (16).to_bytes(4, "little"))
    path = tmp_path / "x.zip"
    path.write_bytes(lie)
    try:
        found = read_members(path, {"a": 16})
    except ModelMissingError:  # some versions of zipfile notice by the checksum
        return
    assert len(found["a"]) <= 16
