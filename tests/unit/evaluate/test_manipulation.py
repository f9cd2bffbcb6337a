"""Matchers and detectors before a drawn material, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mien.compare.operating import at_fmr
from mien.errors import UsageError
from mien.evaluate.manipulation import attacked, judged, measured
from mien.evaluate.manipulation_report import manipulation_report
from mien.evaluate.rates import Rate
from mien.evaluate.report import render_report
from mien.manipulation.linear import Linear
from mien.manipulation.material import Item
from mien.manipulation.trained import Trained
from mien.manipulation.watching import Samples, Watched
from mien.models import find_card


def unit(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


ITEMS = (
    Item("a.jpg", "bona-fide", "test", "a"),
    Item("b.jpg", "bona-fide", "test", "b"),
    Item("c.jpg", "bona-fide", "test", "c"),
    Item("ab.jpg", "morph", "test", "a", "b", "whole"),
    Item("ac.jpg", "morph", "test", "a", "c", "whole"),
)
# People look 0, 90 and 180 degrees apart; the cards' thresholds lie near a cosine of 0.36, an angle of 69 degrees.
LIVE = {"a": unit(5), "b": unit(85), "c": unit(180)}


def watched(second: tuple[float, ...]) -> Watched:
    vectors = {"sface": unit(0, 90, 100, 45, 90), "mobileface": unit(*second)}
    live = {who: {"sface": vector, "mobileface": vector} for who, vector in LIVE.items()}
    return Watched(ITEMS, vectors, live, {}, ())


def test_matchers_are_counted_at_their_own_thresholds() -> None:
    result = attacked(watched((0, 90, 180, 0, 90)), 1e-3)
    first, second, fused = result.matchers
    assert [m.name for m in result.matchers] == ["sface", "mobileface", "fused"]
    table = find_card("sface").operating
    assert table is not None
    assert first.point == at_fmr(table, 1e-3)
    # sface: c's reference is 80 degrees from c; the morph of a and b is 40 from both, that of a and c 85 and 90
    assert first.bona_fide == {"q95": Rate(1, 3)}
    assert first.whole.every == Rate(1, 2)
    assert first.whole.accepted == Rate(2, 4)
    assert first.whole.riapar == pytest.approx(2 / 4 + 1 / 3)
    # of six strangers only c's reference at 100 degrees is near somebody else: b at 85
    assert first.strangers == Rate(1, 6)
    # mobileface: the morph of a and b looks like a alone
    assert second.whole.every == Rate(0, 2)
    assert second.whole.accepted == Rate(1, 4)
    # fused: the mean of both cosines: 0.77 and 0.996 for a, 0.77 and 0.09 for b
    assert fused.whole.every == Rate(1, 2)


def test_attack_potential_leaves_out_the_matcher_that_is_made_of_others() -> None:
    result = attacked(watched((0, 90, 180, 45, 90)), 1e-3)
    assert result.systems == 2
    assert result.potential == ((Rate(1, 2), Rate(1, 2)),)


def test_a_material_without_morphs_cannot_be_measured() -> None:
    whole = watched((0, 90, 180, 0, 90))
    with pytest.raises(UsageError, match="no morphs"):
        attacked(Watched(whole.items[:3], whole.vectors, whole.live, {}, ()), 1e-3)


DETECTOR = Trained("likeness", Linear(np.array([1.0]), 0.0), 0.5, {"attack": "morph", "differential": True})


def samples() -> Samples:
    rows = [
        ("bona-fide", "", "q95", "none", 0.1),
        ("bona-fide", "", "q75", "none", 0.6),
        ("morph", "whole", "q95", "none", 0.9),
        ("morph", "whole", "q75", "none", 0.4),
        ("morph", "poisson", "q95", "none", 0.7),
        ("made", "upconv", "q95", "low-pass", 0.2),
    ]
    items = tuple(Item(f"{i}", row[0], "test", "a", "", *row[1:4]) for i, row in enumerate(rows))  # type: ignore[arg-type]
    return Samples(np.array([[row[4]] for row in rows], np.float32), items, ("",) * len(rows))


def test_detectors_are_counted_by_kind_beside_bona_fide_pictures_saved_likewise() -> None:
    result = judged(DETECTOR, samples())
    assert result.whole.macer(0.5) == Rate(1, 3)  # without the counter-attack
    assert result.whole.bscer(0.5) == Rate(1, 2)
    assert result.kinds["whole", "q95", "none"].bscer(0.5) == Rate(0, 1)
    assert result.kinds["whole", "q75", "none"].bscer(0.5) == Rate(1, 1)
    assert result.kinds["upconv", "q95", "low-pass"].macer(0.5) == Rate(1, 1)
    assert result.worst == (("whole", "q75", "none"), Rate(1, 1))
    assert measured(result)["worst"]["maker"] == "whole"


def test_a_detector_of_other_features_is_refused() -> None:
    other = Trained("likeness", Linear(np.zeros(3), 0.0), 0.5, DETECTOR.facts)
    with pytest.raises(UsageError, match="was trained on 3 numbers, the material gives 1"):
        judged(other, samples())


def test_the_report_has_every_figure_and_its_limits() -> None:
    result = attacked(watched((0, 90, 180, 0, 90)), 1e-3)
    other = ("elsewhere", {"likeness": Rate(3, 10)})
    report = manipulation_report("Morphs", result, [judged(DETECTOR, samples())], {"dataset": "drawn"}, "mien …", other)
    page = render_report(report)
    for word in ("MMPMR", "RIAPAR", "MACER", "BSCER", "D-EER", "MAP", "too narrow", "elsewhere"):
        assert word in page
    assert report.data["elsewhere"]["bscer"]["likeness"]["errors"] == 3
    assert report.data["matchers"][0]["all"]["mmpmr"]["errors"] == 1
