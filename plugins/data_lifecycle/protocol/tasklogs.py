"""Where Airflow puts the logs of a run's tasks, and what lies there: locked copies in the evidence bucket.

A task's log is put when its process ends, so a step cannot state the digest of its own log: a statement names the
place, and an audit lists what came to lie there. While the store is away, logs stay in Airflow's own folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects import store

CONNECTION = "task_logs"
"""The Airflow connection, and the store's identity, that puts and shows logs and may do nothing else."""
FOLDER = "task-logs"


@dataclass(frozen=True, slots=True)
class TaskLog:
    """One version of a log: its key and version, digest (hex) and size, and until when nobody can delete it (UTC).

    ``locked_until`` is None for one that is not locked in COMPLIANCE mode.
    """

    name: str
    version_id: str = field(repr=False)
    sha256: str
    bytes: int
    locked_until: datetime | None


def remote_folder(bucket: str) -> str:
    """Airflow's ``[logging] remote_base_log_folder``."""
    return f"s3://{bucket}/{FOLDER}"


def prefix(dag_id: str, run_id: str) -> str:
    """What the keys of all logs of a run begin with, and no others: Airflow's default ``log_filename_template``."""
    return f"{FOLDER}/dag_id={dag_id}/run_id={run_id}/"


def place(bucket: str, dag_id: str, run_id: str) -> Mapping[str, str]:
    """How a statement names the logs of a run."""
    return {"bucket": bucket, "prefix": prefix(dag_id, run_id)}


def listing(access: StoreAccess, bucket: str, dag_id: str, run_id: str) -> list[TaskLog]:
    """Every version of every log of a run, by name and the oldest first, each read in full.

    A task that is tried again has another file; a file that grew has another version, and the shorter one stays. What
    was hidden below a delete marker is listed too. botocore's errors when the store does not answer.
    """
    s3: Any = store.client(access)
    found = []
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix(dag_id, run_id))
    entries = [entry for page in pages for entry in page.get("Versions", ())]
    entries.reverse()  # S3 lists the newest version of a name first; its times, in whole seconds, order nothing
    for entry in sorted(entries, key=lambda entry: str(entry["Key"])):
        name, version_id = entry["Key"], entry["VersionId"]
        answer = s3.get_object(Bucket=bucket, Key=name, VersionId=version_id)
        data = answer["Body"].read()
        locked = answer.get("ObjectLockMode") == "COMPLIANCE"
        found.append(
            TaskLog(
                name,
                version_id,
                hashlib.sha256(data).hexdigest(),
                len(data),
                answer.get("ObjectLockRetainUntilDate") if locked else None,
            )
        )
    return found
