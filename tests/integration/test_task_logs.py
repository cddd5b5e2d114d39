"""Task logs in the locked bucket, put by Airflow's own code with the credential, or with no store at all."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from data_lifecycle.embedded import ports
from data_lifecycle.embedded.airflow import store_connection
from data_lifecycle.protocol import tasklogs

if TYPE_CHECKING:
    from data_lifecycle.embedded.objectstore import ObjectStore

LINE = '{"event": "due: 3 orders"}\n'
DAG = "photo_purge"


@pytest.fixture
def airflows(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[Any, Path]]:
    """What Airflow puts logs with, and its folder of logs: ``airflows(endpoint_url=…)``."""
    from airflow.providers.amazon.aws.log.s3_task_handler import S3RemoteLogIO

    def make(**changed: str) -> tuple[Any, Path]:
        access = dataclasses.asdict(store.store_access(tasklogs.CONNECTION)) | changed
        connection = store_connection(access, "logs")
        connection["extra"] = json.loads(connection["extra"])
        monkeypatch.setenv("AIRFLOW_CONN_TASK_LOGS", json.dumps(connection))
        monkeypatch.setenv("AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID", tasklogs.CONNECTION)
        remote = tasklogs.remote_folder(store.settings.bucket_evidence)
        return S3RemoteLogIO(
            remote_base=remote, base_log_folder=str(tmp_path), delete_local_copy=False
        ), tmp_path

    return make


def write(folder: Path, run_id: str, task: str = "plan", attempt: int = 1, lines: int = 1) -> str:
    name = f"dag_id={DAG}/run_id={run_id}/task_id={task}/attempt={attempt}.log"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(LINE * lines, "utf-8")
    return name


def logs_of(store: ObjectStore, run_id: str) -> list[tasklogs.TaskLog]:
    vault = store.store_access("evidence_vault")
    return tasklogs.listing(vault, store.settings.bucket_evidence, DAG, run_id)


def test_logs_are_put_locked_and_listed_for_their_run(
    store: ObjectStore, airflows: Callable[..., tuple[Any, Path]]
) -> None:
    remote, folder = airflows()
    run = f"manual__2026-03-01T02:00:00.1+00:00 {uuid4().hex}"
    for run_id in (run, run + "0"):
        for attempt in (1, 2):
            remote.upload(write(folder, run_id, attempt=attempt, lines=attempt))
    found = logs_of(store, run)
    assert [log.name for log in found] == [
        tasklogs.prefix(DAG, run) + f"task_id=plan/attempt={attempt}.log" for attempt in (1, 2)
    ]
    for number, log in enumerate(found, start=1):
        assert log.sha256 == sha256((LINE * number).encode()).hexdigest()
        assert log.bytes == len(LINE) * number
        assert log.locked_until is not None
        assert log.locked_until > datetime.now(UTC) + timedelta(hours=23)
    assert logs_of(store, "another run") == []


def test_a_log_that_grows_keeps_what_it_was(
    store: ObjectStore, airflows: Callable[..., tuple[Any, Path]]
) -> None:
    remote, folder = airflows()
    run = uuid4().hex
    for _ in range(2):
        remote.upload(write(folder, run))
    assert [log.bytes for log in logs_of(store, run)] == [len(LINE), 2 * len(LINE)]
    _, texts = remote.read(f"dag_id={DAG}/run_id={run}/task_id=plan/attempt=1.log", None)
    assert texts == [LINE * 2]


def test_without_a_store_the_local_copy_stays_and_nobody_waits(
    store: ObjectStore, airflows: Callable[..., tuple[Any, Path]]
) -> None:
    remote, folder = airflows(endpoint_url=f"http://127.0.0.1:{ports.choose()}")
    run = uuid4().hex
    name = write(folder, run)
    begun = datetime.now(UTC)
    remote.upload(name)  # says so in its log and raises nothing: the task has succeeded
    assert datetime.now(UTC) - begun < timedelta(seconds=15)
    assert (folder / name).read_text("utf-8") == LINE
    assert logs_of(store, run) == []
    # When it is back, the same file can still be put.
    os.environ.pop("AIRFLOW_CONN_TASK_LOGS")
    back, _ = airflows()
    back.upload(name)
    assert [log.bytes for log in logs_of(store, run)] == [len(LINE)]
