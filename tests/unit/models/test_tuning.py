from __future__ import annotations

import pytest
from model_toys import MakeCard

from mien.errors import ModelMissingError, UsageError
from mien.models import int8, loading, tuning
from mien.models.int8 import Evidence
from mien.models.loading import LoadSettings
from mien.models.store import Store
from mien.models.tuning import Timing, Tuning, remember, remembered
from mien.types.template import Precision

F32, BF16, INT8 = Precision.F32, Precision.BF16, Precision.INT8


def measured(**ms: float) -> Tuning:
    """Timings by name, such as ``openvino_bf16=2.0``."""
    rows = [(name.split("_"), value) for name, value in ms.items()]
    return Tuning(tuple(Timing(engine, Precision(precision), value) for (engine, precision), value in rows), "")


def test_the_fastest_is_chosen_but_never_int8_unasked() -> None:
    tuned = measured(onnxruntime_f32=9, openvino_f32=8, openvino_bf16=4, openvino_int8=1)
    best = tuned.choice()
    assert best is not None
    assert (best.engine, best.precision) == ("openvino", BF16)
    asked = tuned.choice(precision="int8")
    assert asked is not None
    assert asked.precision is INT8


def test_f32_stays_where_bf16_gains_less_than_a_tenth() -> None:
    best = measured(onnxruntime_f32=5.0, openvino_bf16=4.7).choice()
    assert best is not None
    assert (best.engine, best.precision) == ("onnxruntime", F32)


def test_what_was_asked_for_holds() -> None:
    tuned = measured(onnxruntime_f32=9, openvino_f32=8, openvino_bf16=4)
    by_engine, by_precision = tuned.choice(engine="onnxruntime"), tuned.choice(precision="f32")
    assert by_engine is not None
    assert by_precision is not None
    assert (by_engine.precision, by_precision.engine) == (F32, "openvino")
    assert tuned.choice("onnxruntime", "bf16") is None


def test_a_measurement_is_remembered_for_these_weights_cores_and_versions(
    make_card: MakeCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, store = make_card("file:/x"), Store()
    assert remembered(card, store) is None
    kept = remember(card, [Timing("openvino", BF16, 2.5)], store)
    assert remembered(card, store) == kept
    other = make_card("file:/x", data=b"other weights", name="other")
    assert remembered(other, store) is None
    monkeypatch.setattr(tuning, "usable_cores", lambda: 64)
    assert remembered(card, store) is None


def test_a_measurement_decides_only_what_was_left_open(make_card: MakeCard) -> None:
    card, store = make_card("file:/x"), Store()
    open_, by_hand = LoadSettings(), LoadSettings(engine="onnxruntime", precision="f32")
    assert loading._tuned(card, open_, store) == ("auto", "auto")
    remember(card, [Timing("onnxruntime", F32, 1.0), Timing("openvino", F32, 2.0)], store)
    assert loading._tuned(card, open_, store) == ("onnxruntime", "f32")
    assert loading._tuned(card, by_hand, store) == ("onnxruntime", "f32")
    assert loading._tuned(card, LoadSettings(threads="latency"), store) == ("auto", "auto")
    assert loading._tuned(card, LoadSettings(engine="openvino"), store) == ("openvino", "f32")


def test_an_int8_network_is_kept_with_its_evidence_and_only_if_it_passed(make_card: MakeCard) -> None:
    card, store = make_card("file:/x"), Store()
    with pytest.raises(ModelMissingError, match="no int8 network of 'toy' here; make and check one: `mien models tune"):
        int8.read(card, store)
    good, bad = (Evidence(256, "LFW view 1", 1000, accuracy, 0.993) for accuracy in (0.9925, 0.9924))
    assert good.passed
    assert not bad.passed
    with pytest.raises(ValueError, match="loses accuracy"):
        int8.keep(card, b"net", bad, store)
    assert not int8.has(card, store)
    int8.keep(card, b"net\nwork", good, store)
    assert int8.read(card, store) == (good, b"net\nwork")


def test_a_precision_that_is_none_is_still_refused(make_card: MakeCard, monkeypatch: pytest.MonkeyPatch) -> None:
    card, store = make_card("file:/x"), Store()
    remember(card, [Timing("onnxruntime", F32, 1.0)], store)
    monkeypatch.setattr(loading, "_bytes", lambda *_: b"")
    with pytest.raises(UsageError, match="precision must be auto, f32, bf16 or int8; got 'f64'"):
        loading._session(card, LoadSettings(precision="f64"), None)
