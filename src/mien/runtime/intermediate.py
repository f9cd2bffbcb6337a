"""A network in OpenVINO's own form, its description and its weights, as one string of bytes."""

from __future__ import annotations

import struct

from mien.errors import ModelInvalidError

_HEAD = struct.Struct("<8sQ")
_MAGIC = b"mien-ir1"


def pack(xml: bytes, weights: bytes) -> bytes:
    """The description and the weights, joined."""
    return _HEAD.pack(_MAGIC, len(xml)) + xml + weights


def unpack(data: bytes) -> tuple[bytes, bytes]:
    """The description and the weights that `pack` joined.

    Raises:
        ModelInvalidError: other bytes.
    """
    if len(data) >= _HEAD.size:
        magic, length = _HEAD.unpack_from(data)
        if magic == _MAGIC and _HEAD.size + length <= len(data):
            return data[_HEAD.size : _HEAD.size + length], data[_HEAD.size + length :]
    raise ModelInvalidError("these bytes are no int8 network of mien: make it again with `mien models tune --int8`")
