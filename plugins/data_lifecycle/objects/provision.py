"""Sets the object store up: identities with least privilege, versioned buckets, evidence nobody can take back.

    python -m data_lifecycle.objects.provision identities --output FILE
    python -m data_lifecycle.objects.provision buckets

*identities* writes the store's own configuration from the policies in ``include/store/<identity>.json``; *buckets*
creates what is missing. Both can be repeated. Secrets come from the environment: ``LIFECYCLE_SECRET_<IDENTITY>``, and
for *buckets* ``LIFECYCLE_STORE_URL`` and ``LIFECYCLE_EVIDENCE_RETENTION_DAYS``; an access key is the identity's name.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects import store
from data_lifecycle.settings import Settings

ADMIN = "object_admin"
_DENIED_ON_OBJECTS = (
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:BypassGovernanceRetention",
)
_DENIED_ON_BUCKET = (
    "s3:DeleteBucket",
    "s3:PutBucketVersioning",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutLifecycleConfiguration",
)


class ProvisionError(RuntimeError):
    """The store cannot be set up as asked; the message says what stands in the way and what to do."""


def render_identities(policies_dir: Path, credentials: Mapping[str, StoreAccess]) -> dict[str, Any]:
    """The store's configuration: one identity for each policy file, allowed what that file says and nothing else.

    ``policies_dir`` holds ``<identity>.json``, an IAM policy document each. ProvisionError if a policy has no
    credential or a credential no policy: an identity without a policy would be one without limits in some stores.
    """
    documents = {
        file.stem: json.loads(file.read_text("utf-8")) for file in sorted(policies_dir.glob("*.json"))
    }
    without_policy = sorted(credentials.keys() - documents.keys())
    without_credential = sorted(documents.keys() - credentials.keys())
    if without_policy or without_credential:
        raise ProvisionError(
            f"{policies_dir}: identities without a policy file: {', '.join(without_policy) or 'none'}; "
            f"policy files without a credential: {', '.join(without_credential) or 'none'}"
        )
    return {
        "identities": [
            {
                "name": name,
                "credentials": [
                    {"accessKey": credentials[name].access_key, "secretKey": credentials[name].secret_key}
                ],
                "actions": [],  # the store's own coarse rights would be added to the policy's
                "policyNames": [name],
            }
            for name in documents
        ],
        "policies": [{"name": name, "content": json.dumps(document)} for name, document in documents.items()],
    }


def evidence_policy(bucket: str) -> dict[str, Any]:
    """The policy of the evidence bucket: whoever asks, nothing is deleted and no retention changes."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "EvidenceStays",
                "Effect": "Deny",
                "Principal": "*",
                "Action": list(_DENIED_ON_OBJECTS),
                "Resource": f"arn:aws:s3:::{bucket}/*",
            },
            {
                "Sid": "RulesOfTheBucketStay",
                "Effect": "Deny",
                "Principal": "*",
                "Action": list(_DENIED_ON_BUCKET),
                "Resource": f"arn:aws:s3:::{bucket}",
            },
        ],
    }


def vault_policy(bucket: str) -> dict[str, Any]:
    """The policy of the payments' vault: nothing is hidden or unlocked, and the bucket's rules stay.

    Deleting a version is not denied here: whose lock has ended has to go. The lock decides until then.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NothingIsHidden",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:DeleteObject", "s3:BypassGovernanceRetention"],
                "Resource": f"arn:aws:s3:::{bucket}/*",
            },
            {
                "Sid": "RulesOfTheBucketStay",
                "Effect": "Deny",
                "Principal": "*",
                "Action": list(_DENIED_ON_BUCKET),
                "Resource": f"arn:aws:s3:::{bucket}",
            },
        ],
    }


def photo_policy(bucket: str) -> dict[str, Any]:
    """The policy of a bucket of customers' files: a legal hold can be lifted again, a retention period could not."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NothingIsKeptForAPeriod",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:PutObjectRetention", "s3:BypassGovernanceRetention"],
                "Resource": f"arn:aws:s3:::{bucket}/*",
            },
            {
                "Sid": "RulesOfTheBucketStay",
                "Effect": "Deny",
                "Principal": "*",
                "Action": [
                    "s3:DeleteBucket",
                    "s3:PutBucketVersioning",
                    "s3:PutBucketObjectLockConfiguration",
                ],
                "Resource": f"arn:aws:s3:::{bucket}",
            },
        ],
    }


def provision(admin_access: StoreAccess, buckets: Mapping[str, str], retention_days: int) -> list[str]:
    """Create what is missing and return it, a line each; an empty list means everything was there.

    ``buckets`` names the buckets ``uploads``, ``backup``, ``evidence`` and ``vault``. All are versioned; evidence is
    also locked: each object is kept ``retention_days`` days in COMPLIANCE mode, which no identity can shorten. The
    vault can lock too, but each object says until when. Uploads and backup can lock for legal holds alone: a retention
    period there would break policy 3.2, so nobody may set one. ProvisionError if evidence or vault exists without a
    lock, evidence with another retention, or uploads or backup with any: none of that can be mended.
    """
    if retention_days < 1:
        raise ProvisionError(f"evidence must be kept at least one day, not {retention_days}")
    client = store.client(admin_access)
    done: list[str] = []
    for duty in ("uploads", "backup"):
        done += _ensure_holdable(client, buckets[duty])
    done += _ensure_evidence(client, buckets["evidence"], retention_days)
    done += _ensure_vault(client, buckets["vault"])
    return done


def _create(client: Any, bucket: str, *, locked: bool) -> list[str]:
    if bucket in {found["Name"] for found in client.list_buckets()["Buckets"]}:
        return []
    region = client.meta.region_name
    if region == "us-east-1":  # S3 refuses its default region as an explicit constraint
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=locked)
    else:
        client.create_bucket(
            Bucket=bucket,
            ObjectLockEnabledForBucket=locked,
            CreateBucketConfiguration={"LocationConstraint": region},
        )
    return [f"{bucket}: created"]


def _ensure_holdable(client: Any, bucket: str) -> list[str]:
    """Versions, and a lock without any retention: what is put there can be held, and nothing is kept by default."""
    done = _create(client, bucket, locked=True)
    if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        done.append(f"{bucket}: versioned")
    lock = _find_lock(client, bucket)
    if lock is None:
        client.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
        )
        done.append(f"{bucket}: versions can be put under legal hold")
    elif lock.get("Rule"):
        raise ProvisionError(
            f"{bucket} keeps every object for a period by default: photos must be erasable at any moment, so "
            "remove its default retention"
        )
    policy = photo_policy(bucket)
    if _policy(client, bucket) != policy:
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        done.append(f"{bucket}: retention periods are denied to everyone")
    return done


def _find_lock(client: Any, bucket: str) -> Any:
    """The bucket's lock; None if it has none."""
    from botocore.exceptions import ClientError

    try:
        return client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ObjectLockConfigurationNotFoundError":
            raise
        return None


def _lock(client: Any, bucket: str, variable: str) -> Any:
    lock = _find_lock(client, bucket)
    if lock is None:
        raise ProvisionError(
            f"{bucket} exists without object lock, which only a new bucket can have: name another one in {variable}"
        )
    return lock


def _ensure_vault(client: Any, bucket: str) -> list[str]:
    done = _create(client, bucket, locked=True)
    _lock(client, bucket, "LIFECYCLE_BUCKET_VAULT")
    policy = vault_policy(bucket)
    if _policy(client, bucket) != policy:
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        done.append(f"{bucket}: hiding and unlocking are denied to everyone")
    return done


def _ensure_evidence(client: Any, bucket: str, retention_days: int) -> list[str]:
    done = _create(client, bucket, locked=True)
    lock = _lock(client, bucket, "LIFECYCLE_BUCKET_EVIDENCE")
    wanted = {"Mode": "COMPLIANCE", "Days": retention_days}
    found = lock.get("Rule", {}).get("DefaultRetention")
    if found is None:
        client.put_object_lock_configuration(
            Bucket=bucket,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": retention_days}},
            },
        )
        done.append(f"{bucket}: objects are kept {retention_days} days, COMPLIANCE")
    elif found != wanted:
        raise ProvisionError(
            f"{bucket} keeps its objects {found.get('Days')} days in mode {found.get('Mode')}, asked for "
            f"{retention_days} days in mode COMPLIANCE: its own policy forbids the change, so ask for what it has"
        )
    policy = evidence_policy(bucket)
    if _policy(client, bucket) != policy:
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        done.append(f"{bucket}: deletes and changes of retention are denied to everyone")
    return done


def _policy(client: Any, bucket: str) -> object:
    from botocore.exceptions import ClientError

    try:
        return json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucketPolicy":
            raise
        return None


def _need(environ: Mapping[str, str], name: str) -> str:
    if not environ.get(name):
        raise ProvisionError(f"the environment variable {name} is not set")
    return environ[name]


def _access(environ: Mapping[str, str], identity: str, endpoint_url: str | None) -> StoreAccess:
    secret = _need(environ, f"LIFECYCLE_SECRET_{identity.upper()}")
    return StoreAccess(endpoint_url=endpoint_url, access_key=identity, secret_key=secret)


def _write_identities(environ: Mapping[str, str], output: Path) -> None:
    policies_dir = Settings.from_env(environ).include / "store"
    credentials = {file.stem: _access(environ, file.stem, None) for file in policies_dir.glob("*.json")}
    text = json.dumps(render_identities(policies_dir, credentials), indent=2)
    output.unlink(missing_ok=True)  # a file of an earlier run may have wider permissions
    output.touch(mode=0o600, exist_ok=False)
    output.write_text(text, "utf-8")


def _make_buckets(environ: Mapping[str, str]) -> list[str]:
    settings = Settings.from_env(environ)
    days = _need(environ, "LIFECYCLE_EVIDENCE_RETENTION_DAYS")
    if not days.isdecimal():
        raise ProvisionError(
            f"LIFECYCLE_EVIDENCE_RETENTION_DAYS must be a whole number of days, not {days!r}"
        )
    names = {
        "uploads": settings.bucket_uploads,
        "backup": settings.bucket_backup,
        "evidence": settings.bucket_evidence,
        "vault": settings.bucket_vault,
    }
    return provision(_access(environ, ADMIN, _need(environ, "LIFECYCLE_STORE_URL")), names, int(days))


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one of the two commands; 0 if the store is as asked, 1 with a message if it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m data_lifecycle.objects.provision")
    commands = parser.add_subparsers(dest="command", required=True)
    identities = commands.add_parser("identities", help="write the store's identities and policies")
    identities.add_argument(
        "--output", type=Path, required=True, help="file to write, readable by its owner only"
    )
    commands.add_parser("buckets", help="create the buckets that are missing")
    arguments = parser.parse_args(argv)
    env = os.environ if environ is None else environ
    try:
        if arguments.command == "identities":
            _write_identities(env, arguments.output)
            print(f"{arguments.output}: written")
        else:
            print("\n".join(_make_buckets(env)) or "every bucket is as it should be")
    except ProvisionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
