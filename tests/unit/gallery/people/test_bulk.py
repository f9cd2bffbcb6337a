"""Many references in one change are the same as one after the other."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gallery_toys
from gallery_toys import CONTRACT, picture, templates, unit
from mien.errors import ModelMismatchError, NotFoundError, UsageError
from mien.gallery import Gallery
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

PLACES = [(0.0, 0.0, 10.0, 10.0), (1.0, 0.0, 11.0, 10.0), (50.0, 0.0, 60.0, 10.0)]
ITEMS = st.lists(
    st.tuples(
        st.sampled_from(["ada", "Ada", "bob", "Rene\u0301e", "#1"]),
        st.none() | st.integers(1, 3),
        st.sampled_from(PLACES),
    ),
    max_size=12,
)


def made(items, start=0):
    faces = tuple(Face(place, 0.9, ((1.0, 2.0),) * 5) for _, _, place in items)
    vectors = unit(*range(start, start + len(items))) if items else unit(0)[:0]
    return Templates(vectors, Precision.F32, CONTRACT, faces)


def prepared(path):
    """A gallery in which picture 1 shows two people without a name."""
    gallery = Gallery.open(path, create=True)
    gallery.add_picture(picture(1), made([(None, 1, PLACES[0]), (None, 1, PLACES[2])], 100))
    return gallery


def content(gallery, out):
    """All rows but uids, times, the audit trail and numbers of people, which the order of calls decides."""
    gallery.export(out)
    lines = [json.loads(line) for line in out.read_bytes().splitlines()]
    pictures = {line["picture"]["id"]: line["picture"]["sha256"] for line in lines if "picture" in line}
    names = {line["subject"]["id"]: line["subject"]["name"] for line in lines if "subject" in line}
    references = [line["reference"] for line in lines if "reference" in line]
    return (
        sorted(str(name) for name in names.values()),
        sorted(pictures.values()),
        [
            (r["id"], names[r["subject"]], pictures.get(r["picture"]), r["pinned"], r["box"], r["points"], r["vector"])
            for r in references
        ],
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ITEMS)
def test_many_at_once_are_the_same_as_one_by_one(tmp_path_factory, items):
    folder = tmp_path_factory.mktemp("both")
    subjects = [subject for subject, _, _ in items]
    pictures = [None if number is None else picture(number) for _, number, _ in items]
    found = []
    with prepared(folder / "once.mien") as once, prepared(folder / "each.mien") as each:
        gone = None
        try:
            with each.batch():
                for row, (subject, shown) in enumerate(zip(subjects, pictures, strict=True)):
                    found.append(each.enrol(subject, made(items)[[row]], shown).reference)
        except NotFoundError as error:  # '#1' became somebody with a name
            gone = error
        if gone is None:
            assert once.enrol_many(made(items), subjects, pictures) == tuple(found)
            assert content(once, folder / "once") == content(each, folder / "each")
        assert once.check() == each.check() == []


def test_people_without_a_name_are_new_each(gallery):
    ids = gallery.enrol_many(templates(1, 2, 3), [None, "ada", None])
    assert ids == (1, 2, 3)
    assert [(s.label, s.references) for s in gallery.subjects()] == [("ada", 1), ("#1", 1), ("#3", 1)]
    assert [hit.reference for hit in gallery.search(templates(3), 1)[0]] == [3]


def test_one_call_is_one_audit_record_and_names_whom_it_concerns(gallery, tmp_path):
    gallery.enrol_many(templates(1, 2, 3), ["ada", "ada", "ada"])
    gallery.enrol_many(templates(4, 5), ["ada", "bob"])
    gallery.enrol_many(templates(), [])
    gallery.export(tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    records = [line["audit"] for line in lines if "audit" in line]
    assert [(r["action"], r["subject"], json.loads(r["counts"])) for r in records] == [
        ("enrol", gallery.subject("ada").uid, {"references": 3}),
        ("enrol", None, {"references": 2}),
    ]


def test_what_is_wrong_with_one_stores_none(gallery):
    gallery.enrol("ada", templates(1))
    other = TemplateContract("other", "11" * 32, CONTRACT.dimension, "none")
    for subjects, error in ((["bob", "\0"], UsageError), (["bob"], UsageError), (["bob", "#99"], NotFoundError)):
        with pytest.raises(error):
            gallery.enrol_many(templates(2, 3), subjects)
    with pytest.raises(ModelMismatchError):
        gallery.enrol_many(templates(2, 3, contract=other), ["bob", "carl"])
    assert [s.label for s in gallery.subjects()] == ["ada"]
    assert gallery.check() == []


def test_new_people_sort_after_old_ones(gallery):
    gallery.enrol("ada", templates(1))
    time.sleep(0.002)
    gallery.enrol("bob", templates(2))
    assert gallery.subject("ada").uid < gallery.subject("bob").uid


def test_what_another_process_did_is_known_to_the_next_call(gallery):
    gallery.enrol("ada", templates(1))
    with Gallery(gallery.path) as other:
        other.rename("ada", "lovelace")
        other.enrol("bob", templates(2))
    gallery.enrol_many(templates(3, 4, 5), ["bob", "lovelace", "ada"])
    assert [(s.label, s.references) for s in gallery.subjects()] == [("ada", 1), ("bob", 2), ("lovelace", 2)]
    assert len(gallery.search(templates(5), 10)[0]) == 3


ENROLLING = """
import sys
from gallery_toys import templates
from mien.gallery import Gallery
with Gallery.open(sys.argv[1], create=True) as gallery:
    for batch in range(100000):
        names = [f"{batch}-{i}" for i in range(50)]
        print("will", flush=True)
        gallery.enrol_many(templates(*range(batch * 50, batch * 50 + 50)), names)
        print("did", flush=True)
"""


def test_killed_while_enrolling_many_all_or_none_of_them_are_there(tmp_path):
    seed = int(os.environ.get("MIEN_SEED", random.randrange(2**32)))
    rng = random.Random(seed)
    environment = {**os.environ, "PYTHONPATH": str(Path(gallery_toys.__file__).parent), "OPENBLAS_NUM_THREADS": "1"}
    for turn in range(6):
        path = tmp_path / f"{turn}.mien"
        command = [sys.executable, "-c", ENROLLING, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as worker:
            first = worker.stdout.readline()
            time.sleep(rng.uniform(0, 0.1))
            worker.kill()
            acknowledged = (first + worker.stdout.read()).count(b"did")
        with Gallery(path) as gallery:
            count = len(gallery)
            assert count % 50 == 0, f"MIEN_SEED={seed}"
            assert acknowledged <= count // 50 <= acknowledged + 1
            assert gallery.info()["subjects"] == count
            assert gallery.check() == []
