"""The filter language finds whom a loop over everybody's attributes finds."""

import contextlib
import operator
import sqlite3
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gallery_toys import templates
from mien.errors import StoreCorruptError, UsageError
from mien.gallery import Gallery
from mien.gallery.people.where import Term, parse

COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
KEYS = st.sampled_from(["age", "site", "größe", "x.y-z"])
NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([2**53, 2**53 + 1, float(2**53), 0.5, -1e300, 1e-300, float(2**62), 2**62 + 1]),
    st.floats(allow_nan=False, allow_infinity=False),
)
TEXTS = st.one_of(
    st.sampled_from(["a", "B", "b", "berlin", "new york", "it's", 'say "x"', "34", "é", "\U0001f469", "\uffff", "and"]),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=4),
)
VALUES = NUMBERS | TEXTS


def holds(attributes, terms):
    """The oracle: Python's own comparison; a number and a text are different and in no order."""
    return all(_holds(attributes.get(term.key), term) for term in terms)


def _holds(value, term):
    if value is None:
        return False
    if term.operator == "in":
        return any(_same_kind(value, wanted) and value == wanted for wanted in term.values)
    (wanted,) = term.values
    if not _same_kind(value, wanted):
        return term.operator == "!="
    return COMPARE[term.operator](value, wanted)


def _same_kind(a, b):
    return isinstance(a, str) == isinstance(b, str)


def written(term):
    """A condition as somebody would type it."""
    values = ", ".join("'" + v.replace("'", "''") + "'" if isinstance(v, str) else repr(v) for v in term.values)
    return f"{term.key} {term.operator} {values}"


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    with Gallery.open(tmp_path_factory.mktemp("crowd") / "crowd.mien", create=True) as gallery:
        gallery.enrol_many(templates(*range(12)), [f"p{i}" for i in range(12)])
        yield gallery


TERMS = st.one_of(
    st.builds(lambda k, o, v: Term(k, o, (v,)), KEYS, st.sampled_from(sorted(COMPARE)), VALUES),
    st.builds(lambda k, v: Term(k, "in", tuple(v)), KEYS, st.lists(VALUES, min_size=1, max_size=4)),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(KEYS, VALUES, max_size=3), min_size=1, max_size=12),
    st.lists(TERMS, min_size=1, max_size=3),
)
def test_a_filter_finds_whom_a_loop_finds(crowd, told, terms):
    try:
        with crowd.batch():
            for number, attributes in enumerate(told):
                crowd.set_attributes(f"p{number}", dict.fromkeys(["age", "site", "größe", "x.y-z"]))
                crowd.set_attributes(f"p{number}", attributes)
    except UsageError:  # a text of blanks only
        return
    held = {s.id: s.attributes for s in crowd.subjects()}
    text = " and ".join(map(written, terms))
    try:
        read = parse(text)
    except UsageError:
        assert any(isinstance(v, str) and not v.strip() for term in terms for v in term.values)
        return

    found = crowd.searched(text).among

    assert found.tolist() == sorted(i for i, attributes in held.items() if holds(attributes, read))


@given(st.lists(TERMS, min_size=1, max_size=4))
def test_what_is_written_is_read(terms):
    try:
        read = parse(" and ".join(map(written, terms)))
    except UsageError:
        return
    assert [(t.key, t.operator) for t in read] == [(t.key, t.operator) for t in terms]
    for term, wanted in zip(read, terms, strict=True):
        for value, put in zip(term.values, wanted.values, strict=True):
            assert value == put or value == unicodedata.normalize("NFC", put).strip()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("site=berlin and age>=30", [Term("site", "=", ("berlin",)), Term("age", ">=", (30,))]),
        ("site in berlin,paris", [Term("site", "in", ("berlin", "paris"))]),
        (
            "site IN berlin , 'new york' AND age<3.5",
            [Term("site", "in", ("berlin", "new york")), Term("age", "<", (3.5,))],
        ),
        ("plz=01067", [Term("plz", "=", ("01067",))]),
        ('plz="34"', [Term("plz", "=", ("34",))]),
        ("a==1", [Term("a", "=", (1,))]),
        ("a!=-2e3", [Term("a", "!=", (-2000.0,))]),
    ],
)
def test_filters_as_people_write_them(text, terms):
    assert parse(text) == tuple(terms)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("site", 5),
        ("site=", 6),
        ("site=berlin and", 16),
        ("site=new york", 10),
        ("=berlin", 1),
        ("site='berlin", 6),
        ("site=berlin or age=3", 13),
        ("site in", 8),
        ("site in berlin,", 16),
        ("and=3", 1),
        ("a<>3", 3),
        ("age=1e999", 5),
        ("age>=30 and 3=age", 13),
    ],
)
def test_a_wrong_filter_is_refused_with_its_place(text, position):
    with pytest.raises(UsageError, match=f"character {position}:") as refused:
        parse(text)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("text", ["a=1 and " * 60 + "a=1", "a=" + "x" * 5000, "a in " + ",".join(["1"] * 501)])
def test_the_length_of_a_filter_is_limited(text):
    with pytest.raises(UsageError):
        parse(text)


@given(st.text(max_size=40))
def test_no_text_does_more_than_be_refused(text):
    with contextlib.suppress(UsageError):
        parse(text)


def test_the_number_searched_is_that_of_the_filter(gallery):
    gallery.enrol_many(templates(*range(6)), ["ada", "ada", "bob", "carl", None, None])
    gallery.set_attributes("ada", {"site": "berlin"})
    gallery.set_attributes("bob", {"site": "berlin"})

    searched = gallery.searched("site=berlin")

    assert (searched.subjects, searched.references, searched.where) == (2, 3, "site=berlin")
    assert (gallery.searched().subjects, gallery.searched().references) == (5, 6)
    assert {hit.subject for hit in gallery.search(templates(3), 10, where="site=berlin")[0]} == {"ada", "bob"}
    assert gallery.search(templates(3), 10, where="site=paris") == [[]]
    assert gallery.search(templates(3), 10, where="site=berlin", among=np.array([1])) == [
        hits[:1] if hits[0].subject == "ada" else hits[1:]
        for hits in gallery.search(templates(3), 10, where="site=berlin")
    ]


def test_a_damaged_tree_hides_nobody(gallery):
    gallery.enrol_many(templates(*range(40)), [f"p{i}" for i in range(40)])
    for i in range(40):
        gallery.set_attributes(f"p{i}", {"site": "berlin"})
    gallery.close()
    connection = sqlite3.connect(gallery.path)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'attribute_value'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    data = bytearray(gallery.path.read_bytes())
    at = data.index(b"berlin", (page - 1) * size)
    assert at < page * size
    data[at] = ord("B")
    gallery.path.write_bytes(data)

    with pytest.raises(StoreCorruptError):
        gallery.searched("site=berlin")


def test_texts_and_numbers_never_meet(gallery):
    gallery.enrol_many(templates(1, 2), ["number", "text"])
    gallery.set_attributes("number", {"age": 34})
    gallery.set_attributes("text", {"age": "34"})
    number, text = (gallery.subject(name).id for name in ("number", "text"))
    for condition, found in (("age>=30", [number]), ("age>='30'", [text]), ("age!=1", [number, text])):
        assert gallery.searched(condition).among.tolist() == found
