"""How far a picture of a face can be trusted to give a good template (ISO/IEC 29794-5), from 0 to 100."""

from mien.quality.components import Component, components
from mien.quality.portrait import Portrait
from mien.quality.score import Verdict, assess

__all__ = ["Component", "Portrait", "Verdict", "assess", "components"]
