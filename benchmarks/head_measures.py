"""Which command measures which head, and what of its answer stands in cards and docs. See bench_heads.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Answer = dict[str, Any]

ANGLES = ("yaw", "pitch", "roll")
TURN = 20
LIMIT = 0.1


@dataclass(frozen=True, slots=True)
class Group:
    """The error in one group of a data set."""

    name: str
    faces: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Error:
    """One measured error of a head.

    Args:
        head: its card, or the detector's.
        measure: in words.
        value, low, high: with the 95 % interval.
        faces: that it rests on.
        note: beside the measure in the docs.
        counted: what `faces` counts, where that is not faces.
        ms: processor milliseconds a face, where the command measures them.
        groups: the same by group.
    """

    head: str
    measure: str
    value: float
    low: float
    high: float
    faces: int
    note: str = ""
    counted: str = "faces"
    ms: float | None = None
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One command over a whole set.

    Args:
        key: name of the file that keeps the answer.
        arguments: of `mien evaluate`; the one after ``--root`` is below the folder of measurement pictures.
        data: the set, in words.
        read: errors from the answer.
    """

    key: str
    arguments: tuple[str, ...]
    data: str
    read: Callable[[Answer], Iterator[Error]] = field(repr=False)

    @property
    def command(self) -> str:
        """As it is typed, with the folder of the set only."""
        return " ".join(("mien", "evaluate", *self.arguments))


def _landmarks(answer: Answer) -> Iterator[Error]:
    for row in answer["results"]:
        head = row["name"].split(" ")[0]
        errors = row["nme"]["interocular"]
        mean, found = errors["mean"], row["found"]["hits"]
        missed = next(f for f in errors["failure"] if f["limit"] == LIMIT)
        said, beyond = "five points, mean NME of the eye distance", f"share beyond {LIMIT:.2f} of it, or not found"
        yield Error(head, said, *_three(mean), found, f"median {errors['median']:.4f}", ms=row["ms"])
        yield Error(head, beyond, *_three(missed), row["faces"])


def _pose(answer: Answer) -> Iterator[Error]:
    for row in answer["heads"]:
        for angle in ANGLES:
            error = row["frontal"][angle]
            note, ms = f"median {error['median']:+.1f}", row["ms"] if angle == ANGLES[0] else None
            said = f"mean absolute {angle} of people who look at the camera, degrees"
            yield Error(row["head"], said, *_three(error["error"]), error["error"]["faces"], note, ms=ms)
        turned = row["turned"][str(TURN)]["error"]
        said = f"roll after a turn of {TURN} degrees, mean absolute error"
        yield Error(row["head"], said, *_three(turned), turned["faces"])
        mirrored = row["mirrored"]["yaw"]
        said = "yaw, disagreement with the mirror image, degrees"
        yield Error(row["head"], said, *_three(mirrored), mirrored["faces"])


def _age(answer: Answer) -> Iterator[Error]:
    age, sex = answer["age"], answer["sex"]
    first = age["rows"][0]["mae"]
    groups = tuple(
        _group(row["group"], row["mae"], row["mae"]["faces"]) for row in age["rows"][1:] if row["mae"]["faces"]
    )
    note = f"bias {age['rows'][0]['bias']:+.1f}"
    yield Error("age", "mean absolute error, years", *_three(first), first["faces"], note, ms=age["ms"], groups=groups)
    first = sex["rows"][0]["errors"]
    rows = [row for row in sex["rows"][1:] if row["errors"]["trials"]]
    groups = tuple(_group(row["group"], row["errors"], row["errors"]["trials"]) for row in rows)
    yield Error("sex", "share said wrongly, 13 and older", *_three(first), first["trials"], ms=sex["ms"], groups=groups)


def _expression(answer: Answer) -> Iterator[Error]:
    right = answer["accuracy"]
    wrong = 1 - right["value"], 1 - right["high"], 1 - right["low"]
    groups = tuple(
        Group(f"labelled {label}", recall["trials"], 1 - recall["value"], 1 - recall["high"], 1 - recall["low"])
        for label, recall in zip(answer["labels"], answer["recall"], strict=True)
        if recall["trials"]
    )
    said = "share not named as the set does"
    yield Error(answer["head"], said, *wrong, right["trials"], ms=answer["ms"], groups=groups)


def _liveness(answer: Answer) -> Iterator[Error]:
    row = next(row for row in answer["bpcer"] if row["threshold"] == 0.5)
    said = "BPCER at 0.5: living people taken for an attack"
    yield Error(answer["head"], said, *_three(row), row["trials"], ms=answer["ms"])


def _eyes(answer: Answer) -> Iterator[Error]:
    for key, said in (("closed_eyes", "eyes made shut called open"), ("eyes", "open eyes called closed")):
        ms, row = answer["ms"] if key == "closed_eyes" else None, answer[key]
        yield Error(answer["head"], f"share of {said}, at 0.5", *_three(row), row["trials"], counted="eyes", ms=ms)


def _three(row: Mapping[str, Any]) -> tuple[float, float, float]:
    return row["value"], row["low"], row["high"]


def _group(name: str, row: Mapping[str, Any], faces: int) -> Group:
    return Group(name, faces, *_three(row))


MEASURES = (
    Measure("landmarks", ("landmarks", "--root", "mtfl", "--heads", "landmarks68"), "MTFL, 80x80", _landmarks),
    Measure(
        "pose",
        ("pose", "--root", "london/neutral_front", "--head", "pose,pose3d,pose5"),
        "London, neutral",
        _pose,
    ),
    Measure("eyes", ("eyes", "--root", "london"), "London, neutral and smiling", _eyes),
    Measure("liveness-london", ("liveness", "--root", "london"), "London, neutral and smiling", _liveness),
    Measure(
        "liveness-lfw",
        ("liveness", "--root", "lfw/images", "--every", "16"),
        "LFW deep-funneled, every 16th picture",
        _liveness,
    ),
    Measure("age", ("age", "--root", "utkface"), "UTKFace", _age),
    Measure(
        "expression", ("expression", "--root", "fer2013"), "FER2013 private test, at most 100 a class", _expression
    ),
)
