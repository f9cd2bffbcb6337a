"""A compact gallery keeps 1 byte a dimension, and what it compares is what it keeps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gallery_toys import picture, templates, unit
from mien.errors import ConflictError
from mien.gallery import Gallery, import_gallery
from mien.gallery.store.codec import decode, encode
from mien.types.template import Precision, TemplateContract


@pytest.fixture
def compact(gallery):
    gallery.make_compact()
    return gallery


def bound(vector):
    """Longest chord between a unit vector and its decoded form: see the derivation in `mien.gallery.store.codec`."""
    error = float(np.abs(vector).max()) * math.sqrt(len(vector)) / 254
    return 2 * math.sin(math.asin(min(1.0, error)) / 2)


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.sampled_from([4, 128, 512])),
        elements=st.floats(-1, 1, width=32),
    )
)
def test_a_decoded_vector_is_of_length_1_within_the_bound_and_stays_what_it_is(raw):
    lengths = np.linalg.norm(raw.astype(np.float64), axis=1)
    raw = raw[lengths > 1e-3]
    vectors = (raw / np.linalg.norm(raw.astype(np.float64), axis=1, keepdims=True)).astype(np.float32)
    blobs = encode(vectors, True)
    decoded = decode(blobs, True)

    assert all(len(blob) == vectors.shape[1] for blob in blobs)
    assert decoded.dtype == np.float32
    assert np.allclose(np.linalg.norm(decoded, axis=1), 1, atol=1e-6)
    for vector, found in zip(vectors, decoded.reshape(vectors.shape), strict=True):
        assert np.linalg.norm(vector.astype("f8") - found) <= bound(vector) + 1e-6
    assert encode(decoded.reshape(vectors.shape), True) == blobs


@given(st.integers(0, 10**6))
def test_four_bytes_are_the_vector_itself(seed):
    vectors = unit(seed, seed + 1)
    assert np.array_equal(decode(encode(vectors, False), False), vectors)


def test_what_is_stored_is_what_is_compared(compact):
    compact.enrol_many(templates(*range(20)), [f"p{i}" for i in range(20)])
    kept = compact.grouped().vectors
    probes = templates(50, 51)

    hits = compact.search(probes, 1000)

    for probe, found in zip(probes.vectors, hits, strict=True):
        assert {hit.subject: round(hit.score, 6) for hit in found} == {
            f"p{i}": round(float(kept[i].astype("f8") @ probe), 6) for i in range(20)
        }
    compact.close()
    assert compact.search(probes, 1000) == hits
    assert np.allclose(compact.compare(probes, "p3")[:, 0], probes.vectors @ kept[3], atol=1e-6)
    assert not np.array_equal(kept, unit(*range(20)))
    assert compact.info()["compact"] is True


def test_only_a_gallery_without_templates_becomes_compact(gallery):
    gallery.enrol("ada", templates(1))
    with pytest.raises(ConflictError):
        gallery.make_compact()
    gallery.remove([1])
    gallery.make_compact()
    gallery.make_compact()
    gallery.enrol("ada", templates(1))
    gallery.make_compact()
    assert gallery.check() == []


def blob_sizes(gallery):
    with gallery._reading() as (rows, _):
        return {len(row[0]) for row in rows.database.connection.execute("SELECT vector FROM reference").fetchall()}


def test_a_compact_gallery_is_exported_imported_and_salvaged(compact, tmp_path):
    compact.add_picture(picture(1), templates(1, 2))
    compact.enrol("ada", templates(3))
    compact.export(tmp_path / "out.jsonl")
    compact.export(tmp_path / "saved.jsonl", salvage=True)
    for name in ("out", "saved"):
        import_gallery(tmp_path / f"{name}.mien", tmp_path / f"{name}.jsonl")
        with Gallery(tmp_path / f"{name}.mien") as copy:
            assert blob_sizes(copy) == {16}
            assert np.array_equal(copy.grouped().vectors, compact.grouped().vectors)
            assert copy.check() == []


def test_a_whole_gallery_is_imported_into_a_compact_one(gallery, tmp_path):
    gallery.enrol_many(templates(1, 2), ["ada", "bob"])
    gallery.export(tmp_path / "out.jsonl")

    import_gallery(tmp_path / "small.mien", tmp_path / "out.jsonl", compact=True)

    with Gallery(tmp_path / "small.mien") as small:
        assert blob_sizes(small) == {16}
        assert np.array_equal(small.grouped().vectors, decode(encode(unit(1, 2), True), True))


def test_new_templates_of_another_model_are_compact_too(compact):
    ids = compact.add_picture(picture(1), templates(1, 2))
    wide = TemplateContract("wide", "22" * 32, 32, "none")
    vectors = unit(3, 4, dimension=32)

    compact.replace_templates(wide, [(i, v, Precision.F32) for i, v in zip(ids, vectors, strict=True)])

    assert blob_sizes(compact) == {32}
    assert np.array_equal(compact.grouped().vectors, decode(encode(vectors, True), True))
    assert compact.check() == []
