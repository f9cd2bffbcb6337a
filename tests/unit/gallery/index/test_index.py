"""Every backend against brute force."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest

from mien.errors import UsageError
from mien.gallery.index import choose_backend, indexes

BACKENDS = ["flat", "fastscan", "sq8", "hnsw", "ivf"]
COMPRESSED = BACKENDS[1:]
D = 32


@pytest.fixture(autouse=True, scope="module")
def _quiet_faiss():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def unit(rng, n, d=D):
    x = rng.standard_normal((n, d)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


class Gallery:
    """n references of n/2 people, and 20 probes: ten near a reference, ten near nobody."""

    def __init__(self, n=1500, d=D, seed=0):
        rng = np.random.default_rng(seed)
        people = unit(rng, n // 2, d)
        self.vectors = np.repeat(people, 2, axis=0) + 0.5 * unit(rng, n, d)
        self.vectors /= np.linalg.norm(self.vectors, axis=1, keepdims=True)
        self.references = np.arange(100, 100 + n)
        self.subjects = np.repeat(np.arange(n // 2), 2)
        near = self.vectors[rng.choice(n, 10, replace=False)] + 0.7 * unit(rng, 10, d)
        self.probes = np.concatenate([near / np.linalg.norm(near, axis=1, keepdims=True), unit(rng, 10, d)])

    def columns(self, rows=slice(None)):
        return self.references[rows], self.subjects[rows], self.vectors[rows]

    def index(self, backend):
        index = indexes[backend].create(self.vectors.shape[1], len(self.vectors))
        index.add(*self.columns())
        return index.rebuilt()


def brute(references, subjects, vectors, probes, top, min_score=None, among=None):
    lists = []
    for probe in probes:
        rows = sorted(
            (-float((v.astype(np.float64) * probe).sum()), int(s), int(r))
            for r, s, v in zip(references, subjects, vectors, strict=True)
            if among is None or s in among
        )
        best = {}
        for score, subject, reference in rows:
            if min_score is None or -score >= min_score:
                best.setdefault(subject, (subject, -score, reference))
        lists.append(list(best.values())[:top])
    return lists


def assert_same(found, expected, share=1.0):
    ids = [[(s, r) for s, _, r in candidates] for candidates in found]
    right = [[(s, r) for s, _, r in candidates] for candidates in expected]
    assert np.mean([a == b for a, b in zip(ids, right, strict=True)]) >= share
    for a, b in zip(found, expected, strict=True):
        if [x[2] for x in a] == [x[2] for x in b]:
            np.testing.assert_allclose([x[1] for x in a], [x[1] for x in b], rtol=0, atol=1e-12)


def promised(backend):
    return {"flat": 1.0, "ivf": 0.0}.get(backend, 0.9)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("top", [1, 10])
def test_lists_are_those_of_brute_force(backend, top):
    g = Gallery()
    assert_same(g.index(backend).search(g.probes, top), brute(*g.columns(), g.probes, top), promised(backend))


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 100, 1025])
def test_flat_finds_all_at_every_size(n):
    g = Gallery()
    index = indexes["flat"].create(D)
    index.add(*g.columns(slice(n)))
    for top in (1, 3, n, 5 * n):
        assert_same(index.search(g.probes, top), brute(*g.columns(slice(n)), g.probes, top))


@pytest.mark.parametrize("backend", COMPRESSED)
def test_the_recall_a_backend_tells_is_the_recall_it_has(backend):
    g = Gallery(3000, seed=3)
    index = g.index(backend)
    told = index.describe()["recall"]
    assert told["probes"] >= 500
    rng = np.random.default_rng(9)
    probes = unit(rng, 300)
    exact = indexes["flat"].create(D)
    exact.add(*g.columns())
    same = [a == b for a, b in zip(index.search(probes, 10), exact.search(probes, 10), strict=True)]
    assert abs(np.mean(same) - told["non_mated"]) < 0.12
    if backend in ("fastscan", "sq8"):
        assert told["mated"] >= 0.99
        assert told["non_mated"] >= 0.99


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_probe_scores_the_same_alone_and_among_others(backend):
    g = Gallery()
    index = g.index(backend)
    together = index.search(g.probes, 5)
    assert [index.search(probe[None], 5)[0] for probe in g.probes] == together


@pytest.mark.parametrize("backend", BACKENDS)
def test_equal_templates_come_in_order_of_subject_then_reference(backend):
    g = Gallery()
    g.vectors[40:80] = g.vectors[7]
    index = g.index(backend)
    (found,) = index.search(g.vectors[7][None], 5)
    assert [(s, r) for s, _, r in found] == [(3, 107), (20, 140), (21, 142), (22, 144), (23, 146)]
    assert len({score for _, score, _ in found}) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_subject_with_many_references_takes_one_place(backend):
    g = Gallery()
    g.subjects[:600] = 0
    g.vectors[:600] = g.vectors[0] + 0.2 * unit(np.random.default_rng(1), 600)
    g.vectors /= np.linalg.norm(g.vectors, axis=1, keepdims=True)
    found = g.index(backend).search(g.vectors[:1], 10)
    assert_same(found, brute(*g.columns(), g.vectors[:1], 10), 0.0 if backend == "ivf" else 1.0)
    assert len({s for s, _, _ in found[0]}) == 10


@pytest.mark.parametrize("backend", BACKENDS)
def test_min_score_leaves_out_what_is_below(backend):
    g = Gallery()
    expected = brute(*g.columns(), g.probes, 10, 0.5)
    assert_same(g.index(backend).search(g.probes, 10, 0.5), expected, promised(backend))
    assert any(expected)
    assert not all(expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("removed", ["base", "tail", "most"])
def test_removed_references_are_never_found(backend, removed):
    g = Gallery()
    index = indexes[backend].create(D)
    index.add(*g.columns(slice(1200)))
    index = index.rebuilt()
    index.add(*g.columns(slice(1200, None)))
    gone = {"base": np.arange(0, 900, 3), "tail": np.arange(1200, 1500, 2), "most": np.arange(1470)}[removed]
    index.remove(g.references[gone])
    index.remove(np.array([1, 99_999]))
    stays = np.setdiff1d(np.arange(1500), gone)
    assert len(index) == len(stays)
    expected = brute(*g.columns(stays), g.probes, 10)
    assert_same(index.search(g.probes, 10), expected, promised(backend))
    assert_same(index.rebuilt().search(g.probes, 10), expected, promised(backend))


@pytest.mark.parametrize("backend", BACKENDS)
def test_remove_overwrites_vectors_and_codes(backend):
    g = Gallery()
    index = g.index(backend)
    before = index.state()
    index.remove(g.references[[5, 700]])
    state = index.state()
    for name in ("vectors", "codes"):
        if name in state:
            assert before[name].shape == state[name].shape
            assert not state[name][[5, 700]].any()
    assert state["references"][5] == state["subjects"][700] == -1


@pytest.mark.parametrize("backend", BACKENDS)
def test_reassigned_references_answer_for_their_new_subject(backend):
    g = Gallery()
    index = g.index(backend)
    moved = np.array([300, 3, 4, 5])
    index.reassign(g.references[moved], np.array([9000, 9001, 9001, 2]))
    g.subjects[moved] = [9000, 9001, 9001, 2]
    probes = g.vectors[moved]
    assert [c[0][0] for c in index.search(probes, 10)] == [9000, 9001, 9001, 2]
    assert_same(index.search(probes, 10), brute(*g.columns(), probes, 10), promised(backend))


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_added_after_the_build_are_searched_exactly(backend):
    g = Gallery()
    index = indexes[backend].create(D)
    index.add(*g.columns(slice(1000)))
    index = index.rebuilt()
    for a, b in pairwise([1000, 1001, 1300, 1500]):
        index.add(*g.columns(slice(a, b)))
    assert index.describe()["references"] == len(index) == 1500
    assert [c[0][2] for c in index.search(g.vectors[1000:], 1)] == g.references[1000:].tolist()
    assert_same(index.search(g.probes, 10), brute(*g.columns(), g.probes, 10), promised(backend))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("tail", [0, 50])
def test_a_stored_state_opens_as_the_same_index(backend, tail):
    g = Gallery()
    index = indexes[backend].create(D)
    index.add(*g.columns(slice(1500 - tail)))
    index = index.rebuilt()
    if tail:
        index.add(*g.columns(slice(1500 - tail, None)))
    index.remove(g.references[[3, 1499]])
    stored = {}
    for name, array in index.state().items():
        assert array.flags.c_contiguous
        stored[name] = np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
        assert not stored[name].flags.writeable
    again = indexes[backend].restore(stored)
    assert again.describe() == index.describe()
    assert again.search(g.probes, 10) == index.search(g.probes, 10)
    again.remove(g.references[[10]])
    again.reassign(g.references[[11]], np.array([77_777]))
    again.add(np.array([50_000]), np.array([50_000]), g.probes[:1])
    assert again.search(g.probes[:1], 1)[0][0][::2] == (50_000, 50_000)
    assert not again.state()["vectors"][10].any()
    assert again.rebuilt().search(g.probes, 3) == again.search(g.probes, 3) or backend == "ivf"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("share", [0, 1e-3, 1e-2, 0.1, 0.5, 0.9, 1])
def test_a_filter_gives_what_a_search_of_the_allowed_alone_gives(backend, share):
    g = Gallery(3000)
    index = g.index(backend)
    index.remove(g.references[:20])
    rng = np.random.default_rng(2)
    among = np.sort(rng.choice(1500, round(share * 1500), replace=False))
    expected = brute(*g.columns(slice(20, None)), g.probes, 10, among=set(among.tolist()))
    found = index.search(g.probes, 10, among=among)
    assert_same(found, expected, promised(backend))
    assert all({s for s, _, _ in c} <= set(among.tolist()) for c in found)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_filter_of_unknown_subjects_finds_nobody(backend):
    g = Gallery()
    assert g.index(backend).search(g.probes[:2], 10, among=np.array([5000, 6000])) == [[], []]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_empty_index_answers_with_empty_lists(backend):
    index = indexes[backend].create(D, 10)
    assert index.search(np.eye(D, dtype=np.float32)[:3], 5) == [[], [], []]
    assert index.search(np.empty((0, D), np.float32), 5) == []
    again = indexes[backend].restore(index.rebuilt().state())
    assert len(again) == 0
    again.remove(np.array([1]))
    assert again.search(np.eye(D, dtype=np.float32)[:1], 5) == [[]]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_list_longer_than_the_gallery_names_everybody(backend):
    g = Gallery(60)
    assert_same(g.index(backend).search(g.probes, 1000), brute(*g.columns(), g.probes, 1000))


@pytest.mark.parametrize("backend", BACKENDS)
def test_float64_probes_are_taken_as_float32(backend):
    g = Gallery()
    index = g.index(backend)
    assert index.search(g.probes.astype(np.float64), 3) == index.search(g.probes, 3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_probes_of_another_length_are_refused(backend):
    with pytest.raises(UsageError, match=r"probes must have shape \(m, 32\), got \(1, 31\)"):
        Gallery().index(backend).search(np.ones((1, 31), np.float32), 3)


@pytest.mark.parametrize("d", [512, 33])
def test_fastscan_takes_every_length(d):
    g = Gallery(1200, d)
    assert_same(g.index("fastscan").search(g.probes, 10), brute(*g.columns(), g.probes, 10), 0.95)


def test_a_state_that_does_not_fit_is_refused():
    state = Gallery(60).index("flat").state()
    with pytest.raises(UsageError, match="without vectors cannot be opened"):
        indexes["flat"].restore({name: state[name] for name in ("references", "subjects")})
    with pytest.raises(UsageError, match="do not fit"):
        indexes["flat"].restore({**state, "vectors": state["vectors"][:-1]})


def test_compressed_scan_is_chosen_when_the_gallery_is_large():
    assert choose_backend(1000) == "flat"
    assert choose_backend(1_000_000) == "fastscan"
