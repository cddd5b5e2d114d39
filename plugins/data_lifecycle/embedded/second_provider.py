"""A second provider of storage, as the demo has it: a bucket of the embedded store under identities of its own.

The demo's vendors aws-s3 and aliyun-oss both keep their copies there. None of the studio's own identities may look at
it, and these may look at nothing else: the house reaches it only as it would reach a vendor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from data_lifecycle.connections import StoreAccess
from data_lifecycle.vendors.accounts import connection_id

BUCKET = "second-provider"
CANARY = "canary/here"
"""An object that every look must find."""
VENDORS = ("aws-s3", "aliyun-oss")
WRITER, ERASER, OBSERVER = IDENTITIES = ("copies_writer", "copies_eraser", "copies_observer")
POLICIES = "second_provider"
"""Folder of their policies, below those of the studio's own store."""


def ensure(admin: StoreAccess) -> list[str]:
    """Create the bucket, versioned, with its canary; a line for each thing that was missing."""
    from botocore.exceptions import ClientError

    from data_lifecycle.objects.store import client

    s3 = client(admin)
    done = []
    try:
        s3.head_bucket(Bucket=BUCKET)
    except ClientError:
        s3.create_bucket(Bucket=BUCKET)
        done.append(f"{BUCKET}: created")
    if s3.get_bucket_versioning(Bucket=BUCKET).get("Status") != "Enabled":
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        done.append(f"{BUCKET}: versioned")
    if not s3.list_object_versions(Bucket=BUCKET, Prefix=CANARY, MaxKeys=1).get("Versions"):
        s3.put_object(Bucket=BUCKET, Key=CANARY, Body=b"canary\n")
        done.append(f"{BUCKET}: canary placed")
    return done


def connections(stores: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Any]]:
    """Airflow connections of the vendors, as somebody would make them for real ones; `stores` as in the access file."""
    eraser, observer = stores[ERASER], stores[OBSERVER]
    extra = {
        "bucket": BUCKET,
        "canary": CANARY,
        "observer_access_key": observer["access_key"],
        "observer_secret_key": observer["secret_key"],
        "region_name": eraser["region"],
    }
    return {
        connection_id(vendor): {
            "conn_type": "aws",
            "description": f"erases copies at {vendor} and looks for them",
            "host": eraser["endpoint_url"],
            "login": eraser["access_key"],
            "password": eraser["secret_key"],
            "extra": json.dumps(extra),
        }
        for vendor in VENDORS
    }
