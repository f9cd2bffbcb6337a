"""``--audit`` and ``--purpose`` never do nothing."""

from pathlib import Path

import pytest

from mien.cli import options
from mien.cli.main import run
from mien.errors import UsageError
from mien.gallery.store.trail import acts_now


@pytest.mark.parametrize(
    "command", [["identify", "a.jpg", "-g", "x.mien"], ["verify", "a.jpg", "ada", "-g", "x.mien"], ["verify", "a", "b"]]
)
def test_a_purpose_that_nothing_would_record_is_refused(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*command, "--purpose", "door 3"]) == 2
    assert "--purpose" in capsys.readouterr().err


def test_an_audit_without_a_gallery_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "a.jpg", "b.jpg", "--audit"]) == 2
    assert "-g" in capsys.readouterr().err


def test_what_is_done_inside_is_done_for_the_purpose() -> None:
    with options.stating("door 3", audit=True, gallery="x.mien"):
        assert acts_now() == ("local", "door 3")
    with options.stating("door 3", audit=False, gallery="https://host"):
        assert acts_now() == ("local", "door 3")
    with pytest.raises(UsageError), options.stating("door 3", audit=False, gallery="x.mien"):
        pass
