"""From pictures to templates: decode, detect, choose, align, embed."""

from mien.pipeline.acquire import Policy, choose
from mien.pipeline.pipeline import Pipeline
from mien.pipeline.stream import Acquired, Outcome, Seen, stream

__all__ = ["Acquired", "Outcome", "Pipeline", "Policy", "Seen", "choose", "stream"]
