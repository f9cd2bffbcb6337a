"""What a network means: cards, the cache of verified weights, detectors, embedders and heads."""

from __future__ import annotations

from mien.models.card import Card, read_card
from mien.models.catalogue import cards, find_card
from mien.models.contract import contract_of
from mien.models.describe import describe
from mien.models.detectors import Detector
from mien.models.embedders import Embedder
from mien.models.heads import Head
from mien.models.licences import POLICIES, licence_needed, require_licence
from mien.models.loading import LoadSettings, load_detector, load_embedder, load_head
from mien.models.sources import Progress
from mien.models.store import Store, cache_folder

__all__ = [
    "POLICIES",
    "Card",
    "Detector",
    "Embedder",
    "Head",
    "LoadSettings",
    "Progress",
    "Store",
    "cache_folder",
    "cards",
    "contract_of",
    "describe",
    "find_card",
    "licence_needed",
    "load_detector",
    "load_embedder",
    "load_head",
    "read_card",
    "require_licence",
]
