"""Which names are taken, and which are one name."""

import pytest

from gallery_toys import templates
from mien.errors import ConflictError, NotFoundError, UsageError
from mien.gallery import check_name

TAKEN = [
    "../../etc/passwd",
    "..\\..\\x",
    "C:\\x",
    "%2e%2e%2f",
    "Renée",
    "李小龍",
    "👩‍🚀 Mae 🖖🏽",
    "'; DROP TABLE subject;--",
    '" OR 1=1',
    "<script>alert(1)</script>",
    "{{7*7}}",
    "=cmd()",
    "CON",
    "trailing.",
    "#hashtag",
    "zero\u200bwidth",
    "a" * 200,
]


@pytest.mark.parametrize("name", TAKEN)
def test_a_strange_name_is_stored_exactly_and_found_literally(gallery, name):
    gallery.enrol(name, templates(1))
    gallery.enrol("somebody else", templates(2))

    assert [subject.label for subject in gallery.subjects() if subject.id == 1] == [name]
    assert gallery.show(name).references[0].id == 1
    assert gallery.search(templates(1), 1)[0][0].subject == name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "name-blank"),
        ("  \t".strip("\t"), "name-blank"),
        ("\u200b\u00a0", "name-blank"),
        ("a" * 201, "name-length"),
        ("a" * 10_000, "name-length"),
        ("nul\0", "name-characters"),
        ("line\nbreak", "name-characters"),
        ("\x1b[31mred", "name-characters"),
        ("\u202egnp.exe", "name-characters"),
        ("a\u2066b", "name-characters"),
        ("a\u2028b", "name-characters"),
        ("\ud800", "name-characters"),
        ("#12", "name-reserved"),
        ("#0 is reserved too", "name-reserved"),
    ],
)
def test_a_name_that_cannot_be_shown_or_told_apart_is_refused(name, code):
    with pytest.raises(UsageError) as refused:
        check_name(name)

    assert refused.value.code == code


def test_composed_and_decomposed_and_other_case_are_one_name(gallery):
    gallery.enrol("Rene\u0301e", templates(1))
    gallery.enrol("ren\u00e9e", templates(2))

    assert [(s.label, s.references) for s in gallery.subjects()] == [("Ren\u00e9e", 2)]


def test_a_name_that_somebody_has_cannot_be_given_again(gallery):
    gallery.enrol("ada", templates(1))
    gallery.enrol("bob", templates(2))

    with pytest.raises(ConflictError, match="mien gallery merge"):
        gallery.rename("bob", "ADA")
    gallery.rename("ada", "Ada")
    assert gallery.show("ada").label == "Ada"


def test_an_unknown_subject_is_not_found(gallery):
    for call in (gallery.show, gallery.forget, lambda name: gallery.rename(name, "ada")):
        for name in ("nobody", "#7", "#99999999999999999999"):
            with pytest.raises(NotFoundError):
                call(name)
