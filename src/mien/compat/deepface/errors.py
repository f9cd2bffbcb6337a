"""DeepFace's exceptions by their names: ValueErrors as there, and mien's errors with a stable `code`."""

from __future__ import annotations

from mien.errors import ConflictError, FaceError, NotFoundError, UsageError


class ImgNotFound(NotFoundError, ValueError):  # noqa: N818 - these names are DeepFace's
    """No such picture."""


class PathNotFound(NotFoundError, ValueError):  # noqa: N818
    """No such folder."""


class FaceNotDetected(FaceError):  # noqa: N818
    """A picture without a face, where one is wanted."""


class SpoofDetected(FaceError):  # noqa: N818
    """A presentation attack; never raised while there is no model that detects them."""

    default_code = "spoof"


class EmptyDatasource(NotFoundError, ValueError):  # noqa: N818
    """Nothing to search in."""

    default_code = "empty"


class DimensionMismatchError(UsageError):
    """An embedding of another length than the model's."""

    default_code = "embedding-dimension"


class InvalidEmbeddingsShapeError(UsageError):
    """Embeddings that are no rows of numbers."""

    default_code = "embedding-shape"


class DataTypeError(UsageError):
    """An argument of a type that cannot be used."""


class UnimplementedError(UsageError, NotImplementedError):
    """DeepFace can do it, mien cannot."""

    default_code = "unimplemented"


class DuplicateEntryError(ConflictError, ValueError):
    """The picture is registered already; not raised by `register`, which counts and logs it as DeepFace does."""

    default_code = "duplicate"
