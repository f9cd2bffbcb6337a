"""A face resembles other faces as the teacher says it does."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mien.train.losses.base import TaughtLoss, register, unit


@register("distil-similarity", paper="Fang et al., SEED, ICLR 2021, arXiv 2101.04731")
class DistilSimilarity(TaughtLoss):
    """Softmax over the cosines of a face to many faces becomes that of the teacher.

    L = mean over faces of the cross entropy of softmax(t . D / teacher_temperature) and
        softmax(s . D / temperature),

    with s the network's and t the teacher's embedding of the face and D the teacher's embeddings of `bank` faces and of
    the batch, on the unit sphere. With equal temperatures s = t is the best there is.

    Reading: the authors keep the teacher's embeddings of the last batches in a queue, which grow old by their
    augmentation only; here the bank is drawn from the whole set once.

    Optimises: to tell a face from all others, the nearest of them above all. `distil-embedding` weighs every direction
    alike, and a fresh network spends long on what all faces have in common. The new templates compare with the
    teacher's own. Labels: none. Prefer this for a network that starts from nothing.

    Args:
        temperature: of the network's cosines.
        teacher_temperature: of the teacher's; lower asks for the nearest faces alone.
        bank: faces to be compared with; 0 = those of the batch.
    """

    same_space = True

    def __init__(self, temperature: float = 0.07, teacher_temperature: float = 0.07, bank: int = 8192) -> None:
        super().__init__()
        self.temperature, self.teacher_temperature, self.bank = temperature, teacher_temperature, bank
        self.faces: Tensor | None
        self.register_buffer("faces", None, persistent=False)

    def forward(self, embeddings: Tensor, taught: Tensor) -> Tensor:
        """(b, d) embeddings and (b, d) of the teacher to ()."""
        ours = unit(embeddings)
        theirs = unit(taught).to(ours.dtype)
        faces = theirs if self.faces is None else torch.cat([self.faces.to(ours.dtype), theirs])
        wanted = (theirs @ faces.T / self.teacher_temperature).softmax(1)
        return functional.cross_entropy(ours @ faces.T / self.temperature, wanted)
