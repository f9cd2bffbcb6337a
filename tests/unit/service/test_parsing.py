from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from face68 import BOX, points68, portrait
from mien.errors import NotFoundError, UsageError
from mien.geometry.face_parts import PARTS
from mien.models import find_card
from mien.models.heads import heads
from mien.models.heads.landmarks import Landmarks
from mien.models.views import Cuts
from mien.parsing.mask_folder import read_mask, read_mask_folder
from mien.parsing.material import Making
from mien.parsing.parse import parser_of
from mien.service import Models
from mien.service import parsing as service
from mien.types.faces import Column, Faces
from mien.types.image import Image
from mien.types.template import Precision


@dataclass
class Drawn:
    """Finds the drawn face in every picture that is large enough for it."""

    name: str = "drawn"

    def detect(self, image: Image) -> Faces:
        count = int(min(image.size) >= 200)
        boxes = np.repeat(BOX[None], count, axis=0)
        return Faces(boxes, np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32), image.size, image.source)


class Marks(Landmarks):
    """Knows the drawn face's points."""

    def look(self, cuts: Cuts) -> Column:
        return Column(np.repeat(points68()[None], len(cuts.faces), axis=0), "px")


class Nothing:
    """A session that is never run."""

    engine, precision, batch, pixels, shape, outputs = "none", Precision.F32, 1, None, (None,) * 4, ("x",)


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Models:
    monkeypatch.setattr(service, "load_head", lambda name, settings: Marks(find_card(name), Nothing()))  # type: ignore[arg-type]
    monkeypatch.setattr(Models, "load_detector", lambda self: Drawn())
    return Models()


def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("ada_1.png", "ada_2.png", "ben_1.png"):
        Pil.fromarray(portrait()).save(photos / name)
    return photos


def test_a_mask_and_a_drawing_are_written_for_every_picture(tmp_path: Path, models: Models) -> None:
    photos = folder(tmp_path)
    (tmp_path / "other").mkdir()
    same_name = tmp_path / "other" / "ada_1.png"
    Pil.fromarray(portrait()).save(same_name)
    sources = [str(photos / "ada_1.png"), str(same_name), str(tmp_path / "none.png")]
    classes, done, failures = service.parse_pictures(sources, tmp_path / "out", models=models)
    assert classes == PARTS
    assert [picture.mask.name for picture in done] == ["ada_1.png", "ada_1-2.png"]
    assert [failure.reason for failure in failures] == ["not-found"]
    labels = read_mask(done[0].mask, len(PARTS))
    assert PARTS[labels[110, 100]] == "nose"
    (shares,) = done[0].faces
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    assert shares["nose"] == pytest.approx((labels == 4).sum() / (labels > 0).sum(), abs=1e-4)
    assert done[1].drawing.is_file()


def test_a_picture_without_a_face_has_an_empty_mask(tmp_path: Path, models: Models) -> None:
    Pil.new("RGB", (90, 90)).save(tmp_path / "empty.png")
    _, (picture,), _ = service.parse_pictures([str(tmp_path / "empty.png")], tmp_path / "out", models=models)
    assert picture.faces == ()
    assert read_mask(picture.mask, 2).max() == 0


def test_masks_are_made_by_person_and_again_the_same(tmp_path: Path, models: Models) -> None:
    photos = folder(tmp_path)
    Pil.new("RGB", (90, 90)).save(photos / "nobody.png")
    for out in ("one", "two"):
        written, failures = service.make_masks(
            photos, tmp_path / out, Making("parts"), copies=2, seed=3, subject="[a-z]+", models=models
        )
        assert written == 6
        assert [failure.reason for failure in failures] == ["no-face"]
    one, two = (read_mask_folder(tmp_path / out) for out in ("one", "two"))
    assert set(one.subjects) == {"ada", "ben"}
    assert all((one.read(i).labels == two.read(i).labels).all() for i in range(6))


def test_what_cannot_be_made_is_refused(tmp_path: Path, models: Models) -> None:
    make = {"copies": 1, "seed": 0, "models": models}
    with pytest.raises(UsageError, match="no truth 'hair'"):
        service.make_masks(tmp_path, tmp_path / "x", Making("hair"), subject="a", **make)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="regular expression"):
        service.make_masks(tmp_path, tmp_path / "x", Making(), subject="(", **make)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="no photographs"):
        service.make_masks(tmp_path, tmp_path / "x", Making(), subject="a", **make)  # type: ignore[arg-type]


def test_a_head_that_knows_no_parts_is_refused() -> None:
    age = heads["age"](find_card("age"), Nothing())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no parts"):
        parser_of(age)
