"""After `up`, with real task processes: logs are locked, and no person of the studio is in anything written down."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import psycopg2
import pytest
from tests import leaks

from data_lifecycle.objects.store import client

if TYPE_CHECKING:
    from tests.ui.conftest import Manor

    from data_lifecycle.embedded.house import House

STEPS = ("plan", "guard", "approve", "act", "observe", "settle", "sweep", "assert", "attest")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def written(house: House) -> Iterator[tuple[str, str]]:
    """Task logs, servers' logs, Data Docs, Airflow's metadata, runs, assertions, evidence, the evidence bucket."""
    for folder in (house.home.airflow, house.home.data_docs, house.home.logs):
        for place, text in leaks.in_files(folder):
            yield f"{folder.name}/{place}", text
    with psycopg2.connect(house.postgres.url("airflow")) as connection:
        yield from leaks.in_database(connection, leaks.postgres_tables(connection, "public"))
    with psycopg2.connect(house.admin_url) as connection:
        yield from leaks.in_database(connection, leaks.KEPT)
    for name, data in kept(house).items():
        yield from leaks.in_rows("evidence bucket", [[name]])
        yield name, data.decode()


def kept(house: House) -> dict[str, bytes]:
    """All that lies in the evidence bucket, by name."""
    s3, bucket = client(house.store.store_access("evidence_vault")), house.settings.bucket_evidence
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    names = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    return {name: s3.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names}


def test_nobody_is_named_in_what_the_house_wrote(manor: Manor, monkeypatch: pytest.MonkeyPatch) -> None:
    from data_lifecycle.embedded.home import Home
    from data_lifecycle.embedded.house import House

    monkeypatch.setenv("LIFECYCLE_HOME", str(manor.root))
    house = House.existing(Home.from_env())
    with psycopg2.connect(house.admin_url) as connection:
        people = leaks.people(connection)
    assert all(people.values()), "otherwise nothing is looked for"
    places = list(written(house))
    assert leaks.search(people, places) == []
    # The search sees these places: what belongs there is found.
    seen = " ".join(leaks.search({"it": ["photo_purge"]}, places))
    for place in (
        "task-logs/dag_id=photo_purge",
        "task_id=plan/attempt=1.log",
        "task_id=act/map_index=0/attempt=1.log",
        "data_docs/",
        "logs/scheduler.log",
        "xcom",
        "lifecycle.evidence",
    ):
        assert place in seen, place


def test_the_logs_of_a_run_are_where_its_result_says_and_nobody_can_delete_them(manor: Manor) -> None:
    from data_lifecycle.connections import FileConnections
    from data_lifecycle.protocol import tasklogs

    connections = FileConnections(manor.root / "access.json")
    with psycopg2.connect(manor.status["databases"]["reviewer"]) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT r.dag_run_id, e.envelope FROM lifecycle.evidence e JOIN lifecycle.run r USING (run_id)"
            " WHERE e.outcome = 'verified' AND r.pipeline = 'photo_purge' ORDER BY e.signed_at DESC LIMIT 1"
        )
        ((run_id, envelope),) = cursor.fetchall()
    stated = json.loads(b64decode(json.loads(bytes(envelope))["payload"]))["predicate"]["task_logs"]
    assert stated["prefix"] == tasklogs.prefix("photo_purge", run_id)
    found = tasklogs.listing(connections.store("evidence_vault"), stated["bucket"], "photo_purge", run_id)
    steps = {log.name.removeprefix(stated["prefix"]).split("/")[0] for log in found}
    assert steps == {f"task_id={step}" for step in STEPS}
    assert all(log.bytes and log.locked_until and log.locked_until > datetime.now(UTC) for log in found)
    # In Airflow's own folder a log that the store took is empty: the bucket is where it is read.
    local = manor.root / "airflow" / "logs" / found[0].name.removeprefix("task-logs/")
    assert local.read_bytes() == b""
    s3 = client(connections.store("evidence_vault"))
    (log,) = [log for log in found if "task_id=plan/" in log.name]
    text = s3.get_object(Bucket=stated["bucket"], Key=log.name, VersionId=log.version_id)["Body"].read()
    assert sha256(text).hexdigest() == log.sha256
    assert b"clause 3.2" in text
    assert b"manifest sha256" in text
