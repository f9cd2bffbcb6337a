"""One body of claims, told to a gallery in a file and to the same on a server: answers and errors are the same."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mien.errors import ConflictError, FaceError, ImageError, MienError, NotFoundError, UsageError
from mien.gallery import Consent, acting
from mien.service import GalleryService, LocalGallery
from mien.testing.toys import draw_picture
from mien.types.faces import Face

ADA, BOB = 1, 2


@pytest.fixture(params=["file", "server"])
def gallery(request: pytest.FixtureRequest) -> GalleryService:
    return request.getfixturevalue({"file": "toy_local", "server": "toy_remote"}[request.param])


def refusal(call: Callable[[], object]) -> MienError:
    with pytest.raises(MienError) as caught:
        call()
    return caught.value


def test_it_is_a_gallery_service(gallery: GalleryService) -> None:
    assert isinstance(gallery, GalleryService)


def test_who_is_enrolled_is_found_and_others_are_nobody(gallery: GalleryService, photos: Path) -> None:
    enrolled = gallery.enrol("Ada", photos / "ada" / "1.png")
    assert (enrolled.subject, len(enrolled.references), enrolled.added, enrolled.failures) == ("Ada", 1, 1, ())
    probes = [photos / "ada" / "2.png", photos / "bob" / "1.png"]
    result = gallery.identify(probes)
    assert [probe.decision for probe in result.probes] == ["Ada", None]
    assert [probe.face.source for probe in result.probes] == list(map(str, probes))
    assert (result.gallery_size, result.searched, result.fpir, result.where) == (1, 1, 0.003, None)
    assert gallery.verify(probes[0], "Ada").decision is True
    assert gallery.verify(probes[1], "Ada").decision is False


def test_enrolling_again_adds_nothing(gallery: GalleryService, photos: Path) -> None:
    first = gallery.enrol("Ada", photos / "ada" / "1.png")
    again = gallery.enrol("Ada", photos / "ada" / "1.png")
    assert (again.references, again.added) == (first.references, 0)


def test_pictures_that_give_no_reference_are_told_in_their_order(gallery: GalleryService, photos: Path) -> None:
    names = ["nobody.png", "missing.png", "ada/1.png", "empty.png", 'both/Müller & "sons".png', "broken.png"]
    result = gallery.enrol("Ada", [photos / name for name in names])
    assert [(Path(failure.source).relative_to(photos).as_posix(), failure.reason) for failure in result.failures] == [
        ("nobody.png", "no-face"),
        ("missing.png", "not-found"),
        ("empty.png", "image-empty"),
        ('both/Müller & "sons".png', "several-faces"),
        ("broken.png", "image-unrecognised"),
    ]
    assert all(failure.source in failure.message for failure in result.failures)
    assert len(result.references) == 1


@pytest.mark.parametrize("name", ["nobody.png", "missing.png", "broken.png"])
def test_when_no_picture_is_good_there_is_an_answer_all_the_same(
    gallery: GalleryService, photos: Path, name: str
) -> None:
    enrolled = gallery.enrol("Ada", photos / name)
    assert (enrolled.references, len(enrolled.failures)) == ((), 1)
    assert gallery.subjects() == []
    gallery.enrol("Ada", photos / "ada" / "1.png")
    found = gallery.identify(photos / name)
    assert (found.probes, len(found.failures), found.gallery_size) == ((), 1, 1)
    assert found.failures[0].source == str(photos / name)
    assert gallery.identify([]).gallery_size == 1


def test_bytes_and_arrays_are_pictures_too(gallery: GalleryService, photos: Path) -> None:
    gallery.enrol("Ada", (photos / "ada" / "1.png").read_bytes())
    gallery.enrol("Bob", draw_picture([BOB]))
    with open(photos / "ada" / "2.png", "rb") as file:
        result = gallery.identify([file, (photos / "bob" / "1.png").read_bytes(), draw_picture([BOB, ADA])])
    assert [probe.decision for probe in result.probes] == ["Ada", "Bob", "Bob", "Ada"]
    names = [probe.face.source for probe in result.probes]
    assert names == [str(photos / "ada" / "2.png"), "<bytes>", "<array>", "<array>"]


def test_a_folder_is_indexed_once(gallery: GalleryService, photos: Path) -> None:
    told: list[tuple[int, int]] = []
    first = gallery.index(photos, progress=lambda done, total: told.append((done, total)))
    assert (first.files, first.new, first.skipped, first.faces) == (7, 5, 0, 5)
    assert {Path(failure.source).name: failure.reason for failure in first.failures} == {
        "broken.png": "image-unrecognised",
        "empty.png": "image-empty",
    }
    assert told[-1] == (7, 7)
    again = gallery.index(photos)
    assert (again.files, again.new, again.skipped, again.faces) == (7, 0, 5, 0)
    assert len(gallery.subjects()) == 5
    assert gallery.subjects(unnamed=False) == []
    assert gallery.info()["references"] == 5


def test_the_folder_can_name_the_person(gallery: GalleryService, photos: Path) -> None:
    report = gallery.index(photos, by_folder=True)
    people = {subject.name: subject.references for subject in gallery.subjects()}
    assert people == {"ada": 2, "bob": 1, "both": 1}
    assert sorted(failure.reason for failure in report.failures) == ["image-empty", "image-unrecognised", "no-face"]


def test_a_folder_of_somebody_whose_consent_ended_is_a_failure_and_the_others_go_on(
    gallery: GalleryService, photos: Path, request: pytest.FixtureRequest
) -> None:
    gallery.enrol("ada", photos / "ada" / "1.png")
    if isinstance(gallery, LocalGallery):
        gallery.store.withdraw("ada")
    else:
        request.getfixturevalue("toy_server")[2].gallery("family").writer.store.withdraw("ada")
    report = gallery.index(photos, by_folder=True)
    refused = [failure for failure in report.failures if failure.reason == "consent-ended"]
    assert [Path(failure.source).relative_to(photos).as_posix() for failure in refused] == ["ada/2.png"]
    assert all("ada" in failure.message for failure in refused)
    assert (report.new, report.skipped, len(report.failures)) == (2, 1, 4)
    assert {subject.name: subject.references for subject in gallery.subjects()} == {"ada": 1, "bob": 1, "both": 1}
    assert refusal(lambda: gallery.enrol("ada", photos / "ada" / "2.png")).code == "consent-ended"


@pytest.mark.parametrize("name", ["toy_audited", "toy_remote"])
def test_decisions_are_recorded_with_their_purpose(photos: Path, request: pytest.FixtureRequest, name: str) -> None:
    gallery: GalleryService = request.getfixturevalue(name)
    if isinstance(gallery, LocalGallery):
        store = gallery.store
    else:
        store = request.getfixturevalue("toy_server")[2].gallery("family").reader.store
    gallery.enrol("Ada", photos / "ada" / "1.png")
    with acting("local", "door 3"):
        gallery.identify(photos / "ada" / "2.png", fpir=0.01)
        gallery.verify(photos / "bob" / "1.png", "Ada", fmr=0.001)
    found = [r for r in store.audit() if r.purpose == "door 3"]
    assert [(r.action, r.counts, r.rate) for r in found] == [
        ("identify", {"matches": 1, "probes": 1}, 0.01),
        ("verify", {"matches": 0, "probes": 1}, 0.001),
    ]


def test_people_are_described_renamed_and_forgotten(gallery: GalleryService, photos: Path) -> None:
    gallery.enrol("Ada", photos / "ada" / "1.png", attributes={"site": "berlin", "age": 34})
    gallery.set_attributes("Ada", {"age": None, "height": 1.7})
    gallery.rename("Ada", "Ada Ünlü")
    person = gallery.show("ada ünlü")
    assert (person.label, person.subject.attributes) == ("Ada Ünlü", {"site": "berlin", "height": 1.7})
    assert gallery.subjects() == [person.subject]
    assert gallery.identify(photos / "ada" / "2.png", where="site=berlin").searched == 1
    assert gallery.identify(photos / "ada" / "2.png", where="site=paris").searched == 0
    receipt = gallery.forget("Ada Ünlü")
    assert (receipt["subject"], receipt["references"], receipt["uid"]) == ("Ada Ünlü", 1, person.subject.uid)
    assert gallery.subjects() == []


REFUSED: dict[str, tuple[type[MienError], str, Callable[[GalleryService, Path], Any]]] = {
    "nobody of that name": (NotFoundError, "not-found", lambda g, p: g.verify(p / "ada/1.png", "Eve")),
    "shown": (NotFoundError, "not-found", lambda g, p: g.show("Eve")),
    "forgotten": (NotFoundError, "not-found", lambda g, p: g.forget("#77")),
    "no file": (NotFoundError, "not-found", lambda g, p: g.verify(p / "missing.png", "Ada")),
    "no folder": (NotFoundError, "not-found", lambda g, p: g.index(p / "missing")),
    "no face": (FaceError, "no-face", lambda g, p: g.verify(p / "nobody.png", "Ada")),
    "several faces": (
        FaceError,
        "several-faces",
        lambda g, p: g.verify(p / 'both/Müller & "sons".png', "Ada", faces="one"),
    ),
    "no picture": (ImageError, "image-unrecognised", lambda g, p: g.verify(p / "broken.png", "Ada")),
    "name in use": (ConflictError, "name-taken", lambda g, p: g.rename("Bob", "ada")),
    "reserved name": (UsageError, "name-reserved", lambda g, p: g.enrol("#12x", p / "ada/1.png")),
    "blank name": (UsageError, "name-blank", lambda g, p: g.enrol(" ", p / "ada/1.png")),
    "new name blank": (UsageError, "name-blank", lambda g, p: g.rename("Ada", "")),
    "all faces of one": (UsageError, "usage", lambda g, p: g.enrol("Ada", p / "ada/1.png", faces="all")),
    "rate of 0": (UsageError, "fpir-range", lambda g, p: g.identify(p / "ada/1.png", fpir=0)),
    "rate too small": (UsageError, "fpir-unsupported", lambda g, p: g.identify(p / "ada/1.png", fpir=1e-15)),
    "fmr of 1": (UsageError, "fmr-range", lambda g, p: g.verify(p / "ada/1.png", "Ada", fmr=1)),
    "fmr too small": (UsageError, "fmr-unsupported", lambda g, p: g.verify(p / "ada/1.png", "Ada", fmr=1e-15)),
    "no candidates": (UsageError, "top", lambda g, p: g.identify(p / "ada/1.png", top=0)),
    "bad key": (UsageError, "attribute-key", lambda g, p: g.set_attributes("Ada", {"1": 2})),
    "not a number": (UsageError, "attribute-value", lambda g, p: g.set_attributes("Ada", {"a": float("nan")})),
    "no basis": (UsageError, "text", lambda g, p: g.set_consent("Ada", basis=" ")),
    "long basis": (UsageError, "text", lambda g, p: g.set_consent("Ada", basis="b" * 1001)),
    "no date": (UsageError, "consent-date", lambda g, p: g.set_consent("Ada", expires="soon")),
    "over already": (UsageError, "consent-date", lambda g, p: g.set_consent("Ada", expires="2020-01-01")),
    "nobody's consent": (NotFoundError, "not-found", lambda g, p: g.set_consent("Eve")),
    "nobody withdraws": (NotFoundError, "not-found", lambda g, p: g.withdraw("Eve")),
    "filter": (UsageError, "where", lambda g, p: g.identify(p / "ada/1.png", where="site=")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_have_one_class_and_code(gallery: GalleryService, photos: Path, case: str) -> None:
    kind, code, call = REFUSED[case]
    gallery.enrol("Ada", photos / "ada" / "1.png")
    gallery.enrol("Bob", photos / "bob" / "1.png")
    error = refusal(lambda: call(gallery, photos))
    assert (type(error), error.code) == (kind, code)
    assert "\n" not in str(error)


def test_a_refused_picture_is_called_as_it_is_here(gallery: GalleryService, photos: Path) -> None:
    gallery.enrol("Ada", photos / "ada" / "1.png")
    path = str(photos / "nobody.png")
    error = refusal(lambda: gallery.verify(path, "Ada"))
    assert (error.source, str(error)) == (path, f"{path}: no face found")


def test_a_policy_that_is_none_is_a_value_error(gallery: GalleryService, photos: Path) -> None:
    for call in (gallery.identify, lambda image, faces: gallery.verify(image, "Ada", faces=faces)):
        gallery.enrol("Ada", photos / "ada" / "1.png")
        with pytest.raises(ValueError, match="wrong"):
            call(photos / "ada" / "1.png", faces="wrong")


def test_both_give_the_very_same_answers(toy_local: LocalGallery, toy_remote: GalleryService, photos: Path) -> None:
    both: tuple[GalleryService, ...] = toy_local, toy_remote
    for gallery in both:
        gallery.enrol("Ada", [photos / "ada" / "1.png", photos / "nobody.png"], attributes={"age": 3})
        gallery.index(photos)
    sources = [photos / "ada" / "2.png", photos / "broken.png", photos / 'both/Müller & "sons".png']
    assert_same(*(gallery.identify(sources, top=3) for gallery in both))
    assert_same(*(gallery.verify(sources[0], "Ada") for gallery in both))
    assert_same(*(gallery.show("Ada") for gallery in both))
    for local, remote in zip(toy_local.subjects(), toy_remote.subjects(), strict=True):
        assert_same(local, remote)
    assert_same(*(Document(gallery.info()) for gallery in both))
    assert_same(*(Document(gallery.forget("Ada")) for gallery in both))


def test_consent_is_seen_from_everywhere_and_its_end_heeded(
    toy_local: LocalGallery, toy_remote: GalleryService, photos: Path
) -> None:
    both: tuple[GalleryService, ...] = toy_local, toy_remote
    stated = []
    for gallery in both:
        gallery.enrol("Ada", photos / "ada" / "1.png")
        stated.append(
            gallery.set_consent("Ada", scope="door", given=date(2026, 1, 2), expires="2999-01-01T01:00+01:00")
        )
    shown = [gallery.show("Ada").subject.consent for gallery in both]
    assert stated == shown == [Consent("consent", "door", "2026-01-02T00:00:00Z", "2999-01-01T00:00:00Z")] * 2
    for gallery in both:
        assert not gallery.withdraw("Ada").in_force
        consent = gallery.show("Ada").subject.consent
        assert consent is not None
        assert not consent.in_force
        assert gallery.identify(photos / "ada" / "2.png").probes[0].decision is None
    errors = [refusal(lambda gallery=gallery: gallery.verify(photos / "ada" / "2.png", "Ada")) for gallery in both]
    assert (type(errors[0]), errors[0].code) == (type(errors[1]), errors[1].code)


@dataclass
class Document:
    """A plain answer, told like the others."""

    members: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {key: value for key, value in self.members.items() if key != "bytes"}  # what the log takes now


OWN = frozenset({"created", "utc", "uid", "record", "seconds"})
"""Of each gallery its own."""


def assert_same(local: Any, remote: Any, *, tolerance: float = 1e-4) -> None:
    """The same members and values; files by their names, since a server never knows the folders of others."""
    assert type(local) is type(remote)
    _same(local.to_dict(), remote.to_dict(), tolerance, "")


def _same(a: Any, b: Any, tolerance: float, where: str) -> None:
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a.keys() - OWN:
            if key == "file":
                assert Path(a[key]).name.replace('"', "_") == Path(b[key]).name.replace('"', "_"), where
            else:
                _same(a[key], b[key], tolerance, f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, pair in enumerate(zip(a, b, strict=True)):
            _same(*pair, tolerance, f"{where}[{i}]")
    elif isinstance(a, float):
        assert b == pytest.approx(a, abs=tolerance), where
    else:
        assert type(a) is type(b), where
        assert a == b, where


@pytest.mark.weights
def test_portraits_give_the_same_answers(both: tuple[GalleryService, ...], portraits: Path) -> None:
    for gallery in both:
        enrolled = gallery.enrol("Obama", portraits / "obama.jpg", attributes={"office": 44})
        assert (enrolled.added, enrolled.failures) == (1, ())
    for name in ("obama2.jpg", "biden.jpg"):
        assert_same(*(gallery.identify(portraits / name) for gallery in both))
        assert_same(*(gallery.verify(portraits / name, "Obama") for gallery in both))
    assert_same(*(gallery.show("Obama") for gallery in both))
    assert [gallery.verify(portraits / "obama2.jpg", "Obama").decision for gallery in both] == [True, True]
    assert [gallery.identify(portraits / "biden.jpg").probes[0].decision for gallery in both] == [None, None]


@pytest.mark.weights
def test_a_folder_gives_the_same_people(both: tuple[GalleryService, ...], portraits: Path) -> None:
    reports = [gallery.index(portraits) for gallery in both]
    assert replace(reports[0], seconds=0) == replace(reports[1], seconds=0)
    people = [[who(person.faces) for person in gallery.group(portraits).groups] for gallery in both]
    assert people[0] == people[1]
    assert {"biden.jpg"} not in people[0]


def who(faces: tuple[Face, ...]) -> set[str]:
    return {Path(face.source).name for face in faces}


@pytest.mark.weights
def test_a_picture_too_large_for_a_request_fails_alone(both: tuple[GalleryService, ...], portraits: Path) -> None:
    _, remote = both
    large = portraits / "obama.jpg"
    padded = large.read_bytes() + bytes(11 << 20)
    result = remote.identify([padded, large])
    assert [failure.reason for failure in result.failures] == ["body-too-large"]
    assert len(result.probes) == 1
