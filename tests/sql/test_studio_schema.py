"""The studio's schema guards itself: history is append-only, times have zones, no role does more than its duty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg2
import psycopg2.errors as refused
import pytest

from data_lifecycle.studio.migrate import LOGIN_ROLES

if TYPE_CHECKING:
    from tests.conftest import Studio

Cursor = psycopg2.extensions.cursor
RoleUrl = Callable[[str], str]

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
def role_url(migrated: Studio) -> RoleUrl:
    return migrated.urls.__getitem__


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
        "ALTER TABLE studio.payments ALTER COLUMN settled_at TYPE timestamp",
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


READS_OF_PEOPLE = (
    "SELECT email FROM studio.customers",
    "SELECT display_name FROM studio.customers",
    "SELECT amount FROM studio.payments",
    "SELECT vendor_ref FROM studio.disclosures",
    "SELECT purpose FROM studio.consents",
    "SELECT description FROM studio.orders",
    "SELECT customer_id FROM studio.orders",
    "SELECT * FROM studio.orders",
    "COPY studio.customers TO STDOUT",
)
CHANGES_OF_THE_STUDIO = (
    "INSERT INTO studio.order_events (order_id, kind, occurred_at) VALUES ('ord_1234', 'completed', now())",
    "UPDATE studio.orders SET terminal_at = now()",
    "UPDATE studio.orders SET erase_requested_at = now()",
    "UPDATE studio.uploads SET object_key = 'x'",
    "UPDATE studio.legal_holds SET released_at = now()",
    "INSERT INTO studio.legal_holds (hold_id, placed_by, placed_at) VALUES (gen_random_uuid(), 'a', now())",
    "DELETE FROM studio.orders",
    "DELETE FROM studio.uploads",
    "DELETE FROM studio.order_uploads",
    "DELETE FROM studio.payments",
    "TRUNCATE studio.uploads",
)
CHANGES_OF_STATE = (
    "UPDATE studio.orders SET photo_state = 'absent'",
    "UPDATE studio.uploads SET absent_at = now()",
)
CHANGES_OF_EVIDENCE = (
    "UPDATE lifecycle.evidence SET outcome = 'kept'",
    "UPDATE lifecycle.evidence SET envelope = ''",
    "DELETE FROM lifecycle.evidence",
    "TRUNCATE lifecycle.evidence",
)
FORGED_EVIDENCE = "INSERT INTO lifecycle.evidence (evidence_id) VALUES ('x')"
FORGED_OBSERVATION = "INSERT INTO lifecycle.observation (run_id) VALUES (1)"
CHANGED_OBSERVATIONS = (
    "UPDATE lifecycle.observation SET outcome = 'absent'",
    "DELETE FROM lifecycle.observation",
    "TRUNCATE lifecycle.observation",
)
FORGED_ASSERTION = "INSERT INTO lifecycle.assertion (run_id) VALUES (1)"
CHANGED_ASSERTIONS = ("UPDATE lifecycle.assertion SET success = true", "DELETE FROM lifecycle.assertion")
CHANGED_ITEMS = ("UPDATE lifecycle.item SET state = 'accepted'", "DELETE FROM lifecycle.item")
RESEALED_ITEMS = (
    "UPDATE lifecycle.item SET object_key = 'x'",
    "UPDATE lifecycle.item SET disposition = 'erase'",
    "UPDATE lifecycle.item SET version_id = 'x'",
)
RESEALED_RUN = (
    "UPDATE lifecycle.run SET manifest_sha256 = ''",
    "UPDATE lifecycle.run SET as_of = now()",
    "DELETE FROM lifecycle.run",
)
FORGED_SCHEMA = ("UPDATE lifecycle.schema_version SET sha256 = ''", "DELETE FROM lifecycle.schema_version")
BECOMING_MORE = (
    "CREATE TABLE studio.extra (n integer)",
    "CREATE TABLE lifecycle.extra (n integer)",
    "CREATE TABLE public.extra (n integer)",
    "ALTER TABLE studio.order_events DISABLE TRIGGER ALL",
    "DROP TABLE studio.payments",
    "SET session_replication_role = replica",
    "CREATE ROLE extra",
    "ALTER ROLE studio_reader SUPERUSER",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/passwd')",
)
PIPELINE = (
    *READS_OF_PEOPLE, *CHANGES_OF_THE_STUDIO, *CHANGES_OF_EVIDENCE, *CHANGED_OBSERVATIONS, *CHANGED_ASSERTIONS,
    *RESEALED_ITEMS, *RESEALED_RUN, *FORGED_SCHEMA,
)  # fmt: skip

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "studio_app": (
        "UPDATE studio.order_events SET kind = 'message'",
        "DELETE FROM studio.order_events",
        "UPDATE studio.orders SET terminal_at = NULL, terminal_kind = NULL",
        "UPDATE studio.orders SET reopened_at = now()",
        "UPDATE studio.uploads SET object_key = 'x'",
        "UPDATE studio.payments SET amount = 1",
        "DELETE FROM studio.orders",
        "DELETE FROM studio.uploads",
        "DELETE FROM studio.payments",
        "DELETE FROM studio.legal_holds",
        "TRUNCATE studio.uploads",
        "SELECT object_key FROM lifecycle.item",
        "SELECT envelope FROM lifecycle.evidence",
        *CHANGES_OF_STATE, *CHANGES_OF_EVIDENCE, *CHANGED_OBSERVATIONS, *CHANGED_ITEMS, *RESEALED_RUN, *FORGED_SCHEMA,
        FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION,
    ),
    "studio_reader": (
        *PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION,
    ),
    "studio_eraser": (
        *PIPELINE, *CHANGES_OF_STATE, "DELETE FROM lifecycle.item",
        FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION,
    ),
    "studio_observer": (*PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_ASSERTION),
    "studio_auditor": (*PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION),
    "evidence_writer": (*PIPELINE, *CHANGED_ITEMS, FORGED_OBSERVATION, FORGED_ASSERTION),
    "log_sequencer": (
        *PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION,
        "SELECT order_id FROM studio.orders",
        "SELECT facts FROM lifecycle.run",
        "UPDATE lifecycle.log_leaf SET leaf_hash = ''",
        "DELETE FROM lifecycle.log_leaf",
        "UPDATE lifecycle.log_node SET hash = ''",
        "UPDATE lifecycle.log_checkpoint SET note = ''",
        "DELETE FROM lifecycle.log_checkpoint",
        "TRUNCATE lifecycle.log_leaf CASCADE",
        "DELETE FROM lifecycle.log_head",
        "INSERT INTO lifecycle.log_head (one, root) VALUES (true, '')",
    ),
    "reviewer": (
        *PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION,
        "SELECT order_id FROM studio.orders",
        "SELECT object_key FROM studio.uploads",
        "SELECT object_key FROM lifecycle.item",
        "SELECT object_key FROM lifecycle.observation",
        "SELECT order_id FROM lifecycle.erasure_case",
    ),
}  # fmt: skip
"""Acts that the server must refuse, per role. The rows they name need not exist: rights are checked first."""


def attempt(url: str, statement: str) -> None:
    """Run one statement and undo it."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def test_the_table_covers_every_role() -> None:
    assert set(FORBIDDEN) == set(LOGIN_ROLES)


@pytest.mark.parametrize(
    ("role", "statement"),
    [(role, act) for role, acts in FORBIDDEN.items() for act in dict.fromkeys((*acts, *BECOMING_MORE))],
)
def test_forbidden_acts_are_refused(role_url: RoleUrl, role: str, statement: str) -> None:
    with pytest.raises(refused.InsufficientPrivilege):
        attempt(role_url(role), statement)


@pytest.mark.parametrize("role", LOGIN_ROLES)
@pytest.mark.parametrize("other", [*LOGIN_ROLES, "postgres"])
def test_no_role_becomes_another(role_url: RoleUrl, role: str, other: str) -> None:
    if role != other:
        with pytest.raises(refused.InsufficientPrivilege):
            attempt(role_url(role), f"SET ROLE {other}")


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_roles_are_plain_and_think_in_utc(role_url: RoleUrl, role: str) -> None:
    connection = psycopg2.connect(role_url(role))
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT session_user::text, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication, "
                "current_setting('TimeZone') FROM pg_roles WHERE rolname = session_user"
            )
            assert cursor.fetchone() == (role, False, False, False, False, False, "UTC")
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("studio_app", "SELECT email FROM studio.customers"),
        ("studio_app", "UPDATE studio.orders SET erase_requested_at = now() WHERE false"),
        ("studio_reader", "SELECT order_id, terminal_at, photo_state FROM studio.orders"),
        ("studio_reader", "SELECT upload_id FROM studio.effective_hold"),
        ("studio_eraser", "UPDATE lifecycle.item SET state = 'accepted' WHERE false"),
        ("studio_observer", "SELECT object_key FROM lifecycle.item"),
        ("studio_auditor", "SELECT outcome FROM lifecycle.observation"),
        ("evidence_writer", "UPDATE studio.orders SET photo_state = 'absent' WHERE false"),
        ("log_sequencer", "SELECT tree_size FROM lifecycle.log_head FOR UPDATE"),
        ("log_sequencer", "SELECT envelope FROM lifecycle.evidence"),
        ("reviewer", "SELECT evidence_id FROM lifecycle.evidence"),
        ("reviewer", "SELECT note FROM lifecycle.log_checkpoint"),
    ],
)
def test_duties_are_possible(role_url: RoleUrl, role: str, statement: str) -> None:
    attempt(role_url(role), statement)
