"""Networks on engines: bytes in, a `Session` out, with the arithmetic that it uses on record."""

from __future__ import annotations

from mien.runtime.opening import open_session
from mien.runtime.private import keep_private
from mien.runtime.session import PixelInput, Session
from mien.runtime.threads import Threads, quiet_libraries, workers

__all__ = ["PixelInput", "Session", "Threads", "open_session", "quiet_libraries", "workers"]

keep_private()  # here, since every engine is imported from a module of this package
