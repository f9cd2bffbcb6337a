"""Losses by name, one file each; `losses["arcface"].make(margin_rad=0.4)` or `make_loss("arcface", margin_rad=0.4)`.

What a loss is called with depends on its kind, and its base class in :mod:`mien.train.losses.base` says so.
"""

from __future__ import annotations

from mien.train.losses.base import (
    ClassLoss,
    CompatibleLoss,
    HalvesLoss,
    JointLoss,
    LossEntry,
    MarginLoss,
    PairLoss,
    QualityLoss,
    RecognisabilityLoss,
    SeparableLoss,
    StructureLoss,
    TaughtClassLoss,
    TaughtLoss,
    losses,
    make_loss,
    register,
)

__all__ = [
    "ClassLoss",
    "CompatibleLoss",
    "HalvesLoss",
    "JointLoss",
    "LossEntry",
    "MarginLoss",
    "PairLoss",
    "QualityLoss",
    "RecognisabilityLoss",
    "SeparableLoss",
    "StructureLoss",
    "TaughtClassLoss",
    "TaughtLoss",
    "losses",
    "make_loss",
    "register",
]
