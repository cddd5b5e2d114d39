"""The studio's schema guards itself: history is append-only, times have zones, a hold needs all it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg2
import psycopg2.errors as refused
import pytest

if TYPE_CHECKING:
    from tests.conftest import Studio

Cursor = psycopg2.extensions.cursor

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def migrated(make_studio: Callable[[], Studio]) -> Studio:
    """One database for the module: no test here commits."""
    return make_studio()


@pytest.fixture
def admin_url(migrated: Studio) -> str:
    return migrated.admin_url


@pytest.fixture
def cursor(admin_url: str) -> Iterator[Cursor]:
    """A superuser's transaction that leaves nothing behind."""
    connection = psycopg2.connect(admin_url, options="-c TimeZone=UTC")
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def new_order(cursor: Cursor) -> str:
    customer, order_id = str(uuid4()), f"ord_{uuid4().hex}"
    cursor.execute(
        "INSERT INTO studio.customers "
        "VALUES (%s, 'Somebody', 'somebody@example.org', 'CN', 'Asia/Shanghai', false, %s)",
        (customer, START),
    )
    cursor.execute(
        "INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at) "
        "VALUES (%s, %s, 'portrait', %s, %s)",
        (order_id, customer, START, START),
    )
    return order_id


def add_event(cursor: Cursor, order_id: str, kind: str, at: datetime) -> None:
    cursor.execute(
        "INSERT INTO studio.order_events (order_id, kind, occurred_at) VALUES (%s, %s, %s)",
        (order_id, kind, at),
    )


def add_upload(cursor: Cursor, order_id: str, name: str = "front.jpg") -> str:
    upload_id = str(uuid4())
    cursor.execute(
        "INSERT INTO studio.uploads "
        "(upload_id, category, role, bucket, object_key, sha256, bytes, media_type, uploaded_at) "
        "VALUES (%s, 'personal_photo', 'front', 'studio-uploads', %s, sha256(''), 1, 'image/jpeg', %s)",
        (upload_id, f"orders/{order_id}/{name}", START),
    )
    cursor.execute("INSERT INTO studio.order_uploads VALUES (%s, %s)", (order_id, upload_id))
    return upload_id


def state(cursor: Cursor, order_id: str, *columns: str) -> tuple[object, ...]:
    cursor.execute(
        "SELECT terminal_kind, terminal_at, reopened_at, last_activity_at, photo_state FROM studio.orders "
        "WHERE order_id = %s",
        (order_id,),
    )
    names = [column.name for column in cursor.description or ()]
    row = dict(zip(names, cursor.fetchone() or (), strict=True))
    return tuple(row[column] for column in columns)


def ended(cursor: Cursor, order_id: str) -> tuple[object, ...]:
    return state(cursor, order_id, "terminal_kind", "terminal_at")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE studio.order_events SET occurred_at = occurred_at + interval '1 day'",
        "DELETE FROM studio.order_events",
        "TRUNCATE studio.order_events",
        "TRUNCATE studio.customers CASCADE",
    ],
)
def test_events_are_append_only_even_for_a_superuser(cursor: Cursor, statement: str) -> None:
    add_event(cursor, new_order(cursor), "completed", START)
    with pytest.raises(refused.RestrictViolation, match="append-only"):
        cursor.execute(statement)


@pytest.mark.parametrize("kind", ["completed", "cancelled", "refunded", "expired"])
def test_a_terminal_event_ends_the_order(cursor: Cursor, kind: str) -> None:
    order_id = new_order(cursor)
    add_event(cursor, order_id, "paid", START + DAY)
    assert ended(cursor, order_id) == (None, None)
    add_event(cursor, order_id, kind, START + 2 * DAY)
    assert ended(cursor, order_id) == (kind, START + 2 * DAY)


def test_the_first_terminal_event_counts(cursor: Cursor) -> None:
    order_id = new_order(cursor)
    for kind, day in (("completed", 3), ("message", 4), ("refunded", 9), ("completed", 10)):
        add_event(cursor, order_id, kind, START + day * DAY)
    assert ended(cursor, order_id) == ("completed", START + 3 * DAY)


def test_the_first_counts_even_when_it_arrives_last(cursor: Cursor) -> None:
    order_id = new_order(cursor)
    add_event(cursor, order_id, "refunded", START + 9 * DAY)
    assert ended(cursor, order_id) == ("refunded", START + 9 * DAY)
    add_event(cursor, order_id, "completed", START + 3 * DAY)
    assert ended(cursor, order_id) == ("completed", START + 3 * DAY)


def test_reopening_clears_the_end(cursor: Cursor) -> None:
    order_id = new_order(cursor)
    add_event(cursor, order_id, "completed", START + 3 * DAY)
    add_event(cursor, order_id, "reopened", START + 4 * DAY)
    assert state(cursor, order_id, "terminal_kind", "terminal_at", "reopened_at") == (
        None,
        None,
        START + 4 * DAY,
    )


def test_completing_again_starts_a_new_clock(cursor: Cursor) -> None:
    order_id = new_order(cursor)
    for kind, day in (("completed", 3), ("reopened", 4), ("completed", 8), ("refunded", 9)):
        add_event(cursor, order_id, kind, START + day * DAY)
    assert ended(cursor, order_id) == ("completed", START + 8 * DAY)


def test_a_reopening_recorded_late_does_not_clear_a_later_end(cursor: Cursor) -> None:
    order_id = new_order(cursor)
    for kind, day in (("completed", 3), ("completed", 8), ("reopened", 4)):
        add_event(cursor, order_id, kind, START + day * DAY)
    assert ended(cursor, order_id) == ("completed", START + 8 * DAY)


def test_the_latest_activity_never_goes_back(cursor: Cursor) -> None:
    order_id = new_order(cursor)
    add_event(cursor, order_id, "message", START + 5 * DAY)
    add_event(cursor, order_id, "paid", START + DAY)
    assert state(cursor, order_id, "last_activity_at") == (START + 5 * DAY,)


def test_photo_state_follows_uploads(cursor: Cursor) -> None:
    order_id = new_order(cursor)
    assert state(cursor, order_id, "photo_state") == ("none",)
    add_upload(cursor, order_id)
    assert state(cursor, order_id, "photo_state") == ("present",)
    cursor.execute("UPDATE studio.orders SET photo_state = 'absent' WHERE order_id = %s", (order_id,))
    add_upload(cursor, order_id, "late.jpg")
    assert state(cursor, order_id, "photo_state") == ("present",), "a file that arrives after a purge is seen"


def test_a_shared_file_makes_the_other_order_present_too(cursor: Cursor) -> None:
    owner, user = new_order(cursor), new_order(cursor)
    upload_id = add_upload(cursor, owner)
    cursor.execute("INSERT INTO studio.order_uploads VALUES (%s, %s)", (user, upload_id))
    assert state(cursor, user, "photo_state") == ("present",)


def test_a_naive_datetime_is_refused(cursor: Cursor) -> None:
    order_id = new_order(cursor)
    with pytest.raises(refused.DatatypeMismatch, match="without time zone"):
        add_event(cursor, order_id, "completed", START.replace(tzinfo=None))


def test_a_bare_date_is_refused(cursor: Cursor) -> None:
    order_id = new_order(cursor)
    with pytest.raises(refused.DatatypeMismatch, match="date"):
        cursor.execute(
            "UPDATE studio.orders SET erase_requested_at = %s WHERE order_id = %s", (START.date(), order_id)
        )


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE studio.later (at timestamp)",
        "CREATE TABLE lifecycle.later (at timestamp(3) without time zone)",
        "CREATE TABLE studio.later AS SELECT localtimestamp AS at",
        "SELECT localtimestamp AS at INTO studio.later",
        "ALTER TABLE studio.orders ADD COLUMN later timestamp",
        "ALTER TABLE studio.consents ALTER COLUMN withdrawn_at TYPE timestamp",
        "CREATE TABLE studio.later (at time)",
    ],
)
def test_a_column_without_time_zone_is_refused(cursor: Cursor, statement: str) -> None:
    with pytest.raises(refused.RaiseException, match="use timestamptz"):
        cursor.execute(statement)


def test_tables_of_other_schemas_are_left_alone(cursor: Cursor) -> None:
    cursor.execute("CREATE TEMPORARY TABLE later (at timestamp)")


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "Australia/Lord_Howe", "Etc/GMT+8"]
)
def test_regions_are_time_zones(cursor: Cursor, zone: str) -> None:
    cursor.execute("SELECT %s::studio.time_zone", (zone,))


@pytest.mark.parametrize(
    "zone", ["", "CET+8", "+08:00", "PST", "Asia/Atlantis", "asia/shanghai", "UTC+8", "Asia/Shanghai "]
)
def test_other_names_are_not(cursor: Cursor, zone: str) -> None:
    with pytest.raises(refused.CheckViolation, match="time_zone_is_a_region"):
        cursor.execute("SELECT %s::studio.time_zone", (zone,))


@pytest.mark.parametrize(
    "order_id", ["", "12", "ord/12", "ord 12", "ord_12/", "ord%12", "ö_1234", "x" * 65, "../../1"]
)
def test_an_order_id_that_would_blur_prefixes_is_refused(cursor: Cursor, order_id: str) -> None:
    known = new_order(cursor)
    with pytest.raises(refused.CheckViolation):
        cursor.execute(
            "INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at) "
            "SELECT %s, customer_id, service, created_at, last_activity_at FROM studio.orders WHERE order_id = %s",
            (order_id, known),
        )


ADD_HOLD = """
INSERT INTO studio.legal_holds (hold_id, basis, placed_by, approved_by, placed_at, expires_at, released_at)
VALUES (%s, %s, 'a', %s, clock_timestamp() + %s, clock_timestamp() + %s, clock_timestamp() + %s)
"""
ARE_HELD = """
SELECT EXISTS (SELECT FROM studio.effective_hold WHERE hold_id = %(hold)s),
       EXISTS (SELECT FROM studio.flawed_hold WHERE hold_id = %(hold)s)
"""


@pytest.mark.parametrize(
    ("basis", "approver", "placed", "expires", "released", "effective", "flawed"),
    [
        ("claim", "b", -DAY, DAY, None, True, False),
        (None, "b", -DAY, DAY, None, False, True),
        ("  ", "b", -DAY, DAY, None, False, True),
        ("claim", None, -DAY, DAY, None, False, True),
        ("claim", "a", -DAY, DAY, None, False, True),
        ("claim", "b", -DAY, None, None, False, True),
        ("claim", "b", -2 * DAY, -DAY, None, False, False),
        ("claim", "b", -2 * DAY, DAY, -DAY, False, False),
        ("claim", "b", DAY, 2 * DAY, None, False, False),
    ],
    ids=[
        "valid",
        "no basis",
        "blank",
        "unapproved",
        "self-approved",
        "endless",
        "expired",
        "released",
        "future",
    ],
)
def test_a_hold_needs_all_four(
    cursor: Cursor,
    basis: str | None,
    approver: str | None,
    placed: timedelta,
    expires: timedelta | None,
    released: timedelta | None,
    effective: bool,
    flawed: bool,
) -> None:
    upload_id, hold_id = add_upload(cursor, new_order(cursor)), str(uuid4())
    cursor.execute(ADD_HOLD, (hold_id, basis, approver, placed, expires, released))
    cursor.execute("INSERT INTO studio.legal_hold_uploads VALUES (%s, %s)", (hold_id, upload_id))
    cursor.execute(ARE_HELD, {"hold": hold_id})
    assert cursor.fetchone() == (effective, flawed)


def test_a_hold_that_names_no_file_is_flawed(cursor: Cursor) -> None:
    hold_id = str(uuid4())
    cursor.execute(ADD_HOLD, (hold_id, "claim", "b", -DAY, DAY, None))
    cursor.execute(ARE_HELD, {"hold": hold_id})
    assert cursor.fetchone() == (False, True)
