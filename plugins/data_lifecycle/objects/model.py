"""What the object store holds, and what became of an attempt to erase it.

Object keys and version ids are references to persons: `repr` leaves them out, so that neither a log line nor a
traceback can show them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal

Kind = Literal["version", "marker", "multipart"]

KINDS: frozenset[str] = frozenset({"version", "marker", "multipart"})


def require_prefix(prefix: str) -> str:
    """Return `prefix` when it is safe to list or erase below it.

    Raises ValueError for an empty prefix (it would mean the whole bucket) and for one that does not end with "/"
    (`orders/12` would also match `orders/123`).
    """
    if not isinstance(prefix, str) or not prefix.strip("/") or not prefix.endswith("/"):
        raise ValueError("a prefix must be non-empty and end with '/'")
    return prefix


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One erasable thing in a bucket: a version, a delete marker or an unfinished multipart upload.

    `version_id` is the exact id the store knows ("null" is a legal one), or the upload id for kind "multipart".
    `size` is in bytes (0 for markers and uploads), `last_modified` is aware UTC (the start, for uploads).

    Raises ValueError when bucket, key or version id is empty or missing: a delete without a version id only adds a
    marker, and an empty key could mean the whole bucket.
    """

    bucket: str
    key: str = field(repr=False)
    kind: Kind
    version_id: str = field(repr=False)
    size: int
    last_modified: datetime
    is_latest: bool

    def __post_init__(self) -> None:
        for name in ("bucket", "key", "version_id"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name} must be a non-empty string")
        if self.kind not in KINDS:
            raise ValueError("kind must be version, marker or multipart")
        if self.size < 0:
            raise ValueError("size must not be negative")
        if self.last_modified.utcoffset() != timedelta(0):
            raise ValueError("last_modified must be aware and in UTC")

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes it the same thing in two listings: (bucket, key, kind, version id)."""
        return (self.bucket, self.key, self.kind, self.version_id)


class Outcome(Enum):
    """What the store answered to one deletion. None of them proves absence: only an observation does."""

    ACCEPTED = "accepted"
    """The store said that exactly this version is gone."""
    FAILED = "failed"
    """The store refused, with a code."""
    UNKNOWN = "unknown"
    """A timeout, a broken connection, a 5xx or an answer that does not match the question."""
    NOT_ATTEMPTED = "not attempted"
    """No request was sent: the fence before the batch stopped the work."""


class StoreUnknown(Exception):
    """The store could not be observed; never to be read as "nothing there".

    `reason` is a short code (`NoSuchBucket`, `AccessDenied`, `timeout`, `malformed`, …) that names no key.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the object store could not be observed: {self.reason}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """The place of a listing that could not be made, with the reason's code."""

    reason: str
