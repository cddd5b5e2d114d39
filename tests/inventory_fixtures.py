"""A house whose register can be changed, disclosures sent by hand, and the inventory's steps without Airflow."""

from __future__ import annotations

import hashlib
import json
import shutil
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from data_lifecycle.protocol.house import House

INCLUDE = Path(__file__).resolve().parents[1] / "include"
PHOTO, SERVICE = "user.content.self_image", "essential.service"
DAY = timedelta(days=1)


@pytest.fixture
def own_include(tmp_path: Path) -> Path:
    """A copy of include/, to be changed."""
    copied = tmp_path / "include"
    shutil.copytree(INCLUDE, copied)
    return copied


@pytest.fixture
def sending(load_demo: Callable[..., Any], own_include: Path) -> Any:
    """A demo studio whose house reads the copied include/."""
    demo = load_demo(orders=60)
    return replace(
        demo, house=replace(demo.house, settings=replace(demo.house.settings, include=own_include))
    )


@pytest.fixture
def quiet(sending: Any) -> Any:
    """The same without a single disclosure: what is to be seen is sent by hand."""
    forget(sending)
    return sending


def forget(office: Any) -> None:
    """Remove every disclosure."""
    rows(office, "SET LOCAL session_replication_role = replica; DELETE FROM studio.disclosures")


def observe(house: House, name: str = "test", as_of: str | None = None) -> int:
    """Up to the observation; the run's number."""
    from data_lifecycle.vendor_inventory.observing import observe_run
    from data_lifecycle.vendor_inventory.planning import guard_run, plan_run

    run_id = plan_run(house, name, datetime.now(UTC), as_of, False)
    assert guard_run(house, run_id)
    observe_run(house, run_id)
    return run_id


def inventory(house: House, name: str = "test", as_of: str | None = None) -> int:
    """A whole run, as the DAG does it; its number."""
    from data_lifecycle.vendor_inventory.attesting import assert_inventory, attest_run
    from data_lifecycle.vendor_inventory.exporting import export_run

    run_id = observe(house, name, as_of)
    export_run(house, run_id)
    assert_inventory(house, run_id)
    attest_run(house, run_id, ())
    return run_id


def rows(office: Any, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement as the administrator."""
    from data_lifecycle.connections import DatabaseAccess
    from data_lifecycle.database import connect

    with (
        connect(DatabaseAccess(office.studio.admin_url), "test") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values or None)
        found = cursor.fetchall() if cursor.description else []
        connection.commit()
        return found


def send(office: Any, vendor: str, sent_at: datetime | None = None, **changed: Any) -> None:
    """A disclosure to Stripe's neighbours, ordinary but for what is changed; about the first customer unless told."""
    values = {
        "category": PHOTO, "purpose": SERVICE, "country": "US", "access": [], "subs": [], "person": 0,
    } | changed  # fmt: skip
    rows(
        office,
        "INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose,"
        " destination_country, sent_at, origin_country, access_countries, sub_processors, transport)"
        " SELECT %s, (SELECT min(order_id) FROM studio.orders GROUP BY customer_id ORDER BY customer_id"
        " OFFSET %s LIMIT 1),"
        " %s, %s, %s, %s, %s, 'DE', %s::text[], %s::text[], 'TLSv1.3'",
        str(uuid4()), values["person"], vendor, values["category"], values["purpose"], values["country"],
        sent_at or datetime.now(UTC) - DAY, values["access"], values["subs"],
    )  # fmt: skip


def drift(office: Any, run_id: int) -> set[tuple[str, str, str]]:
    """Kind, vendor and subject of all that was sent and differs."""
    return set(
        rows(
            office,
            "SELECT kind, vendor, subject FROM lifecycle.inventory_drift"
            " WHERE run_id = %s AND NOT canary AND disclosures > 0",
            run_id,
        )
    )


def stated(office: Any, run_id: int) -> dict[str, Any]:
    """The result of a run."""
    ((envelope,),) = rows(
        office,
        "SELECT envelope FROM lifecycle.evidence WHERE run_id = %s AND outcome IN ('verified', 'failed')"
        " ORDER BY sequence DESC LIMIT 1",
        run_id,
    )
    predicate: dict[str, Any] = json.loads(b64decode(json.loads(bytes(envelope))["payload"]))["predicate"]
    return predicate


def record_of(office: Any, run_id: int) -> dict[str, Any]:
    ((content,),) = rows(
        office,
        "SELECT content FROM lifecycle.inventory_document WHERE run_id = %s AND name LIKE '%%.json'",
        run_id,
    )
    found: dict[str, Any] = json.loads(bytes(content))
    return found


def lies_locked(office: Any, result: dict[str, Any]) -> None:
    """Four documents: in the bucket under lock, on disk, and in the database, the same bytes, as stated."""
    from data_lifecycle.objects.store import client
    from data_lifecycle.vendor_inventory import documents
    from data_lifecycle.vendor_inventory.exporting import folder_of

    house = office.house
    s3 = client(office.store.store_access("object_admin"))
    folder = folder_of(house.settings, result["run"]["number"])
    assert {Path(d["name"]).name for d in result["documents"]} == set(documents.TYPES)
    assert {path.name for path in folder.iterdir()} == set(documents.TYPES)
    for document in result["documents"]:
        kept = s3.get_object(Bucket=house.settings.bucket_evidence, Key=document["name"])
        content = kept["Body"].read()
        assert kept["ObjectLockMode"] == "COMPLIANCE"
        assert kept["ContentType"] == documents.TYPES[Path(document["name"]).name]
        assert hashlib.sha256(content).hexdigest() == document["sha256"]
        path = folder / Path(document["name"]).name
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o600
