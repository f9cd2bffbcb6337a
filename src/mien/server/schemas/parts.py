"""What the answers of several resources have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_PAGE = 1000
Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class In(BaseModel):
    """Something that is sent: no members but these, no NaN."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_max_length=10_000)


class Out(BaseModel):
    """Something that is answered."""


class Model(Out):
    """Which embedder answered."""

    name: str = Field(examples=["sface"])
    digest: str = Field(description="SHA-256 of what makes templates comparable.", examples=["3f1c" * 16])
    precision: str = Field(examples=["f32"])
    engine: str = Field(examples=["openvino"])


class Point(Out):
    """What a threshold rests on."""

    threshold: float = Field(examples=[0.3391])
    measured_fmr: float = Field(examples=[0.0001])
    errors: int = Field(description="False matches counted at this threshold.")
    trials: int = Field(description="Non-mated comparisons counted.")
    interval: list[float] = Field(description="95 % interval of the rate.")
    misses: int
    mated: int
    data: str = Field(description="What was compared.")
    extrapolated: bool = Field(description="Beyond what was counted, on the fitted tail.")


class Face(Out):
    """Where one face is, in pixels of the upright full picture."""

    file: str = Field(description="What the client called the picture.", examples=["party.jpg"])
    box: list[float] = Field(description="x0 y0 x1 y1.", examples=[[102.4, 80.1, 180.0, 182.6]])
    det_score: float = Field(examples=[0.9312])
    points: list[list[float]] = Field(description="Eyes, nose tip, mouth corners; left in the picture first.")


class Failure(Out):
    """A picture that gave no answer."""

    file: str
    reason: str = Field(description="Stable code.", examples=["no-face"])
    message: str
