"""What the card of a head says beyond its network: what it gives, and how far it was found to err."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mien.models.strict import Table


@dataclass(frozen=True, slots=True)
class GroupError:
    """The error in one group of a data set; the groups are the set's own labels."""

    group: str
    faces: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MeasuredError:
    """One measured error.

    Args:
        measure: what was measured, in words.
        value, low, high: the figure and its 95 % interval.
        faces: that it rests on.
        data: which pictures.
        date: when, ISO 8601.
        command: what measures it again.
        groups: the same by group of the data set; may be empty.
    """

    measure: str
    value: float
    low: float
    high: float
    faces: int
    data: str
    date: str
    command: str
    groups: tuple[GroupError, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "measure": self.measure,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "faces": self.faces,
            "data": self.data,
            "date": self.date,
            "command": self.command,
            "groups": [
                {"group": g.group, "faces": g.faces, "value": g.value, "low": g.low, "high": g.high}
                for g in self.groups
            ],
        }


@dataclass(frozen=True, slots=True)
class HeadThreshold:
    """From which value of its first label on a head's answer counts as that label.

    Args:
        value: of a probability, between 0 and 1.
        data: the development pictures it was fixed on, and by which rule.
        date: when, ISO 8601.
        command: what fixes it again.
    """

    value: float
    data: str
    date: str
    command: str


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """What a head is.

    Args:
        gives: one line: what its values mean.
        unit: of the values; empty for probabilities.
        labels: of the values of one face, in order.
        research: an attribute that is guessed from looks; never given unless named.
        errors: as measured, the foremost first; empty where nothing could be measured.
        operating: the threshold to decide by, None where none was fixed: then nothing is decided.
        parameters: numbers that a head reckons with, by name: weights, or the temperature of its probabilities.
    """

    gives: str
    unit: str
    labels: tuple[str, ...]
    research: bool
    errors: tuple[MeasuredError, ...]
    operating: HeadThreshold | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)


def read_head(t: Table | None) -> HeadFacts | None:
    """The ``[head]`` table of a card, None without one.

    Raises:
        ModelInvalidError: a key missing, unknown or of the wrong form.
    """
    if t is None:
        return None
    facts = HeadFacts(
        gives=t.take("gives", str),
        unit=t.take("unit", str, ""),
        labels=t.items("labels", str, []),
        research=t.choice("use", ("general", "research")) == "research",
        errors=tuple(_error(row) for row in t.tables("errors")),
        operating=_threshold(t.table("operating")),
        parameters=_parameters(t.table("parameters")),
    )
    t.done()
    return facts


def _threshold(t: Table | None) -> HeadThreshold | None:
    if t is None:
        return None
    value = float(t.take("threshold", (int, float)))
    if not 0 < value < 1:
        raise t.error("threshold", "must be a probability between 0 and 1")
    found = HeadThreshold(value, t.take("data", str), t.take("date", str), t.take("command", str))
    t.done()
    return found


def _parameters(t: Table | None) -> dict[str, float]:
    values = t.rest() if t else {}
    for name, value in values.items():
        if t and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise t.error(name, "must be a number")
    return {name: float(value) for name, value in values.items()}


def _error(t: Table) -> MeasuredError:
    value, low, high = (float(t.take(key, (int, float))) for key in ("value", "low", "high"))
    if not low <= value <= high:
        raise t.error("value", "must lie within low and high")
    error = MeasuredError(
        t.take("measure", str),
        value,
        low,
        high,
        t.take("faces", int),
        t.take("data", str),
        t.take("date", str),
        t.take("command", str),
        tuple(_groups(t)),
    )
    t.done()
    return error


def _groups(t: Table) -> Iterator[GroupError]:
    for row in t.items("groups", list, []):
        if len(row) != 5 or not isinstance(row[0], str) or not all(isinstance(x, (int, float)) for x in row[1:]):
            raise t.error("groups", f"has rows of group, faces, value, low and high; got {row!r}")
        yield GroupError(row[0], int(row[1]), *(float(x) for x in row[2:]))
