"""A face that is drawn: its 68 points in the order of 300-W, and a picture of it."""

from __future__ import annotations

import cv2
import numpy as np


def points68(scale: float = 1.0) -> np.ndarray:
    """(68, 2) of a symmetric face in a square of 200."""
    turn = np.linspace(np.pi, 0, 17)
    jaw = np.stack([100 + 70 * np.cos(turn), 90 + 90 * np.sin(turn)], axis=1)
    brows = [(x, 60) for x in (45, 55, 65, 75, 85, 115, 125, 135, 145, 155)]
    nose = [(100, y) for y in (80, 93, 106, 118)] + [(x, 125) for x in (88, 94, 100, 106, 112)]
    eye = np.array([(-12, 0), (-4, -5), (4, -5), (12, 0), (4, 5), (-4, 5)])
    eyes = [*(eye + np.array([65, 80])), *(eye + np.array([135, 80]))]
    upper = [(-25, 0), (-15, -7), (-6, -9), (0, -8), (6, -9), (15, -7)]
    lower = [(25, 0), (15, 9), (6, 11), (0, 12), (-6, 11), (-15, 9)]
    inner = [(-20, 0), (-7, -3), (0, -3), (7, -3), (20, 0), (7, 4), (0, 4), (-7, 4)]
    mouth = [(100 + x, 150 + y) for x, y in (*upper, *lower, *inner)]
    return np.array([*jaw, *brows, *nose, *eyes, *mouth], np.float32) * np.float32(scale)


def portrait(scale: float = 1.0) -> np.ndarray:
    """(200, 200, 3) uint8 before a plain grey."""
    side = round(200 * scale)
    picture = np.full((side, side, 3), 180, np.uint8)
    points = np.rint(points68(scale)).astype(np.int32)
    cv2.fillPoly(picture, [cv2.convexHull(points)], (205, 160, 130))
    for part in (slice(36, 42), slice(42, 48), slice(48, 60)):
        cv2.fillPoly(picture, [points[part]], (120, 60, 60))
    return picture


BOX = np.array([30, 30, 170, 180], np.float32)
