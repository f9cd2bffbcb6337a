"""The measured errors of heads: every `mien evaluate` of a head over its whole set, then docs and cards written anew.

    python benchmarks/bench_heads.py --results DIR --write     # runs what has no answer in DIR yet
    python benchmarks/bench_heads.py --results DIR --only age,pose --again
    python benchmarks/bench_heads.py --results DIR --passes    # milliseconds a picture with 1..N heads

docs/heads.md: what stands between ``<!-- bench_heads.py: NAME -->`` and ``<!-- end -->`` is replaced. Cards: the
``[[head.errors]]`` of the heads that were measured, which come last in their files. Without --write neither is touched.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from figures import three
from head_measures import MEASURES, Answer, Error, Measure
from head_passes import passes_table, run_passes

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("MIEN_DATA", ROOT.parent / "shared" / "data"))
DOCS = ROOT / "docs" / "heads.md"
CARDS = ROOT / "src" / "mien" / "models" / "cards"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the measurement pictures")
    parser.add_argument("--results", type=Path, required=True, help="folder that keeps the answers")
    parser.add_argument("--only", default="", help=f"of {', '.join(m.key for m in MEASURES)}, with commas")
    parser.add_argument("--again", action="store_true", help="run commands whose answers are there already, too")
    parser.add_argument("--passes", action="store_true", help="measure milliseconds with 1..N heads instead")
    parser.add_argument("--date", default="", help="of the measurement; today when left out")
    parser.add_argument("--write", action="store_true", help="write docs/heads.md and the cards")
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    if options.passes:
        keep(options.results / "passes.json", run_passes(options.data))
    else:
        wanted = options.only.split(",") if options.only else [measure.key for measure in MEASURES]
        for measure in MEASURES:
            place = options.results / f"{measure.key}.json"
            if measure.key in wanted and (options.again or not place.exists()):
                keep(place, run(measure, options.data))
    answers = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(options.results.glob("*.json"))}
    date = options.date or dated(options.results)
    tables = dict(made_tables(answers, date))
    for name, text in tables.items():
        print(f"## {name}\n\n{text}\n")
    if options.write:
        DOCS.write_text(replaced(DOCS.read_text("utf-8"), tables), "utf-8")
        write_cards(answers, date)


def run(measure: Measure, data: Path) -> Answer:
    """The answer of the command, as `--json` gives it."""
    arguments = list(measure.arguments)
    place = arguments.index("--root") + 1
    arguments[place] = str(data / arguments[place])
    print(measure.command, file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "mien", "evaluate", *arguments, "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def keep(place: Path, answer: Any) -> None:
    """Whole or not at all: a run that was ended leaves no half answer to be read next time."""
    part = place.with_suffix(".part")
    part.write_text(json.dumps(answer), "utf-8")
    part.replace(place)


def dated(results: Path) -> str:
    """The day of the newest answer."""
    from datetime import UTC, datetime

    newest = max(path.stat().st_mtime for path in results.glob("*.json"))
    return datetime.fromtimestamp(newest, UTC).date().isoformat()


def errors_of(answers: Mapping[str, Answer]) -> Iterator[tuple[Measure, Error]]:
    for measure in MEASURES:
        if measure.key in answers:
            for error in measure.read(answers[measure.key]):
                yield measure, error


def made_tables(answers: Mapping[str, Answer], date: str) -> Iterator[tuple[str, str]]:
    """The tables of the docs, by the name of their markers."""
    yield "heads", head_table()
    yield "errors", error_table(list(errors_of(answers)), date)
    if "age" in answers:
        yield "groups", group_table(answers["age"], date)
    if "expression" in answers:
        yield "expression", expression_table(answers["expression"], date)
    if "eyes" in answers:
        yield "eyes", eye_table(answers["eyes"], date)
    if "passes" in answers:
        yield "passes", passes_table(answers["passes"])


def head_table() -> str:
    """What the cards say."""
    from mien.models import cards

    lines = ["| head | gives | for | licence of the weights |", "|---|---|---|---|"]
    for card in cards("head"):
        if card.head:
            unit = f", {card.head.unit}" if card.head.unit and card.head.unit not in card.head.gives else ""
            use = "research" if card.head.research else "general use"
            lines.append(f"| `{card.name}` | {card.head.gives}{unit} | {use} | {card.licences.weights} |")
    return "\n".join(lines)


def error_table(rows: Sequence[tuple[Measure, Error]], date: str) -> str:
    lines = [
        f"Measured {date}.",
        "",
        "| head | measure | value | faces | data | ms | command |",
        "|---|---|---|---|---|---|---|",
    ]
    for measure, error in rows:
        said = f"{error.measure} ({error.note})" if error.note else error.measure
        faces = f"{error.faces:,}{'' if error.counted == 'faces' else f' {error.counted}'}"
        ms = "–" if error.ms is None else f"{error.ms:.1f}"
        cells = (f"`{error.head}`", said, span(error), faces, measure.data, ms, f"`{measure.command}`")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def span(row: Any) -> str:
    return f"{three(row.value)} ({three(row.low)} to {three(row.high)})"


def group_table(age: Answer, date: str) -> str:
    """Age and sex side by side; the groups are the set's labels."""
    lines = [
        f"Groups are the labels of UTKFace. {age['found']:,} of {age['faces']:,} faces were found. "
        f"`mien evaluate age --root utkface`, {date}.",
        "",
        "| group | age: mean absolute error, years | bias | faces | sex: said wrongly | faces of 13 and older |",
        "|---|---|---|---|---|---|",
    ]
    for years, sexes in zip(age["age"]["rows"], age["sex"]["rows"], strict=True):
        mae, wrong = years["mae"], sexes["errors"]
        error = f"{mae['value']:.1f} ({mae['low']:.1f} to {mae['high']:.1f})" if mae["faces"] else "–"
        bias = "–" if years["bias"] is None else f"{years['bias']:+.1f}"
        cells = (years["group"], error, bias, f"{mae['faces']:,}", percent(wrong), f"{wrong['trials']:,}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def percent(row: Mapping[str, Any], digits: int = 1) -> str:
    if not row["trials"]:
        return "–"
    value, low, high = (f"{100 * row[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} % ({low} to {high})"


def expression_table(answer: Answer, date: str) -> str:
    labels = answer["labels"]
    right, every = answer["accuracy"], answer["all_pictures"]
    lines = [
        "Rows are labels of FER2013, columns what the head said; faces found: "
        f"{right['trials']:,} of {every['trials']:,}. "
        f"Right of the faces found: {percent(right)}; of all pictures, missed ones counted as wrong: {percent(every)}. "
        f"Expected calibration error {answer['calibration_error']:.3f}. "
        f"`mien evaluate expression --root fer2013`, {date}.",
        "",
        f"| | recall | {' | '.join(labels)} |",
        f"|---|---|{'---|' * len(labels)}",
    ]
    for label, recall, said in zip(labels, answer["recall"], answer["confusion"], strict=True):
        lines.append(f"| {label} | {percent(recall, 0)} | {' | '.join(str(n) for n in said)} |")
    return "\n".join(lines)


def eye_table(answer: Answer, date: str) -> str:
    lines = [
        f"{answer['found']:,} of {answer['faces']:,} faces found with open eyes, {answer['found_closed']:,} with shut "
        f"ones. `mien evaluate eyes --root london`, {date}.",
        "",
        "| open from | open eyes called closed | eyes made shut called open |",
        "|---|---|---|",
    ]
    rows = (
        f"| {row['threshold']:g} | {percent(row['open'])} | {percent(row['closed'])} |" for row in answer["thresholds"]
    )
    return "\n".join([*lines, *rows])


def replaced(text: str, tables: Mapping[str, str]) -> str:
    """The page with its tables; one without a marker is an error, so that none is lost silently."""
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- bench_heads\.py: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, count = pattern.subn(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", text)
        if count != 1:
            raise SystemExit(f"docs/heads.md has {count} places for the table '{name}', expected 1")
    return text


def write_cards(answers: Mapping[str, Answer], date: str) -> None:
    """The errors of each measured head's card; detectors have none."""
    by_head: dict[str, list[tuple[Measure, Error]]] = {}
    for measure, error in errors_of(answers):
        by_head.setdefault(error.head, []).append((measure, error))
    for head, rows in by_head.items():
        path = CARDS / f"{head}.toml"
        text = path.read_text("utf-8")
        if 'kind = "head"' in text:
            blocks = [toml(measure, error, date) for measure, error in rows]
            path.write_text("\n".join([without_errors(text).rstrip() + "\n", *blocks]), "utf-8")


def without_errors(text: str) -> str:
    """A card without its ``[[head.errors]]``, wherever they stand."""
    parts = re.split(r"(?m)^(?=\[)", text)
    return "".join(part for part in parts if not part.startswith("[[head.errors]]"))


def toml(measure: Measure, error: Error, date: str) -> str:
    """One ``[[head.errors]]``."""
    value, low, high = (float(f"{v:.3g}") for v in (error.value, error.low, error.high))
    lines = [
        "[[head.errors]]",
        f'measure = "{error.measure}"',
        f"value = {value}",
        f"low = {low}",
        f"high = {high}",
        f"faces = {error.faces}",
        f'data = "{measure.data}{"" if error.counted == "faces" else f", {error.counted} counted"}"',
        f'date = "{date}"',
        f'command = "{measure.command}"',
    ]
    if error.groups:
        lines.append("groups = [ # group, faces, value, 95 % interval")
        for g in error.groups:
            numbers = ", ".join(str(float(f"{v:.3g}")) for v in (g.value, g.low, g.high))
            lines.append(f'    ["{g.name}", {g.faces}, {numbers}],')
        lines.append("]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
