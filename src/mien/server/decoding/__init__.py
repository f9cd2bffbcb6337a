"""Pictures of strangers are decoded in processes of their own, with limits; one that dies takes one request with it.

A worker opens, decodes, finds the faces and cuts them out; bytes go in, faces and crops come out. It may spend ten
seconds of processor time on a picture and 1 GiB beyond what it takes idle.
"""

from mien.server.decoding.decoders import Decoders
from mien.server.decoding.tasks import Cut, Found, Look, Picture, Task, Whole

__all__ = ["Cut", "Decoders", "Found", "Look", "Picture", "Task", "Whole"]
