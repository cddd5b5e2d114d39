"""A studio database that tests fill row by row, and in which each statement runs as the role that uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg2
import psycopg2.extensions
import psycopg2.sql

from data_lifecycle.database import Row, copy_rows, execute, fetch
from data_lifecycle.evidence.lifecycle_verify import PLAN

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.photo_purge.clock import PhotoClock

AS_OF = datetime(2026, 6, 10, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BUCKETS = ("studio-uploads", "studio-backup")
CLOCKS = {"ended_before": AS_OF - 5 * DAY, "inactive_before": AS_OF - 35 * DAY}
WITHIN = (
    '{"erase_items": 0, "erase_bytes": 0, "caps": {"entries": {"found": "0", "allowed": "1"},'
    ' "bytes": {"found": "0", "allowed": "1"}}}'
)
"""Facts of a plan that is within its caps."""
_numbers = count(1)


def one_version(periods: dict[str, timedelta], time_zone: str) -> dict[str, list[Any]]:
    """The terms of a single version with these periods, strays falling under the strictest."""
    kinds = {**periods, "": min(periods.values())}
    lines = [
        (kind, 0, ended, 30 * DAY, kinds[kind], None, time_zone) for kind in kinds for ended in (True, False)
    ]
    names = ("kinds", "eras", "ended", "idle", "durations", "not_before", "time_zones")
    return {name: list(column) for name, column in zip(names, zip(*lines, strict=True), strict=True)} | {
        "begun": []
    }


class Stage:
    """Rows are put in by the superuser, past the triggers; statements run and commit as their role."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self._connections: dict[str, psycopg2.extensions.connection] = {}
        self.customer = str(uuid4())
        self.put("INSERT INTO studio.customers VALUES (%s, 'A', 'a@example.org', 'CN', 'Asia/Shanghai', false, %s)",
                 self.customer, AS_OF)  # fmt: skip

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def connection(self, role: str) -> psycopg2.extensions.connection:
        """The open connection of a role, in UTC like all of the house; "admin" is the superuser."""
        if role not in self._connections:
            url = self.studio.admin_url if role == "admin" else self.studio.urls[role]
            self._connections[role] = psycopg2.connect(url, options="-c TimeZone=UTC")
        return self._connections[role]

    def run(self, role: str, name: str, **values: object) -> list[Row]:
        """Rows of a statement, the photo purge's unless it says whose, run and committed as the role."""
        connection = self.connection(role)
        with connection:
            return fetch(connection, name if "/" in name else f"photo_purge/{name}", **values)

    def touch(self, role: str, name: str, **values: object) -> int:
        """Number of rows that a statement touched."""
        connection = self.connection(role)
        with connection:
            return execute(connection, name if "/" in name else f"photo_purge/{name}", **values)

    def put(self, sql: str, *values: object) -> Any:
        """Write a row as the superuser, without triggers; what the statement returns."""
        connection = self.connection("admin")
        with connection, connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(sql, values)
            found = cursor.fetchone() if cursor.description else None
            cursor.execute("SET session_replication_role = DEFAULT")
        return found[0] if found else None

    def order(
        self,
        ended: datetime | None = None,
        active: datetime = AS_OF,
        asked: datetime | None = None,
        state: str = "present",
        reopened: datetime | None = None,
        order_id: str | None = None,
        created: datetime = AS_OF - 99 * DAY,
    ) -> str:
        """An order; its id."""
        name = order_id or f"ord_{next(_numbers):06d}"
        self.put(
            "INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at, terminal_at, "
            "terminal_kind, reopened_at, erase_requested_at, photo_state) "
            "VALUES (%s, %s, 'x', %s, %s, %s, %s, %s, %s, %s)",
            *(name, self.customer, created, active, ended, "completed" if ended else None),
            *(reopened, asked, state),
        )
        return name

    def change(self, order_id: str, **columns: object) -> None:
        """Set columns of an order."""
        for column, value in columns.items():
            if column == "ended":
                kind = "completed" if value else None
                self.put("UPDATE studio.orders SET terminal_at = %s, terminal_kind = %s WHERE order_id = %s",
                         value, kind, order_id)  # fmt: skip
            else:
                names = {"active": "last_activity_at", "asked": "erase_requested_at", "state": "photo_state",
                         "reopened": "reopened_at"}  # fmt: skip
                statement = psycopg2.sql.SQL("UPDATE studio.orders SET {} = %s WHERE order_id = %s")
                self.put(statement.format(psycopg2.sql.Identifier(names[column])), value, order_id)  # type: ignore[arg-type]

    def upload(
        self,
        *orders: str,
        folder: str | None = None,
        made_from: UUID | None = None,
        absent: datetime | None = None,
        category: str = "personal_photo",
        key: str | None = None,
        given: datetime = AS_OF - 9 * DAY,
    ) -> UUID:
        """A recorded file linked to the orders; its id. Its key is ``self.key(id)``."""
        upload_id = uuid4()
        home = folder or (orders[0] if orders else "ord_none")
        self.put(
            "INSERT INTO studio.uploads "
            "VALUES (%s, %s, 'front', 'studio-uploads', %s, sha256(''), 1, 'image/jpeg', %s, %s, %s)",
            *(upload_id, category, key or f"orders/{home}/{upload_id}", made_from, given, absent),
        )
        for order_id in orders:
            self.link(order_id, upload_id)
        return upload_id

    def link(self, order_id: str, upload_id: UUID) -> None:
        self.put("INSERT INTO studio.order_uploads VALUES (%s, %s)", order_id, upload_id)

    def key(self, upload_id: UUID) -> str:
        """The object key of a recorded file."""
        return str(self.put("SELECT object_key FROM studio.uploads WHERE upload_id = %s", upload_id))

    def hold(self, *uploads: UUID, expires: datetime | None = None, basis: str | None = "court") -> UUID:
        """A hold by two people over the files; effective unless told otherwise."""
        hold_id = uuid4()
        later = expires or datetime.now(UTC) + DAY
        self.put("INSERT INTO studio.legal_holds VALUES (%s, %s, 'ann', 'bob', %s, %s)",
                 hold_id, basis, AS_OF - 90 * DAY, later)  # fmt: skip
        self.put(
            "UPDATE studio.legal_holds SET placed_at = clock_timestamp() - interval '1 hour' WHERE hold_id = %s",
            hold_id,
        )
        for upload_id in uploads:
            self.put("INSERT INTO studio.legal_hold_uploads VALUES (%s, %s)", hold_id, upload_id)
        return hold_id

    def release(self, hold_id: UUID) -> None:
        self.put("UPDATE studio.legal_holds SET released_at = clock_timestamp() WHERE hold_id = %s", hold_id)

    def new_run(
        self, dry_run: bool = False, facts: str = WITHIN, as_of: datetime = AS_OF, batches: int = 1
    ) -> int:
        """A sealed plan; its number."""
        (row,) = self.run(
            *("studio_reader", "run/insert_run"),
            pipeline="photo_purge", dag_run_id=f"run-{next(_numbers)}", attempt=1, as_of=as_of, dry_run=dry_run,
            policy_id="p", policy_version="1", policy_sha256="a", code_sha="c", manifest_sha256="m", batches=batches,
            facts=facts,
        )  # fmt: skip
        return int(row["run_id"])

    def claim(self, run_id: int, *orders: str, reason: str = "terminal", anchor: datetime = AS_OF - 6 * DAY,
              batch: int = 0) -> dict[str, tuple[UUID, int]]:  # fmt: skip
        """Claim the orders for the run: (case, epoch) by order."""
        n = len(orders)
        rows = self.run(
            *("studio_reader", "claim_cases"),
            pipeline="photo_purge", run_id=run_id, order_ids=list(orders), anchors=[anchor] * n, reasons=[reason] * n,
            starts=[anchor + 5 * DAY] * n, deadlines=[anchor + 7 * DAY] * n, batches=[batch] * n,
        )  # fmt: skip
        return {row["order_id"]: (row["case_id"], row["epoch"]) for row in rows}

    def seal(
        self,
        run_id: int,
        case: tuple[UUID, int],
        key: str,
        upload_id: UUID | None = None,
        disposition: str = "erase",
        kind: str = "version",
        version: str | None = None,
        origin: str = "original",
    ) -> int:
        """One line of the manifest; its number."""
        version = version or ("-" if kind == "nothing" else uuid4().hex)
        line = (
            run_id,
            *case,
            "photos",
            upload_id,
            origin,
            BUCKETS[0],
            key,
            kind,
            version,
            5,
            disposition,
            "1",
        )
        connection = self.connection("studio_reader")
        with connection:
            assert copy_rows(connection, "photo_purge/copy_items", [line]) == 1
        return int(
            self.put(
                "SELECT item_id FROM lifecycle.item WHERE version_id = %s AND object_key = %s", version, key
            )
        )

    def answer(self, run_id: int, items: dict[int, str]) -> int:
        """Note what the store answered for items; how many of the answers counted."""
        return self.touch("studio_eraser", "record_outcomes", run_id=run_id, item_ids=list(items),
                          states=list(items.values()), codes=[None] * len(items))  # fmt: skip

    def look(self, run_id: int, round_number: int, rows: Iterable[Sequence[object]]) -> None:
        """Note what an observer saw: (case, item, subject, disposition, key, kind, version, outcome) a row."""
        connection = self.connection("studio_observer")
        with connection:
            copy_rows(connection, "photo_purge/copy_observations", (
                (run_id, round_number, case, item, subject, disposition, BUCKETS[0], key, kind, version, 5, outcome,
                 None, AS_OF)
                for case, item, subject, disposition, key, kind, version, outcome in rows
            ))  # fmt: skip

    def item(self, item_id: int) -> tuple[str, str | None]:
        """State and code of an item."""
        state = self.put("SELECT state FROM lifecycle.item WHERE item_id = %s", item_id)
        return state, self.put("SELECT code FROM lifecycle.item WHERE item_id = %s", item_id)

    def due(self, as_of: datetime = AS_OF) -> set[str]:
        """Ids that the daily selection gives for the policy's periods."""
        rows = self.run("studio_reader", "select_due_orders", terminal_before=as_of - 5 * DAY,
                        inactive_before=as_of - 35 * DAY, requested_before=as_of)  # fmt: skip
        assert len(rows) == len({row["order_id"] for row in rows})
        return {row["order_id"] for row in rows}

    def files(self, *orders: str) -> dict[tuple[str, UUID], Row]:
        """What the plan would see of the orders' files."""
        rows = self.run("studio_reader", "select_uploads", order_ids=list(orders))
        assert len(rows) == len({(row["order_id"], row["upload_id"]) for row in rows})
        return {(row["order_id"], row["upload_id"]): row for row in rows}

    def stops(self, run_id: int, batch: int = 0) -> dict[UUID, set[str]]:
        """Cases that must not be touched now, with the reasons."""
        found: dict[UUID, set[str]] = {}
        for row in self.run("studio_eraser", "select_stops", run_id=run_id, batch=batch, **CLOCKS):
            found.setdefault(row["case_id"], set()).add(row["why"])
        return found

    def sweep(
        self,
        entries: Sequence[tuple[str, str]],
        run_id: int | None = None,
        as_of: datetime = AS_OF,
        time_zone: str = "Asia/Shanghai",
        clock: PhotoClock | None = None,
        **durations: timedelta,
    ) -> tuple[list[str], set[str], list[Row]]:
        """Judge (bucket, key) entries: the verdict of each, the orders to be looked at again, and the counts stored.

        By a ``clock`` with its versions, or by one version with these periods.
        """
        periods = {"personal_photo": 7 * DAY, "style_reference": 7 * DAY} | durations
        run = run_id or self.new_run()
        connection = self.connection("studio_observer")
        with connection:
            execute(connection, "photo_purge/create_inventory")
            lines = [
                (bucket, key, "version", f"v{n}", AS_OF - n * DAY) for n, (bucket, key) in enumerate(entries)
            ]
            copy_rows(connection, "photo_purge/copy_inventory", lines)
            execute(
                *(connection, "photo_purge/classify_inventory"),
                run_id=run, as_of=as_of, request=DAY, after_hold=DAY,
                **(clock.terms(as_of) if clock else one_version(periods, time_zone)),
            )  # fmt: skip
            with connection.cursor() as cursor:
                cursor.execute("SELECT i.version_id, j.verdict FROM judged j JOIN inventory i "
                               "ON (i.bucket, i.last_modified) = (j.bucket, j.last_modified)")  # fmt: skip
                verdicts = dict(cursor.fetchall())
            counts = fetch(connection, "photo_purge/insert_sweep", run_id=run, buckets=list(BUCKETS),
                           aged_before=AS_OF - 2 * DAY)  # fmt: skip
            execute(connection, "photo_purge/insert_resurfaced", run_id=run)
            with connection.cursor() as cursor:
                cursor.execute("SELECT order_id FROM lifecycle.resurfaced WHERE run_id = %s", (run,))
                again = {row[0] for row in cursor.fetchall()}
        return [verdicts[f"v{n}"] for n in range(len(entries))], again, counts

    def attest(self, run: int, name: str, **values: object) -> list[Row]:
        """A statement of the attester within the session of a run."""
        self.run("evidence_writer", "run/set_run", run_id=run)
        return self.run("evidence_writer", name, **values)

    def shut(self, run_id: int, *cases: UUID) -> int:
        """Close cases with some root; how many of them were."""
        return self.touch(
            *("evidence_writer", "close_cases"),
            run_id=run_id, case_ids=list(cases), roots=[bytes(32)] * len(cases),
        )  # fmt: skip

    def publish(self, run_id: int) -> None:
        """A plan of the run in the public log, as the sequencer leaves it."""
        name = f"plan/{run_id}"
        self.put(
            "INSERT INTO lifecycle.evidence (evidence_id, run_id, sequence, predicate_type, outcome, facts_sha256, "
            "key_id, envelope, envelope_sha256, stored_at, store_version_id) "
            "VALUES (%s, %s, 99, %s, 'planned', 'plan', 'k', '{}', 's', now(), 'v')",
            *(name, run_id, PLAN),
        )
        index = self.put("SELECT count(*) FROM lifecycle.log_leaf")
        self.put("INSERT INTO lifecycle.log_leaf VALUES (%s, %s, sha256(''))", index, name)
        self.put(
            "INSERT INTO lifecycle.log_checkpoint (tree_size, root, note, store_version_id) "
            "VALUES (%s, sha256(''), '', 'v')",
            index + 1,
        )

    def absent_cases(self, run_id: int) -> set[UUID]:
        """Cases of a run that are proven absent."""
        return {row["case_id"] for row in self.attest(run_id, "select_absent_cases", run_id=run_id)}

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
