"""The vault: files go in once, under a name that follows from their records, locked until their promise ends.

Nothing here believes the store: what was put is read back by its version, its lock is read back too, and before a run
archives anything a canary proves that a lock is enforced.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from data_lifecycle.connections import StoreAccess
from data_lifecycle.database import Row
from data_lifecycle.objects import store
from data_lifecycle.objects.listing import Lister
from data_lifecycle.objects.model import ObjectVersion
from data_lifecycle.protocol.house import House, PromiseBroken, log

CANARY_FOLDER = "canary/"
CANARY_LOCK = timedelta(days=1)
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Lock:
    """What the store says about a version: COMPLIANCE until (UTC, None for no lock), under legal hold, its bytes."""

    until: datetime | None
    held: bool
    bytes: int


@dataclass(frozen=True, slots=True)
class Put:
    """A version that lies in the vault; ``made`` is False if it was there already."""

    version_id: str = field(repr=False)
    made: bool


def whole_seconds(moment: datetime) -> datetime:
    """The moment, rounded up to a second: locks know no fractions, and none may end early."""
    return moment if not moment.microsecond else moment.replace(microsecond=0) + timedelta(seconds=1)


def key_of(folder: str, window: str, content_digest: str) -> str:
    """Where a file with these records belongs: the same records, the same key, whoever puts them and how often."""
    return f"{folder}/v1/{window}/{content_digest[:32]}.parquet"


def put_locked(
    access: StoreAccess, house: House, key: str, source: Path, until: datetime | None, held: bool = False
) -> Put:
    """Put a file under ``key``, locked in COMPLIANCE mode until then, or under a legal hold; never over another.

    What lies there already stays: whether it is the same is for the caller to see, who reads it back.
    """
    from botocore.exceptions import ClientError

    s3: Any = store.client(access, read_timeout=300)
    options: dict[str, Any] = _encryption(house.settings.vault_encryption)
    if until is not None:
        options |= {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": whole_seconds(until)}
    if held:
        options["ObjectLockLegalHoldStatus"] = "ON"
    bucket = house.settings.bucket_vault
    try:
        with source.open("rb") as body:
            answer = s3.put_object(
                Bucket=bucket,
                Key=key,
                Body=body,
                ContentType="application/vnd.apache.parquet",
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=b64encode(_digest(source)).decode(),
                **options,
            )
        return Put(answer["VersionId"], True)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 412:
            raise
    return Put(s3.head_object(Bucket=bucket, Key=key)["VersionId"], False)


def fetch(access: StoreAccess, bucket: str, key: str, version_id: str, target: Path) -> str:
    """Copy one exact version into ``target``; the SHA-256 (hex) of what came."""
    s3: Any = store.client(access, read_timeout=300)
    digest = hashlib.sha256()
    body = s3.get_object(Bucket=bucket, Key=key, VersionId=version_id)["Body"]
    with target.open("wb") as file:
        for block in body.iter_chunks(_BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def fetch_exact(house: House, identity: str, file: Row, target: Path) -> Path:
    """Copy the version of a noted file, or PromiseBroken: its bytes must have the digest that was noted."""
    access = house.connections.store(identity)
    digest = fetch(access, house.settings.bucket_vault, file["object_key"], file["version_id"], target)
    if digest != file["sha256"]:
        raise PromiseBroken(f"file {file['file_id']} has other bytes than were stored: the vault altered it")
    return target


def lock_of(access: StoreAccess, bucket: str, key: str, version_id: str) -> Lock | None:
    """The lock of one exact version; None when there is no such version. Other errors are botocore's."""
    from botocore.exceptions import ClientError

    s3: Any = store.client(access)
    try:
        found = s3.head_object(Bucket=bucket, Key=key, VersionId=version_id)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return None
        raise
    until = found.get("ObjectLockRetainUntilDate") if found.get("ObjectLockMode") == "COMPLIANCE" else None
    return Lock(
        until and until.astimezone(UTC),
        found.get("ObjectLockLegalHoldStatus") == "ON",
        found["ContentLength"],
    )


def erase_file(access: StoreAccess, bucket: str, key: str, unhold: bool) -> tuple[int, list[str]]:
    """Delete every version of exactly this key: how many the store accepted, and the codes of those it refused.

    Acceptance is not absence. ``unhold`` takes a legal hold off first.
    """
    from botocore.exceptions import ClientError

    s3: Any = store.client(access)
    accepted, refused = 0, []
    for version in versions_of(access, bucket, key):
        try:
            if unhold:
                s3.put_object_legal_hold(
                    Bucket=bucket, Key=key, VersionId=version.version_id, LegalHold={"Status": "OFF"}
                )
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version.version_id)
            accepted += 1
        except ClientError as error:
            refused.append(str(error.response.get("Error", {}).get("Code")))
    return accepted, refused


def versions_of(access: StoreAccess, bucket: str, key: str) -> list[ObjectVersion]:
    """Versions and delete markers of exactly this key; StoreUnknown when it cannot be told."""
    return [
        entry for entry in versions_below(access, bucket, key.rpartition("/")[0] + "/") if entry.key == key
    ]


def versions_below(access: StoreAccess, bucket: str, folder: str) -> list[ObjectVersion]:
    """Versions and delete markers below a folder (which ends with a slash); StoreUnknown when it cannot be told."""
    with Lister(access) as lister:
        return lister.list_versions(bucket, folder)


def prove_lock(house: House) -> None:
    """Prove that the vault enforces its lock: a locked canary survives being deleted and being unlocked.

    PromiseBroken when it does not, when the lock reads back shorter than asked for, or when the store answers with
    anything but a refusal: a run then archives nothing. One canary a day, erased when its own lock has ended.
    """
    from botocore.exceptions import ClientError

    bucket = house.settings.bucket_vault
    vault, eraser = (house.connections.store(name) for name in ("payment_vault", "payment_eraser"))
    now = datetime.now(UTC)
    key = f"{CANARY_FOLDER}{now:%Y-%m-%d}"
    source = house.settings.home / f"canary-{now:%Y%m%d%H%M%S%f}"
    source.write_bytes(b"canary\n")
    try:
        put = put_locked(vault, house, key, source, now + CANARY_LOCK)
    finally:
        source.unlink()
    lock = lock_of(vault, bucket, key, put.version_id)
    if lock is None or lock.until is None or lock.until <= now:
        raise PromiseBroken("the vault took a canary and did not lock it: nothing is archived")
    for what in ("deleting", "unlocking"):
        try:
            if what == "deleting":
                store.client(eraser).delete_object(Bucket=bucket, Key=key, VersionId=put.version_id)
            else:
                shorter = {"Mode": "COMPLIANCE", "RetainUntilDate": now + timedelta(seconds=2)}
                store.client(vault).put_object_retention(
                    Bucket=bucket, Key=key, VersionId=put.version_id, Retention=shorter
                )
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status not in (400, 403, 409):
                raise
            log.info("canary: %s a locked version was refused (%d)", what, status)
        else:
            raise PromiseBroken(
                f"the vault does not enforce its lock: {what} the canary succeeded; nothing is archived"
            )
    again = lock_of(house.connections.store("payment_observer"), bucket, key, put.version_id)
    if again is None or again.until is None or again.until < lock.until:
        raise PromiseBroken(
            "the vault refused and did it all the same: the canary is gone; nothing is archived"
        )


def _encryption(asked: str) -> dict[str, Any]:
    kind, _, key = asked.partition(":")
    if kind == "sse-s3":
        return {"ServerSideEncryption": "AES256"}
    if kind == "sse-kms" and key:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    if kind == "none":
        return {}
    raise ValueError("LIFECYCLE_VAULT_ENCRYPTION must be sse-s3, sse-kms:<key> or none")


def _digest(source: Path) -> bytes:
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.digest()
