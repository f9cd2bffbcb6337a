from __future__ import annotations

import base64
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from model_toys import MakeCard
from onnx import TensorProto, helper, numpy_helper

from mien.errors import HashMismatchError, LicenceError, ModelInvalidError, ModelMissingError, NotFoundError
from mien.models import LoadSettings, Store, contract_of, find_card, load_detector, load_embedder, loading
from mien.models.card import Card, Fuse, read_card
from mien.models.fused import fuse
from mien.models.loading import card_vector
from mien.runtime import open_session
from mien.types.arrays import Crops, Embeddings
from mien.types.template import Precision, TemplateContract

PLAIN = LoadSettings(engine="onnxruntime", precision="f32", offline=True)


def graph(seed: int = 0) -> onnx.ModelProto:
    """The mean colour of 112x112 pixels times a 3 x 4 matrix."""
    matrix = np.random.default_rng(seed).normal(size=(3, 4)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("MatMul", ["flat", "m"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 112, 112])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    body = helper.make_graph(nodes, "toy", [x], [y], [numpy_helper.from_array(matrix, "m")])
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def golden_line(card: Card, model: bytes) -> str:
    vector = card_vector(card, open_session(model, engine="onnxruntime", precision="f32"))
    return f'golden = "{base64.b64encode(vector.astype("<f2").tobytes()).decode()}"\n'


def own_card(make_card: MakeCard, tmp_path: Path, model: bytes, golden_of: bytes | None = None, **rest: str) -> Card:
    """A user's card: one TOML file beside one ONNX file."""
    (tmp_path / "toy.onnx").write_bytes(model)
    card = make_card(f"file:{tmp_path / 'toy.onnx'}", data=model, **rest)
    line = golden_line(card, golden_of or model)
    card.path.write_text(line + card.path.read_text().replace('family = "toy"', 'family = "arcface"'))
    return read_card(card.path)


def test_one_toml_file_beside_an_onnx_file_is_a_new_embedder(make_card: MakeCard, tmp_path: Path) -> None:
    own_card(make_card, tmp_path, graph().SerializeToString())
    embedder = load_embedder("toy", LoadSettings(engine="onnxruntime", precision="f32"))
    crops = np.random.default_rng(1).integers(0, 256, (3, 112, 112, 3), np.uint8)
    matrix = numpy_helper.to_array(graph().graph.initializer[0])
    raw = crops.reshape(3, -1, 3).mean(1) @ matrix
    expected = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(embedder.embed(crops), expected, atol=1e-4)
    assert embedder.contract == contract_of(find_card("toy"))


def test_offline_a_missing_file_is_an_error_not_a_download(make_card: MakeCard, tmp_path: Path) -> None:
    own_card(make_card, tmp_path, graph().SerializeToString())
    with pytest.raises(ModelMissingError, match="mien models pull toy"):
        load_embedder("toy", PLAIN)


def test_the_policy_is_asked_before_anything_is_fetched(make_card: MakeCard, tmp_path: Path) -> None:
    own_card(make_card, tmp_path, graph().SerializeToString(), weights="CC-BY-NC-4.0")
    with pytest.raises(LicenceError):
        load_embedder("toy")
    assert not Store().folder.exists()
    load_embedder("toy", LoadSettings(engine="onnxruntime", allow_licence="non-commercial"))


def test_damaged_weights_never_reach_an_engine(make_card: MakeCard, tmp_path: Path) -> None:
    card = own_card(make_card, tmp_path, graph().SerializeToString())
    Store().pull(card)
    Store().path(card.file).write_bytes(graph(seed=1).SerializeToString())
    with pytest.raises(HashMismatchError):
        load_embedder("toy", PLAIN)


def test_a_network_that_computes_something_else_fails_its_self_test(make_card: MakeCard, tmp_path: Path) -> None:
    own_card(make_card, tmp_path, graph().SerializeToString(), golden_of=graph(seed=1).SerializeToString())
    with pytest.raises(ModelInvalidError, match="fails its self-test"):
        load_embedder("toy")


def test_a_passed_self_test_is_remembered_and_a_failed_one_is_not(
    make_card: MakeCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_card(make_card, tmp_path, graph().SerializeToString())
    runs: list[str] = []
    monkeypatch.setattr(loading, "check_golden", lambda vector, golden, name: runs.append(name))
    for settings in (LoadSettings(engine="onnxruntime"), LoadSettings(engine="onnxruntime", threads="latency"), PLAIN):
        load_embedder("toy", settings)
    assert runs == ["toy"]
    load_embedder("toy", LoadSettings(engine="openvino", precision="f32"))
    assert runs == ["toy", "toy"]


def test_a_cache_that_cannot_be_written_only_costs_the_memory_of_the_test(make_card: MakeCard, tmp_path: Path) -> None:
    card = own_card(make_card, tmp_path, graph().SerializeToString())
    Store().pull(card)
    (Store().folder / "tests").write_text("in the way")
    assert load_embedder("toy", PLAIN).contract.dimension == 4


def test_external_data_is_refused(make_card: MakeCard, tmp_path: Path) -> None:
    model = graph()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    own_card(make_card, tmp_path, model.SerializeToString(), golden_of=graph().SerializeToString())
    with pytest.raises(ModelInvalidError, match="keeps 'm' in another file"):
        load_embedder("toy")


@pytest.mark.parametrize("junk", [b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00}\x94.", b"PK\x03\x04" + bytes(60)])
def test_pickles_and_archives_are_no_networks(make_card: MakeCard, tmp_path: Path, junk: bytes) -> None:
    own_card(make_card, tmp_path, junk, golden_of=graph().SerializeToString())
    with pytest.raises(ModelInvalidError):
        load_embedder("toy")


def test_threads_share_one_model(make_card: MakeCard, tmp_path: Path) -> None:
    own_card(make_card, tmp_path, graph().SerializeToString())
    got: list[object] = []
    settings = LoadSettings(engine="onnxruntime")
    threads = [threading.Thread(target=lambda: got.append(load_embedder("toy", settings))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(map(id, got))) == 1


def test_unknown_names_and_families_are_not_found(make_card: MakeCard, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no detector named 'yunnet'; did you mean 'yunet'"):
        load_detector("yunnet")
    make_card("file:/x")
    with pytest.raises(NotFoundError, match="no embedder named 'toy'"):
        load_embedder("toy")


class Fixed:
    """An embedder that answers with rows given to it."""

    batch = 4
    engine = "none"

    def __init__(self, rows: Embeddings, precision: Precision) -> None:
        self.contract = TemplateContract("fixed", f"{rows.shape[1]:064d}", rows.shape[1], "plain")
        self.precision, self._rows = precision, rows

    def embed(self, crops: Crops) -> Embeddings:
        return self._rows[: len(crops)]


def unit(shape: tuple[int, int], seed: int) -> Embeddings:
    rows = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_cosine_of_fused_vectors_is_the_weighted_mean_of_the_parts_cosines(make_card: MakeCard) -> None:
    card, a, b = find_card("fused"), unit((6, 128), 1), unit((6, 512), 2)
    fused = fuse(card, Fuse(("a", "b"), (0.25, 0.75)), (Fixed(a, Precision.F32), Fixed(b, Precision.F32)))
    rows = fused.embed(np.zeros((6, 112, 112, 3), np.uint8))
    np.testing.assert_allclose(rows @ rows.T, 0.25 * a @ a.T + 0.75 * b @ b.T, atol=1e-6)
    assert fused.contract.dimension == 640
    assert fused.contract.weights == f"{128:064d}+{512:064d}"


@pytest.mark.parametrize(
    ("one", "other", "joint"),
    [
        (Precision.F32, Precision.F32, Precision.F32),
        (Precision.F32, Precision.BF16, Precision.BF16),
        (Precision.BF16, Precision.INT8, Precision.INT8),
    ],
)
def test_fused_templates_are_as_coarse_as_their_coarsest_part(
    one: Precision, other: Precision, joint: Precision
) -> None:
    parts = (Fixed(unit((1, 128), 1), one), Fixed(unit((1, 512), 2), other))
    assert fuse(find_card("fused"), Fuse(("a", "b"), (0.5, 0.5)), parts).precision is joint


def test_other_shares_make_another_contract() -> None:
    parts = (Fixed(unit((1, 128), 1), Precision.F32), Fixed(unit((1, 512), 2), Precision.F32))
    digests = {fuse(find_card("fused"), Fuse(("a", "b"), w), parts).contract.digest for w in ((0.5, 0.5), (0.4, 0.6))}
    assert len(digests) == 2


def test_the_contract_of_a_fused_card_needs_no_network() -> None:
    contract = contract_of(find_card("fused"))
    assert contract.dimension == 640
    assert contract.weights == "+".join(find_card(name).file.sha256 for name in ("sface", "mobileface"))


def test_a_fused_card_of_the_wrong_dimension_is_refused() -> None:
    parts = (Fixed(unit((1, 128), 1), Precision.F32), Fixed(unit((1, 128), 2), Precision.F32))
    with pytest.raises(ModelInvalidError, match="'dimension' must be 256"):
        fuse(find_card("fused"), Fuse(("a", "b"), (0.5, 0.5)), parts)


def test_a_fused_card_may_not_name_itself(make_card: MakeCard) -> None:
    path = make_card("file:/x").path
    head = path.read_text().split("[[files]]")[0].replace('family = "toy"\n', "")
    path.write_text(head + '[fuse]\ncards = ["toy", "sface"]\nweights = [0.5, 0.5]\n')
    with pytest.raises(ModelInvalidError, match=r"'fuse\.cards' names 'toy', which is fused itself"):
        load_embedder("toy")
