"""Names that are looked up when they are first used (PEP 562), so that importing a package costs next to nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping


def lazily(package: str, homes: Mapping[str, str], absent: Mapping[str, str] | None = None) -> Callable[[str], object]:
    """A module's `__getattr__`.

    Args:
        package: the module's own name.
        homes: name to the module that has it; a name that is the end of its module is the module itself.
        absent: names that the original has and this one has not, with the reason.
    """

    def look_up(name: str) -> object:
        if name not in homes:
            reason = (absent or {}).get(name, "")
            raise AttributeError(f"module '{package}' has no attribute '{name}'{': ' * bool(reason)}{reason}")
        home = importlib.import_module(homes[name])
        value = home if homes[name] == f"{package}.{name}" else getattr(home, name)
        setattr(sys.modules[package], name, value)
        return value

    return look_up
