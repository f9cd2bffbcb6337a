"""A mean face in three dimensions, with the 68 points of iBUG 300-W.

`benchmarks/mean_face.py` computes it from points that the head ``landmarks68`` finds in pictures of people in many
poses, by rigid structure from motion; nobody's face was scanned, and it is symmetric. It is therefore the mean of what
that head finds, its habits included, in the people of these pictures.

Axes: x to the right of the picture, y down, z away from the viewer. The origin is the middle of the eyes, the unit
their distance (of adults about 63 mm). It looks into the camera as people do who are asked to.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

F8: TypeAlias = NDArray[np.float64]

SHAPE: Final[F8] = np.array(
    [
        # jaw, from the ear left in the picture
        (-1.149, 0.040, 1.005),
        (-1.142, 0.334, 0.936),
        (-1.111, 0.627, 0.890),
        (-1.055, 0.916, 0.846),
        (-0.945, 1.184, 0.736),
        (-0.768, 1.414, 0.553),
        (-0.543, 1.602, 0.334),
        (-0.290, 1.750, 0.118),
        (0.000, 1.793, 0.040),
        (0.290, 1.750, 0.118),
        (0.543, 1.602, 0.334),
        (0.768, 1.414, 0.553),
        (0.945, 1.184, 0.736),
        (1.055, 0.916, 0.846),
        (1.111, 0.627, 0.890),
        (1.142, 0.334, 0.936),
        (1.149, 0.040, 1.005),
        # brow left in the picture
        (-0.926, -0.205, 0.206),
        (-0.784, -0.336, 0.034),
        (-0.581, -0.377, -0.116),
        (-0.372, -0.349, -0.238),
        (-0.177, -0.271, -0.320),
        # brow right
        (0.177, -0.271, -0.320),
        (0.372, -0.349, -0.238),
        (0.581, -0.377, -0.116),
        (0.784, -0.336, 0.034),
        (0.926, -0.205, 0.206),
        # nose: bridge, tip, nostrils
        (0.000, -0.039, -0.326),
        (0.000, 0.144, -0.443),
        (0.000, 0.324, -0.575),
        (0.000, 0.512, -0.703),
        (-0.238, 0.664, -0.351),
        (-0.123, 0.700, -0.417),
        (0.000, 0.732, -0.458),
        (0.123, 0.700, -0.417),
        (0.238, 0.664, -0.351),
        # eye left in the picture
        (-0.698, 0.003, 0.090),
        (-0.573, -0.066, -0.006),
        (-0.424, -0.065, -0.037),
        (-0.293, 0.028, -0.026),
        (-0.432, 0.051, -0.026),
        (-0.581, 0.049, 0.005),
        # eye right
        (0.293, 0.028, -0.026),
        (0.424, -0.065, -0.037),
        (0.573, -0.066, -0.006),
        (0.698, 0.003, 0.090),
        (0.581, 0.049, 0.005),
        (0.432, 0.051, -0.026),
        # lips, outer outline
        (-0.447, 1.034, 0.040),
        (-0.282, 0.958, -0.208),
        (-0.115, 0.916, -0.351),
        (0.000, 0.944, -0.368),
        (0.115, 0.916, -0.351),
        (0.282, 0.958, -0.208),
        (0.447, 1.034, 0.040),
        (0.288, 1.184, -0.131),
        (0.126, 1.247, -0.251),
        (0.000, 1.259, -0.270),
        (-0.126, 1.247, -0.251),
        (-0.288, 1.184, -0.131),
        # lips, inner outline
        (-0.378, 1.042, 0.004),
        (-0.117, 1.017, -0.308),
        (0.000, 1.028, -0.332),
        (0.117, 1.017, -0.308),
        (0.378, 1.042, 0.004),
        (0.119, 1.096, -0.274),
        (0.000, 1.108, -0.296),
        (-0.119, 1.096, -0.274),
    ]
)
"""(68, 3) eye distances: x, y, z."""
FIVE: Final[F8] = np.stack([SHAPE[36:42].mean(axis=0), SHAPE[42:48].mean(axis=0), *SHAPE[[30, 48, 54]]])
"""(5, 3) the detector's points: eyes, tip of the nose, corners of the mouth."""
MIRRORED: Final[NDArray[np.int64]] = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *(27, 28, 29, 30, 35, 34, 33, 32, 31),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
        *(64, 63, 62, 61, 60, 67, 66, 65),
    ]
)
"""(68,) which point each becomes in a mirror."""
