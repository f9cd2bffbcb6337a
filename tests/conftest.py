"""Where the measurement pictures and the weights are, and what is skipped without them."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    # Engines and BLAS start a thread a core each; tests run in one process and want none of them fighting.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the measurement pictures: $MIEN_DATA, or ../shared/data beside the checkout."""
    folder = Path(os.environ.get("MIEN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no measurement pictures at {folder}; set MIEN_DATA")
    return folder


@pytest.fixture(scope="session")
def need() -> Callable[[str], None]:
    """``need("mobileface")`` fetches the weights of a card once, and skips the test where they cannot be had."""
    from mien.errors import ModelMissingError
    from mien.models import Store, find_card

    unreachable: dict[str, str] = {}

    def fetch(name: str) -> None:
        if name not in unreachable:
            try:
                Store().pull(find_card(name))
                return
            except ModelMissingError as error:
                unreachable[name] = str(error)
        pytest.skip(f"no weights: {unreachable[name]}")

    return fetch


@pytest.fixture(scope="session")
def weights(need: Callable[[str], None]) -> None:
    """The default weights."""
    need("yunet")
    need("sface")


@pytest.fixture(scope="session")
def portraits(tmp_path_factory: pytest.TempPathFactory, weights: None, need: Callable[[str], None]) -> Path:
    """The sample portraits."""
    from mien.models import Store, find_card

    del weights
    need("samples")
    folder = tmp_path_factory.mktemp("portraits")
    Store().put(find_card("samples"), folder)
    return folder


@pytest.fixture
def subprocess_mien() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command in a process of its own; `shell_tail` is what its output is piped into."""

    def call(*arguments: str, shell_tail: str = "") -> subprocess.CompletedProcess[str]:
        line = f"{shlex.join([sys.executable, '-m', 'mien', *arguments])} {shell_tail}"
        return subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)

    return call
