"""The log's folder in the locked bucket: each object is put once, read back, and seen to be locked.

Below ``<folder>/``: ``leaf/<index>.json`` names each entry's statement and hash, so that the bucket alone rebuilds the
tree; ``checkpoint/<size>`` are the signed heads; ``timestamp/<size>.tsr`` says when a head was seen from outside.
Whoever finds something else under a name stands before a fork.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, cast

import rfc8785

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects import store

_CONFLICTS = 5


class LogForked(RuntimeError):
    """Database and locked bucket tell two histories: nothing is signed. The message says which differs and where."""


@dataclass(frozen=True)
class Kept:
    """An object as the bucket holds it."""

    name: str
    data: bytes = field(repr=False)
    version_id: str = field(repr=False)


@dataclass(frozen=True)
class LogBucket:
    """The folder ``folder`` of ``bucket``, through the identity ``log_vault`` (or, to read only, any other)."""

    access: StoreAccess
    bucket: str
    folder: str = "log"

    @cached_property
    def _s3(self) -> Any:
        return store.client(self.access)

    def leaf_name(self, index: int) -> str:
        """Key of the object that says what entry ``index`` is."""
        return f"{self.folder}/leaf/{index:020d}.json"

    def checkpoint_name(self, size: int) -> str:
        """Key of the checkpoint over the first ``size`` entries."""
        return f"{self.folder}/checkpoint/{size:020d}"

    def put_leaf(self, index: int, evidence_id: str, leaf_hash: bytes) -> None:
        """Say once and for all what entry ``index`` is; LogForked if the bucket already says otherwise."""
        content = {"evidence": evidence_id, "index": index, "leaf_hash": leaf_hash.hex()}
        self._put(self.leaf_name(index), rfc8785.dumps(cast("Any", content)), "application/json")

    def put_checkpoint(self, size: int, note: bytes) -> str:
        """Publish a checkpoint; its version id. LogForked if another one of that size is there."""
        return self._put(self.checkpoint_name(size), note, "text/plain; charset=utf-8")

    def timestamp_name(self, size: int) -> str:
        """Key of the outside timestamp on the checkpoint over the first ``size`` entries."""
        return f"{self.folder}/timestamp/{size:020d}.tsr"

    def put_timestamp(self, size: int, answer: bytes) -> Kept:
        """Keep an authority's answer about a checkpoint; what is kept: the first, if somebody else was faster."""
        kept = self.timestamp(size)
        if kept is not None:
            return kept
        try:
            version_id = self._put(self.timestamp_name(size), answer, "application/timestamp-reply")
        except LogForked:
            kept = self.timestamp(size)
            if kept is None or kept.data == answer:
                raise
            return kept
        return Kept(self.timestamp_name(size), answer, version_id)

    def timestamp(self, size: int) -> Kept | None:
        """The authority's answer about a checkpoint, if one is kept."""
        found = self._versions(self.timestamp_name(size), "")
        return next((self.read(*version) for version in found), None)

    def latest_checkpoint(self, known: int = 0) -> Kept | None:
        """The checkpoint of the largest size, looked for from size ``known`` on; None if there is none.

        Listed by version, so that nothing hides below a delete marker; LogForked if anything was put twice or deleted.
        """
        start = self.checkpoint_name(max(known, 1) - 1)
        found = deque(self._versions(f"{self.folder}/checkpoint/", start), maxlen=1)  # names sort by size
        return self.read(*found[0]) if found else None

    def checkpoints(self) -> Iterator[Kept]:
        """Every checkpoint, the smallest first; LogForked if anything was put twice or deleted."""
        for version in self._versions(f"{self.folder}/checkpoint/", ""):
            yield self.read(*version)

    def leaves(self) -> Iterator[tuple[int, str, bytes]]:
        """(index, evidence id, leaf hash) of every entry, from the bucket alone; LogForked at a gap."""
        for expected, (name, version_id) in enumerate(self._versions(f"{self.folder}/leaf/", "")):
            content = json.loads(self.read(name, version_id).data)
            if content["index"] != expected or name != self.leaf_name(expected):
                raise LogForked(f"the bucket has no entry {expected}, though it has later ones")
            yield expected, content["evidence"], bytes.fromhex(content["leaf_hash"])

    def read(self, name: str, version_id: str) -> Kept:
        """One version of an object; botocore's ClientError if it is not there."""
        body = self._s3.get_object(Bucket=self.bucket, Key=name, VersionId=version_id)["Body"].read()
        return Kept(name, body, version_id)

    def _versions(self, prefix: str, after: str) -> Iterator[tuple[str, str]]:
        """(key, version id) of each object below ``prefix`` whose key sorts after ``after``."""
        arguments = {"Bucket": self.bucket, "Prefix": prefix, "KeyMarker": after}
        last = ""
        for page in self._s3.get_paginator("list_object_versions").paginate(**arguments):
            if page.get("DeleteMarkers"):
                raise LogForked("somebody deleted from the log's folder in the bucket")
            for entry in page.get("Versions", ()):
                if entry["Key"] <= after:
                    continue
                if entry["Key"] <= last:
                    raise LogForked(f"{last}: written twice")
                last = entry["Key"]
                yield last, entry["VersionId"]

    def _put(self, name: str, data: bytes, content_type: str) -> str:
        from botocore.exceptions import ClientError

        for attempt in range(1, _CONFLICTS + 1):
            try:
                self._s3.put_object(
                    Bucket=self.bucket,
                    Key=name,
                    Body=data,
                    ContentType=content_type,
                    IfNoneMatch="*",
                    # S3 takes nothing into a locking bucket without a checksum.
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=b64encode(hashlib.sha256(data).digest()).decode(),
                )
            except ClientError as error:
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
                if (
                    status == 409 and attempt < _CONFLICTS
                ):  # somebody else is putting it right now: look again
                    continue
                if status != 412:
                    raise
            break
        found = self._s3.get_object(Bucket=self.bucket, Key=name)
        if found["Body"].read() != data:
            raise LogForked(f"{name}: the bucket holds another history")
        until = found.get("ObjectLockRetainUntilDate")
        if found.get("ObjectLockMode") != "COMPLIANCE" or until is None or until <= datetime.now(UTC):
            raise LogForked(f"{name}: stored, but not locked in COMPLIANCE mode")
        return str(found["VersionId"])
