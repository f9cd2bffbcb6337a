"""Wrong labels put into LFW on purpose, and what cleaning them is worth: purity, recall, and accuracy after training.

    mien prepare lfw:lfw/ faces
    python benchmarks/bench_clean.py --prepared faces --work clean/ --csv benchmarks/results/clean.csv
    python benchmarks/bench_clean.py --prepared faces --labels-only          # the card's network; two minutes

The networks that learn from the wrong labels, and clean them, are of recipes/tiny-losses.toml. Accuracy is that of the
people of the other half, as in bench_losses.py. A run that the work folder has is not done again.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench_losses import LOSSES, RECIPE
from lfw_half import Half, finished, make_half, settings, several
from machine import machine
from mien.train.clean import Cleaned, LabelScore, bootstrap, cast, score_labels
from mien.train.clean.vectors import embedded, read_network
from mien.train.data import FaceData, open_data, pick
from mien.train.data.base import Rows
from mien.train.data.noise import Noisy, scatter_people, split_people_in_two, swap_labels
from mien.train.data.sources.relabelled import write_labels
from mien.types.arrays import FloatArray

SHARE = 0.2
NOISE = {"swapped": swap_labels, "scattered": scatter_people}
METHODS: dict[str, Callable[[FloatArray, Rows], Cleaned]] = {"cast": cast, "bootstrap": bootstrap}
COLUMNS = (
    *("set", "noise", "seed", "labels", "network", "pictures", "labelled", "right", "purity", "recall"),
    *("merged", "rightly", "accuracy", "eer", "date", "commit", "cpu"),
)


@dataclass(frozen=True)
class Table:
    """Rows on the screen and in a file."""

    path: Path | None

    def add(self, **values: object) -> None:
        """A row."""
        facts = machine()
        row = {key: str(value) for key, value in values.items()} | {
            key: facts[key] for key in ("date", "commit", "cpu")
        }
        print("  ".join(f"{key}={value}" for key, value in row.items() if key not in facts), flush=True)
        if self.path is None:
            return
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)


@dataclass(frozen=True)
class Case:
    """Faces with wrong labels, all labels as numbers of the true people."""

    about: dict[str, str]
    faces: FaceData
    labels: Rows
    truth: Rows

    def score(self, labels: Rows) -> dict[str, object]:
        """Counts and shares of some labels."""
        found: LabelScore = score_labels(labels, self.truth)
        shares = {name: f"{value:.4f}" for name, value in (("purity", found.purity), ("recall", found.recall))}
        return {"pictures": found.pictures, "labelled": found.labelled, "right": found.right, **shares}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepared", type=Path, required=True, help="what `mien prepare lfw:…` wrote")
    parser.add_argument("--csv", type=Path, help="where figures go")
    parser.add_argument("--work", type=Path, help="where runs are kept; otherwise they go at the end")
    parser.add_argument("--labels-only", action="store_true", help="train nothing")
    parser.add_argument("--noise", choices=NOISE, default="swapped", help="of the runs that train")
    parser.add_argument("--seed", action="append", type=int, help="0, 1 and 2 if left out")
    parser.add_argument("--rounds", type=int, default=2, help="of CAST with the trained network")
    parser.add_argument("--loss", choices=LOSSES, default="arcface")
    parser.add_argument("--set", dest="changes", action="append", default=[], help="as `mien train --set`")
    parser.add_argument("--tuning", action="store_true", help="on a split of the learning half")
    options = parser.parse_args()
    table, prepared = Table(options.csv), options.prepared.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        work = (options.work or Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        if options.labels_only:
            return by_card(table, prepared, work, options.seed or [0, 1, 2])
        half = make_half(prepared, work, tuning=options.tuning)
        for seed in options.seed or [0, 1, 2]:
            case = spoilt(open_data(half.root), options.noise, seed, "half of LFW")
            changes = (f"loss={options.loss}", *LOSSES[options.loss], *options.changes)
            Training(table, half, prepared, work, case, seed, changes).all(options.rounds)


def by_card(table: Table, prepared: Path, work: Path, seeds: list[int]) -> None:
    """The published network, which has never seen the wrong labels, on all people with two pictures or more."""
    faces = open_data(prepared)
    faces = several(faces, pick(faces, np.arange(len(faces))))
    with embedded(faces, read_network("sface"), work, lambda *_: None) as vectors:
        for noise in NOISE:
            for seed in seeds:
                case = spoilt(faces, noise, seed, "LFW")
                table.add(**case.about, labels=noise, **case.score(case.labels))
                for name, method in METHODS.items():
                    cleaned = method(vectors, case.labels)
                    counts = case.score(cleaned.labels)
                    table.add(**case.about, labels=name, network="sface", **counts, merged=len(cleaned.merges))
        for seed in seeds:
            doubled(table, faces, vectors, seed)


def doubled(table: Table, faces: FaceData, vectors: FloatArray, seed: int) -> None:
    """A fifth of the people with four pictures or more under two names: how many become one again."""
    noisy = split_people_in_two(faces, SHARE, seed=seed)
    cleaned = cast(vectors, noisy.data.labels)
    own = dict(zip(noisy.data.labels.tolist(), noisy.truth.tolist(), strict=True))
    rightly = sum(own[merge.person] == own[merge.into] for merge in cleaned.merges)
    about = {"set": "LFW", "noise": "doubled", "seed": seed, "network": "sface"}
    table.add(**about, labels="doubled", merged=len(noisy.data.people) - len(faces.people))
    table.add(**about, labels="cast", merged=len(cleaned.merges), rightly=rightly)


def spoilt(faces: FaceData, noise: str, seed: int, name: str) -> Case:
    """A fifth of the labels made wrong. Of people who were scattered no name is left, and no label is right."""
    noisy: Noisy = NOISE[noise](faces, SHARE, seed=seed)
    numbers = {person: number for number, person in enumerate(faces.people)}
    named = np.array([numbers[person] for person in noisy.data.people])
    truth = np.where(np.isin(noisy.truth, named), noisy.truth, -1)
    return Case({"set": name, "noise": noise, "seed": str(seed)}, faces, named[noisy.data.labels], truth)


@dataclass(frozen=True)
class Training:
    """Networks that learn from labels, and the labels they make."""

    table: Table
    half: Half
    prepared: Path
    work: Path
    case: Case
    seed: int
    changes: tuple[str, ...]

    def all(self, rounds: int) -> None:
        """Train on the true labels, the noisy ones, and what the network of the noisy ones makes of them."""
        self.learn("true", "", self.case.truth)
        noisy = self.learn("noisy", "", self.case.labels)
        self.learn("bootstrap", "noisy", self.cleaned(noisy, "bootstrap").labels)
        teacher, of = noisy, "noisy"
        for number in range(1, rounds + 1):
            cleaned = self.cleaned(teacher, "cast")
            teacher = self.learn(f"cast-{number}", of, cleaned.labels, len(cleaned.merges))
            of = f"cast-{number}"

    def cleaned(self, teacher: Path, method: str) -> Cleaned:
        """What a network makes of the noisy labels."""
        with embedded(self.case.faces, read_network(str(teacher)), self.work, lambda *_: None) as vectors:
            return METHODS[method](vectors, self.case.labels)

    def learn(self, name: str, network: str, labels: Rows, merged: int = 0) -> Path:
        """Train on labels, and write the row of both."""
        title = f"{self.case.about['noise']}-{self.seed}-{name}"
        rows, place = np.flatnonzero(labels >= 0), self.work / "labels" / title
        write_labels(place, self.half.root, self.case.faces, rows, labels[rows])
        own = (f"name={title}", *self.changes, f"data.root={place}")
        outcome = finished(
            settings(RECIPE, self.half, self.prepared, self.work / "runs", self.seed, *own), "bench_clean"
        )
        after = outcome.validation
        assert after is not None
        figures = {"accuracy": f"{after.accuracy.value:.4f}", "eer": f"{after.measurement.eer.value:.4f}"}
        counts = self.case.score(labels)
        self.table.add(**self.case.about, labels=name, network=network, **counts, merged=merged, **figures)
        return outcome.folder


if __name__ == "__main__":
    main()
