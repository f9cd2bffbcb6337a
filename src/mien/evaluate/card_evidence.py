"""Reports that speak of one model: what a model card rests on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.errors import NotFoundError, UsageError
from mien.models.card import Card
from mien.models.contract import contract_of

Json = dict[str, Any]
KEYS = {
    "verification": {"eer", "tar", "pairs"},
    "differential": {"by", "operating_point"},
    "fruits": {"embedder", "milliseconds"},
    "detection": {"settings", "operating", "side"},
}
"""Keys that a result has in no other kind of report."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result about the model.

    Args:
        command: that made its report.
        result: as the report has it.
        report: the whole report.
    """

    command: str
    result: Json
    report: Json


@dataclass(frozen=True, slots=True)
class Evidence:
    """All results about one model, by kind of report, in the order given."""

    verification: tuple[Finding, ...] = ()
    differential: tuple[Finding, ...] = ()
    fruits: tuple[Finding, ...] = ()
    detection: tuple[Finding, ...] = ()


def read_evidence(card: Card, sources: Sequence[Path]) -> Evidence:
    """What report.json files say of an embedder, and of the detectors that its pictures went through.

    Args:
        card: of the embedder.
        sources: report folders or report.json files.

    Raises:
        NotFoundError: one is not there.
        UsageError: one is no report of these four kinds, or is about other weights of that name.
    """
    found: dict[str, list[Finding]] = {kind: [] for kind in KEYS}
    for source in sources:
        path = source / "report.json" if source.is_dir() else source
        report = _read(path)
        kind = _kind(path, report)
        found[kind] += [Finding(str(report.get("command", "")), result, report) for result in report["results"]]
    verification = tuple(f for f in found["verification"] if _is_of(card, f.result))
    detectors = [f.result["meta"].get("detector") for f in verification]
    return Evidence(
        verification=verification,
        differential=tuple(f for f in found["differential"] if f.result.get("name") == card.name),
        fruits=tuple(f for f in found["fruits"] if f.result["embedder"] == card.name),
        detection=tuple(f for f in found["detection"] if f.result.get("name") in detectors),
    )


def _read(path: Path) -> Json:
    try:
        report = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NotFoundError(f"{path}: {error.strerror}; --from takes a report folder", source=str(path)) from error
    except ValueError as error:
        raise _wrong(path, f"is no JSON: {error}") from error
    results = report.get("results") if isinstance(report, dict) else None
    if not isinstance(results, list) or not results or not all(isinstance(result, dict) for result in results):
        raise _wrong(path, "holds no results; --from takes a folder that `mien evaluate … --report` wrote")
    return dict(report)


def _kind(path: Path, report: Json) -> str:
    for kind, keys in KEYS.items():
        if all(keys <= result.keys() for result in report["results"]):
            return kind
    raise _wrong(path, f"is no report of {', '.join(KEYS)}, which are what a model card is made from")


def _wrong(path: Path, what: str) -> UsageError:
    return UsageError(f"{path}: {what}", code="report-format", source=str(path))


def _is_of(card: Card, result: Json) -> bool:
    """Whether a 1:1 result is of this model: scores say so themselves, a name alone does not."""
    meta = result.get("meta")
    model = meta.get("model") if isinstance(meta, dict) else None
    if not isinstance(model, dict) or model.get("name") != card.name:
        return False
    if model.get("digest") != contract_of(card).digest:
        raise UsageError(
            f"the verification report is of other weights or preprocessing called {card.name}; measure again: "
            f"`mien evaluate verification --embedder {card.name} --report DIR`",
            code="model-card-stale",
            source=card.name,
        )
    return True
