"""An expression head on folders named by expression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import NotFoundError, UsageError
from mien.evaluate.heads import Observed
from mien.evaluate.metrics.temperature import calibration_error, temper
from mien.evaluate.rates import Rate
from mien.evaluate.report import UNDEFINED, Report, Section, Table
from mien.models.card import Card

METHOD = """
A picture's label is the name of its folder; labels of FER2013 are noisy, people agree with them on about two thirds.
Of several faces the one nearest to the middle of the picture is meant; a picture without a find is missed: it counts as
wrong in `all pictures` and is left out elsewhere. Intervals: 95 %, Clopper-Pearson. Expected calibration error: ten
bins of the likeliest label's probability. A temperature divides the logits: it is fitted by log loss on every second
face of each class, drawn by a fixed seed, and what it does is measured on the others; intervals there: bootstrap over
faces. Time is of processor, one face at a time, from the cut on.
"""


@dataclass(frozen=True, slots=True)
class Expressions:
    """What a head said of labelled pictures.

    Args:
        card: of the head.
        truth: (n,) index into the card's labels.
        observed: what it said.
        tempered: fit a temperature on one half of the faces and measure it on the other.
    """

    card: Card
    truth: NDArray[np.int64]
    observed: Observed
    tempered: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON: accuracy, recall by class, confusion (rows are labels of the set), calibration."""
        labels = self.card.head.labels if self.card.head else ()
        found = self.observed.found
        shares, truth = self.observed.values[self.card.name][found], self.truth[found]
        said = shares.argmax(axis=1) if len(shares) else truth
        confusion = np.zeros((len(labels), len(labels)), np.int64)
        np.add.at(confusion, (truth, said), 1)
        right = int(np.trace(confusion))
        return {
            "head": self.card.name,
            "sha256": self.card.file.sha256,
            "ms": self.observed.ms.get(self.card.name),
            "faces": len(self.truth),
            "labels": list(labels),
            "accuracy": Rate(right, len(truth)).to_dict(),
            "all_pictures": Rate(right, len(self.truth)).to_dict(),
            "recall": [Rate(int(confusion[i, i]), int(confusion[i].sum())).to_dict() for i in range(len(labels))],
            "confusion": confusion.tolist(),
            "calibration_error": calibration_error(shares.astype(np.float64), truth) if len(truth) else None,
            "card_temperature": self.card.head.parameters.get("temperature", 1.0) if self.card.head else 1.0,
            "tempering": temper(shares.astype(np.float64), truth).to_dict() if self.tempered else None,
            "failures": [failure.to_dict() for failure in self.observed.failures],
        }


def read_expressions(root: Path, labels: tuple[str, ...]) -> tuple[list[Path], NDArray[np.int64]]:
    """Pictures of the folders below `root` that carry the labels' names, and the number of each one's label.

    Raises:
        NotFoundError: no such folder, or no picture in it.
        UsageError: a folder of another name.
    """
    if not root.is_dir():
        raise NotFoundError(f"no folder {root}", source=str(root))
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    for folder in folders:
        if folder.name not in labels:
            raise UsageError(f"{folder}: no expression of the head; it knows {', '.join(labels)}", source=str(folder))
    paths = [path for folder in folders for path in sorted(folder.glob("*.jpg"))]
    if not paths:
        raise NotFoundError(f"{root}: no .jpg in folders named by expression", source=str(root))
    return paths, np.array([labels.index(path.parent.name) for path in paths], np.int64)


def expression_report(result: Expressions, data_name: str, command: str) -> Report:
    """The report."""
    data = {"dataset": data_name, **result.to_dict()}
    overall = (
        ("faces found", str(_rate(data["accuracy"]))),
        ("all pictures", str(_rate(data["all_pictures"]))),
        ("calibration error", UNDEFINED if data["calibration_error"] is None else f"{data['calibration_error']:.3f}"),
        ("ms a face", UNDEFINED if data["ms"] is None else f"{data['ms']:.1f}"),
    )
    named = tuple(zip(data["labels"], data["recall"], data["confusion"], strict=True))
    recall = tuple((label, str(_rate(rate)), *(str(n) for n in row)) for label, rate, row in named)
    tables: tuple[Table, ...] = (
        Table(f"{data['head']}: share named as the set does", ("of", "right"), overall),
        Table("By class: recall, and what was said", ("label of the set", "recall", *data["labels"]), recall),
    )
    if data["tempering"]:
        tables = (*tables, _tempering(data["tempering"], data["card_temperature"]))
    sections = (Section("Expression", f"{data['faces']:,} pictures.", tables), Section("How it was measured", METHOD))
    return Report(f"Expression on {data_name}", sections, data, command)


def _tempering(row: dict[str, Any], already: float) -> Table:
    names = {"calibration_error": "expected calibration error", "brier": "Brier score", "log_loss": "log loss"}
    cells = tuple(
        (
            words,
            *(
                f"{row[key][when]['value']:.3f} ({row[key][when]['low']:.3f} to {row[key][when]['high']:.3f})"
                for when in ("before", "after")
            ),
        )
        for key, words in names.items()
    )
    caption = (
        f"Temperature {row['temperature']:.3f} fitted on {row['fitted_on']:,} faces, on top of the card's {already:g}; "
        f"measured on the other {row['measured_on']:,}"
    )
    return Table(caption, ("measure", "as the card has it", "with the temperature"), cells)


def _rate(row: dict[str, Any]) -> Rate:
    return Rate(row["errors"], row["trials"])
