"""What an evaluation of detectors says, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mien.evaluate import plots
from mien.evaluate.detection import FLOOR, DetectionResult
from mien.evaluate.metrics.detection import RESAMPLES
from mien.evaluate.metrics.widerface import SETTINGS
from mien.evaluate.protocols.widerface import OFFICIAL_HARD, OFFICIAL_PICTURES, WiderFace
from mien.evaluate.report import UNDEFINED, Report, Section, Table

METHOD = f"""
AP is computed as the official evaluation of WIDER FACE does: scores stretched to 0..1 over the data set, each find
compared with the face it overlaps most at IoU 0.5, faces outside a setting ignored, 1,000 thresholds, area after
Pascal VOC 2010. `all` is our own setting: every annotated face that is not marked invalid.

AP at IoU 0.50:0.95 is COCO's: mean over ten required IoUs of the mean precision at 101 recalls. WIDER FACE's boxes are
drawn by hand and loosely, so its high IoUs say as much about the annotation as about the detector.

Intervals hold 95 %. Those of AP and of wrong finds a picture come from a bootstrap over pictures ({RESAMPLES} samples
for AP); those of precision and recall are Clopper-Pearson, which takes faces as independent although a crowd is one
picture, so they are somewhat too narrow. A detector is run down to a score of {FLOOR} for the curves; times are taken
in a second run at the operating score, one picture at a time.
"""


SIDES = """
Sides: mien looks at a picture with at most `side` pixels on its long side, never enlarged, and again at a fifth of that
for large faces. The publications look once at the picture's own size, or at several sizes and their mirror images, as
stated; mien leaves those out for their cost. Arithmetic: mien runs in the precision that the environment names.
"""
SAMPLE = """
These are {pictures:,} of the {whole:,} validation pictures: a difference within the interval above says nothing. They
are no random sample either: a choice of equally many from each event takes few crowds. Here a picture has {here:.1f}
faces of `hard`, in the whole set {there:.1f}, and crowds are what makes `hard` hard.
"""


def detection_report(results: Sequence[DetectionResult], data: WiderFace, command: str) -> Report:
    """The report of runs on one data set."""
    rows = [result.to_dict() for result in results]
    faces = {name: setting["faces"] for name, setting in rows[0]["settings"].items()}
    facts = {
        "dataset": {"name": "widerface", "pictures": len(data.pictures), "whole": data.whole, "faces": faces},
        "notes": list(data.notes),
        "results": rows,
    }
    counted = ", ".join(f"{n:,} {name}" for name, n in faces.items())
    on = f"WIDER FACE validation, {len(data.pictures):,} pictures, faces: {counted}"
    sections = (
        Section("Average precision", "\n\n".join((on, *data.notes)), (official_table(rows),), _curves(results, on)),
        Section("How tightly boxes fit", "", (coco_table(rows),)),
        Section("At the operating score", "", tuple(_operating(rows))),
        Section("Time", "", tuple(_times(rows))),
        Section("Beside published numbers", difference(data), tuple(_published(rows))),
        Section("How it was measured", METHOD),
    )
    return Report("Detection on WIDER FACE", tuple(s for s in sections if s.text or s.tables), facts, command)


def official_table(rows: Sequence[dict[str, Any]]) -> Table:
    """AP of each system in each setting."""
    names = tuple(rows[0]["settings"])
    cells = tuple((_name(row), *(_value(row["settings"][name]["ap"]) for name in names)) for row in rows)
    return Table(
        "AP in percent as the official evaluation computes it, with its 95 % interval", ("system", *names), cells
    )


def coco_table(rows: Sequence[dict[str, Any]]) -> Table:
    """COCO's AP of each system in each setting."""
    cells = tuple(
        (_name(row), name, _value(s["ap_50_95"]), _percent(s["ap_50"]), _percent(s["ap_75"]))
        for row in rows
        for name, s in row["settings"].items()
    )
    columns = ("system", "setting", "AP at IoU 0.50:0.95", "at 0.50", "at 0.75")
    return Table("COCO's average precision, percent", columns, cells)


def difference(data: WiderFace) -> str:
    """Why the figures here are not those of the publications."""
    return f"{_sample(data).strip()}\n{SIDES}"


def _sample(data: WiderFace) -> str:
    if data.whole or "hard" not in data.settings:
        return "The same pictures: the whole validation set." if data.whole else "Another choice of pictures."
    pictures, hard = len(data.pictures), sum(int(p.counts["hard"].sum()) for p in data.pictures)
    there = OFFICIAL_HARD / OFFICIAL_PICTURES
    return SAMPLE.format(pictures=pictures, whole=OFFICIAL_PICTURES, here=hard / pictures, there=there)


def _name(row: dict[str, Any]) -> str:
    return f"{row['name']}, side {row['side']}" if row["side"] else str(row["name"])


def _percent(value: float | None) -> str:
    return UNDEFINED if value is None else f"{100 * value:.1f}"


def _value(value: dict[str, float | None]) -> str:
    if value["value"] is None or value["low"] is None:
        return _percent(value["value"])
    return f"{_percent(value['value'])} ({_percent(value['low'])} to {_percent(value['high'])})"


def _share(rate: dict[str, Any]) -> str:
    if rate["value"] is None:
        return UNDEFINED
    ends = f"{_percent(rate['low'])} to {_percent(rate['high'])}"
    return f"{_percent(rate['value'])} ({rate['hits']:,} of {rate['trials']:,}; {ends})"


def _curves(results: Sequence[DetectionResult], on: str) -> tuple[str, ...]:
    """One plot a setting."""
    return tuple(
        plots.precision_recall(
            {_label(result): result.settings[i].official.precision_recall for result in results},
            title=f"Precision and recall, {setting.name}",
            note=f"{on}; IoU 0.5, official evaluation.",
        )
        for i, setting in enumerate(results[0].settings)
        if setting.faces
    )


def _label(result: DetectionResult) -> str:
    return _name({"name": result.run.name, "side": result.run.side})


def _operating(rows: Sequence[dict[str, Any]]) -> Iterator[Table]:
    rows = [row for row in rows if row["operating"]]
    if not rows:
        return
    yield Table(
        "All annotated faces, IoU 0.5, percent; wrong finds as a number a picture",
        ("system", "score", "precision", "recall", "wrong finds a picture"),
        tuple((_name(row), *_at_score(row["operating"])) for row in rows),
    )
    bands = rows[0]["operating"]["recall_by_height"]
    columns = tuple(f"{b['from_px']} to {b['to_px']} px" if b["to_px"] else f"{b['from_px']} px up" for b in bands)
    yield Table(
        "Recall by height of the face in pixels of the full picture, percent",
        ("system", *columns),
        tuple((_name(row), *map(_share, row["operating"]["recall_by_height"])) for row in rows),
    )


def _at_score(at: dict[str, Any]) -> tuple[str, str, str, str]:
    wrong = at["false_positives_per_picture"]
    number = f"{wrong['value']:.2f} ({wrong['count']:,} in all; {wrong['low']:.2f} to {wrong['high']:.2f})"
    return f"{at['score']:g}", _share(at["precision"]), _share(at["recall"]), number


def _times(rows: Sequence[dict[str, Any]]) -> Iterator[Table]:
    rows = [row for row in rows if row["milliseconds"]]
    if rows:
        parts = ("decode", "detect")
        kinds = {"median": "median", "mean": "mean", "cpu_mean": "processor"}
        columns = ("system", *(f"{part}, {shown}" for part in parts for shown in kinds.values()))
        cells = (
            (_name(row), *(f"{row['milliseconds'][part][kind]:.1f}" for part in parts for kind in kinds))
            for row in rows
        )
        caption = "Milliseconds a picture: median and mean by the clock, mean of the processor's time"
        yield Table(caption, columns, tuple(cells))


def _published(rows: Sequence[dict[str, Any]]) -> Iterator[Table]:
    cells: list[tuple[str, ...]] = []
    for row in rows:
        here = (_percent(row["settings"][s]["ap"]["value"]) if s in row["settings"] else UNDEFINED for s in SETTINGS)
        stated = (
            (row["name"], *(_percent(p[s]) for s in SETTINGS), f"{p['source']}: {p['conditions']}")
            for p in row["published"]
        )
        cells += [(_name(row), *here, "this run"), *stated]
    yield Table("AP in percent", ("system", *SETTINGS, "where from"), tuple(cells))
