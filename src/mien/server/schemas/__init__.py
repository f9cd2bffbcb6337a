"""What goes in and out as JSON, for checking and for OpenAPI. Fields are called as in mien's own results."""

from mien.server.schemas.audit import AuditRecord, AuditTrail
from mien.server.schemas.comparisons import Verification
from mien.server.schemas.faces import DetectedPicture, Detections, FoundFace
from mien.server.schemas.galleries import Crops, Galleries, GalleryInfo, GalleryName, KeepCrops
from mien.server.schemas.groups import Groups, Person, Regroup
from mien.server.schemas.health import Health, Ready
from mien.server.schemas.identifications import Candidate, Identification, Probe
from mien.server.schemas.jobs import Folders, Job, JobFailures, JobRow, Jobs, NewJob
from mien.server.schemas.models import CardOut, Models
from mien.server.schemas.parts import MAX_PAGE, Face, Failure, In, Model, Out, Point, Rate
from mien.server.schemas.pictures import Indexed, KnownPictures
from mien.server.schemas.problem import PROBLEM_SCHEMA
from mien.server.schemas.references import Enrolment, Move, Reference, References
from mien.server.schemas.subjects import Change, Consent, Merge, Merged, Receipt, Separate, Subject, Subjects

__all__ = [
    "MAX_PAGE",
    "PROBLEM_SCHEMA",
    "AuditRecord",
    "AuditTrail",
    "Candidate",
    "CardOut",
    "Change",
    "Consent",
    "Crops",
    "DetectedPicture",
    "Detections",
    "Enrolment",
    "Face",
    "Failure",
    "Folders",
    "FoundFace",
    "Galleries",
    "GalleryInfo",
    "GalleryName",
    "Groups",
    "Health",
    "Identification",
    "In",
    "Indexed",
    "Job",
    "JobFailures",
    "JobRow",
    "Jobs",
    "KeepCrops",
    "KnownPictures",
    "Merge",
    "Merged",
    "Model",
    "Models",
    "Move",
    "NewJob",
    "Out",
    "Person",
    "Point",
    "Probe",
    "Rate",
    "Ready",
    "Receipt",
    "Reference",
    "References",
    "Regroup",
    "Separate",
    "Subject",
    "Subjects",
    "Verification",
]
