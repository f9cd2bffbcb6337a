"""Copies in which nobody is found, checked on what was written; nothing else is ever overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from mien.cli import main
from mien.errors import StoreError, UsageError
from mien.pipeline import Pipeline
from mien.pipeline.hide import LEVELS, Cover, How
from mien.service import anonymize as module
from mien.service.anonymize import anonymize
from mien.service.journal import NAME
from mien.service.left import Left
from mien.testing.toys import ToyDetector, ToyEmbedder, draw_picture
from mien.types.anonymized import Recognised
from mien.types.faces import Face, Faces
from mien.types.image import Image
from mien.types.score import MeasuredPoint, OperatingTable

TABLE = OperatingTable("toys", "2026-01-01", "-", 100, 10_000, 10, (MeasuredPoint(0.9, 0, 0.0, 3e-4, 0),), 1.0)


@dataclass(frozen=True, slots=True)
class Detector(ToyDetector):
    """The toy with a score; `stubborn` also reports every grey area, as a detector that a fill does not fool."""

    score: float = 0.5
    stubborn: bool = False

    def with_score(self, score: float, *, most: int = 1000) -> Detector:
        del most
        return replace(self, score=score)

    def detect(self, image: Image) -> Faces:
        found = ToyDetector.detect(self, image)
        if not self.stubborn or self.score == 0.5:
            return found
        box = np.array([[20, 20, 132, 132]], np.float32)
        return Faces(box, np.ones(1, np.float32), np.full((1, 5, 2), 1, np.float32).cumsum(1) * 20, image.size)

    def detect_many(self, images: Sequence[Image]) -> list[Faces]:
        return [self.detect(image) for image in images]


@dataclass(frozen=True, slots=True)
class ToyModels(module.Models):
    """Models that need no weights."""

    found_by: Detector = field(default_factory=Detector)

    def pipeline(self, *, batch: bool = False) -> Pipeline:
        del batch
        return Pipeline(self.found_by, replace(_EMBEDDER))  # type: ignore[arg-type]

    def table(self) -> OperatingTable:
        return TABLE


class Embedder(ToyEmbedder):
    engine = "toy"


_EMBEDDER = Embedder()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    Pil.fromarray(draw_picture([1])).save(folder / "a.png")
    Pil.fromarray(draw_picture([2, 3])).save(folder / "deep" / "b.png")
    Pil.fromarray(np.zeros((100, 120, 3), np.uint8)).save(folder / "nobody.png")
    return folder


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("how", list(How))
def test_nobody_is_found_or_recognised_and_originals_stay(photos: Path, tmp_path: Path, how: How) -> None:
    before = bytes_below(photos)
    result = anonymize(photos, tmp_path / "out", how=how, models=ToyModels())
    assert bytes_below(photos) == before
    assert set(bytes_below(tmp_path / "out")) == {*before, NAME}
    assert [picture.hidden for picture in result.pictures] == [1, 2, 0]
    assert (result.findable, result.failures, result.references) == ((), (), 3)


def test_a_second_run_skips_what_is_done_and_answers_the_same(photos: Path, tmp_path: Path) -> None:
    first = anonymize(photos, tmp_path / "out", models=ToyModels())
    written = bytes_below(tmp_path / "out")
    second = anonymize(photos, tmp_path / "out", models=ToyModels())
    assert (first.skipped, second.skipped) == (0, 3)
    assert [p.to_dict() for p in second.pictures] == [p.to_dict() for p in first.pictures]
    assert bytes_below(tmp_path / "out") == written


def test_what_was_lost_is_made_again_and_another_method_makes_all_again(photos: Path, tmp_path: Path) -> None:
    anonymize(photos, tmp_path / "out", models=ToyModels())
    (tmp_path / "out" / "a.png").unlink()
    assert anonymize(photos, tmp_path / "out", models=ToyModels()).skipped == 2
    assert anonymize(photos, tmp_path / "out", how="fill", models=ToyModels()).skipped == 0


def test_a_picture_that_no_run_wrote_is_never_overwritten(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"mine")
    result = anonymize(photos, tmp_path / "out", models=ToyModels())
    assert [failure.reason for failure in result.failures] == ["output-exists"]
    assert (tmp_path / "out" / "a.png").read_bytes() == b"mine"


def test_a_link_in_the_output_cannot_lead_back_to_the_originals(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "deep").symlink_to(photos / "deep")
    before = bytes_below(photos)
    result = anonymize(photos, tmp_path / "out", models=ToyModels())
    assert [failure.reason for failure in result.failures] == ["output-elsewhere"]
    assert bytes_below(photos) == before


@pytest.mark.parametrize("inner", [".", "copies", ".."])
def test_folders_within_each_other_are_refused(photos: Path, inner: str) -> None:
    with pytest.raises(UsageError, match="lie within each other"):
        anonymize(photos, photos / inner, models=ToyModels())


def test_videos_animations_and_broken_pictures_are_failures(photos: Path, tmp_path: Path) -> None:
    (photos / "clip.mp4").write_bytes(b"x")
    (photos / "broken.png").write_bytes(b"x")
    frames = [Pil.new("L", (100, 100), shade) for shade in (0, 255)]
    frames[0].save(photos / "moving.gif", save_all=True, append_images=frames[1:])
    result = anonymize(photos, tmp_path / "out", models=ToyModels())
    reasons = {Path(failure.source).name: failure.reason for failure in result.failures}
    expected = {"clip.mp4": "video-unsupported", "broken.png": "image-unrecognised", "moving.gif": "image-frames"}
    assert reasons == expected
    with pytest.raises(UsageError, match="only photographs are anonymised"):
        anonymize(photos / "clip.mp4", tmp_path / "out", models=ToyModels())


def test_an_unknown_method_is_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="blur, pixelate, fill, replace, not 'smear'"):
        anonymize(photos, tmp_path / "out", how="smear", models=ToyModels())


@pytest.mark.parametrize(("how", "findable"), [("fill", 1), ("pixelate", 0)])
def test_a_face_found_again_counts_for_fill_only(photos: Path, tmp_path: Path, how: str, findable: int) -> None:
    for path in ("deep/b.png", "nobody.png"):
        (photos / path).unlink()
    models = ToyModels(found_by=Detector(stubborn=True))
    result = anonymize(photos, tmp_path / "out", how=how, models=models)
    assert len(result.findable) == findable
    assert len(result.pictures[0].found) == 1
    assert result.pictures[0].passes == (module.PASSES if findable else 1)


def test_a_face_that_only_the_check_finds_is_hidden_too(photos: Path, tmp_path: Path) -> None:
    for path in ("deep/b.png", "a.png"):
        (photos / path).unlink()
    Pil.fromarray(np.full((152, 152, 3), 255, np.uint8)).save(photos / "nobody.png")
    models = ToyModels(found_by=Detector(stubborn=True))
    result = anonymize(photos, tmp_path / "out", how="pixelate", models=models)
    assert [(p.hidden, p.missed, len(p.found), p.findable) for p in result.pictures] == [(1, (), 1, False)]


def test_metadata_is_gone_from_a_jpeg(photos: Path, tmp_path: Path) -> None:
    exif = Pil.Exif()
    exif[0x010E] = "at home"
    exif.get_ifd(0x8825)[1] = "N"
    Pil.new("RGB", (128, 96)).save(photos / "tagged.jpg", exif=exif, comment=b"secret")
    anonymize(photos, tmp_path / "out", models=ToyModels())
    written = (tmp_path / "out" / "tagged.jpg").read_bytes()
    assert b"at home" in (photos / "tagged.jpg").read_bytes()
    assert b"Exif" not in written
    assert b"secret" not in written


def test_the_command_leaves_with_1_when_somebody_is_findable(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.cli import options

    monkeypatch.setattr(options, "fetch", lambda models: None)
    for stubborn, code in ((False, 0), (True, 1)):
        models = ToyModels(found_by=Detector(stubborn=stubborn))
        monkeypatch.setattr(options, "models", lambda *_, models=models: models)
        out = tmp_path / str(stubborn)
        assert main.run(["anonymize", str(photos), str(out), "--how", "fill", "--json"]) == code


def test_a_folder_that_cannot_be_made_ends_the_run(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be written"):
        anonymize(photos, tmp_path / "file" / "out", models=ToyModels())


def test_a_face_that_stays_is_recognised_as_its_own_original(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "hide", lambda pixels, covers, how: pixels)
    result = anonymize(photos, tmp_path / "out", how="replace", models=ToyModels())
    assert [(p.passes, p.findable) for p in result.pictures] == [(6, True), (6, True), (1, False)]
    matches = [match for picture in result.pictures for match in picture.recognised]
    assert {(Path(match.original).name, match.own) for match in matches} == {("a.png", True), ("b.png", True)}
    assert min(match.score for match in matches) > 0.999


def test_a_face_that_is_known_beside_the_covers_is_covered_too() -> None:
    hidden, beside = (Face((x, 0.0, x + 10, 10.0), 0.9) for x in (0.0, 6.0))
    covers = (Cover(hidden, 5, len(LEVELS) - 1),)
    matches = tuple(Recognised(face, "a.jpg", True, 0.9) for face in (hidden, beside))
    stronger = module._stronger(covers, Left((), (beside,), matches, (True,)), 5)
    assert [cover.face for cover in stronger] == [hidden, beside]
    assert len({cover.seed for cover in stronger}) == 2
