"""A challenge: asked to blink, turn and smile in an order that nobody could know, does one living person do it?

The machine here looks at measurements only, a frame at a time; what measures lies elsewhere. A challenge starts with a
face at rest, which gives the size of a smile and the zero of a turn. Then each action is asked for in turn, and must be
begun and, but for a smile, ended within its time. Turning or smiling when something else was asked for ends it; people
blink anyhow. One face, of one person, must be there all along; after each action the person is compared again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from mien.errors import UsageError


class Action(StrEnum):
    """What can be asked for; sides are the person's own."""

    BLINK = "blink"
    TURN_LEFT = "turn-left"
    TURN_RIGHT = "turn-right"
    SMILE = "smile"

    @property
    def words(self) -> str:
        """For the person."""
        return _WORDS[self]


_WORDS: Final = {
    Action.BLINK: "close your eyes for a moment and open them",
    Action.TURN_LEFT: "turn your head to your left, then back",
    Action.TURN_RIGHT: "turn your head to your right, then back",
    Action.SMILE: "smile",
}
ASKED: Final = ("blink", "turn", "smile")
"""What a caller names; the nonce chooses the side of a turn."""
REST = "look straight into the camera"


@dataclass(frozen=True, slots=True)
class Bounds:
    """When something counts as done.

    Args:
        closed, open: probability that the eyes are open: below the one they are shut, above the other open.
        turn: degrees of yaw from rest; `back`: within this of rest it has ended.
        smile: width of the mouth in distances of the eyes, over that at rest.
        settle_s: length of the rest at the start.
        action_s: longest time for one action; also for coming to rest.
        away_s: longest time without the face, or with others.
        alike: least score of the face's template with that at rest; None compares nothing.
    """

    closed: float = 0.3
    open: float = 0.7
    turn: float = 15.0
    back: float = 8.0
    smile: float = 1.1
    settle_s: float = 0.5
    action_s: float = 6.0
    away_s: float = 0.7
    alike: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in one frame.

    Args:
        time_s: of the frame.
        faces: how many there are.
        opened: probability that the eyes are open, 0..1.
        yaw: degrees, positive when the face looks to the left of the picture, which is the person's right.
        mouth: width of the mouth in distances of the eyes.
        alike: score with the template at rest, where one was compared.
    """

    time_s: float
    faces: int
    opened: float = 1.0
    yaw: float = 0.0
    mouth: float = 1.0
    alike: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One action: when it was asked for, first seen, and done; the extreme of what was measured."""

    action: Action
    asked_s: float
    seen_s: float | None = None
    done_s: float | None = None
    most: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON, seconds and values rounded."""
        rounded = {
            name: None if value is None else round(value, 3)
            for name, value in (("asked_s", self.asked_s), ("seen_s", self.seen_s), ("done_s", self.done_s))
        }
        return {"action": str(self.action), **rounded, "most": None if self.most is None else round(self.most, 3)}


@dataclass(slots=True)
class Challenge:
    """One run; `see` is called with each frame until `over`.

    Args:
        actions: in the order in which they are asked for.
        bounds: when something counts as done.
    """

    actions: Sequence[Action]
    bounds: Bounds = field(default_factory=Bounds)
    steps: list[Step] = field(default_factory=list)
    reason: str | None = None
    passed: bool = False
    lowest_alike: float | None = None
    compared: int = 0
    frames: int = 0
    _rest: list[Measured] = field(default_factory=list)
    _zero: Measured | None = None
    _start_s: float | None = None
    _fine_s: float = 0.0
    _unsure: bool = False

    @property
    def unsure(self) -> bool:
        """Whether an action was done since the person was last compared with that at rest: now is the time."""
        return self._unsure

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.passed or self.reason is not None

    @property
    def rested(self) -> bool:
        """Whether the face at rest is known."""
        return self._zero is not None

    @property
    def prompt(self) -> str:
        """What to do now."""
        return self.steps[-1].action.words if self.steps and not self._done else REST

    def see(self, now: Measured) -> None:
        """Take in a frame; later than the last one."""
        if self.over:
            return
        self.frames += 1
        if self._start_s is None:
            self._start_s = self._fine_s = now.time_s
        if now.faces != 1:
            self._missing(now)
            return
        self._fine_s = now.time_s
        if now.alike is not None:
            self.compared += 1
            self.lowest_alike = now.alike if self.lowest_alike is None else min(self.lowest_alike, now.alike)
            if self.bounds.alike is not None and now.alike < self.bounds.alike:
                self.reason = "another-person"
                return
            self._unsure = False
        if self._zero is None:
            self._settle(now)
        elif not self._done:
            self._act(now, self._zero)
        self.passed = self._done and not self._unsure

    def end(self) -> None:
        """No more frames come."""
        if not self.over:
            self.reason = "ended-early"

    @property
    def _done(self) -> bool:
        return len(self.steps) == len(self.actions) and self.steps[-1].done_s is not None

    def _missing(self, now: Measured) -> None:
        self._rest.clear()
        if now.time_s - self._fine_s > self.bounds.away_s:
            self.reason = "several-faces" if now.faces else "face-away"

    def _settle(self, now: Measured) -> None:
        """Wait for a face that looks ahead with open eyes and keeps still."""
        bounds = self.bounds
        self._rest.append(now)
        first = self._rest[0]
        still = abs(now.yaw - first.yaw) < bounds.back and now.opened > bounds.open and abs(now.yaw) < bounds.turn
        if not still:
            self._rest.clear()
        elif now.time_s - first.time_s >= bounds.settle_s and len(self._rest) >= 3:
            middle = len(self._rest) // 2
            yaw, mouth = (sorted(getattr(m, name) for m in self._rest)[middle] for name in ("yaw", "mouth"))
            self._zero = replace(now, yaw=yaw, mouth=mouth)
            self.steps.append(Step(self.actions[0], now.time_s))
        if self._zero is None and self._start_s is not None and now.time_s - self._start_s > bounds.action_s:
            self.reason = "no-rest"

    def _act(self, now: Measured, zero: Measured) -> None:
        step = self.steps[-1]
        if now.time_s - step.asked_s > self.bounds.action_s:
            self.reason = "too-slow"
            return
        shown, value = self._shown(now, zero)
        if shown not in (None, step.action, Action.BLINK) and not self._trailing(shown):
            self.reason = "out-of-order"
        elif shown is step.action:
            further = step.most is None or (value < step.most if shown is Action.BLINK else value > step.most)
            seen_s = now.time_s if step.seen_s is None else step.seen_s
            self.steps[-1] = replace(step, seen_s=seen_s, most=value if further else step.most)
            if step.action is Action.SMILE and step.seen_s is not None:  # two frames; smiles take time to go
                self._next(now)
        elif step.seen_s is not None and self._ended(step.action, now, zero):
            self._next(now)

    def _shown(self, now: Measured, zero: Measured) -> tuple[Action | None, float]:
        """What the face does, and its measure."""
        turned, wide = now.yaw - zero.yaw, now.mouth / zero.mouth
        if abs(turned) >= self.bounds.turn:
            return (Action.TURN_RIGHT if turned > 0 else Action.TURN_LEFT), abs(turned)
        if wide >= self.bounds.smile and abs(turned) < self.bounds.back:  # a turn changes proportions
            return Action.SMILE, wide
        return (Action.BLINK, now.opened) if now.opened < self.bounds.closed else (None, 0.0)

    def _trailing(self, shown: Action | None) -> bool:
        """A smile that was asked for may stay while the next action is done."""
        return shown is Action.SMILE and any(
            step.action is Action.SMILE and step.done_s is not None for step in self.steps
        )

    def _ended(self, action: Action, now: Measured, zero: Measured) -> bool:
        if action is Action.BLINK:
            return now.opened > self.bounds.open
        return abs(now.yaw - zero.yaw) < self.bounds.back

    def _next(self, now: Measured) -> None:
        self.steps[-1] = replace(self.steps[-1], done_s=now.time_s)
        self._unsure = self.bounds.alike is not None
        if len(self.steps) < len(self.actions):
            self.steps.append(Step(self.actions[len(self.steps)], now.time_s))

    def to_dict(self) -> dict[str, Any]:
        """For JSON: what was seen when."""
        return {
            "passed": self.passed,
            "reason": self.reason,
            "order": [str(action) for action in self.actions],
            "steps": [step.to_dict() for step in self.steps],
            "frames": self.frames,
            "same_person": {
                "compared": self.compared,
                "lowest": None if self.lowest_alike is None else round(self.lowest_alike, 4),
                "threshold": self.bounds.alike,
            },
        }


def draw_nonce() -> str:
    """16 hex digits from the system's source of randomness."""
    return secrets.token_hex(8)


def order(asked: Sequence[str], nonce: str) -> tuple[Action, ...]:
    """The actions in the order, and to the sides, that a nonce gives.

    Args:
        asked: of `ASKED`, each at most once.
        nonce: what both sides know only now; anybody who has it gets the same order.

    Raises:
        UsageError: something else is asked for, twice, or nothing.
    """
    if not asked or set(asked) - set(ASKED) or len(set(asked)) != len(asked):
        raise UsageError(f"a challenge takes {', '.join(ASKED)}, each once, with commas; got '{','.join(asked)}'")
    if not nonce:
        raise UsageError("a nonce may not be empty: leave the option out, and one is drawn")

    def drawn(word: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{nonce}/{word}".encode()).digest()[:8])

    side = Action.TURN_LEFT if drawn("side") % 2 else Action.TURN_RIGHT
    return tuple(side if name == "turn" else Action(name) for name in sorted(asked, key=drawn))
