"""A model card in Markdown, from a card's facts and from evaluation reports.

The sections are those of Mitchell et al., Model cards for model reporting, FAT* 2019. One without data is refused and
named, with the command that makes the data. Rates are copied from the reports, with their counts and intervals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mien.errors import UsageError
from mien.evaluate.card_evidence import Evidence, Finding, Json
from mien.evaluate.markdown import code, escape, rate, table
from mien.evaluate.rates import Rate
from mien.models import describe
from mien.models.card import Card
from mien.models.catalogue import parts_of
from mien.types.score import OperatingTable

_FIRST_YEARS = re.compile(r"0\s*(?:-|–|to)\s*\d")  # how an age group that begins at birth is called

USE = """
Made for: saying whether two faces are of one person (verification), searching a gallery of people who are enrolled
knowingly (identification), and sorting one's own photographs into people (grouping). A match is a hint for a person who
looks, not proof.

Not made for: following or identifying people covertly, telling emotion, character, ethnicity or health, or decisions
about somebody without a human who can overrule them. It does not notice a photograph held before the camera.
"""
METRICS = """
FMR: false match rate, of comparisons of two people. FNMR: false non-match rate, of comparisons of one person; a picture
without a face counts as missed. TAR: 1 - FNMR. EER: where both are equal. A comparison matches when its score, a
cosine, is at or above the threshold. Intervals hold 95 %. A rate below 3/N of N comparisons is not stated (rule of
three); one that rests on fewer than 30 errors is marked.
"""
ETHICS = """
Templates are biometric data of people. They are not irreversible: a face can be approximated from one, so they must be
protected as the photographs are. Ask people before they are enrolled; `mien gallery forget` erases them.

Errors do not fall on everybody alike; the tables by group say how unlike. Groups are the labels of the data set, given
by others and not by the people themselves.
"""


def model_card(card: Card, evidence: Evidence) -> str:
    """The card as Markdown.

    Args:
        card: of the embedder.
        evidence: what reports say of it.

    Raises:
        UsageError: sections without data (``model-card-incomplete``), or a report that lacks what mien writes there.
    """
    if card.kind != "embedder":
        raise UsageError(f"'{card.name}' is a {card.kind}; a model card is made of an embedder", source=card.name)
    operating = _require(card, evidence)
    try:
        sections = (
            ("Model details", _details(card)),
            ("Intended use", [USE.strip()]),
            ("Factors", _factors(evidence)),
            ("Metrics", _metrics(operating)),
            ("Evaluation data", _data(evidence)),
            ("Training data", _training(card)),
            ("Quantitative analyses", _analyses(evidence)),
            ("Ethical considerations", [ETHICS.strip()]),
            ("Caveats and recommendations", _caveats(evidence)),
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"a report lacks what mien writes there ({error}); make it again with `mien evaluate … --report`",
            code="report-format",
        ) from error
    body = "\n\n".join("\n\n".join((f"## {heading}", *blocks)) for heading, blocks in sections)
    return f"# {escape(card.name)}\n\n{escape(card.summary)}\n\n{body}\n"


def _require(card: Card, evidence: Evidence) -> OperatingTable:
    """The operating table, once every section is known to have data."""
    name = card.name
    lacking = []
    if card.operating is None:
        lacking.append(
            f"Metrics (its card has no operating table: `python benchmarks/operating_tables.py --embedder {name}`)"
        )
    if not evidence.verification:
        lacking.append(
            f"Evaluation data (no verification report of it: `mien evaluate verification --dataset lfw --root DIR "
            f"--embedder {name} --report DIR`)"
        )
    if not evidence.differential:
        lacking.append(
            f"Factors (no differential report of it: `mien evaluate differential --root DIR --embedder {name} "
            "--report DIR`)"
        )
    lacking += [
        f"Training data ({each.path.name} has no terms: write licences.training_data there)"
        for each in (card, *parts_of(card))
        if not each.licences.training_data.strip()
    ]
    if card.operating is None or lacking:
        raise UsageError(
            f"no model card of {name}: without data are {'; '.join(lacking)}; add reports with --from",
            code="model-card-incomplete",
            source=name,
        )
    return card.operating


def _details(card: Card) -> list[str]:
    each = [describe(one) for one in (card, *parts_of(card))]
    facts = [("Paper", escape(one["paper"])) for one in each if one["paper"]]
    facts += [
        ("Template", f"{card.dimension} numbers"),
        *(("Joined from", f"{escape(part)}, weight {weight:g}") for part, weight in (each[0]["parts"] or {}).items()),
    ]
    licences = [
        (escape(one["name"]), escape(one["licence"]["code"]), escape(one["licence"]["weights"])) for one in each
    ]
    files = [(code(f["name"]), f"{f['bytes']:,}", code(f["sha256"])) for one in each for f in one["files"]]
    return [
        "\n".join(f"- {name}: {value}" for name, value in facts),
        table("Licences; those of the training data stand below.", ("model", "code", "weights"), licences),
        table("Files.", ("file", "bytes", "SHA-256"), files),
    ]


def _factors(evidence: Evidence) -> list[str]:
    lines = []
    for finding in evidence.differential:
        for attribute, found in finding.result["by"].items():
            groups = ", ".join(f"{row['group']} ({row['people']:,} people)" for row in found["groups"])
            lines.append(f"- {escape(finding.result['data'])}, by {escape(attribute)}: {escape(groups)}.")
    return ["Groups that were measured apart, each alone at the one threshold:", "\n".join(lines)]


def _metrics(operating: OperatingTable) -> list[str]:
    rows = []
    for i, point in enumerate(operating.points):
        if i % 10 == 0 or point is operating.points[-1]:
            false = {"value": point.errors / operating.nonmated, "errors": point.errors, "trials": operating.nonmated}
            missed = escape(Rate(point.misses, operating.mated))
            rows.append((f"{point.threshold:.4f}", rate(false | {"low": point.low, "high": point.high}), missed))
    caption = (
        f"Every tenth row of the operating table and the last: {escape(operating.data)}, "
        f"{operating.subjects:,} people, {escape(operating.date)}; {code(operating.command)}. "
        "Intervals of the FMR: bootstrap over people; of the FNMR: Clopper-Pearson."
    )
    return [METRICS.strip(), table(caption, ("threshold", "FMR", "FNMR"), rows)]


def _data(evidence: Evidence) -> list[str]:
    rows = []
    for finding in evidence.verification:
        meta, pairs = finding.result["meta"], finding.result["pairs"]
        size = f"{pairs['mated']:,} mated, {pairs['nonmated']:,} non-mated, {pairs['failed']:,} failed"
        rows.append((escape(meta.get("data", "–")), size, code(finding.command)))
    for finding in evidence.differential:
        one = finding.result
        size = f"{one['pictures']:,} pictures of {one['people']:,} people, {one['failed']:,} without a face"
        rows.append((escape(one["data"]), f"{size}, {len(one['left_out']):,} copies left out", code(finding.command)))
    for finding in evidence.detection:
        dataset = finding.report["dataset"]
        rows.append((escape(dataset["name"]), f"{dataset['pictures']:,} pictures", code(finding.command)))
    return [table("What was measured, and the command that measures it again.", ("data", "size", "command"), rows)]


def _training(card: Card) -> list[str]:
    return ["\n".join(f"- {escape(c.name)}: {escape(c.licences.training_data)}." for c in (card, *parts_of(card)))]


def _analyses(evidence: Evidence) -> list[str]:
    blocks = ["### All together", *(block for finding in evidence.verification for block in _verification(finding))]
    blocks.append("### By group")
    for finding in evidence.differential:
        blocks += [_groups(finding, name, found) for name, found in finding.result["by"].items()]
    if evidence.detection:
        blocks += ["### Detection", _detection(evidence.detection)]
    if evidence.fruits:
        blocks += ["### Time, from decoded pixels to a score, on one core", _times(evidence.fruits)]
    return blocks


def _verification(finding: Finding) -> list[str]:
    one = finding.result
    model, fold = one["meta"]["model"], one["accuracy"]
    how = f"{one['meta'].get('detector', '–')}, {model.get('precision', '–')}, {model.get('engine', '–')}"
    rows = [("EER", rate(one["eer"]))]
    if fold["mean"] is not None:
        rows.append(("accuracy", f"{fold['mean']:.4f} ± {fold['std']:.4f} (standard deviation over folds)"))
    rows += [(f"failure to acquire, {kind}", rate(one["failures"][kind])) for kind in ("mated", "nonmated")]
    tar = [
        (
            f"{row['fmr']:g}",
            rate(row),
            "–" if row["value"] is None else rate(row["misses"]),
            "–"
            if row["value"] is None
            else rate(row["false_matches"]) + ("" if row["rule_of_30"] else "; fewer than 30 expected"),
        )
        for row in one["tar"]
    ]
    basis = f"{escape(one['meta'].get('data', '–'))}; {escape(how)}; intervals: {escape(one['interval'])}."
    return [
        table(basis, ("figure", "value"), rows),
        table("TAR; counts behind it with Clopper-Pearson intervals.", ("FMR", "TAR", "FNMR", "false matches"), tar),
    ]


def _groups(finding: Finding, attribute: str, found: Json) -> str:
    rows = (
        (escape(row["group"]), f"{row['people']:,}", rate(row["fmr"]), rate(row["fnmr"])) for row in found["groups"]
    )
    caption = (
        f"{escape(finding.result['data'])}, within groups by {escape(attribute)}, at threshold "
        f"{found['threshold']:.4f}; intervals: bootstrap over people."
    )
    return table(caption, ("group", "people", "FMR", "FNMR"), rows)


def _detection(findings: Sequence[Finding]) -> str:
    rows = [
        (escape(f.result["name"]), str(f.result["side"]), escape(name), f"{setting['faces']:,}", rate(setting["ap"]))
        for f in findings
        for name, setting in f.result["settings"].items()
    ]
    caption = "Average precision (AP) of the detector, as the official evaluation computes it."
    return table(caption, ("detector", "side", "setting", "faces", "AP"), rows)


def _times(findings: Sequence[Finding]) -> str:
    rows = []
    for finding in findings:
        one: dict[str, Any] = finding.result
        times = one["milliseconds"]
        chain = f"{one['detector']} at {one['side']}, {one['engine']} {one['precision']}"
        size = f"{one['pictures']:,} x {one['rounds']:,}"
        cpu = finding.report.get("environment", {}).get("cpu", "–")
        rows.append((escape(chain), f"{times['median']:.1f}", f"{times['p95']:.1f}", size, escape(cpu)))
    commands = ", ".join(dict.fromkeys(code(finding.command) for finding in findings))
    caption = f"Milliseconds; {commands}."
    return table(caption, ("chain", "median", "95 of 100", "pictures x rounds", "processor"), rows)


def _caveats(evidence: Evidence) -> list[str]:
    lines = [line for finding in evidence.differential for line in _promises(finding)]
    lines += [escape(line) for finding in evidence.differential for line in finding.result["findings"]]
    lines += [
        "Rates hold for pictures like those measured. Calibrate on the people of your own gallery: `mien calibrate`.",
        "Published sets may overlap with what the weights were trained on; that makes rates look better than they are.",
    ]
    return ["\n".join(f"- {line}" for line in lines)]


def _promises(finding: Finding) -> list[str]:
    """Groups whose whole interval lies above that of the rate which the threshold promises; young children apart."""
    point = finding.result["operating_point"]
    lines = []
    for attribute, found in finding.result["by"].items():
        worse = [row for row in found["groups"] if (row["fmr"]["low"] or 0) > point["interval"][1]]
        if worse:
            named = escape(", ".join(row["group"] for row in worse))
            lines.append(
                f"By {escape(attribute)}: at the threshold in force for FMR {point['measured_fmr']:.2g} on "
                f"{escape(point['data'])}, two different people match more often than that among {named}."
            )
        young = [row for row in worse if attribute == "age" and _FIRST_YEARS.match(row["group"])]
        lines += [
            f"Young children are not told apart ({escape(r['group'])}: FMR {rate(r['fmr'])}): do not use it for them."
            for r in young
        ]
    return lines
