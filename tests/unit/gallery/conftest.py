import pytest

from mien.gallery import Gallery


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(tmp_path / "family.mien", create=True) as opened:
        yield opened
