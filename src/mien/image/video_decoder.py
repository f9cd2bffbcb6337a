"""The process that decodes a clip for `mien.image.video`: one header, one request, then frames until the end.

    python -P -m mien.image.video_decoder PATH MEMORY STALL_S MAX_PIXELS MAX_FRAMES

Headers are lines of JSON on the output, a frame's pixels follow its header as bytes. It ends by itself when a frame
takes too long, wherever in the decoder that is, and it may not have more memory than it is given.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from typing import Any, Final

STALLED: Final = 1
"""Exit code of `faulthandler`'s watch."""
BROKEN: Final = 70
"""Exit code after anything else, such as too little memory to begin with."""
_OPTIONS: Final = {
    "format_whitelist": "mov,matroska,webm,avi",
    "protocol_whitelist": "file",
    "codec_whitelist": "h264,hevc,vp8,vp9,av1,libdav1d,libaom-av1,mpeg4,mjpeg",
}
"""Of FFmpeg. The last keeps the decoders of sound asleep; OpenCV opens the picture's whatever it says, see `CODECS`."""
CODECS: Final = frozenset(
    "h264 avc1 x264 hevc hvc1 hev1 vp80 vp08 vp90 vp09 av01 mp4v fmp4 xvid divx mjpg jpeg".split()  # noqa: SIM905
)
"""Four-character codes, in lower case, of what is decoded."""


def main(arguments: list[str]) -> None:
    """Decode one clip to the standard output."""
    path, stall_s = arguments[0], float(arguments[2])
    memory, max_pixels, max_frames = (int(arguments[i]) for i in (1, 3, 4))
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not come between the frames
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "|".join(f"{name};{value}" for name, value in _OPTIONS.items())
    _bound(memory)
    import cv2

    faulthandler.dump_traceback_later(stall_s, exit=True)
    one_thread = [cv2.CAP_PROP_N_THREADS, 1, cv2.CAP_PROP_HW_ACCELERATION, cv2.VIDEO_ACCELERATION_NONE]
    clip = cv2.VideoCapture(path, cv2.CAP_FFMPEG, one_thread)
    size = _size(clip)
    if not clip.isOpened() or min(size) < 1:
        _say(out, {"error": "clip-damaged"})
        return
    if int(clip.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("latin-1").lower() not in CODECS:
        _say(out, {"error": "clip-codec"})
        return
    faulthandler.cancel_dump_traceback_later()
    frames, fps = clip.get(cv2.CAP_PROP_FRAME_COUNT), clip.get(cv2.CAP_PROP_FPS)
    known = 0 < fps < 1000 and 0 < frames < 1e9
    facts = {"fps": fps if known else 0.0, "frames": int(frames) if known else 0}
    _say(out, {"width": size[0], "height": size[1], **facts})
    request = sys.stdin.buffer.readline()
    if request and size[0] * size[1] <= max_pixels:
        _send(out, clip, size, stall_s, max_frames, **json.loads(request))


def _send(
    out: Any, clip: Any, size: tuple[int, int], stall_s: float, most: int, *, every: int, side: int | None
) -> None:
    """Frames as asked for; the watch runs only while the decoder works, not while the reader takes its time."""
    import cv2

    number = 0
    while True:
        faulthandler.dump_traceback_later(stall_s, exit=True)
        if not clip.grab():
            break
        if number >= most:
            _say(out, {"error": "clip-too-long"})
            return
        ms = clip.get(cv2.CAP_PROP_POS_MSEC)
        if number % every == 0:
            got, pixels = clip.retrieve()
            if not got:
                break
            if (pixels.shape[1], pixels.shape[0]) != size or pixels.shape[2:] != (3,):
                _say(out, {"error": "clip-changed"})
                return
            if side is not None and side < max(size):
                scale = side / max(size)
                small = tuple(max(1, round(v * scale)) for v in size)
                pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
            rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
            faulthandler.cancel_dump_traceback_later()
            _say(out, {"number": number, "ms": ms, "width": rgb.shape[1], "height": rgb.shape[0]})
            out.write(rgb.data)
        number += 1
    faulthandler.cancel_dump_traceback_later()
    _say(out, {"end": True} if number else {"error": "clip-damaged"})


def _size(clip: Any) -> tuple[int, int]:
    """(width, height) as the frames will come; OpenCV turns them upright and says so in its answer."""
    import cv2

    return int(clip.get(cv2.CAP_PROP_FRAME_WIDTH)), int(clip.get(cv2.CAP_PROP_FRAME_HEIGHT))


def _say(out: Any, head: dict[str, Any]) -> None:
    out.write(json.dumps(head).encode() + b"\n")
    out.flush()


def _bound(memory: int) -> None:
    """Forbid core files, and bound the address space where the system keeps to that (Linux)."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (memory if hard < 0 else min(memory, hard), hard))


def _run() -> None:
    """`main`, with exit codes that tell the watch from everything else that goes wrong."""
    code = BROKEN
    try:
        main(sys.argv[1:])
        code = 0
    finally:
        os._exit(code)  # also when the reader has gone: nothing is left to be said


if __name__ == "__main__":
    _run()
