from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from mien.errors import UsageError
from mien.presentation.challenge import REST, Action, Bounds, Challenge, Measured, draw_nonce, order

ALL = (Action.BLINK, Action.TURN_LEFT, Action.SMILE)
REST_S = [Measured(t / 10, 1) for t in range(6)]


def run(actions: Iterable[Action], frames: Iterable[Measured], bounds: Bounds | None = None) -> Challenge:
    challenge = Challenge(tuple(actions), bounds or Bounds())
    for frame in frames:
        challenge.see(frame)
    challenge.end()
    return challenge


def later(*frames: Measured) -> list[Measured]:
    """Frames after the rest, a tenth of a second apart."""
    return [*REST_S, *(replace(frame, time_s=0.6 + i / 10) for i, frame in enumerate(frames))]


def face(**measures: float) -> Measured:
    return Measured(0, 1, **measures)


SHUT, LEFT, RIGHT, SMILE, PLAIN = face(opened=0.1), face(yaw=-20), face(yaw=20), face(mouth=1.2), face()


def test_what_was_asked_for_in_the_order_it_was_asked_for_passes() -> None:
    done = run(ALL, later(SHUT, PLAIN, PLAIN, LEFT, LEFT, PLAIN, SMILE, SMILE))
    assert done.passed
    assert [step.done_s for step in done.steps] == pytest.approx([0.7, 1.1, 1.3])
    assert [step.seen_s for step in done.steps] == pytest.approx([0.6, 0.9, 1.2])
    assert [step.most for step in done.steps] == pytest.approx([0.1, 20, 1.2])


def test_the_prompt_follows() -> None:
    challenge = Challenge(ALL)
    assert challenge.prompt == REST
    for frame in REST_S:
        challenge.see(frame)
    assert challenge.prompt == Action.BLINK.words


@pytest.mark.parametrize("wrong", [RIGHT, SMILE])
def test_another_action_than_the_one_asked_for_ends_it(wrong: Measured) -> None:
    assert run([Action.TURN_LEFT], later(wrong, PLAIN, LEFT, PLAIN)).reason == "out-of-order"


def test_people_may_blink_at_any_time() -> None:
    assert run([Action.TURN_LEFT], later(SHUT, PLAIN, LEFT, PLAIN)).passed


def test_a_smile_that_stays_does_no_harm_to_what_follows() -> None:
    assert run([Action.SMILE, Action.BLINK], later(SMILE, SMILE, SMILE, face(opened=0.1, mouth=1.2), SMILE)).reason
    assert run([Action.SMILE, Action.BLINK], later(SMILE, SMILE, SMILE, SHUT, PLAIN)).passed


def test_eyes_that_stay_shut_have_not_blinked() -> None:
    assert run([Action.BLINK], later(SHUT, SHUT, SHUT)).reason == "ended-early"


def test_a_turn_ends_with_the_face_back_at_rest() -> None:
    assert run([Action.TURN_LEFT], later(LEFT, LEFT, face(yaw=-10))).reason == "ended-early"
    assert run([Action.TURN_LEFT], later(LEFT, LEFT, face(yaw=-7))).passed


def test_turns_are_measured_from_the_face_at_rest() -> None:
    tilted = [replace(frame, yaw=-10) for frame in REST_S]
    assert run([Action.TURN_LEFT], [*tilted, Measured(0.6, 1, yaw=-20), Measured(0.7, 1, yaw=-10)]).reason
    assert run([Action.TURN_LEFT], [*tilted, Measured(0.6, 1, yaw=-26), Measured(0.7, 1, yaw=-10)]).passed


def test_too_slow_is_not_passed() -> None:
    waiting = [PLAIN] * 59
    assert run([Action.BLINK], later(*waiting, SHUT, PLAIN)).passed is False
    assert run([Action.BLINK], later(*waiting[:40], SHUT, PLAIN)).passed


def test_a_face_that_never_rests_is_not_asked_anything() -> None:
    turning = [Measured(t / 10, 1, yaw=30 * (-1) ** t) for t in range(80)]
    done = run(ALL, turning)
    assert (done.reason, done.steps) == ("no-rest", [])


def test_the_face_must_be_there_all_along_but_for_a_moment() -> None:
    gone = Measured(0, 0)
    assert run([Action.BLINK], later(gone, gone, SHUT, PLAIN)).passed
    assert run([Action.BLINK], later(*[gone] * 9, SHUT, PLAIN)).reason == "face-away"


def test_a_second_face_ends_it() -> None:
    assert run([Action.BLINK], later(*[Measured(0, 2)] * 9, SHUT, PLAIN)).reason == "several-faces"


def test_another_person_ends_it() -> None:
    bounds = Bounds(alike=0.4)
    assert run([Action.BLINK], later(face(alike=0.7), SHUT, PLAIN, face(alike=0.7)), bounds).passed
    done = run([Action.BLINK], later(face(alike=0.7), face(alike=0.39), SHUT, PLAIN), bounds)
    assert (done.reason, done.lowest_alike, done.compared) == ("another-person", 0.39, 2)


def test_nobody_passes_before_the_last_look_at_who_it_is() -> None:
    bounds = Bounds(alike=0.4)
    waiting = run([Action.BLINK], later(face(alike=0.7), SHUT, PLAIN, PLAIN), bounds)
    assert (waiting.unsure, waiting.reason) == (True, "ended-early")
    assert run([Action.BLINK], later(SHUT, PLAIN, face(alike=0.1)), bounds).reason == "another-person"


def test_nothing_changes_once_it_is_over() -> None:
    challenge = run([Action.BLINK], later(SHUT, PLAIN))
    challenge.see(Measured(99, 2))
    assert challenge.passed
    assert challenge.to_dict()["reason"] is None


def test_a_nonce_gives_the_same_order_to_everybody_and_nonces_give_all_orders() -> None:
    assert order(["blink", "turn", "smile"], "a") == order(["smile", "turn", "blink"], "a")
    assert len({order(["blink", "turn", "smile"], str(n)) for n in range(300)}) == 12  # 6 orders, 2 sides
    assert len({draw_nonce() for _ in range(50)}) == 50


@pytest.mark.parametrize("asked", [[], ["nod"], ["blink", "blink"]])
def test_what_cannot_be_asked_for_is_refused(asked: list[str]) -> None:
    with pytest.raises(UsageError, match="blink, turn, smile"):
        order(asked, "a")
