"""What a gallery stores, finds, corrects and forgets."""

import threading
import time

import numpy as np
import pytest

from gallery_toys import CONTRACT, DIMENSION, picture, templates, unit
from mien.errors import ConflictError, ModelMismatchError, NotFoundError, StoreReadOnlyError, UsageError
from mien.gallery import Gallery, PictureRecord
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

OTHER = TemplateContract("other", "11" * 32, DIMENSION, "none")


def test_the_same_face_of_the_same_picture_is_kept_once(gallery):
    first = gallery.enrol("ada", templates(1), picture(1))
    shifted = Templates(unit(1), Precision.F32, CONTRACT, (Face((1.0, 1.0, 16.0, 16.0), 0.8),))

    assert gallery.enrol("ada", shifted, picture(1, "another/path.jpg")) == (first.reference, False)
    assert gallery.enrol("ada", templates(1), picture(2)).new


def test_enrolling_a_face_that_was_indexed_names_it(gallery):
    (indexed,) = gallery.add_picture(picture(1), templates(1))

    assert gallery.enrol("ada", templates(1), picture(1)) == (indexed, False)
    assert [(s.label, s.references) for s in gallery.subjects()] == [("ada", 1)]


def test_each_face_of_an_indexed_picture_is_a_person_without_a_name(gallery):
    ids = gallery.add_picture(picture(1), templates(1, 2, 3))

    assert [(s.label, s.name) for s in gallery.subjects()] == [("#1", None), ("#2", None), ("#3", None)]
    assert gallery.subjects(unnamed=False) == []
    assert gallery.add_picture(picture(1), templates(4, 5, 6)) == ids
    reference = gallery.show("#2").references[0]
    assert (reference.face.source, reference.face.box) == ("photos/1.jpg", (20.0, 0.0, 35.0, 15.0))


def test_a_picture_that_failed_is_known_until_it_is_asked_for_again(gallery):
    gallery.add_failure(picture(1), "image-truncated")
    assert gallery.knows(picture(1).sha256)
    assert not gallery.knows(picture(1).sha256, failed=False)
    assert gallery.info()["failures"] == 1

    gallery.add_picture(picture(1), templates())
    assert gallery.knows(picture(1).sha256, failed=False)
    assert gallery.info()["failures"] == 0


def test_a_batch_is_all_or_nothing(gallery, tmp_path):
    gallery.enrol("ada", templates(1))
    with pytest.raises(IndexError), gallery.batch():
        gallery.add_picture(picture(1), templates(2, 3))[9]
    assert [s.label for s in gallery.subjects()] == ["ada"]

    with gallery.batch():
        gallery.enrol("bob", templates(2))
        with pytest.raises(UsageError):
            gallery.enrol("\0", templates(3))
        gallery.enrol("carl", templates(4))
    with Gallery(gallery.path) as again:
        assert [s.label for s in again.subjects()] == ["ada", "bob", "carl"]


def test_merging_moves_references_and_moving_makes_a_person(gallery):
    a, b, c = gallery.add_picture(picture(1), templates(1, 2, 3))
    gallery.rename("#1", "ada")

    assert gallery.merge("ada", "#2", "#3") == 2
    assert [r.id for r in gallery.show("ada").references] == [a, b, c]
    assert gallery.move(c) == "#4"
    assert gallery.move(b, "bob") == "bob"
    assert gallery.search(templates(2), 1)[0][0].subject == "bob"
    with pytest.raises(UsageError):
        gallery.merge("ada", "ada")
    with pytest.raises(NotFoundError):
        gallery.move(99, "bob")


def test_what_is_forgotten_is_gone_with_its_pictures_and_not_those_of_others(gallery):
    gallery.add_picture(picture(1, "holiday/ada and bob.jpg"), templates(1, 2))
    gallery.rename("#1", "ada")
    gallery.enrol("ada", templates(3), picture(2))

    receipt = gallery.forget("ada")

    assert (receipt["references"], receipt["pictures"], receipt["paths"]) == (2, 1, 1)
    assert not gallery.knows(picture(2).sha256)
    assert gallery.knows(picture(1).sha256)
    assert gallery.show("#2").references[0].face.source == ""
    assert gallery.search(templates(1), 5)[0][0].subject == "#2"
    assert gallery.check() == []


def test_removed_references_leave_their_picture_known(gallery):
    ids = gallery.add_picture(picture(1), templates(1, 2))

    assert gallery.remove(ids[:1]) == 1
    assert [s.label for s in gallery.subjects()] == ["#2"]
    assert gallery.knows(picture(1).sha256)


def test_another_model_is_refused_with_both_digests(gallery):
    gallery.enrol("ada", templates(1))

    for call in (
        lambda: gallery.enrol("bob", templates(2, contract=OTHER)),
        lambda: gallery.search(templates(2, contract=OTHER), 1),
        lambda: Gallery(gallery.path, contract=OTHER).info(),
    ):
        with pytest.raises(ModelMismatchError) as refused:
            call()
        assert OTHER.digest[:12] in refused.value.message
        assert CONTRACT.digest[:12] in refused.value.message


def test_int8_only_meets_int8(gallery):
    gallery.enrol("ada", templates(1))
    gallery.enrol("bob", templates(2, precision=Precision.BF16))

    with pytest.raises(ModelMismatchError, match="int8"):
        gallery.enrol("carl", templates(3, precision=Precision.INT8))
    with pytest.raises(ModelMismatchError, match="int8"):
        gallery.search(templates(3, precision=Precision.INT8), 1)


@pytest.mark.parametrize(
    ("vectors", "code"),
    [
        ([[np.nan] + [0.0] * 15], "embedding-not-finite"),
        ([[float("1e999")] + [0.0] * 15], "embedding-not-finite"),
        ([[0.0] * 16], "embedding-zero"),
        ([[1.0] * 15], "embedding-dimension"),
        ([[1.0] * 17], "embedding-dimension"),
        ([1.0] * 16, "embedding-dimension"),
        ([[True] * 16], "embedding-dimension"),
        ([["1"] * 16], "embedding-dimension"),
    ],
)
def test_a_vector_that_is_no_template_is_refused(gallery, vectors, code):
    gallery.enrol("ada", templates(1))

    with pytest.raises(UsageError) as refused:
        gallery.search_vectors(np.array(vectors))

    assert refused.value.code == code


@pytest.mark.parametrize("length", [1e-30, 1e30, 1e300])
def test_vectors_of_any_length_are_compared_by_direction(gallery, length):
    gallery.enrol("ada", templates(1))

    ((hit,),) = gallery.search_vectors(unit(1).astype(np.float64) * length)

    assert hit.score == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("top", [0, -1, 1001, 10**9, 2**63, True, 2.5])
def test_the_length_of_a_candidate_list_is_1_to_1000(gallery, top):
    with pytest.raises(UsageError, match="1000"):
        gallery.search(templates(1), top)


def test_search_agrees_with_brute_force(gallery):
    rng = np.random.default_rng(5)
    with gallery.batch():
        for seed in range(120):
            gallery.enrol(f"p{rng.integers(30)}", templates(seed))
    owner = {r.id: r.subject for r in gallery.references()}
    probes = templates(*range(500, 520))

    expected = []
    for scores in probes.vectors.astype(np.float64) @ unit(*range(120)).T.astype(np.float64):
        best = {}
        for i in np.argsort(-scores):
            best.setdefault(owner[i + 1], (owner[i + 1], i + 1))
        expected.append(list(best.values())[:7])

    assert [[(h.subject, h.reference) for h in hits] for hits in gallery.search(probes, 7)] == expected
    score = gallery.compare(probes, "p3")
    shown = [r.id for r in gallery.show("p3").references]
    assert score == pytest.approx(probes.vectors @ unit(*(i - 1 for i in shown)).T, abs=1e-6)


def test_equal_scores_are_listed_by_number_and_low_ones_left_out(gallery):
    for name in ("zoe", "ada", "max"):
        gallery.enrol(name, templates(1))

    assert [h.subject for h in gallery.search(templates(1), 2)[0]] == ["zoe", "ada"]
    assert gallery.search(templates(2), 5, min_score=0.99) == [[]]


def test_new_templates_replace_all_or_none(gallery):
    ids = gallery.add_picture(picture(1), templates(1, 2))
    wide = TemplateContract("wide", "22" * 32, 32, "none")
    fresh = unit(7, 8, dimension=32)

    with pytest.raises(ConflictError):
        gallery.replace_templates(wide, [(ids[0], fresh[0], Precision.F32)])
    assert gallery.contract == CONTRACT
    assert gallery.replace_templates(wide, zip(ids, fresh, [Precision.F32] * 2, strict=True)) == 2
    assert gallery.contract == wide
    assert gallery.search(templates(8, contract=wide), 1)[0][0].reference == ids[1]
    assert gallery.check() == []


def test_grouping_is_taken_over_and_doing_it_twice_changes_nothing(gallery):
    ids = [gallery.add_picture(picture(i), templates(i))[0] for i in range(6)]
    grouping = [ids[:3], ids[3:5], ids[5:]]

    assert gallery.assign_groups(grouping) == 3
    assert [(s.label, s.references) for s in gallery.subjects()] == [("#1", 3), ("#4", 2), ("#6", 1)]
    assert gallery.assign_groups(grouping) == 0


def test_grouping_keeps_names_and_corrections(gallery):
    ids = [gallery.add_picture(picture(i), templates(i))[0] for i in range(6)]
    gallery.rename("#1", "ada")
    gallery.rename("#2", "bob")
    gallery.move(ids[2], "carl")

    gallery.assign_groups([[ids[0], ids[1], ids[3]], [ids[2], ids[4], ids[5]]])

    owners = {r.id: r.subject for r in gallery.references()}
    assert [owners[i] for i in ids] == ["ada", "bob", "carl", "#4", "carl", "carl"]


def test_two_faces_of_one_picture_do_not_join_one_name(gallery):
    a, b = gallery.add_picture(picture(1), templates(1, 2))
    (c,) = gallery.add_picture(picture(2), templates(3))
    gallery.rename("#1", "ada")
    gallery.enrol("ada", templates(9), picture(9))

    gallery.assign_groups([[4, b, c]])

    owners = {r.id: r.subject for r in gallery.references()}
    assert (owners[a], owners[b], owners[c]) == ("ada", "#2", "ada")


def test_the_grouping_is_told_what_people_said(gallery):
    gallery.add_picture(picture(1), templates(1, 2, 3))
    gallery.rename("#3", "ada")
    gallery.separate("#1", "ada")

    columns = gallery.grouped()

    assert columns.kept.tolist() == [True, False, True]
    assert columns.named.tolist() == [False, False, True]
    assert columns.apart == {(1, 3)}
    assert columns.pictures.tolist() == [1, 1, 1]
    assert columns.vectors == pytest.approx(unit(1, 2, 3))


def test_a_second_process_sees_what_the_first_did(gallery):
    gallery.enrol("ada", templates(1))
    with Gallery(gallery.path) as other:
        assert other.search(templates(1), 1)[0][0].subject == "ada"
        gallery.enrol("bob", templates(2))
        assert other.search(templates(2), 1)[0][0].subject == "bob"
        gallery.rename("bob", "carl")
        assert other.search(templates(2), 1)[0][0].subject == "carl"
        gallery.forget("ada")
        assert [s.label for s in other.subjects()] == ["carl"]
        other.enrol("dora", templates(3))
    assert [s.label for s in gallery.subjects()] == ["carl", "dora"]


def test_threads_share_a_gallery(gallery):
    def work(first):
        for seed in range(first, first + 10):
            gallery.enrol(f"p{seed}", templates(seed))
            assert gallery.search(templates(seed), 1)[0][0].subject == f"p{seed}"

    threads = [threading.Thread(target=work, args=(100 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gallery.info()["references"] == 40
    assert gallery.check() == []


def test_reading_only_refuses_changes(gallery):
    gallery.enrol("ada", templates(1))
    with Gallery(gallery.path, read_only=True) as reader:
        assert len(reader) == 1
        with pytest.raises(StoreReadOnlyError):
            reader.enrol("bob", templates(2))


def test_a_picture_is_named_by_64_hexadecimal_digits():
    with pytest.raises(UsageError, match="64"):
        PictureRecord("abc", "x.jpg", (1, 1))


def test_who_waits_for_another_writer_does_not_hold_up_other_threads(tmp_path):
    path = tmp_path / "shared.mien"
    with Gallery.open(path, create=True) as first, Gallery.open(path) as second:
        writing, others = threading.Event(), []

        def write():
            with first.batch():
                first.enrol("ada", templates(1))
                writing.set()
                for _ in range(20):  # goes on only while the other one waits
                    time.sleep(0.01)
                    others.append(1)

        thread = threading.Thread(target=write)
        thread.start()
        writing.wait()
        second.enrol("bob", templates(2))
        thread.join()
        assert len(others) == 20
        assert {subject.name for subject in second.subjects()} == {"ada", "bob"}
