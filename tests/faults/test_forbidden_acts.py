"""What each identity of the store must not be able to do, tried on the real server. Database roles: tests/sql."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from data_lifecycle.embedded.objectstore import ObjectStore
from data_lifecycle.objects.provision import evidence_policy
from data_lifecycle.objects.store import client

UPLOADS, BACKUP, EVIDENCE = "studio-uploads", "studio-backup", "lifecycle-evidence"
KEY = "orders/ord_1234/front.jpg"
STATEMENT = "photo_purge/forbidden-acts.dsse.json"
LOG = "the log in the evidence bucket"
LEAF = "log/leaf/forbidden-acts.json"
LOGS = "task logs in the evidence bucket"
VAULT, FILE = "lifecycle-vault", "payments/v1/2033-05-a/forbidden-acts.parquet"
TASK_LOG = "task-logs/dag_id=photo_purge/run_id=forbidden-acts/task_id=act/attempt=1.log"


@dataclass(frozen=True)
class Target:
    """An object that is there, and an unfinished upload in the same bucket."""

    bucket: str
    key: str
    version: str
    upload: str


Act = Callable[[Any, Target], object]
LATER = datetime.now(UTC) + timedelta(hours=1)
SOON = datetime.now(UTC) + timedelta(minutes=20)


def _object(t: Target) -> dict[str, Any]:
    return {"Bucket": t.bucket, "Key": t.key}


ACTS: dict[str, Act] = {
    "put": lambda s3, t: s3.put_object(**_object(t), Body=b"forged"),
    "put beside": lambda s3, t: s3.put_object(Bucket=t.bucket, Key=t.key + ".new", Body=b"forged"),
    "get": lambda s3, t: s3.get_object(**_object(t)),
    "get version": lambda s3, t: s3.get_object(**_object(t), VersionId=t.version),
    "head": lambda s3, t: s3.head_object(**_object(t)),
    "copy": lambda s3, t: s3.copy_object(Bucket=t.bucket, Key=t.key + ".copy", CopySource=_object(t)),
    "copy elsewhere": lambda s3, t: s3.copy_object(
        Bucket=BACKUP if t.bucket == UPLOADS else UPLOADS, Key="orders/ord_1234/copy", CopySource=_object(t)
    ),
    "delete": lambda s3, t: s3.delete_object(**_object(t)),
    "delete version": lambda s3, t: s3.delete_object(**_object(t), VersionId=t.version),
    "begin upload": lambda s3, t: s3.create_multipart_upload(**_object(t)),
    "upload part": lambda s3, t: s3.upload_part(**_object(t), UploadId=t.upload, PartNumber=1, Body=b"x"),
    "abort upload": lambda s3, t: s3.abort_multipart_upload(**_object(t), UploadId=t.upload),
    "complete upload": lambda s3, t: s3.complete_multipart_upload(
        **_object(t), UploadId=t.upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"x"'}]}
    ),
    "list": lambda s3, t: s3.list_objects_v2(Bucket=t.bucket),
    "list versions": lambda s3, t: s3.list_object_versions(Bucket=t.bucket),
    "list uploads": lambda s3, t: s3.list_multipart_uploads(Bucket=t.bucket),
    "tag": lambda s3, t: s3.put_object_tagging(**_object(t), Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}),
    "put acl": lambda s3, t: s3.put_object_acl(**_object(t), ACL="public-read"),
    "suspend versioning": lambda s3, t: s3.put_bucket_versioning(
        Bucket=t.bucket, VersioningConfiguration={"Status": "Suspended"}
    ),
    "put policy": lambda s3, t: s3.put_bucket_policy(Bucket=t.bucket, Policy='{"Version":"2012-10-17","Statement":[]}'),
    "delete policy": lambda s3, t: s3.delete_bucket_policy(Bucket=t.bucket),
    "let expire": lambda s3, t: s3.put_bucket_lifecycle_configuration(
        Bucket=t.bucket,
        LifecycleConfiguration={
            "Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
        },
    ),
    "put public acl": lambda s3, t: s3.put_bucket_acl(Bucket=t.bucket, ACL="public-read-write"),
    "delete bucket": lambda s3, t: s3.delete_bucket(Bucket=t.bucket),
    "make bucket": lambda s3, t: s3.create_bucket(Bucket="forged-bucket"),
    "shorten retention": lambda s3, t: s3.put_object_retention(
        **_object(t), VersionId=t.version, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": SOON}
    ),
    "weaken retention": lambda s3, t: s3.put_object_retention(
        **_object(t), VersionId=t.version, BypassGovernanceRetention=True,
        Retention={"Mode": "GOVERNANCE", "RetainUntilDate": SOON},
    ),
    "delete bypassing": lambda s3, t: s3.delete_object(
        **_object(t), VersionId=t.version, BypassGovernanceRetention=True
    ),
    "change default retention": lambda s3, t: s3.put_object_lock_configuration(
        Bucket=t.bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        },
    ),
    "put held": lambda s3, t: s3.put_object(**_object(t), Body=b"x", ObjectLockLegalHoldStatus="ON"),
    "put for a period": lambda s3, t: s3.put_object(
        **_object(t), Body=b"x", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=SOON
    ),
    "hold": lambda s3, t: s3.put_object_legal_hold(
        **_object(t), VersionId=t.version, LegalHold={"Status": "ON"}
    ),
    "lift legal hold": lambda s3, t: s3.put_object_legal_hold(
        **_object(t), VersionId=t.version, LegalHold={"Status": "OFF"}
    ),
}  # fmt: skip

BUCKET_RULES = (
    "suspend versioning", "put policy", "delete policy", "let expire", "put public acl", "delete bucket",
)  # fmt: skip
READING = ("get", "get version", "head", "list", "list versions", "list uploads")
WRITING = ("put", "put beside", "copy", "begin upload", "upload part", "complete upload", "tag", "put acl")
REMOVING = ("delete", "delete version", "abort upload")
LOCK = (
    "delete", "delete version", "delete bypassing", "shorten retention", "weaken retention", "change default retention",
    "lift legal hold",
)  # fmt: skip
HOLDS = ("hold", "lift legal hold")
PERIODS = ("shorten retention", "weaken retention", "change default retention")
EVERYTHING = tuple(ACTS)

FORBIDDEN: dict[tuple[str, str], tuple[str, ...]] = {
    **{
        ("object_observer", b): (*WRITING, *REMOVING, *HOLDS, *BUCKET_RULES, "copy elsewhere")
        for b in (UPLOADS, BACKUP)
    },
    **{
        ("object_eraser", b): (
            *WRITING, *HOLDS, *BUCKET_RULES, "get", "get version", "head", "copy elsewhere", "delete", "make bucket",
        )
        for b in (UPLOADS, BACKUP)
    },
    **{
        ("object_app", b): (
            "delete version", *HOLDS, *PERIODS, "put held", "put for a period", *BUCKET_RULES, "make bucket",
        )
        for b in (UPLOADS, BACKUP)
    },
    **{
        ("object_holder", b): (
            *WRITING, *REMOVING, *PERIODS, *BUCKET_RULES, "get", "get version", "head", "make bucket",
        )
        for b in (UPLOADS, BACKUP)
    },
    # What is kept for a period could not be erased on request: not even the administrator can say so of a photo.
    **{("object_admin", b): PERIODS for b in (UPLOADS, BACKUP)},
    **{("evidence_vault", b): EVERYTHING for b in (UPLOADS, BACKUP)},
    ("evidence_vault", EVIDENCE): (*LOCK, *BUCKET_RULES, "tag", "put acl", "make bucket"),
    # Who writes statements writes no log of them, and the other way round.
    ("evidence_vault", LOG): (*LOCK, *WRITING),
    **{("log_vault", b): EVERYTHING for b in (UPLOADS, BACKUP)},
    ("log_vault", EVIDENCE): (*LOCK, *BUCKET_RULES, *WRITING, "make bucket"),
    ("log_vault", LOG): (*LOCK, "tag", "put acl"),
    # Airflow's own identity puts and shows task logs: it reads no statement and sees no name of one.
    **{(who, LOGS): (*LOCK, *WRITING) for who in ("evidence_vault", "log_vault")},
    **{("task_logs", place): EVERYTHING for place in (UPLOADS, BACKUP, EVIDENCE, LOG)},
    ("task_logs", LOGS): (
        *LOCK, *BUCKET_RULES, "tag", "put acl", "copy elsewhere", "list", "list versions", "make bucket",
    ),
    **{
        (who, p): EVERYTHING
        for who in ("object_observer", "object_eraser", "object_app", "object_holder")
        for p in (EVIDENCE, LOG, LOGS)
    },
    **{("nobody", place): EVERYTHING for place in (UPLOADS, BACKUP, EVIDENCE, LOG, LOGS, VAULT)},
    # Archived payments: who puts them cannot take them back, who erases what has ended cannot read it.
    ("payment_vault", VAULT): (*LOCK[:5], *BUCKET_RULES, "make bucket"),
    ("payment_observer", VAULT): (*WRITING, *REMOVING, *LOCK, *BUCKET_RULES),
    ("payment_reader", VAULT): (*WRITING, *REMOVING, *LOCK, *BUCKET_RULES),
    ("payment_eraser", VAULT): (
        *WRITING, *BUCKET_RULES, "get", "get version", "copy elsewhere", "delete", "delete version", "make bucket",
    ),
    **{
        (who, place): EVERYTHING
        for who in ("payment_vault", "payment_observer", "payment_reader", "payment_eraser")
        for place in (UPLOADS, BACKUP, EVIDENCE, LOG, LOGS)
    },
    **{
        (who, VAULT): EVERYTHING
        for who in (
            "object_observer", "object_eraser", "object_app", "object_holder", "evidence_vault", "log_vault",
            "task_logs",
        )
    },
    # The demo's second provider: its identities reach nothing of the studio's.
    **{
        (who, place): EVERYTHING
        for who in ("copies_writer", "copies_eraser", "copies_observer")
        for place in (UPLOADS, BACKUP, EVIDENCE, LOG, LOGS, VAULT)
    },
    # The set-up's administrator, whom no pipeline runs as, cannot take evidence back either.
    ("object_admin", EVIDENCE): (*LOCK, "let expire", "suspend versioning", "delete bucket"),
}  # fmt: skip
CASES = [(who, place, act) for (who, place), acts in FORBIDDEN.items() for act in dict.fromkeys(acts)]


@pytest.fixture(scope="module")
def targets(store: ObjectStore) -> dict[str, Target]:
    admin = client(store.store_access("object_admin"))
    made: dict[str, Target] = {}
    for place, bucket, key in (
        (UPLOADS, UPLOADS, KEY),
        (BACKUP, BACKUP, KEY),
        (EVIDENCE, EVIDENCE, STATEMENT),
        (LOG, EVIDENCE, LEAF),
        (LOGS, EVIDENCE, TASK_LOG),
        (VAULT, VAULT, FILE),
    ):
        # The vault has no period of its own: each file says until when.
        lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": LATER} if place == VAULT else {}
        version = admin.put_object(
            Bucket=bucket, Key=key, Body=b"original", ChecksumAlgorithm="SHA256", **lock
        )["VersionId"]
        upload = admin.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        made[place] = Target(bucket, key, version, upload)
    return made


@pytest.fixture(scope="module")
def clients(store: ObjectStore) -> dict[str, Any]:
    found: dict[str, Any] = {name: client(store.store_access(name), attempts=1) for name in store.keys}
    found["nobody"] = boto3.client(
        "s3",
        endpoint_url=store.endpoint_url,
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}),
    )
    return found


def test_the_table_covers_every_identity_and_place(store: ObjectStore, targets: dict[str, Target]) -> None:
    assert {who for who, _ in FORBIDDEN} == {*store.keys, "nobody"}
    assert {place for _, place in FORBIDDEN} == set(targets)


@pytest.mark.parametrize(("who", "place", "act"), CASES)
def test_the_store_refuses(
    targets: dict[str, Target], clients: dict[str, Any], who: str, place: str, act: str
) -> None:
    target = targets[place]
    bucket = target.bucket
    with pytest.raises(ClientError) as refusal:
        ACTS[act](clients[who], target)
    answer = refusal.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403, answer.get("Error")
    admin = clients["object_admin"]
    found = admin.get_object(Bucket=bucket, Key=target.key, VersionId=target.version)
    assert found["Body"].read() == b"original"
    page = admin.list_object_versions(Bucket=bucket, Prefix=target.key)
    latest = [v["VersionId"] for v in page["Versions"] if v["IsLatest"] and v["Key"] == target.key]
    assert latest == [target.version]
    assert admin.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_the_duties_themselves_are_possible(targets: dict[str, Target], clients: dict[str, Any]) -> None:
    """Otherwise a store that refuses everything would pass all of the above."""
    for who in ("object_observer", "object_app"):
        for act in READING:
            ACTS[act](clients[who], targets[UPLOADS])
    for act in ("list versions", "list uploads"):
        ACTS[act](clients["object_eraser"], targets[UPLOADS])
    made = clients["object_app"].put_object(Bucket=UPLOADS, Key="orders/ord_1234/mine", Body=b"x")
    upload = clients["object_app"].create_multipart_upload(Bucket=UPLOADS, Key="orders/ord_1234/mine")
    eraser, mine = clients["object_eraser"], {"Bucket": UPLOADS, "Key": "orders/ord_1234/mine"}
    eraser.delete_object(**mine, VersionId=made["VersionId"])
    eraser.abort_multipart_upload(**mine, UploadId=upload["UploadId"])
    for act in ("get", "get version", "head", "list", "list versions"):
        ACTS[act](clients["evidence_vault"], targets[EVIDENCE])
    logs, grown = clients["task_logs"], {"Bucket": EVIDENCE, "Key": TASK_LOG + ".grown"}
    with pytest.raises(ClientError, match="404"):  # and not 403: that is how Airflow learns that a log is new
        logs.head_object(**grown)
    for _ in range(2):
        logs.put_object(**grown, Body=b"lines")
    assert logs.get_object(**grown)["Body"].read() == b"lines"
    found = logs.list_objects_v2(Bucket=EVIDENCE, Prefix=TASK_LOG)["Contents"]
    assert [entry["Key"] for entry in found] == [TASK_LOG, TASK_LOG + ".grown"]


def test_evidence_that_is_overwritten_is_still_there(
    targets: dict[str, Target], clients: dict[str, Any]
) -> None:
    """Who may add may write the same name again; the first version stays, readable and locked."""
    vault, name = clients["evidence_vault"], {"Bucket": EVIDENCE, "Key": "photo_purge/overwritten.dsse.json"}
    first = vault.put_object(**name, Body=b"first")["VersionId"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        vault.put_object(**name, Body=b"second", IfNoneMatch="*")
    second = vault.put_object(**name, Body=b"second")["VersionId"]
    assert first != second
    for version, text in ((first, b"first"), (second, b"second")):
        found = vault.get_object(**name, VersionId=version)
        assert found["Body"].read() == text
        assert found["ObjectLockMode"] == "COMPLIANCE"
        assert found["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(hours=23)
        with pytest.raises(ClientError, match="AccessDenied"):
            clients["object_admin"].delete_object(**name, VersionId=version)


def test_the_lock_alone_keeps_evidence(store: ObjectStore, clients: dict[str, Any]) -> None:
    """Without the bucket's policy, which an administrator could take away, COMPLIANCE still refuses him."""
    admin, name = clients["object_admin"], {"Bucket": EVIDENCE, "Key": "photo_purge/locked.dsse.json"}
    version = admin.put_object(**name, Body=b"locked")["VersionId"]
    admin.delete_bucket_policy(Bucket=EVIDENCE)
    try:
        for act in ("delete version", "delete bypassing", "shorten retention", "weaken retention"):
            with pytest.raises(ClientError, match=r"AccessDenied|InvalidRequest"):
                ACTS[act](admin, Target(EVIDENCE, name["Key"], version, "-"))
        found = admin.get_object(**name, VersionId=version)
        assert (found["Body"].read(), found["ObjectLockMode"]) == (b"locked", "COMPLIANCE")
        assert found["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(hours=23)
    finally:
        admin.put_bucket_policy(Bucket=EVIDENCE, Policy=json.dumps(evidence_policy(EVIDENCE)))
