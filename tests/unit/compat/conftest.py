"""Settings and said warnings do not pass from test to test."""

from collections.abc import Iterator

import pytest

from mien.compat import settings
from mien.compat.warned import forget_warnings


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    before = settings.current()
    forget_warnings()
    yield
    settings._settings[0] = before
    forget_warnings()
