"""What the person does: eyes open and to be seen, mouth closed, face uncovered."""

from __future__ import annotations

from math import nan

import numpy as np

from mien.quality.components import component
from mien.quality.conversion import Sigmoid, bounded, falling
from mien.quality.portrait import Portrait

LEFT_LIDS = ((37, 41), (38, 40))
RIGHT_LIDS = ((43, 47), (44, 46))
LIPS = ((61, 67), (62, 66), (63, 65))
"""Landmarks that face each other across an opening. OFIQ's 98 have a third pair in the middle of each eye, where it is
widest: these two give somewhat less."""


def quality_of_share(share: float) -> float:
    """OFIQ: 100 (1 - share)."""
    return bounded(100 * (1 - share))


def quality_of_visible(probability: float) -> float:
    """100 times the probability."""
    return bounded(100 * probability)


@component("eyes_open", Sigmoid(0.02, 0.01), advice="open both eyes")
def eyes_open(portrait: Portrait) -> float:
    """Widest opening of the less open eye over the length of the head from the eyes to the chin."""
    return _over(min(_widest(portrait, LEFT_LIDS), _widest(portrait, RIGHT_LIDS)), portrait.length)


@component("eyes_visible", quality_of_visible, advice="open both eyes; no dark glasses, no hair before them")
def eyes_visible(portrait: Portrait) -> float:
    """Smaller of the two probabilities that an eye is seen open, as the column ``eyes`` has them.

    OFIQ takes the share of the eyes' zone that a segmentation network finds covered; this network was made for closed
    eyes, and sees neither those nor the ones behind dark glasses.
    """
    return min(portrait.open_eyes)


@component("mouth_closed", falling(0.2, 0.06), advice="close the mouth")
def mouth_closed(portrait: Portrait) -> float:
    """Widest opening between the lips over the length of the head from the eyes to the chin."""
    return _over(_widest(portrait, LIPS), portrait.length)


@component("face_occlusion_prevention", quality_of_share, advice="nothing before the face: no mask, hand or hair")
def face_occlusion(portrait: Portrait) -> float:
    """Share of the face that is covered, as the column ``occlusion`` has it; NaN without that column."""
    return portrait.occluded


def _widest(portrait: Portrait, pairs: tuple[tuple[int, int], ...]) -> float:
    ends = portrait.landmarks[np.array(pairs)]
    return float(np.hypot(*(ends[:, 0] - ends[:, 1]).T).max())


def _over(opening: float, length: float) -> float:
    return opening / length if length else nan
