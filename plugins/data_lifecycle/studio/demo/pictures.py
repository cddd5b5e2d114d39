"""Real image files, cheaply different: a few drawn per seed, each written many times with its own EXIF."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from random import Random

FORMATS = ("JPEG", "JPEG", "PNG", "WEBP")
SIZES = ((480, 640), (640, 480), (256, 256), (720, 540), (360, 480), (400, 600))
"""Width and height in pixels: small, so that a studio loads in seconds."""
THUMBNAIL = (96, 96)
BASES = 12
"""Pictures drawn per seed; each exists full size and as a thumbnail."""

_CAMERAS = (("Apple", "iPhone 15 Pro"), ("HUAWEI", "Pura 70"), ("Xiaomi", "14 Ultra"), ("FUJIFILM", "X-T5"))
# Placeholders of the same length as what replaces them, so that no offset inside a file changes.
_NO_ID, _NO_TIME, _NO_ZONE = "u" * 32, "0000:00:00 00:00:00", "+99:99"
_TAKEN, _ZONE_OF_TAKEN, _UNIQUE_ID = 0x9003, 0x9011, 0xA420


@dataclass(frozen=True, slots=True)
class Picture:
    """A file to be: which drawing, and what makes its bytes unique. Rendered by an Album of the same seed."""

    base: int
    thumbnail: bool
    unique_id: str
    taken_at: datetime

    @property
    def media_type(self) -> str:
        """IANA media type."""
        return f"image/{format_of(self.base, self.thumbnail).lower()}"


def format_of(base: int, thumbnail: bool) -> str:
    """Pillow's name of the format; thumbnails are WebP or JPEG."""
    return ("WEBP", "JPEG")[base % 2] if thumbnail else FORMATS[base % len(FORMATS)]


class Album:
    """The drawings of one seed. `render` is safe to call from several threads."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def render(self, picture: Picture) -> bytes:
        """The file's bytes: always the same for the same seed and picture."""
        name, blank = self._blanks[picture.base, picture.thumbnail]
        moment = picture.taken_at
        zone = moment.strftime("%z")
        fields = (
            (_NO_ID, picture.unique_id),
            (_NO_TIME, moment.strftime("%Y:%m:%d %H:%M:%S")),
            (_NO_ZONE, f"{zone[:3]}:{zone[3:5]}"),
        )
        for placeholder, value in fields:
            if len(value) != len(placeholder):
                raise ValueError("a picture needs an id of 32 characters and a time with a zone")
            blank = blank.replace(placeholder.encode(), value.encode("ascii"))
        return _with_png_checksum(blank) if name == "PNG" else blank

    @cached_property
    def _blanks(self) -> dict[tuple[int, bool], tuple[str, bytes]]:
        return {
            (base, thumbnail): (format_of(base, thumbnail), self._draw(base, thumbnail))
            for base in range(BASES)
            for thumbnail in (False, True)
        }

    def _draw(self, base: int, thumbnail: bool) -> bytes:
        from PIL import Image, ImageDraw

        random = Random(f"{self._seed}:picture:{base}")
        width, height = SIZES[base % len(SIZES)]

        def colour(least: int, most: int) -> tuple[int, int, int]:
            return random.randint(least, most), random.randint(least, most), random.randint(least, most)

        # A portrait, roughly: sky, shoulders, face, eyes, mouth.
        image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
        image = Image.blend(image, Image.new("RGB", (width, height), colour(80, 220)), 0.7)
        pen = ImageDraw.Draw(image)
        middle, top, unit = width // 2, height // 5, min(width, height) // 10
        pen.ellipse(
            (middle - 4 * unit, height - 3 * unit, middle + 4 * unit, height + 4 * unit), fill=colour(20, 160)
        )
        pen.ellipse((middle - 2 * unit, top, middle + 2 * unit, top + 5 * unit), fill=colour(120, 230))
        for side in (-1, 1):
            eye = middle + side * unit
            high, small = top + 2 * unit, unit // 3
            pen.ellipse((eye - small, high, eye + small, high + unit // 2), fill=colour(0, 70))
        pen.arc(
            (middle - unit, top + 3 * unit, middle + unit, top + 4 * unit),
            10,
            170,
            fill=colour(120, 200),
            width=2,
        )
        if thumbnail:
            image.thumbnail(THUMBNAIL)
        name = format_of(base, thumbnail)
        file = io.BytesIO()
        settings = {} if name == "PNG" else {"quality": 80}
        image.save(file, name, exif=_exif(random, base), **settings)
        return file.getvalue()


def _exif(random: Random, base: int) -> bytes:
    from PIL import Image
    from PIL.TiffImagePlugin import IFDRational

    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = _CAMERAS[base % len(_CAMERAS)]
    exif[0x0131] = "studio upload"
    exif.get_ifd(0x8769).update({_TAKEN: _NO_TIME, _ZONE_OF_TAKEN: _NO_ZONE, _UNIQUE_ID: _NO_ID})
    degrees = (IFDRational(random.randint(20, 59)), IFDRational(random.randint(0, 59)), IFDRational(0))
    exif.get_ifd(0x8825).update({1: "N", 2: degrees, 3: "E", 4: degrees})
    return exif.tobytes()


def _with_png_checksum(content: bytes) -> bytes:
    """Recompute the CRC of the eXIf chunk, the only one whose content was replaced."""
    name = content.index(b"eXIf")
    (length,) = struct.unpack(">I", content[name - 4 : name])
    end = name + 4 + length
    return content[:end] + struct.pack(">I", zlib.crc32(content[name:end])) + content[end + 4 :]
