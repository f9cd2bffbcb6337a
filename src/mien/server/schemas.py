"""What goes in and out as JSON, for checking and for OpenAPI. Fields are called as in mien's own results."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_PAGE = 1000
Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:mien:[a-z0-9-]+$", "description": "Stable name of the problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do, in one line."},
        "error": {"type": "string", "description": "Class of the error in mien's library, where it has one."},
        "answer": {"type": "object", "description": "What became of each picture, where none could be used."},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "One entry a value that is wrong."},
    },
    "example": {
        "type": "urn:mien:no-face",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "ada.jpg: no face found",
    },
}


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


class FoundFace(Out):
    """A face of a picture that is named outside."""

    box: list[float]
    det_score: float
    points: list[list[float]]


class Failure(Out):
    """A picture that gave no answer."""

    file: str
    reason: str = Field(description="Stable code.", examples=["no-face"])
    message: str


class DetectedPicture(Out):
    """The faces of one picture."""

    file: str
    width: int
    height: int
    faces: list[FoundFace]
    truncated: bool = Field(description="There were more faces than the limit.")


class Detections(Out):
    """The faces of pictures."""

    pictures: list[DetectedPicture]
    failures: list[Failure]
    detector: str = Field(examples=["yunet"])
    seconds: float


class Verification(Out):
    """A 1:1 comparison."""

    match: bool
    score: float = Field(description="Cosine; a match is score >= threshold.")
    threshold: float
    fmr: float = Field(description="False match rate asked for.")
    pairs: int = Field(description="Pairs of faces compared; the rate holds for all of them together.")
    operating_point: Point
    model: Model
    probe: Face
    reference: Face
    seconds: float


class Candidate(Out):
    """One subject of a candidate list."""

    subject: str = Field(examples=["Ada"])
    score: float
    rank: int
    reference: int
    match: bool


class Probe(Face):
    """A face and who it may be."""

    candidates: list[Candidate]
    decision: str | None = Field(description="The subject it was identified as; null: nobody.")


class Identification(Out):
    """A 1:N search, open set."""

    probes: list[Probe]
    failures: list[Failure]
    threshold: float
    fpir: float = Field(description="False positive identification rate asked for.")
    gallery_size: int
    searched: int
    where: str | None
    recall: float | None
    operating_point: Point
    model: Model
    seconds: float


class Enrolment(Out):
    """References added to a subject."""

    subject: str
    references: list[int]
    added: int = Field(description="How many of them are new.")
    failures: list[Failure]
    model: Model
    seconds: float


class KnownPictures(Out):
    """Which pictures a gallery has."""

    known: list[str] = Field(description="SHA-256 of the files.")


class Indexed(Out):
    """Pictures added with all their faces."""

    files: int
    new: int = Field(description="Pictures read now.")
    skipped: int = Field(description="Pictures whose content the gallery had already.")
    faces: int = Field(description="Faces added.")
    failures: list[Failure]
    model: Model
    seconds: float


class GalleryName(Out):
    """A gallery that the key opens."""

    name: str = Field(examples=["family"])
    subjects: int
    references: int


class Galleries(Out):
    """All galleries that the key opens."""

    galleries: list[GalleryName]


class GalleryInfo(Out):
    """A gallery in numbers."""

    model_config = ConfigDict(extra="allow")

    name: str
    subjects: int
    unnamed: int
    references: int
    pictures: int
    failures: int
    model: dict[str, Any] | None
    operating: dict[str, Any] | None
    search: dict[str, Any]
    compact: bool
    bytes: int


class Consent(Out):
    """On what basis somebody is kept."""

    basis: str | None = Field(examples=["consent"])
    scope: str = Field(description="For what.")
    given: str | None
    expires: str | None = Field(description="From then on the person is never matched; null: no end.")
    withdrawn: str | None
    in_force: bool = Field(description="Whether the person is matched.")


class Subject(Out):
    """A person of a gallery."""

    id: int = Field(description="Also reached as #id, whatever the name.", examples=[12])
    uid: str = Field(description="Opaque, never used again.", examples=["0b8f2c0f9a4d4d0c8e5a6f7b1c2d3e4f"])
    subject: str = Field(examples=["Ada"])
    named: bool
    references: int
    created: str
    attributes: dict[str, str | int | float]
    consent: Consent | None = Field(description="null: nothing was stated.")


class Subjects(Out):
    """One page of people."""

    subjects: list[Subject]
    next: str | None = Field(description="`cursor` of the next page; null on the last.")


class AuditRecord(Out):
    """One act, chained to the one before."""

    sequence: int
    utc: str = Field(examples=["2026-11-22T06:53:01Z"])
    action: str = Field(examples=["enrol"])
    subject: str | None = Field(description="uid of the person concerned; null for several or nobody.")
    counts: dict[str, int] = Field(examples=[{"references": 1}])
    actor: str | None = Field(description="Who, as the door that was used calls them.", examples=["local"])
    purpose: str | None
    model: str | None = Field(description="Digest of the template contract in force.")
    threshold: float | None
    rate: float | None = Field(description="The FMR or FPIR asked for, where a decision was made.")


class AuditTrail(Out):
    """One page of audit records, newest first."""

    records: list[AuditRecord]
    next: str | None = Field(description="`cursor` of the next page; null on the last.")


class Change(In):
    """What to change about a subject; what is left out stays."""

    name: str | None = Field(None, description="The new name.", examples=["Ada Lovelace"])
    attributes: dict[str, str | int | float | None] | None = Field(
        None, description="Values by key; null takes one away.", examples=[{"site": "berlin", "age": 36}]
    )


class Merge(In):
    """Who else this subject is."""

    others: list[str] = Field(min_length=1, max_length=1000, examples=[["#12", "#31"]])


class Merged(Out):
    """What a merge did."""

    subject: str
    moved: int = Field(description="References that moved.")


class Separate(In):
    """Who this subject is not."""

    other: str = Field(examples=["#12"])


class Receipt(Out):
    """What was erased."""

    subject: str
    uid: str
    references: int
    pictures: int
    paths: int
    record: int
    utc: str


class Reference(Face):
    """A stored face."""

    id: int
    subject: str
    sha256: str = Field(description="Of the picture's file.")
    created: str
    picture: int | None = Field(description="The same for faces of one picture.")
    precision: str = Field(description="Arithmetic of the template.", examples=["f32"])
    pinned: bool = Field(description="A person said whose face it is.")


class References(Out):
    """One page of a subject's faces."""

    references: list[Reference]
    next: str | None


class Move(In):
    """Whose face it is; null: somebody new without a name."""

    subject: str | None = Field(examples=["Ada"])


class Regroup(In):
    """How to sort."""

    full: bool = Field(False, description="Compare all faces again, whatever an earlier run settled.")


class Person(Out):
    """One group."""

    id: int
    size: int
    faces: list[Face]
    name: str | None = None


class Groups(Out):
    """The faces of a gallery, sorted into people."""

    groups: list[Person]
    ungrouped: list[Face]
    files: int
    faces: int
    failures: list[Failure]
    seconds: float
    cut: float
    basis: str
    model: Model


class CardOut(Out):
    """A model."""

    model_config = ConfigDict(extra="allow")

    name: str
    kind: str
    summary: str
    licence: dict[str, str]
    policy: str
    in_use: bool


class Models(Out):
    """The models that are known here."""

    models: list[CardOut]


class Health(Out):
    """The process answers."""

    status: str = Field(examples=["ok"])
    version: str


class Ready(Out):
    """The server can do its work."""

    status: str = Field(examples=["ready"])
    galleries: int
    model: Model


class NewJob(In):
    """What to do in the background."""

    kind: Literal["index", "group", "optimize"]
    folder: str | None = Field(
        None, description="Index: a folder that the operator opened, by its name; null: an upload.", examples=["photos"]
    )
    by_folder: bool = Field(False, description="Index: the folder that a picture lies in names the person in it.")
    full: bool = Field(False, description="Group: compare all faces again, whatever an earlier run settled.")

    @model_validator(mode="after")
    def _fits(self) -> NewJob:
        if self.kind != "index" and (self.folder is not None or self.by_folder):
            raise ValueError("folder and by_folder are for the kind index")
        if self.kind != "group" and self.full:
            raise ValueError("full is for the kind group")
        return self


class JobFailures(Out):
    """Pictures of a job that gave nothing, with the reasons."""

    failures: list[Failure]
    next: str | None


class JobRow(Out):
    """A job and how far it is."""

    id: str = Field(examples=["5f0c6a9d3b7e1f42"])
    gallery: str
    kind: str = Field(examples=["index"])
    state: str = Field(description="open, queued, running, done, failed or cancelled.", examples=["running"])
    folder: str | None
    by_folder: bool
    total: int | None = Field(description="Pictures to do; null before they are counted.", examples=[200])
    done: int = Field(description="Of them: new, skipped and failed ones.", examples=[120])
    new: int
    skipped: int = Field(description="Known already.")
    failed: int
    faces: int = Field(description="Of the new pictures.")
    people: int | None = Field(description="That grouping found.")
    reason: str | None = Field(description="Why it failed: a stable code.")
    message: str | None
    stopping: bool = Field(description="It is to be cancelled.")
    asked_by: str = Field(description="Id of the key that asked for it.")
    version: int = Field(description="Grows with each change; the id of its event.")
    created: str
    started: str | None
    ended: str | None


class Job(JobRow):
    """A job, with the first failures."""

    failures: list[Failure]


class Jobs(Out):
    """Jobs, the newest first."""

    jobs: list[JobRow]
    next: str | None
