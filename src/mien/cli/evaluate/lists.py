"""Options that hold several values with commas, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.pipeline import Policy


def names(text: str, option: str) -> list[str]:
    """Names in the order given, each once."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise UsageError(f"{option} names nothing; give one or more names with commas")
    return list(dict.fromkeys(found))


def numbers(text: str, option: str) -> list[float]:
    """Numbers in the order given, each once."""
    try:
        return list(dict.fromkeys(float(word) for word in names(text, option)))
    except ValueError:
        raise UsageError(f"{option} takes numbers with commas, not '{text}'") from None


def rates(text: str, option: str) -> tuple[float, ...]:
    """Rates between 0 and 1, ascending."""
    found = sorted(numbers(text, option))
    for rate in found:
        if not 0 < rate < 1:
            raise UsageError(f"{option} takes rates between 0 and 1, not {rate:g}")
    return tuple(found)


def one_face(name: str) -> Policy:
    """A face policy that gives one face a picture."""
    from mien.pipeline import Policy

    allowed = (Policy.CENTRAL, Policy.LARGEST, Policy.ONE)
    if name not in allowed:
        raise UsageError(f"--faces takes {', '.join(allowed)} here, not '{name}'")
    return Policy(name)


def refuse(option: str, what: str) -> NoReturn:
    """Raise UsageError for an option's value."""
    raise UsageError(f"{option} {what}")
