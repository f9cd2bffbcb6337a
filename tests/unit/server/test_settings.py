from pathlib import Path

import pytest

from mien.errors import UsageError
from mien.server.settings import Settings, is_loopback, named_galleries, state_path


def settings(**more: object) -> Settings:
    return Settings({"family": Path("family.mien")}, Path("state.sqlite"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_alone_needs_no_tls(host: str) -> None:
    assert is_loopback(host)
    settings(host=host).require_safe()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "server.example", "127.0.0.1.example", ""])
def test_others_are_refused_without_tls_or_a_proxy(host: str) -> None:
    with pytest.raises(UsageError, match="--behind-proxy") as refusal:
        settings(host=host).require_safe()
    assert refusal.value.code == "server-unprotected"
    settings(host=host, behind_proxy=True).require_safe()
    settings(host=host, certificate=Path("a.pem"), private_key=Path("b.pem")).require_safe()


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(UsageError, match="give both"):
        settings(certificate=Path("a.pem"))


def test_galleries_are_called_as_their_files(tmp_path: Path) -> None:
    assert named_galleries([Path("family.mien")]) == {"family": Path("family.mien").resolve()}
    with pytest.raises(UsageError, match="both be called 'family'"):
        named_galleries([Path("family.mien"), Path("other/family.mien")])
    with pytest.raises(UsageError, match="rename the file"):
        named_galleries([Path("my family.mien")])


def test_a_server_needs_a_gallery_and_a_worker() -> None:
    with pytest.raises(UsageError, match="needs a gallery"):
        Settings({}, Path("s"))
    with pytest.raises(UsageError, match="at least 1"):
        settings(workers=0)
    with pytest.raises(UsageError, match="65535"):
        settings(port=65536)


def test_the_environment_says_where_the_state_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIEN_STATE", str(tmp_path / "s"))
    assert state_path() == tmp_path / "s"
    monkeypatch.delenv("MIEN_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_path() == tmp_path / "mien" / "server.sqlite"
