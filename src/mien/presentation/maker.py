"""Makers of attack material: what stays the same over all that one of them makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

INCH = 25.4
"""Millimetres."""


@dataclass(frozen=True, slots=True)
class Press:
    """A printer and its paper.

    Args:
        ruling: halftone lines an inch; 53 is a coarse laser printer, 175 an art magazine.
        angle: degrees that all four screens are turned from the usual 15, 75, 0 and 45.
        gain: how far dots spread, as share of the tone, highest in the middle tones.
        density: share of the light that full ink takes, of black; coloured inks take as much of their complement.
        width: of the print, mm.
        paper: (r, g, b) share of the light that the bare paper gives back.
        fibre: standard deviation of that share.
    """

    ruling: float
    angle: float
    gain: float
    density: float
    width: float
    paper: tuple[float, float, float]
    fibre: float


@dataclass(frozen=True, slots=True)
class Display:
    """A screen.

    Args:
        pitch: of its pixels, mm: telephones 0.055 to 0.07, laptops 0.11 to 0.2, monitors to 0.28.
        width: of the picture on it, mm.
        aperture: share of a pixel that shines, across and down; the rest is black matrix.
        white: (r, g, b) of its white in that of the surroundings.
        leak: light of its black, with reflections of the room, as share of its white.
        gamma: of its picture, 1 where it shows sRGB as meant.
        band: depth of the brightness band that refresh and shutter leave, and its height in picture heights.
        bezel: width in mm, and its share of the room's light.
        gloss: strength of reflections.
    """

    pitch: float
    width: float
    aperture: tuple[float, float]
    white: tuple[float, float, float]
    leak: float
    gamma: float
    band: tuple[float, float]
    bezel: tuple[float, float]
    gloss: float


@dataclass(frozen=True, slots=True)
class Maker:
    """One who makes attacks: a printer with its paper, and a screen.

    Args:
        number: the maker seed.
        press: for prints and cut-outs.
        display: for replays.
    """

    number: int
    press: Press
    display: Display


KINDS = ((0.055, 0.07, 62, 75), (0.09, 0.11, 130, 170), (0.11, 0.2, 180, 260), (0.23, 0.28, 220, 300))
"""Screens of telephones, tablets, laptops and monitors: least and greatest pitch and width of the picture, mm."""


def maker(number: int) -> Maker:
    """The maker of a seed; the same for ever."""
    draw = np.random.default_rng([0x6D69656E, number])
    tint = draw.uniform(-0.04, 0.04)  # yellowish to bluish
    press = Press(
        ruling=float(np.exp(draw.uniform(np.log(53), np.log(175)))),
        angle=float(draw.uniform(0, 30)),
        gain=float(draw.uniform(0.05, 0.25)),
        density=float(draw.uniform(0.86, 0.96)),
        width=float(draw.uniform(90, 200)),
        paper=(float(0.88 - tint), 0.88, float(0.86 + tint)),
        fibre=float(draw.uniform(0.004, 0.02)),
    )
    low, high, narrow, wide = KINDS[int(draw.integers(len(KINDS)))]
    blue = draw.uniform(0.0, 0.16)  # 6500 to some 9000 K
    display = Display(
        pitch=float(draw.uniform(low, high)),
        width=float(draw.uniform(narrow, wide)),
        aperture=(float(draw.uniform(0.2, 0.31)), float(draw.uniform(0.7, 0.92))),
        white=(float(1 - blue), float(1 - blue / 3), 1.0),
        leak=float(draw.uniform(0.004, 0.04)),
        gamma=float(draw.uniform(0.85, 1.2)),
        band=(float(draw.uniform(0.0, 0.12)), float(draw.uniform(0.25, 1.2))),
        bezel=(float(draw.uniform(2, 14)), float(draw.uniform(0.01, 0.12))),
        gloss=float(draw.uniform(0.1, 0.7)),
    )
    return Maker(number, press, display)
