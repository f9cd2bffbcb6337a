"""Where the head is in the picture and how large: eye distance, head size, room on each side, other faces."""

from __future__ import annotations

from math import cos, isnan, nan, radians

from mien.quality.components import component
from mien.quality.conversion import Sigmoid, bounded, falling
from mien.quality.portrait import Portrait

SIDE = Sigmoid(0.9, 0.1)
ABOVE = Sigmoid(1.4, 0.1)
BELOW = Sigmoid(1.8, 0.1)
HEAD = 0.45
"""Best length of a head, from the eyes to the chin, in heights of the picture."""
_HEAD = falling(0.0, 0.05, 200.0)


def quality_of_head(share: float) -> float:
    """OFIQ: falls with the distance from 0.45 on both sides."""
    return _HEAD(abs(share - HEAD))


def quality_of_rival(share: float) -> float:
    """OFIQ: 100 (1 - share)."""
    return bounded(100 * (1 - share))


@component("inter_eye_distance", Sigmoid(70.0, 20.0), unit="px", advice="come closer, or use a larger picture")
def inter_eye_distance(portrait: Portrait) -> float:
    """Between the middles of the eyes, made up for a turned head by 1 / cos(yaw); as seen where no yaw is known."""
    yaw = portrait.angles[0]
    turn = 1.0 if isnan(yaw) else cos(radians(yaw))
    return portrait.eye_distance / turn if turn > 1e-6 else nan


@component("head_size", quality_of_head, advice="crop or step so that the head fills about half of the height")
def head_size(portrait: Portrait) -> float:
    """Length of the head, from the eyes to the chin, over the picture's height."""
    return portrait.length / portrait.image.full_size[1]


@component("leftward_crop", SIDE, advice="leave room beside the head")
def leftward_crop(portrait: Portrait) -> float:
    """Room from the left edge of the picture to the eye right in it, in eye distances.

    OFIQ calls that eye the right one and measures to it; the name of the standard tells the side that is cut off.
    """
    return _ratio(portrait.eyes[1, 0], portrait.eye_distance)


@component("rightward_crop", SIDE, advice="leave room beside the head")
def rightward_crop(portrait: Portrait) -> float:
    """Room from the eye left in the picture to the right edge, in eye distances."""
    return _ratio(portrait.image.full_size[0] - portrait.eyes[0, 0], portrait.eye_distance)


@component("margin_above", ABOVE, advice="leave room above the head")
def margin_above(portrait: Portrait) -> float:
    """Room above the eyes, in lengths of the head from the eyes to the chin."""
    return _ratio(portrait.eyes[:, 1].mean(), portrait.length)


@component("margin_below", BELOW, advice="leave room below the chin")
def margin_below(portrait: Portrait) -> float:
    """Room below the eyes, in lengths of the head from the eyes to the chin."""
    return _ratio(portrait.image.full_size[1] - portrait.eyes[:, 1].mean(), portrait.length)


@component("single_face_present", quality_of_rival, advice="only one person in the picture")
def single_face_present(portrait: Portrait) -> float:
    """Area of the largest other face over that of this one, at most 1.

    OFIQ looks at the largest face of a picture only; for a smaller one this is 1.
    """
    return min(portrait.rival, 1.0)


def _ratio(room: float, unit: float) -> float:
    return float(room) / unit if unit else nan
