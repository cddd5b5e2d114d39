"""The statements of the vendor inventory, each as the roles that use it; what is counted and named at which moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.errors
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 — as the package names it

from data_lifecycle.database import execute, fetch, fetch_one

if TYPE_CHECKING:
    from tests.conftest import Studio

SQL = Path(__file__).parents[2] / "include" / "sql"
CLERK, AUDITOR, WRITER, REVIEWER, ADMIN = (
    "vendor_clerk",
    "studio_auditor",
    "evidence_writer",
    "reviewer",
    "admin",
)
AT = datetime(2026, 6, 1, tzinfo=UTC)
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
RUN: dict[str, Any] = {"run_id": 1}
ALLOWED: dict[str, Any] = {
    "category_kinds": ["ai"],
    "categories": ["user.content"],
    "use_kinds": ["ai"],
    "uses": ["essential.service"],
}
OBSERVE: dict[str, Any] = {**RUN, **ALLOWED, "as_of": AT, "register": "r", "quiet_after": 90 * DAY}
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DOCUMENT: dict[str, Any] = {**RUN, "document": "a.csv", "sha256": EMPTY, "content": b""}
STATEMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "count_drift": ((WRITER,), RUN),
    "count_sent": ((CLERK,), {"as_of": AT}),
    "find_inventory": ((WRITER,), RUN),
    "find_latest": ((REVIEWER,), {}),
    "find_previous": ((CLERK,), {**RUN, "as_of": AT}),
    "insert_document": ((CLERK,), DOCUMENT),
    "insert_inventory": ((CLERK,), {"run_id": 2, "register": "r", "previous": 1, "quiet_after": 90 * DAY}),
    "insert_stored": (
        (WRITER,),
        {**RUN, "document": "b.csv", "object_name": "x/b.csv", "version_id": "v", "locked_until": AT},
    ),
    "observe_sent": ((CLERK,), OBSERVE),
    "read_balance": ((AUDITOR, WRITER), {}),
    "select_changes": ((CLERK,), {**RUN, "previous": 1}),
    "select_documents": ((WRITER, REVIEWER), RUN),
    "select_drift": ((CLERK,), RUN),
    "select_lines": ((CLERK,), RUN),
    "select_vendors": ((CLERK,), RUN),
}


@pytest.fixture(scope="module")
def connections(make_studio: Callable[[], Studio]) -> Iterator[Callable[[str], Connection]]:
    studio = make_studio()
    opened: dict[str, Connection] = {}

    def of(role: str) -> Connection:
        if role not in opened:
            url = studio.admin_url if role == ADMIN else studio.urls[role]
            opened[role] = psycopg2.connect(url, options="-c TimeZone=UTC -c lifecycle.run_id=1")
        return opened[role]

    with of(ADMIN) as admin, admin.cursor() as cursor:
        for number in (1, 2):
            cursor.execute(
                "INSERT INTO lifecycle.run (pipeline, dag_run_id, attempt, as_of, dry_run, policy_id, policy_version,"
                " policy_sha256, code_sha, manifest_sha256, batches, facts)"
                " VALUES ('vendor_inventory', 'x', %s, %s, false, 'p', '1', 's', 'c', 'm', 1, '{\"disclosures\": 0}')",
                [number, AT],
            )
        cursor.execute("INSERT INTO lifecycle.register_version VALUES ('r', 1)")
        cursor.execute("INSERT INTO lifecycle.inventory VALUES (1, 'r', NULL, '90 days')")
        cursor.execute("INSERT INTO lifecycle.inventory_document VALUES (1, 'b.csv', %s, '')", [EMPTY])
    yield of
    for connection in opened.values():
        connection.close()


@pytest.fixture
def admin(connections: Callable[[str], Connection]) -> Iterator[Connection]:
    """The superuser's connection; nothing stays."""
    connection = connections(ADMIN)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    yield connection
    connection.rollback()


def test_every_statement_file_is_tried_here() -> None:
    assert {file.stem for file in (SQL / "vendor_inventory").glob("*.sql")} == set(STATEMENTS)


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for name, (roles, _) in STATEMENTS.items() for role in roles]
)
def test_a_statement_runs_as_the_role_that_uses_it(
    connections: Callable[[str], Connection], name: str, role: str
) -> None:
    connection = connections(role)
    try:
        execute(connection, f"vendor_inventory/{name}", **STATEMENTS[name][1])
    finally:
        connection.rollback()


def put(connection: Connection, sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def contract(
    connection: Connection, name: str, since: datetime, until: datetime | None, countries: str
) -> None:
    put(
        connection,
        "INSERT INTO lifecycle.vendor_contract"
        " VALUES ('r', 'fal', %s, %s, %s, '{user.content}', '{essential.service}', %s, '{}')",
        name, since, until, countries,
    )  # fmt: skip


def vendor(connection: Connection, name: str = "fal") -> None:
    put(
        connection,
        "INSERT INTO lifecycle.vendor VALUES ('r', %s, %s, 'ai', 'processor', '4.3', '{}', '{}', 'P1D', 'manual',"
        " 'manual', 'none', '0', '2026-01-01', '2026-06-01')",
        name, name,
    )  # fmt: skip


def send(
    connection: Connection, at: datetime, country: str | None = "US", order: str = "ord_1", name: str = "fal"
) -> None:
    put(
        connection,
        "INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose, destination_country,"
        " sent_at, access_countries, sub_processors)"
        " VALUES (gen_random_uuid(), %s, %s, 'user.content', 'essential.service', %s, %s, '{}', '{}')",
        order, name, country, at,
    )  # fmt: skip


def order(connection: Connection, name: str = "ord_1") -> None:
    put(
        connection,
        "INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at)"
        " VALUES (%s, gen_random_uuid(), 'x', %s, %s)",
        name, AT, AT,
    )  # fmt: skip


def drift(connection: Connection, at: datetime = AT) -> list[tuple[str, str, str]]:
    execute(connection, "vendor_inventory/observe_sent", **{**OBSERVE, "as_of": at})
    found = fetch(connection, "vendor_inventory/select_drift", run_id=1)
    return [(row["kind"], row["subject"], row["contract"]) for row in found]


def test_the_canaries_are_found_whatever_else_there_is(admin: Connection) -> None:
    vendor(admin)
    contract(admin, "c", AT - 400 * DAY, None, "{US}")
    order(admin)
    send(admin, AT - DAY)
    assert drift(admin) == []
    balance = fetch_one(admin, "vendor_inventory/read_balance")
    assert (balance["canaries"], balance["canaries_wrong"]) == (25, 0)
    assert (balance["observed"], balance["lines"], balance["vendors"]) == (1, 1, 1)
    assert (balance["unbalanced"], balance["contradicted"], balance["vendors_missing"]) == (0, 0, 0)


def test_each_moment_has_the_contract_of_that_moment(admin: Connection) -> None:
    """Two contracts with a gap between them: before the first the first counts, in the gap the one before."""
    vendor(admin)
    contract(admin, "one", AT - 300 * DAY, AT - 200 * DAY, "{US}")
    contract(admin, "two", AT - 100 * DAY, None, "{DE}")
    order(admin)
    for at in (
        AT - 300 * DAY - MOMENT,
        AT - 300 * DAY,
        AT - 200 * DAY - MOMENT,
        AT - 200 * DAY,
        AT - 100 * DAY - MOMENT,
    ):
        send(admin, at, "US")
    assert drift(admin) == [
        ("contract_expired", "", "one"),
        ("contract_not_begun", "", "one"),
        # Longest since anything was sent, and the second contract has begun longer ago than that.
        ("no_traffic", "", "two"),
    ]
    assert fetch_one(admin, "vendor_inventory/read_balance")["contradicted"] == 0
    counted = {
        row["kind"]: row["disclosures"] for row in fetch(admin, "vendor_inventory/select_drift", run_id=1)
    }
    assert counted == {"contract_expired": 2, "contract_not_begun": 1, "no_traffic": 0}


def test_the_second_contract_opens_nothing_for_the_first(admin: Connection) -> None:
    vendor(admin)
    contract(admin, "one", AT - 300 * DAY, AT - 200 * DAY, "{US}")
    contract(admin, "two", AT - 200 * DAY, None, "{DE}")
    order(admin)
    send(admin, AT - 200 * DAY - MOMENT, "DE")
    send(admin, AT - 200 * DAY, "US")
    send(admin, AT - DAY, "DE")
    assert drift(admin) == [("new_country", "DE", "one"), ("new_country", "US", "two")]


@pytest.mark.parametrize(
    ("last", "found"),
    [(AT - 90 * DAY, ["no_traffic"]), (AT - 90 * DAY + MOMENT, []), (None, ["no_traffic"])],
)
def test_silence_begins_that_moment(admin: Connection, last: datetime | None, found: list[str]) -> None:
    vendor(admin)
    contract(admin, "c", AT - 400 * DAY, None, "{US}")
    if last:
        order(admin)
        send(admin, last)
    assert [kind for kind, _, _ in drift(admin)] == found


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (AT - 89 * DAY, None, []),
        (AT - 90 * DAY, None, ["no_traffic"]),
        (AT - 400 * DAY, AT, []),
        (AT - 400 * DAY, AT + MOMENT, ["no_traffic"]),
        (AT + MOMENT, None, []),
    ],
)
def test_only_who_may_receive_can_be_silent(
    admin: Connection, since: datetime, until: datetime | None, found: list[str]
) -> None:
    vendor(admin)
    contract(admin, "c", since, until, "{US}")
    assert [kind for kind, _, _ in drift(admin)] == found


@pytest.mark.parametrize(("at", "overdue"), [(AT + DAY - MOMENT, False), (AT + DAY, True)])
def test_a_review_is_overdue_the_day_after_it_was_due(admin: Connection, at: datetime, overdue: bool) -> None:
    """It is due on 1 June: that day there is still time, all of it."""
    vendor(admin)
    assert (("review_overdue", "", "") in drift(admin, at)) is overdue


def test_what_is_dated_later_is_not_counted(admin: Connection) -> None:
    order(admin)
    send(admin, AT + MOMENT)
    send(admin, AT, order="ord_1")
    counted = fetch_one(admin, "vendor_inventory/count_sent", as_of=AT)
    assert (counted["disclosures"], counted["later"], counted["last_at"]) == (1, 1, AT)
    drift(admin)
    assert fetch_one(admin, "vendor_inventory/read_balance")["observed"] == 1


def test_a_person_with_two_orders_is_one_person(admin: Connection) -> None:
    for name in ("ord_1", "ord_2", "ord_3"):
        order(admin, name)
    put(admin, "UPDATE studio.orders SET customer_id = (SELECT customer_id FROM studio.orders WHERE order_id = 'ord_1')"
               " WHERE order_id = 'ord_2'")  # fmt: skip
    for name in ("ord_1", "ord_2", "ord_2", "ord_3"):
        send(admin, AT - DAY, order=name)
    drift(admin)
    (line,) = fetch(admin, "vendor_inventory/select_lines", run_id=1)
    assert (line["disclosures"], line["people"]) == (4, 2)


def test_a_document_is_what_its_digest_says(admin: Connection) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation):
        execute(admin, "vendor_inventory/insert_document", **{**DOCUMENT, "content": b"another"})


def test_every_kind_of_drift_has_a_canary(admin: Connection) -> None:
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT kind FROM lifecycle.drift_kind EXCEPT SELECT kind FROM lifecycle.inventory_expected"
        )
        assert cursor.fetchall() == []


def test_disclosures_are_read_once(admin: Connection) -> None:
    """One plan that reads the disclosures once, however many statements of the query look at them."""
    with admin.cursor() as cursor:
        cursor.execute(
            "EXPLAIN " + (SQL / "vendor_inventory" / "observe_sent.sql").read_text("utf-8"), OBSERVE
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert plan.count(" on disclosures ") == 1
