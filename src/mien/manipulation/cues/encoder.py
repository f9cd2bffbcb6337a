"""Made faces: a frozen encoder that has learnt from faces without labels, and a linear probe on what it says.

FSFM (Wang et al., CVPR 2025, arXiv:2412.12032) pre-trains an encoder for this; `mien train recipes/pretrain-fsfm.toml`
does so here, and `mien morph encoder RUN encoder.onnx` writes the network that this cue takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.errors import UsageError
from mien.manipulation.cues import Attack, cues
from mien.manipulation.looking import Seen
from mien.runtime import Session
from mien.types.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Encoder:
    """The network takes (n, 3, 112, 112) float32, RGB in -1..1, and gives (n, d)."""

    session: Session
    attack: Attack = "made"
    differential: bool = False

    def features(self, suspect: Seen, live: Seen | None) -> FloatArray:
        """(d,)."""
        del live
        pixels = (suspect.crop.astype(np.float32) - 127.5) / 127.5
        answer: FloatArray = self.session.run(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))[0][0]
        return answer


@cues.register("encoder")
def encoder(session: Session | None) -> Encoder:
    """The cue.

    Raises:
        UsageError: no network is given.
    """
    if session is None:
        raise UsageError("the encoder cue needs the network of a trained encoder: --encoder FILE.onnx")
    return Encoder(session)
