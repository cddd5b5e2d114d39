"""Objects that every scan must find: an observation that misses one of them saw nothing, whatever it says.

Each bucket holds one key with two versions below a delete marker, and one unfinished multipart upload. They live below
their own prefix, which no rule of the policy ever makes due.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data_lifecycle.objects.model import KINDS, ObjectVersion
from data_lifecycle.objects.store import client

if TYPE_CHECKING:
    from data_lifecycle.connections import StoreAccess

PREFIX = "canary/"
KEY = "canary/lifecycle-canary"
UPLOAD_KEY = "canary/unfinished"
HELD_KEY = "canary/held"
"""The object on which it is tried whether the store enforces legal holds: the one canary that may be lost."""


@dataclass(frozen=True, slots=True)
class Canary:
    """What must be found: sorted (bucket, key, kind, version id), the version id being the upload id for uploads."""

    entries: tuple[tuple[str, str, str, str], ...] = field(repr=False)

    def to_json(self) -> str:
        """Return it as JSON, to be kept beside the set-up."""
        return json.dumps([list(entry) for entry in self.entries])

    @classmethod
    def from_json(cls, text: str) -> Canary:
        """Read what `to_json` wrote; ValueError for anything else."""
        loaded = json.loads(text)
        if not isinstance(loaded, list) or not all(_is_entry(entry) for entry in loaded):
            raise ValueError("not a canary")
        return cls(tuple(sorted((b, k, kind, v) for b, k, kind, v in loaded)))

    def of(self, bucket: str) -> Canary:
        """Return the part that concerns one bucket."""
        return Canary(tuple(entry for entry in self.entries if entry[0] == bucket))


def ensure(access: StoreAccess, buckets: Sequence[str]) -> Canary:
    """Write what is missing of the canary into each (versioned) bucket, and return all of it.

    Running it again changes nothing. The identity needs put, version and upload listing and an unversioned delete on
    the canary's keys. Raises botocore's errors as they come, RuntimeError when the bucket keeps no versions.
    """
    s3 = client(access)
    entries: list[tuple[str, str, str, str]] = []
    for bucket in buckets:
        found = _found(s3, bucket)
        versions = sum(kind == "version" for _, _, kind, _ in found)
        for number in range(versions, 2):
            s3.put_object(Bucket=bucket, Key=KEY, Body=f"canary {number + 1}\n".encode())
        if versions < 2 or not any(kind == "marker" for _, _, kind, _ in found):
            s3.delete_object(Bucket=bucket, Key=KEY)
        if not any(kind == "multipart" for _, _, kind, _ in found):
            s3.create_multipart_upload(Bucket=bucket, Key=UPLOAD_KEY)
        found = _found(s3, bucket)
        kinds = [kind for _, _, kind, _ in found]
        if kinds.count("version") < 2 or not {"marker", "multipart"} <= set(kinds):
            raise RuntimeError("the bucket does not keep the canary: is versioning on?")
        entries += found
    return Canary(tuple(sorted(entries)))


def ensure_probe(access: StoreAccess, buckets: Sequence[str]) -> int:
    """Put the object to try legal holds on into each bucket where there is none; how many were put."""
    s3 = client(access)
    put = 0
    for bucket in buckets:
        if not s3.list_object_versions(Bucket=bucket, Prefix=HELD_KEY, MaxKeys=1).get("Versions"):
            s3.put_object(Bucket=bucket, Key=HELD_KEY, Body=b"held\n")
            put += 1
    return put


def check(expected: Canary, found: Iterable[ObjectVersion]) -> bool:
    """Say whether an observation may be trusted: below the canary's prefix exactly the expected was found.

    `found` may hold anything else too. An empty expectation is never fulfilled.
    """
    seen = {item.identity for item in found if item.key.startswith(PREFIX) and item.key != HELD_KEY}
    return bool(expected.entries) and seen == set(expected.entries)


def _found(s3: Any, bucket: str) -> list[tuple[str, str, str, str]]:
    """What is there of the canary, through boto3: the observer's lister must not define its own expectation."""
    entries: list[tuple[str, str, str, str]] = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=PREFIX):
        for part, kind in (("Versions", "version"), ("DeleteMarkers", "marker")):
            entries += [
                (bucket, entry["Key"], kind, entry["VersionId"])
                for entry in page.get(part, [])
                if entry["Key"] != HELD_KEY
            ]
    # No paginator: the canary's few uploads fit one page, and not every store gives the markers it wants.
    page = s3.list_multipart_uploads(Bucket=bucket, Prefix=PREFIX)
    entries += [(bucket, entry["Key"], "multipart", entry["UploadId"]) for entry in page.get("Uploads", [])]
    return entries


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 4
        and all(isinstance(part, str) and part for part in entry)
        and entry[2] in KINDS
    )
