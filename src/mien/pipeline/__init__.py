"""From pictures to templates: decode, detect, choose, align, embed."""

from mien.pipeline.acquire import Policy, choose
from mien.pipeline.outcome import Acquired, Outcome, Seen
from mien.pipeline.pipeline import Pipeline
from mien.pipeline.profile import Profile, Recorder
from mien.pipeline.stream import stream

__all__ = ["Acquired", "Outcome", "Pipeline", "Policy", "Profile", "Recorder", "Seen", "choose", "stream"]
