"""The locked bucket: statements go in once, under a name that follows from what they are, and are read back."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects import store


class VaultError(RuntimeError):
    """The evidence bucket did not keep what it was given; names the statement, not its content."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored statement: its version in the bucket and until when the store refuses to delete it (UTC)."""

    version_id: str = field(repr=False)
    locked_until: datetime


def keep(
    access: StoreAccess,
    bucket: str,
    name: str,
    data: bytes,
    content_type: str = "application/vnd.dsse+json",
) -> Kept:
    """Put ``data`` under ``name`` unless it is there already, read it back by version, and see that it is locked.

    Raises VaultError when something else lies under that name, when the bytes differ, or when the store has set no
    COMPLIANCE lock into the future.
    """
    from botocore.exceptions import ClientError

    s3: Any = store.client(access)
    digest = hashlib.sha256(data).digest()
    try:
        answer = s3.put_object(
            Bucket=bucket,
            Key=name,
            Body=data,
            ContentType=content_type,
            IfNoneMatch="*",
            # S3 takes nothing into a locking bucket without a checksum.
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=b64encode(digest).decode(),
        )
        version = answer["VersionId"]
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 412:
            raise
        version = s3.head_object(Bucket=bucket, Key=name)["VersionId"]
    found = s3.get_object(Bucket=bucket, Key=name, VersionId=version)
    body = found["Body"].read()
    if hashlib.sha256(body).digest() != digest:
        raise VaultError(f"{name}: the bucket holds other bytes under this name")
    until = found.get("ObjectLockRetainUntilDate")
    if found.get("ObjectLockMode") != "COMPLIANCE" or until is None or until <= datetime.now(UTC):
        raise VaultError(
            f"{name}: stored, but not locked in COMPLIANCE mode; is the bucket's default retention set?"
        )
    return Kept(version, until)
