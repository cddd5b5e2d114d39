"""Names of files below an order's prefix: ordinary ones, and those that break careless code."""

from __future__ import annotations

import unicodedata

ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}

_FACE = "Zoë Ångström"
_LONG = "/".join(["很长的名字" * 8, "deep" * 40, "é" * 90, "x" * 100, "y" * 100])

HOSTILE = (
    "my photo (1) final",
    "a+b+c",
    "100% real %2F %20",
    unicodedata.normalize("NFC", _FACE),
    unicodedata.normalize("NFD", _FACE),
    "👩‍🎨 portrait 🖼",
    "line\nbreak",
    "tab\there",
    "quote'\"`",
    "'; DROP TABLE uploads;--",
    "<script>&amp;alert(1)",
    "{{ conn.studio_reader.password }} $(reboot)",
    "صورة شخصية",
    "a=b&c?d#e*",
    " space at both ends ",
    "%s %(key)s {0}",
)
"""Stems that need quoting somewhere: URL, XML, SQL, shell, template, path, log line."""
LONG_KEY_BYTES = 900
"""Length of the longest key; S3 allows 1024 bytes."""


def ordinary(role: str, number: int, media_type: str) -> str:
    """The name the studio gives an upload: its role and a number."""
    return f"{role}-{number}.{ENDINGS[media_type]}"


def long_name(prefix: str, media_type: str) -> str:
    """A name that makes the whole key, prefix included, LONG_KEY_BYTES long in UTF-8."""
    ending = "." + ENDINGS[media_type]
    start = f"{_LONG}/"
    return start + "n" * (LONG_KEY_BYTES - len((prefix + start + ending).encode())) + ending
