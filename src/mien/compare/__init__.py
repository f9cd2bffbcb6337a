"""From two templates to a score, from a score to a decision. Nothing else in mien decides."""

from mien.compare.decision import matches
from mien.compare.operating import at_fmr, at_fpir, check_rate, fmr_for_pairs, smallest_fmr
from mien.compare.similarity import similarity

__all__ = ["at_fmr", "at_fpir", "check_rate", "fmr_for_pairs", "matches", "similarity", "smallest_fmr"]
