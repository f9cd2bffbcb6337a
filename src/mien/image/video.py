"""The frames of a clip, decoded by another process.

Decoders of video are large, written in C, and fed by strangers: here they run in a process of their own with bounds
on memory and on time, and a clip that brings it down becomes one line of an error. Only three kinds of container are
handed over, known by their first bytes; play lists and the like, which name other files or addresses, are not among
them.

>>> with open_clip("hello.mp4") as clip:           # doctest: +SKIP
...     for frame in clip.frames(every=5):
...         print(frame.time_s, frame.image.size)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np

from mien.errors import ImageError, NotFoundError, UsageError
from mien.image.header import sniff
from mien.image.limits import Limits
from mien.image.reading import check_regular
from mien.image.video_decoder import STALLED
from mien.types.image import Image

HEAD = 512
"""Bytes by which a container is known."""
_QUICKTIME = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_WHY = {
    "clip-damaged": "cannot be decoded; record it again, or convert it to MP4",
    "clip-codec": "its coding is not one of H.264, HEVC, VP8, VP9, AV1, MPEG-4 and Motion JPEG; convert it",
    "clip-changed": "the size of its frames changes on the way; convert it",
    "clip-too-long": "more frames than it announced, and than are allowed; cut it shorter",
    "clip-time": "decoding takes too long; convert it to MP4, or make its frames smaller",
}


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """How long and how large a clip may be.

    Args:
        max_seconds: of its length; what a container announces is checked, and what comes out of it too.
        max_frames: decoded, shown or not.
        max_bytes: of the file.
        frame: what a frame may be. Decoders keep up to 16 frames, so they are smaller than pictures may be: 9 MP holds
            4096 x 2160.
        memory: bytes of address space of the decoding process, where the system can bound it.
        stall_s: seconds that one frame may take.
    """

    max_seconds: float = 300.0
    max_frames: int = 20_000
    max_bytes: int = 1 << 30
    frame: Limits = field(default_factory=lambda: Limits(max_pixels=9_000_000))
    memory: int = 2 << 30
    stall_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Args:
        number: from 0, in the order of showing; frames that are left out are counted.
        time_s: when it is shown, seconds from the start of the clip.
        image: upright RGB pixels.
    """

    number: int
    time_s: float
    image: Image


class Clip:
    """An open clip; its frames can be read once.

    Args:
        source: its path.
        size: (width, height) of a frame, upright.
        fps: frames a second as the container announces, 0 where it does not.
        announced: frames, by the container; often not quite so many come out.
    """

    def __init__(
        self, source: str, size: tuple[int, int], fps: float, announced: int, decoder: Decoder, limits: ClipLimits
    ) -> None:
        self.source, self.size, self.fps, self.announced = source, size, fps, announced
        self._decoder: Decoder | None = decoder
        self._limits = limits

    @property
    def seconds(self) -> float | None:
        """Length as announced; None where it is not."""
        return self.announced / self.fps if self.fps > 0 and self.announced > 0 else None

    def frames(self, *, every: int = 1, side: int | None = None) -> Iterator[Frame]:
        """Every n-th frame, beginning with the first.

        A frame is coded as a change of others, so those between are decoded too, but neither converted to RGB nor
        brought over here; reading stops as soon as the caller does.

        Args:
            every: 1 for all.
            side: reduce frames whose long side is longer than this to it; None for their full size.

        Raises:
            ImageError: ``clip-damaged``, ``clip-changed``, ``clip-time``, ``clip-too-long``; also after some frames.
            UsageError: a second call.
        """
        if every < 1 or (side is not None and side < 1):
            raise UsageError(f"every and side must be at least 1, got {every} and {side}")
        decoder, self._decoder = self._decoder, None
        if decoder is None:
            raise UsageError(f"{self.source}: the frames of a clip can be read once; open it again")
        decoder.ask(every, side)
        last = -1.0
        while (head := decoder.head()) is not None:
            number = int(head["number"])
            # Some containers give no times, or the same twice.
            time_s = float(head["ms"]) / 1000
            time_s = time_s if time_s > last else max(last, 0.0) + every / (self.fps or 25.0)
            if time_s > self._limits.max_seconds:
                raise _too_long(self.source, self._limits)
            pixels = decoder.pixels(int(head["width"]), int(head["height"]))
            yield Frame(number, time_s, Image(pixels, self.size, self.source))
            last = time_s


class Decoder:
    """The decoding process: requests go to its input, headers and pixels come from its output."""

    def __init__(self, process: subprocess.Popen[bytes], source: str) -> None:
        self._process, self._source = process, source
        self._input, self._output = _open_pipe(process.stdin), _open_pipe(process.stdout)

    def ask(self, every: int, side: int | None) -> None:
        """Which frames are wanted."""
        try:
            self._input.write(json.dumps({"every": every, "side": side}).encode() + b"\n")
            self._input.flush()
        except OSError as error:
            raise self._ended() from error

    def head(self) -> dict[str, Any] | None:
        """The header of the clip or of the next frame; None at the end."""
        line = self._output.readline()
        if not line.endswith(b"\n"):
            raise self._ended()
        head: dict[str, Any] = json.loads(line)
        if code := head.get("error"):
            raise ImageError(f"{self._source}: {_WHY[code]}", code=code, source=self._source)
        return None if head.get("end") else head

    def pixels(self, width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The pixels that follow a frame's header."""
        data = self._output.read(width * height * 3)
        if len(data) != width * height * 3:
            raise self._ended()
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)

    def _ended(self) -> ImageError:
        """The process is gone: too little memory, a fault of the decoder, or the watch over its time."""
        code = self._process.wait()
        if code == STALLED:
            return ImageError(f"{self._source}: {_WHY['clip-time']}", code="clip-time", source=self._source)
        text = f"{self._source}: the decoder broke down on it (exit code {code}); do not use this file"
        return ImageError(text, code="clip-damaged", source=self._source)


_LIMITS = ClipLimits()


def is_clip(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a container of video does; False for what cannot be read."""
    try:
        check_regular(os.stat(path), os.fspath(path))
        with open(path, "rb") as file:
            return _container(file.read(HEAD))
    except (OSError, ValueError):  # ImageError is a ValueError; so is a path that no file can have
        return False


@contextmanager
def open_clip(path: str | os.PathLike[str], *, limits: ClipLimits = _LIMITS) -> Iterator[Clip]:
    """Open a clip: MP4, MOV and their kin, Matroska and WebM, AVI. Its sound is not read.

    Args:
        path: of a regular file.
        limits: that it must keep.

    Raises:
        NotFoundError: no such file.
        ImageError: ``image-not-a-file``, ``image-unreadable``, ``clip-unrecognised``, ``clip-too-large``,
            ``clip-too-long``, ``clip-codec``, ``clip-damaged``, ``clip-time``, and those of `Limits.check_size`.
    """
    source = os.fspath(path)
    _check_file(source, limits)
    process = subprocess.Popen(
        # -P: a file in the working directory must not pass for a module.
        [sys.executable, "-P", "-m", "mien.image.video_decoder", os.path.abspath(source)]
        + [str(v) for v in (limits.memory, limits.stall_s, limits.frame.max_pixels, limits.max_frames)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # FFmpeg's own words name no remedy
    )
    try:
        yield _opened(source, Decoder(process, source), limits)
    finally:
        process.kill()
        process.communicate()


def _opened(source: str, decoder: Decoder, limits: ClipLimits) -> Clip:
    head = decoder.head()
    if head is None:
        raise ImageError(f"{source}: {_WHY['clip-damaged']}", code="clip-damaged", source=source)
    size = int(head["width"]), int(head["height"])
    limits.frame.check_size(size, source)
    clip = Clip(source, size, float(head["fps"]), int(head["frames"]), decoder, limits)
    if clip.announced > limits.max_frames or (clip.seconds or 0.0) > limits.max_seconds:
        raise _too_long(source, limits)
    return clip


def _check_file(source: str, limits: ClipLimits) -> None:
    try:
        status = os.stat(source)
        check_regular(status, source)
        with open(source, "rb") as file:
            head = file.read(HEAD)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"no such file: {source}", source=source) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(f"{source}: cannot be read ({reason})", code="image-unreadable", source=source) from error
    except ImageError:
        raise
    except ValueError as error:
        raise NotFoundError(f"no such file: {source!r} ({error})", source=source) from error
    if not _container(head):
        hint = "not an MP4, MOV, Matroska, WebM or AVI clip; convert it to MP4"
        raise ImageError(f"{source}: {hint}", code="clip-unrecognised", source=source)
    if status.st_size > limits.max_bytes:
        hint = f"more than {limits.max_bytes >> 20} MiB; cut it shorter"
        raise ImageError(f"{source}: {hint}", code="clip-too-large", source=source)


def _container(head: bytes) -> bool:
    if head[4:8] in _QUICKTIME:
        return sniff(head) is None  # HEIC and AVIF are pictures in the same box
    return head[:4] == b"\x1a\x45\xdf\xa3" or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def _too_long(source: str, limits: ClipLimits) -> ImageError:
    bounds = f"{limits.max_seconds:g} seconds or {limits.max_frames:,} frames"
    return ImageError(f"{source}: longer than {bounds}; cut it shorter", code="clip-too-long", source=source)


def _open_pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the process must be started with pipes")
    return pipe
