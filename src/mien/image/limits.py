"""How large and how odd a picture may be. Both sides of every boundary are tested."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import ImageError


@dataclass(frozen=True, slots=True)
class Limits:
    """The published limits; a caller that trusts its pictures may pass others.

    Args:
        min_side: pixels; below it no face is wide enough to be recognised.
        max_side: pixels; detectors and drawing code work with 16-bit coordinates in places.
        max_pixels: a decoded picture takes 3 bytes a pixel, so 50 MP stay under 200 MiB.
        max_ratio: long side over short side; a strip is no photograph, and squeezes to nothing in a detector.
        max_scans: a JPEG may carry thousands of passes over itself; nobody needs more than 100
            (libjpeg-turbo, "Two Issues with the JPEG Standard", LJT-01-003).
        max_metadata: text chunks, tags and application segments; a bomb hides thousands.
        max_profile: bytes of an ICC profile; those of printers reach 2 MiB. A larger one is ignored, not refused.
        max_frames: frames counted in an animation; only the first is decoded.
        max_bytes: of the file, so that reading it cannot fill the memory.
    """

    min_side: int = 80
    max_side: int = 20_000
    max_pixels: int = 50_000_000
    max_ratio: int = 20
    max_scans: int = 100
    max_metadata: int = 1_000
    max_profile: int = 2 << 20
    max_frames: int = 1_000
    max_bytes: int = 200 << 20

    def check_size(self, size: tuple[int, int], source: str) -> None:
        """Refuse a size, read from the header, before anything is decoded.

        Args:
            size: (width, height) in pixels.
            source: for the message.

        Raises:
            ImageError: ``image-too-many-pixels``, ``image-shape`` or ``image-too-small``.
        """
        width, height = size
        shape = f"{source}: {width} x {height} pixels"
        if width * height > self.max_pixels:
            hint = f"more than {self.max_pixels / 1e6:g} million; make it smaller first"
            raise ImageError(f"{shape} are {hint}", code="image-too-many-pixels", source=source)
        short, long = sorted(size)
        if long > self.max_side or long > self.max_ratio * short:
            hint = f"a side may be {self.max_side} pixels, and {self.max_ratio} times the other; crop it"
            raise ImageError(f"{shape}: {hint}", code="image-shape", source=source)
        if short < self.min_side:
            hint = f"both sides must be at least {self.min_side}; use a larger picture"
            raise ImageError(f"{shape}: {hint}", code="image-too-small", source=source)
