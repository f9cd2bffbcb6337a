"""What a rule for clips does, as a report and as the rows that go with the rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mien.evaluate.clips import Example, Fitted, Tried
from mien.evaluate.rates import Rate
from mien.evaluate.report import UNDEFINED, Report, Section, Table
from mien.types.outcome import Failure

METHOD = """
Clips are made from portraits. Live: a warp of one photograph that turns, sways and blinks before a drawn room, filmed
by a camera that shakes. Attack: material of a maker seed, moved as one plane before another room. Every kind goes
through the same blur, noise and coding. People are split by name, half to train, a fifth to fix thresholds (where the
larger of BPCER and APCER is smallest), the rest to test; maker seeds are split alike, so that no person and no printer
or screen of the test was seen before.

This shows that the cues see what they are meant to see, and how they combine. It does not say how many real attacks are
caught: the motion of living heads is drawn, not filmed, and whoever knows the drawing knows the answer. Before a rule
is relied on, measure it on clips of the place where it will work.

BPCER, APCER, ACER: ISO/IEC 30107-3; ACER takes the worst kind. HTER: half the sum of BPCER and the APCER of all kinds
together. Intervals: 95 %, Clopper-Pearson.
"""


def clips_report(
    fitted: Fitted, examples: Sequence[Example], failures: Sequence[Failure], data_name: str, command: str
) -> Report:
    """The report."""
    counts = {
        part: {
            "people": len({e.person for e in examples if e.part == part}),
            "live": sum(e.real for e in examples if e.part == part),
            "attacks": sum(not e.real for e in examples if e.part == part),
        }
        for part in ("train", "dev", "test")
    }
    data: dict[str, Any] = {
        "dataset": data_name,
        "counts": counts,
        "stacked": tried_dict(fitted.stacked),
        "bases": [tried_dict(base) for base in fitted.bases],
        "unseen": {kind: rate.to_dict() for kind, rate in fitted.unseen.items()},
        "types_wrong": fitted.types.to_dict(),
        "weights": dict(zip(fitted.stack.top.names, fitted.stack.top.weights, strict=True)),
        "failures": [failure.to_dict() for failure in failures],
    }
    said = "; ".join(f"{p}: {c['people']} people, {c['live']} live, {c['attacks']} attacks" for p, c in counts.items())
    ways = Table(
        f"Made from {data_name}; test part",
        ("decided by", "threshold", "HTER", "ACER", "BPCER", "APCER, all kinds"),
        tuple(_way(tried) for tried in (fitted.stacked, *fitted.bases)),
    )
    kinds = Table(
        "APCER by kind of attack",
        ("kind", "stacked", "kind never seen before"),
        tuple((kind, str(rate), str(fitted.unseen[kind])) for kind, rate in fitted.stacked.apcer.items()),
    )
    types = Table("Kind of attack named", ("", "wrong"), (("of all attacks", str(fitted.types)),))
    sections = (Section("Errors", said, (ways, kinds, types)), Section("How it was measured", METHOD))
    return Report(f"Liveness of clips made from {data_name}", sections, data, command)


def tried_dict(tried: Tried) -> dict[str, Any]:
    """For JSON."""
    return {
        "name": tried.name,
        "threshold": tried.threshold,
        "hter": tried.hter,
        "acer": tried.acer,
        "bpcer": tried.bpcer.to_dict(),
        "apcer": {kind: rate.to_dict() for kind, rate in tried.apcer.items()},
    }


def error_rows(tried: Tried) -> list[dict[str, Any]]:
    """The errors that a rule carries with it."""
    named = {"BPCER, living people called an attack": tried.bpcer}
    named |= {f"APCER, {kind} called bona fide": rate for kind, rate in tried.apcer.items()}
    return [{"measure": name, **rate.to_dict()} for name, rate in named.items() if rate.trials]


def _way(tried: Tried) -> tuple[str, ...]:
    return (
        tried.name,
        f"{tried.threshold:.3f}",
        _share(tried.hter),
        _share(tried.acer),
        _rate(tried.bpcer),
        _rate(tried.pooled),
    )


def _rate(rate: Rate) -> str:
    return str(rate) if rate.trials else f"{UNDEFINED} no clips"


def _share(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"
