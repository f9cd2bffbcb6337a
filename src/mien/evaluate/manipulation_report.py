"""The report on morphed and made faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mien.evaluate.manipulation import AT_MACER, Attacked, Judged, Matcher
from mien.evaluate.rates import Rate
from mien.evaluate.report import UNDEFINED, Report, Section, Table

METHOD = """
A morph is compared with live captures of each person in it. MMPMR: share of morphs of which every person's comparisons
all succeed (Scherhag et al. 2017); ProdAvg: mean over morphs of the product over people of the share of comparisons
that succeed; with one capture of each person the two are one. IAPAR: share of single comparisons that succeed;
RIAPAR = IAPAR + FNMR (ISO/IEC 30107-3). MAP[r, c]: share of morphs that pass r attempts of each person at c matchers or
more (ISO/IEC 20059). Thresholds are those of the cards, measured on other people.

MACER: share of attacks called bona fide; BSCER: share of bona fide pictures called an attack (ISO/IEC 20059). At the
detector's own threshold, which was fixed on other people, both are what a user would meet on such material; D-EER and
BSCER at a fixed MACER put the threshold on these very pictures and so flatter. The worst kind of attack stands beside
the whole, because an attacker chooses.

Intervals: 95 %, Clopper-Pearson. A person is in several morphs, and a morph is saved in several ways, so they are too
narrow. The material is made here, of one set of studio portraits: it says nothing of other morphing tools, cameras,
printers or generators.
"""


def manipulation_report(
    title: str,
    attacked: Attacked | None,
    judged: Sequence[Judged],
    data: Mapping[str, Any],
    command: str,
    other: tuple[str, Mapping[str, Rate]] | None = None,
) -> Report:
    """The report.

    Args:
        title: such as ``Morphs of london``.
        attacked: matchers before the morphs; None where that was not asked.
        judged: detectors.
        data: what else ``--json`` is to have: data set, counts, failures.
        command: that makes the report again.
        other: BSCER on the pictures of another set, with its name; None where there is none.
    """
    document = dict(data) | {"detectors": [one.to_dict() for one in judged]}
    sections = []
    if attacked is not None:
        document["matchers"] = [matcher.to_dict() for matcher in attacked.matchers]
        document["map"] = [[rate.to_dict() for rate in row] for row in attacked.potential]
        text = "How often a morph passes for its people, at each matcher's threshold."
        sections.append(
            Section("Matchers", text, (_whole(attacked.matchers), _kinds(attacked.matchers), _map(attacked)))
        )
    if judged:
        each = (_detectors(judged), *(_detector(one) for one in judged))
        sections.append(Section("Detectors", "Fitted to other people, at a threshold fixed there.", each))
    if other is not None:
        name, rates = other
        document["elsewhere"] = {"dataset": name, "bscer": {cue: rate.to_dict() for cue, rate in rates.items()}}
        rows = tuple((cue, str(rate)) for cue, rate in rates.items())
        table = Table(f"Untouched pictures of {name}", ("detector", "BSCER"), rows)
        sections.append(Section("Away from the training set", "At the same thresholds.", (table,)))
    sections.append(Section("How it was measured", METHOD))
    return Report(title, tuple(sections), document, command)


def _whole(matchers: Sequence[Matcher]) -> Table:
    columns = ("matcher", "threshold", "MMPMR", "ProdAvg-MMPMR", "IAPAR", "FNMR", "RIAPAR", "FMR here")
    rows = tuple(
        (
            m.name,
            f"{m.point.threshold:.3f}",
            str(m.whole.every),
            _number(m.whole.product),
            str(m.whole.accepted),
            str(m.whole.refused),
            _number(m.whole.riapar),
            str(m.strangers),
        )
        for m in matchers
    )
    fmr = matchers[0].point.fmr if matchers else 0.0
    return Table(f"All morphs, thresholds of a measured FMR of {fmr:.2g} on their cards' data", columns, rows)


def _kinds(matchers: Sequence[Matcher]) -> Table:
    rows = tuple(
        (m.name, maker, after, str(found.every), str(found.accepted), str(found.refused), _number(found.riapar))
        for m in matchers
        for (maker, after), found in m.morphs.items()
    )
    return Table("By kind of morph", ("matcher", "morph", "saved", "MMPMR", "IAPAR", "FNMR", "RIAPAR"), rows)


def _map(attacked: Attacked) -> Table:
    columns = ("attempts of each person", *(f"{c} or more matchers" for c in range(1, attacked.systems + 1)))
    rows = tuple((str(r), *(str(rate) for rate in row)) for r, row in enumerate(attacked.potential, 1))
    return Table("MAP over the matchers that are not made of others", columns, rows)


def _detectors(judged: Sequence[Judged]) -> Table:
    fixed = tuple(f"BSCER at MACER {macer:g}" for macer in AT_MACER)
    columns = ("detector", "looks at", "D-EER", "MACER", "worst MACER", "BSCER", *fixed)
    rows = []
    for one in judged:
        limit = one.detector.threshold
        worst = one.worst
        rows.append(
            (
                one.detector.cue,
                "reference and live capture" if one.detector.differential else "one picture",
                _number(one.whole.equal_error()),
                str(one.whole.macer(limit)),
                UNDEFINED if worst is None else f"{worst[1]} {', '.join(worst[0][:2])}",
                str(one.whole.bscer(limit)),
                *(str(one.whole.bscer_at(macer)) for macer in AT_MACER),
            )
        )
    return Table("All attacks without a counter-attack", columns, tuple(rows))


def _detector(one: Judged) -> Table:
    limit = one.detector.threshold
    rows = tuple(
        (maker, after, remover, _number(d.equal_error()), str(d.macer(limit)), str(d.bscer(limit)))
        for (maker, after, remover), d in one.kinds.items()
    )
    columns = ("attack", "saved", "counter-attack", "D-EER", "MACER", "BSCER")
    return Table(f"`{one.detector.cue}` by kind of attack", columns, rows)


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"
