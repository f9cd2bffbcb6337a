r"""What pre-training is worth by the share of faces that have labels, beside a random start and a supervised network.

    mien prepare lfw:lfw/ faces && mien prepare unlabelled:utkface/ utk
    python benchmarks/bench_pretrain.py lists --utk utk --to utk-half
    mien train recipes/pretrain-fsfm.toml --set data.root=faces --set 'data.join=["utk-half"]' \
        --set 'data.exclude=["lfw/pairsDevTest.txt"]'
    python benchmarks/bench_pretrain.py probe --utk utk --run RUN --csv FIGURES.csv
    python benchmarks/bench_pretrain.py people --faces faces --lists lfw/ --run RUN --csv FIGURES.csv
    python benchmarks/bench_pretrain.py people-frozen --faces faces --lists lfw/ --run RUN --csv FIGURES.csv
    python benchmarks/bench_pretrain.py report --csv FIGURES.csv --svg FIGURE.svg

`probe`: a linear classifier on frozen features tells sex and age group of UTKFace; labels come from one half of it,
figures from the other. `people`: the whole network learns a share of LFW's people and is measured on view 1's test,
whose people neither it nor the pre-training has seen. `people-frozen`: the same, of frozen features by linear
discriminants. Rows that the CSV has are not measured again.
"""

from __future__ import annotations

import argparse
import csv
import fcntl
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from figures import on_its_own
from machine import machine
from mien.backbones.vit import ViT
from mien.evaluate.rates import clopper_pearson
from mien.models import LoadSettings, load_embedder
from mien.train import run
from mien.train.assembly import make_backbone
from mien.train.data import View, open_data
from mien.train.recipe import Validate, read_recipe
from mien.train.state import read_tensors
from mien.train.tensors import normalised
from mien.train.validate import Validation, read_validation
from mien.types.arrays import Crops, unit_rows
from pretrain_lists import utk_halves, write_people, write_unlabelled

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
SHARES = (0.1, 0.25, 0.5, 1.0)
RANDOM, PRETRAINED, SUPERVISED = "random", "pre-trained", "sface, supervised"
AGES = (13, 26, 41, 61)
"""First years of the age groups but the first."""
RACES = ("White", "Black", "Asian", "Indian", "Other")
"""As UTKFace's file names number them; its own words."""
STRENGTHS = np.geomspace(1e-4, 10, 6)
"""Of the probe's regularisation (inverse); chosen by five folds of the labelled faces, for each start alike."""
PROBE_SEEDS, FROZEN_SEEDS, PEOPLE_SEEDS = range(5), range(5), range(2)
COLUMNS = (
    *("task", "start", "share", "labels", "seed", "group", "count", "accuracy", "low", "high", "eer", "seconds"),
    *("date", "commit", "cpu", "torch"),
)
Row = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("lists", "probe", "people", "people-frozen", "report"))
    for name in ("utk", "faces", "lists", "run", "csv", "svg", "to"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--start", action="append", choices=(RANDOM, PRETRAINED, SUPERVISED), help="only these")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin nothing after so many; call again to go on")
    given = parser.parse_args()
    starts = given.start or (RANDOM, PRETRAINED, SUPERVISED)
    torch.set_num_threads(1)
    match given.part:
        case "lists":
            write_unlabelled(given.to, given.utk)
        case "probe":
            keep(given.csv, probes(given.utk, given.run, starts, done(given.csv)), given.minutes)
        case "people":
            keep(given.csv, recognitions(given.faces, given.lists, given.run, starts, done(given.csv)), given.minutes)
        case "people-frozen":
            found = frozen_recognitions(given.faces, given.lists, given.run, starts, done(given.csv))
            keep(given.csv, found, given.minutes)
        case "report":
            print(report(rows(given.csv)))
            given.svg.write_text(on_its_own(figure(rows(given.csv))), "utf-8")


def probes(
    prepared: Path, pretrained: Path, starts: Collection[str], known: set[tuple[str, ...]]
) -> Iterator[list[Row]]:
    """Sex and age group by every start, share and draw of labels."""
    utk = open_data(prepared)
    learnt, held = utk_halves(utk)
    marks = np.array([[int(word) for word in Path(name).name.split("_")[:3]] for name in utk.names])
    labels = {"sex": marks[:, 1], "age group": np.digitize(marks[:, 0], AGES)}
    for start in starts:
        features: NDArray[np.float64] | None = None
        for seed in PROBE_SEEDS:
            order = np.random.default_rng(seed).permutation(learnt)
            if features is None or start == RANDOM:  # a random network is another one with each seed
                features = features_of(start, seed, pretrained, utk.crops(np.arange(len(utk))))
            for share in SHARES:
                chosen = order[: round(share * len(order))]
                for task, classes in labels.items():
                    if (task, start, f"{share:g}", str(seed)) in known:
                        continue
                    began = time.perf_counter()
                    right = probe(features[chosen], classes[chosen], features[held]) == classes[held]
                    place = {"task": task, "start": start, "share": f"{share:g}", "seed": str(seed)}
                    place |= {"labels": str(len(chosen)), "seconds": f"{time.perf_counter() - began:.1f}"}
                    yield [place | counted(right), *by_group(place, right, marks[held, 2])]


def by_group(place: Row, right: NDArray[np.bool_], races: NDArray[np.int64]) -> list[Row]:
    return [place | counted(right[races == number]) | {"group": name} for number, name in enumerate(RACES)]


def counted(right: NDArray[np.bool_]) -> Row:
    low, high = clopper_pearson(int(right.sum()), len(right))
    values = {"accuracy": right.mean(), "low": low, "high": high}
    return {"count": str(len(right)), **{name: f"{value:.4f}" for name, value in values.items()}}


def features_of(start: str, seed: int, pretrained: Path, crops: Crops) -> NDArray[np.float64]:
    """What a frozen network says of every face: of a transformer the mean over patches."""
    if start == SUPERVISED:
        return load_embedder("sface", LoadSettings(precision="f32")).embed(crops).astype(np.float64)
    torch.manual_seed(seed)
    network = make_backbone(read_recipe(pretrained / run.RECIPE))
    if start == PRETRAINED:
        network.load_state_dict(read_tensors(pretrained / run.WEIGHTS))
    assert isinstance(network, ViT)
    network.eval()
    found = []
    with torch.inference_mode():
        for first in range(0, len(crops), 64):
            pixels = normalised(torch.from_numpy(crops[first : first + 64]).permute(0, 3, 1, 2))
            found.append(network.encode(network.embed_patches(pixels)).mean(dim=1).double().numpy())
    return np.concatenate(found)


def probe(known: NDArray[np.float64], classes: NDArray[np.int64], asked: NDArray[np.float64]) -> NDArray[np.int64]:
    """A logistic regression's answers; everything it knows comes from the labelled faces."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3))
    search = GridSearchCV(model, {"logisticregression__C": STRENGTHS}, cv=folds).fit(known, classes)
    answers: NDArray[np.int64] = search.predict(asked)
    return answers


def recognitions(
    prepared: Path, lists: Path, pretrained: Path, starts: Collection[str], known: set[tuple[str, ...]]
) -> Iterator[list[Row]]:
    """Verification on view 1's test by every share of people, seed and start."""
    with tempfile.TemporaryDirectory() as work:
        for seed in PEOPLE_SEEDS:
            for share in SHARES:
                for start in (RANDOM, PRETRAINED):
                    if start not in starts or ("people", start, f"{share:g}", str(seed)) in known:
                        continue
                    root = write_people(Path(work) / f"{share:g}-{seed}", prepared, lists, share, seed)
                    yield [recognition(root, prepared, lists, pretrained if start == PRETRAINED else None, share, seed)]


def recognition(root: Path, prepared: Path, lists: Path, weights: Path | None, share: float, seed: int) -> Row:
    changes = [f"data.root={root}", f"run.folder={root}/runs", f"run.seed={seed}", "run.threads=1", "data.workers=1"]
    changes += [f"validate.pairs={lists}/pairsDevTest.txt", f"validate.root={prepared}", "validate.steps=1000000000"]
    changes += [f"start.weights={weights}"] if weights else []
    recipe = read_recipe(RECIPES / "pretrain-label-fractions.toml", changes)
    outcome = run.start(recipe, command="bench_pretrain", progress=lambda *_: None, say=lambda _: None)
    assert outcome is not None
    assert outcome.validation is not None
    shutil.rmtree(outcome.folder)
    place = {"task": "people", "start": PRETRAINED if weights else RANDOM, "share": f"{share:g}", "seed": str(seed)}
    place |= {"labels": str(len(open_data(root))), "seconds": f"{outcome.seconds:.0f}"}
    return place | verified(outcome.validation)


def frozen_recognitions(
    prepared: Path, lists: Path, pretrained: Path, starts: Collection[str], known: set[tuple[str, ...]]
) -> Iterator[list[Row]]:
    """The same on frozen features: from the labelled people come linear discriminants, and nothing else."""
    faces = open_data(prepared)
    pairs = read_validation(Validate(f"{lists}/pairsDevTest.txt", str(prepared)))
    assert pairs is not None
    with tempfile.TemporaryDirectory() as work:
        able = opened(write_people(Path(work) / "all", prepared, lists, 1.0, 0)).rows
        for start in starts:
            features: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
            for seed in FROZEN_SEEDS:
                todo = [share for share in SHARES if ("people, frozen", start, f"{share:g}", str(seed)) not in known]
                for share in todo:
                    if features is None or (start == RANDOM and share == todo[0]):
                        learnt = features_of(start, seed, pretrained, faces.crops(able))
                        features = learnt, features_of(start, seed, pretrained, pairs.crops)
                    part = opened(write_people(Path(work) / f"{share:g}-{seed}", prepared, lists, share, seed))
                    mine = np.searchsorted(able, part.rows)
                    began = time.perf_counter()
                    vectors = discriminants(features[0][mine], part.labels, features[1])
                    validation = pairs.measured(vectors, "frozen")
                    place = {"task": "people, frozen", "start": start, "share": f"{share:g}", "seed": str(seed)}
                    place |= {"labels": str(len(part)), "seconds": f"{time.perf_counter() - began:.1f}"}
                    yield [place | verified(validation)]


def opened(folder: Path) -> View:
    """The faces of a list."""
    part = open_data(folder)
    assert isinstance(part, View)
    return part


def discriminants(
    known: NDArray[np.float64], people: NDArray[np.int64], asked: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(n, d) rows of length 1: features on the axes that tell the known people apart (covariance by Ledoit & Wolf)."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    middle = known.mean(axis=0)
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(known - middle, people)
    return unit_rows(((asked - middle) @ model.scalings_[:, : model._max_components]).astype(np.float32))


def verified(validation: Validation) -> Row:
    accuracy, measured = validation.accuracy, validation.measurement
    values = {"accuracy": accuracy.value, "low": accuracy.low, "high": accuracy.high, "eer": measured.eer.value}
    return {"count": str(len(measured.scores)), **{name: f"{value:.4f}" for name, value in values.items()}}


def keep(path: Path, found: Iterator[list[Row]], minutes: float) -> None:
    """Add rows as they come, until the time is over."""
    began, facts = time.perf_counter(), machine()
    own = {"date": facts["date"], "commit": facts["commit"], "cpu": facts["cpu"], "torch": torch.__version__}
    for some in found:
        with path.open("a", newline="", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another process may fill the same table
            writer = csv.DictWriter(file, COLUMNS, restval="")
            if not file.tell():
                writer.writeheader()
            writer.writerows(row | own for row in some)
        print("  ".join(f"{key}={some[0].get(key, '')}" for key in COLUMNS[:12]), flush=True)
        if time.perf_counter() - began > 60 * minutes:
            return


def rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def done(path: Path) -> set[tuple[str, ...]]:
    return {(row["task"], row["start"], row["share"], row["seed"]) for row in rows(path)}


def report(found: list[Row]) -> str:
    """Tables of means over the seeds, and of the gain seed by seed with its interval of Student's t."""
    lines = []
    for task in dict.fromkeys(row["task"] for row in found):
        starts = [
            s for s in (RANDOM, PRETRAINED, SUPERVISED) if any(r["task"] == task and r["start"] == s for r in found)
        ]
        lines += ["", f"| {task}: share of labels | faces | {' | '.join(starts)} | gain of pre-training |"]
        lines += ["|" + "---|" * (len(starts) + 3)]
        for share in SHARES:
            labels = next(row["labels"] for row in found if row["task"] == task and row["share"] == f"{share:g}")
            cells = [f"{100 * np.mean(accuracies(found, task, start, share)):.1f}" for start in starts]
            lines.append(f"| {100 * share:.0f} % | {labels} | {' | '.join(cells)} | {gain(found, task, share)} |")
    return "\n".join([*lines, "", *groups(found)])


def gain(found: list[Row], task: str, share: float) -> str:
    from scipy.stats import t

    ends = [accuracies(found, task, start, share) for start in (PRETRAINED, RANDOM)]
    apart = 100 * (np.array(ends[0]) - np.array(ends[1]))
    if len(apart) < 2:
        return f"{apart.mean():+.1f}"
    half = t.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / np.sqrt(len(apart))
    return f"{apart.mean():+.1f} ({apart.mean() - half:+.1f} to {apart.mean() + half:+.1f})"


def groups(found: list[Row]) -> list[str]:
    """Accuracy by the groups of UTKFace with all labels, mean over the seeds."""
    lines = [f"| all labels, by group | {' | '.join(RACES)} |", "|" + "---|" * (len(RACES) + 1)]
    for task in ("sex", "age group"):
        for start in (RANDOM, PRETRAINED, SUPERVISED):
            cells = [f"{100 * np.mean(accuracies(found, task, start, 1.0, race)):.1f}" for race in RACES]
            lines.append(f"| {task}, {start} | {' | '.join(cells)} |")
    return lines


def accuracies(found: list[Row], task: str, start: str, share: float, group: str = "") -> list[float]:
    """In the order of the seeds."""
    place = (task, start, f"{share:g}", group)
    mine = [row for row in found if (row["task"], row["start"], row["share"], row["group"]) == place]
    return [float(row["accuracy"]) for row in sorted(mine, key=lambda row: int(row["seed"]))]


def figure(found: list[Row]) -> str:
    """Accuracy over the share of labels, a curve a task and start."""
    from mien.evaluate.plots.canvas import canvas, line

    names = {
        f"{task}, {start}": [100 * np.mean(accuracies(found, task, start, share)) for share in SHARES]
        for task in ("people", "people, frozen", "sex", "age group")
        for start in (RANDOM, PRETRAINED)
    }
    last = found[-1]
    note = f"Mean over seeds; {last['cpu']}, {last['date']}."
    with canvas("Accuracy by share of labels", note, series=list(names), height=320) as drawn:
        for number, values in enumerate(names.values()):
            drawn.axes.plot([100 * share for share in SHARES], values, **line(number), marker="o", markersize=3)
        drawn.axes.set(xscale="log", xlabel="labels, %", ylabel="accuracy, %")
        drawn.axes.set_xticks([100 * share for share in SHARES], [f"{100 * share:.0f}" for share in SHARES])
        drawn.axes.minorticks_off()
    return drawn.svg


if __name__ == "__main__":
    main()
