"""What `mien serve` says beside its answers."""

import logging
from contextlib import ExitStack
from pathlib import Path

import pytest

from mien.cli import serve
from server_toys import toy_context


def test_it_says_of_which_galleries_no_face_can_be_shown(tmp_path: Path) -> None:
    with ExitStack() as stack:
        context = toy_context(tmp_path, stack, names=("family", "office"))
        context.galleries["office"].writer.store.keep_crops()
        assert serve._without_faces(context) == ["family"]
    with ExitStack() as stack:
        folders = {"photos": tmp_path}
        assert serve._without_faces(toy_context(tmp_path, stack, folders=folders)) == []


def test_what_the_server_notes_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("mien")
    with serve._shown_log():
        log.info("family: swept, %d whose consent has ended", 2)
        log.warning("family\x1b[31m: not\nswept")
    log.info("nobody listens")
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("INFO family: swept, 2 whose consent has ended")
    assert second.endswith("WARNING family\\x1b[31m: not\\nswept")
