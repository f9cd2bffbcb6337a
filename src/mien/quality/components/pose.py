"""How far the head is turned: the angles of the column ``pose``, where OFIQ has a 3D face model fitted."""

from __future__ import annotations

from math import cos, isnan, nan, radians

from mien.quality.components import component
from mien.quality.conversion import bounded
from mien.quality.portrait import Portrait


def quality_of_angle(degrees: float) -> float:
    """OFIQ: 100 times the squared cosine; 0 beyond a right angle."""
    return nan if isnan(degrees) else bounded(100 * max(0.0, cos(radians(degrees))) ** 2)


@component("head_pose_yaw", quality_of_angle, unit="degrees", advice="look at the camera")
def yaw(portrait: Portrait) -> float:
    """To the left or right."""
    return portrait.angles[0]


@component("head_pose_pitch", quality_of_angle, unit="degrees", advice="camera at the height of the eyes, chin level")
def pitch(portrait: Portrait) -> float:
    """Up or down."""
    return portrait.angles[1]


@component("head_pose_roll", quality_of_angle, unit="degrees", advice="hold the head, or the camera, upright")
def roll(portrait: Portrait) -> float:
    """Towards a shoulder."""
    return portrait.angles[2]
