"""A demo studio in real servers: written by the application's own role and identity, and there exactly as planned."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.extras
import pytest
from psycopg2 import sql

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, fetch, fetch_one
from data_lifecycle.objects.store import client
from data_lifecycle.studio.demo.build import build
from data_lifecycle.studio.demo.bulk import fill
from data_lifecycle.studio.demo.load import LoadReport, StudioNotEmpty, is_empty, load

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore

COUNT = sql.SQL("SELECT count(*) AS n FROM {}")
SEED, ORDERS = 11, 120
BULK_ORDERS = """
SELECT count(*),
       count(*) FILTER (WHERE photo_state = 'present' AND terminal_at <= now() - interval '5 days'),
       count(*) FILTER (WHERE photo_state = 'present' AND terminal_at <= now() - interval '6 days 12 hours'),
       count(*) FILTER (WHERE terminal_at IS NULL),
       count(*) FILTER (WHERE photo_state = 'absent' AND terminal_at > now() - interval '7 days')
FROM studio.orders
"""
BULK_UPLOADS = """
SELECT count(*),
       count(*) FILTER (WHERE (u.absent_at IS NULL) <> (o.photo_state = 'present')),
       count(*) FILTER (WHERE u.object_key NOT LIKE 'orders/' || o.order_id || '/%'),
       count(*) FILTER (WHERE c.customer_id IS NULL)
FROM studio.orders o
JOIN studio.order_uploads USING (order_id)
JOIN studio.uploads u USING (upload_id)
LEFT JOIN studio.customers c USING (customer_id)
"""


@pytest.fixture(scope="module")
def bucket_names(store: ObjectStore) -> dict[str, str]:
    """The usual buckets, emptied: others would need rights of their own."""
    names = {"uploads": store.settings.bucket_uploads, "backup": store.settings.bucket_backup}
    _wipe(store, names)
    return names


@pytest.fixture(scope="module")
def home(make_studio: Callable[[], Studio]) -> Studio:
    return make_studio()


@pytest.fixture(scope="module")
def loaded(home: Studio, store: ObjectStore, bucket_names: dict[str, str]) -> tuple[LoadReport, float]:
    begun = time.monotonic()
    report = load(
        DatabaseAccess(home.urls["studio_app"]),
        home.admin_url,
        store.store_access("object_app"),
        bucket_names,
        SEED,
        ORDERS,
        datetime.now(UTC),
    )
    return report, time.monotonic() - begun


@pytest.fixture(scope="module")
def report(loaded: tuple[LoadReport, float]) -> LoadReport:
    return loaded[0]


@pytest.fixture
def rows(home: Studio, report: LoadReport) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Rows of a statement, as the superuser sees them."""
    connection = psycopg2.connect(home.admin_url, options="-c TimeZone=UTC")

    def run(statement: str | sql.Composable, *values: object) -> list[dict[str, Any]]:
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(statement, values)
            return [dict(row) for row in cursor.fetchall()]

    yield run
    connection.close()


def _admin(store: ObjectStore) -> Any:
    return client(store.store_access("object_admin"))


def _entries(s3: Any, bucket: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    versions: list[dict[str, Any]] = []
    markers: list[dict[str, Any]] = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions += page.get("Versions", [])
        markers += page.get("DeleteMarkers", [])
    return versions, markers


def _unfinished(s3: Any, bucket: str) -> list[dict[str, Any]]:
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
    return [upload for page in pages for upload in page.get("Uploads", [])]


def _wipe(store: ObjectStore, names: dict[str, str]) -> None:
    s3 = _admin(store)
    for bucket in names.values():
        versions, markers = _entries(s3, bucket)
        doomed = [{"Key": e["Key"], "VersionId": e["VersionId"]} for e in (*versions, *markers)]
        for start in range(0, len(doomed), 1000):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed[start : start + 1000], "Quiet": True})
        for upload in _unfinished(s3, bucket):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


def test_120_orders_load_in_time(loaded: tuple[LoadReport, float]) -> None:
    report, seconds = loaded
    assert report.orders == ORDERS
    assert seconds < 30


def test_the_store_holds_exactly_what_was_planned(
    store: ObjectStore, bucket_names: dict[str, str], report: LoadReport
) -> None:
    planned: Counter[tuple[str, str, str]] = Counter()
    for history in report.contents:
        for step in history.steps:
            kind = step if isinstance(step, str) else "version"
            planned[bucket_names[history.place], history.key, kind] += 1
    found: Counter[tuple[str, str, str]] = Counter()
    for bucket in bucket_names.values():
        versions, markers = _entries(_admin(store), bucket)
        found.update((bucket, e["Key"], "version") for e in versions)
        found.update((bucket, e["Key"], "marker") for e in markers)
        found.update((bucket, e["Key"], "multipart") for e in _unfinished(_admin(store), bucket))
    assert found == planned
    kinds = Counter(kind for *_, kind in found.elements())
    assert kinds == {"version": report.versions, "marker": report.markers, "multipart": report.unfinished}


def test_recorded_digests_are_those_of_the_newest_versions(
    store: ObjectStore, report: LoadReport, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    s3 = _admin(store)
    gone = set(report.scenarios["object_gone"])
    checked = 0
    for row in rows(
        "SELECT bucket, object_key, sha256, bytes, media_type FROM studio.uploads ORDER BY upload_id LIMIT 60"
    ):
        versions = s3.list_object_versions(Bucket=row["bucket"], Prefix=row["object_key"]).get("Versions", [])
        newest = [v for v in versions if v["Key"] == row["object_key"]][:1]
        if not newest:
            assert row["object_key"].split("/")[1] in gone
            continue
        answer = s3.get_object(Bucket=row["bucket"], Key=row["object_key"], VersionId=newest[0]["VersionId"])
        content = answer["Body"].read()
        assert hashlib.sha256(content).digest() == bytes(row["sha256"])
        assert (len(content), answer["ContentType"]) == (row["bytes"], row["media_type"])
        checked += 1
    assert checked > 50


def test_triggers_agree_with_the_plan(report: LoadReport, rows: Callable[..., list[dict[str, Any]]]) -> None:
    planned = {order.order_id: order for order in build(SEED, ORDERS, report.now).orders}
    found = rows("SELECT order_id, terminal_at, photo_state, created_at, last_activity_at FROM studio.orders")
    assert len(found) == len(planned)
    for row in found:
        order = planned[row["order_id"]]
        assert row["terminal_at"] == order.ended_at, order.scenario
        assert row["photo_state"] == ("none" if order.scenario == "archived" else "present"), order.scenario
        assert row["created_at"] <= row["last_activity_at"] <= report.now


def test_counts_of_the_report(report: LoadReport, rows: Callable[..., list[dict[str, Any]]]) -> None:
    for table in ("customers", "orders", "uploads", "payments", "disclosures", "consents"):
        assert rows(COUNT.format(sql.Identifier("studio", table)))[0]["n"] == getattr(report, table), table
    assert rows("SELECT count(*) AS n FROM studio.legal_holds")[0]["n"] == report.holds
    assert sum(map(len, report.scenarios.values())) == report.orders


def test_one_hold_is_effective_and_two_are_flawed(
    report: LoadReport, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    effective = rows(
        "SELECT DISTINCT l.order_id FROM studio.effective_hold h JOIN studio.order_uploads l USING (upload_id)"
    )
    assert [row["order_id"] for row in effective] == list(report.scenarios["held"])
    flawed = rows(
        "SELECT DISTINCT l.order_id FROM studio.flawed_hold JOIN studio.legal_hold_uploads USING (hold_id) "
        "JOIN studio.order_uploads l USING (upload_id)"
    )
    expected = (*report.scenarios["hold_unapproved"], *report.scenarios["hold_endless"])
    assert {row["order_id"] for row in flawed} == set(expected)


def unmended(connection: Connection, as_of: datetime) -> int:
    """Holds that `legal_holds` would be red about then."""
    week, day = timedelta(days=7), timedelta(days=1)
    row = fetch_one(connection, "holds/count_alerts", as_of=as_of, mend_within=week, erase_within=day)
    return int(row["flaws_unmended"])


def test_what_is_flawed_on_purpose_says_so_is_no_alert_at_once_and_ends_by_releasing(
    home: Studio, report: LoadReport
) -> None:
    day = timedelta(days=1)
    with connect(DatabaseAccess(home.admin_url), "test") as connection:
        assert [unmended(connection, report.now + days * day) for days in (0, 6.9, 7)] == [0, 0, 2]
        listed = fetch(connection, "holds/list_holds")
        ignored = [row for row in listed if row["standing"].startswith("ignored")]
        assert sorted(row["standing"] for row in ignored) == [
            "ignored: no end",
            "ignored: waits for a second person",
        ]
        for row in listed:
            assert ("demo: flawed on purpose" in row["placed_by"]) is (row in ignored)
        for row in ignored:
            fetch(connection, "holds/release_hold", hold_id=row["hold_id"], who="a test")
        assert unmended(connection, report.now + 30 * day) == 0
        connection.rollback()


def test_a_second_load_is_refused(
    home: Studio, store: ObjectStore, bucket_names: dict[str, str], report: LoadReport
) -> None:
    database = DatabaseAccess(home.urls["studio_app"])
    assert not is_empty(database)
    before = sum(len(_entries(_admin(store), bucket)[0]) for bucket in bucket_names.values())
    with pytest.raises(StudioNotEmpty):
        load(
            database,
            home.admin_url,
            store.store_access("object_app"),
            bucket_names,
            SEED + 1,
            ORDERS,
            datetime.now(UTC),
        )
    assert sum(len(_entries(_admin(store), bucket)[0]) for bucket in bucket_names.values()) == before


def test_the_report_shows_no_order_and_no_key(report: LoadReport) -> None:
    assert "ord_" not in repr(report)
    assert "orders/" not in repr(report)


def test_bulk_fill_has_exactly_the_due_orders_asked_for(studio: Studio) -> None:
    assert fill(studio.admin_url, 3_000, 3, 40).uploads == 9_000
    fill(studio.admin_url, 1_001, 3, 7)
    connection = psycopg2.connect(studio.admin_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(BULK_ORDERS)
            total, due, late, still_open, odd = cursor.fetchone() or ()
            cursor.execute(BULK_UPLOADS)
            assert cursor.fetchone() == (12_003, 0, 0, 0)
    finally:
        connection.close()
    assert (total, due, late, odd) == (4_001, 47, 0, 0)
    assert still_open > 0


@pytest.mark.parametrize(
    ("orders", "each", "due"), [(0, 1, 0), (10, 0, 0), (10, 1000, 0), (10, 1, 11), (10, 1, -1)]
)
def test_bulk_fill_refuses_impossible_counts(orders: int, each: int, due: int) -> None:
    with pytest.raises(ValueError, match="due between"):
        fill("postgresql://nobody@127.0.0.1:1/none", orders, each, due)
