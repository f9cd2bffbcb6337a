"""A gallery's memory follows what the file says, and trusts none of it."""

from pathlib import Path

import apsw
import pytest

from gallery_toys import picture, templates
from mien.errors import StoreCorruptError
from mien.gallery import Gallery


@pytest.mark.parametrize("rows", [-5, 0, 2**62])
def test_a_tally_that_is_damaged_is_told(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "family.mien"
    with Gallery(path, create=True) as gallery:
        gallery.enrol("ada", templates(1), picture(1))
    with apsw.Connection(str(path)) as connection:
        connection.execute("UPDATE tally SET rows = ? WHERE name = 'reference'", (rows,))
    connection.close()
    with Gallery(path) as gallery, pytest.raises(StoreCorruptError):
        gallery.subjects()
