"""A studio with payments made by hand, the archive's steps one at a time, and eyes that are not the product's own."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg2.extras
import pytest

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

DUE = timedelta(days=120)
"""How long ago a payment was made that is due to be archived."""
CARD = "4242424242424242"


def letters() -> str:
    """A random word without digits, a run of which could look like a card's number by chance."""
    return uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))


@dataclass(frozen=True)
class Paid:
    """A payment as it was inserted."""

    payment_id: str
    charge_id: str
    order_id: str
    amount: Decimal


class Till:
    """Payments, the archive's steps, the vault. ``s3`` is a plain boto3 client of the administrator."""

    def __init__(self, house: House, admin_url: str, s3: Any) -> None:
        self.house, self.admin_url, self.s3 = house, admin_url, s3
        self.bucket = house.settings.bucket_vault

    # rows ------------------------------------------------------------------------------------------------------------

    def sql(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Run a statement as the superuser, in a transaction of its own."""
        from data_lifecycle.connections import DatabaseAccess
        from data_lifecycle.database import connect

        with (
            connect(DatabaseAccess(self.admin_url), "test") as connection,
            connection,
            connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
        ):
            cursor.execute(statement, values or None)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.sql(f"SELECT count(*) AS n FROM {table}")[0]["n"])  # noqa: S608 — a constant

    def order(self, customer_id: str | None = None) -> str:
        """An order of a (new) customer; its id."""
        order_id = f"ord_{letters()[:12]}"
        customer = customer_id or self.customer()
        self.sql(
            "INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at)"
            " VALUES (%s, %s, 'portrait', now() - interval '200 days', now() - interval '200 days')",
            order_id, customer,
        )  # fmt: skip
        return order_id

    def customer(self) -> str:
        """A customer; the id."""
        customer_id = str(uuid.uuid4())
        self.sql(
            "INSERT INTO studio.customers (customer_id, display_name, email, country, time_zone, created_at)"
            " VALUES (%s, 'Nobody', 'nobody@example.org', 'DE', 'Europe/Berlin', now())",
            customer_id,
        )
        return customer_id

    def pay(
        self,
        made: timedelta | datetime = DUE,
        *,
        of: Paid | None = None,
        order_id: str | None = None,
        kind: str | None = None,
        amount: str = "10.5000",
        currency: str = "EUR",
        settled: timedelta | None = timedelta(0),
        payload: Mapping[str, Any] | None = None,
        name: str | None = "Zoë Ångström",
        fee: str | None = "0.3000",
        ref: str | None = None,
    ) -> Paid:
        """A charge made then (or that long ago), or a refund ``of`` one; settled so much later, None for not yet."""
        at = made if isinstance(made, datetime) else datetime.now(UTC) - made
        payment_id = str(uuid.uuid4())
        paid = Paid(
            payment_id,
            of.charge_id if of else payment_id,
            of.order_id if of else order_id or self.order(),
            Decimal(amount),
        )
        self.sql("SELECT studio.add_payment_months(%s, %s)", at.date(), at.date())
        self.sql(
            "INSERT INTO studio.payments (payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee,"
            " currency, occurred_at, settled_at, payer_name, payer_country, provider_payload)"
            " VALUES (%s, %s, %s, %s, 'stripe', %s, %s, %s, %s, %s, %s, %s, 'DE', %s)",
            payment_id, paid.charge_id, paid.order_id, kind or ("refund" if of else "charge"),
            ref or f"ch_{letters()}", amount, fee, currency, at, None if settled is None else at + settled, name,
            None if payload is None else json.dumps(payload),
        )  # fmt: skip
        return paid

    def hot(self) -> set[str]:
        """Ids of the payments in the hot table."""
        return {str(row["payment_id"]) for row in self.sql("SELECT payment_id FROM studio.payments")}

    def files(self, *states: str) -> list[dict[str, Any]]:
        """The books' files, in some states or all."""
        return self.sql(
            "SELECT * FROM lifecycle.archive_file WHERE %s = '{}' OR state = ANY (%s) ORDER BY planned_at, batch",
            list(states), list(states),
        )  # fmt: skip

    def balanced(self) -> bool:
        """Whether what ever arrived is hot, archived or expired, in every line, with at least one line."""
        rows = self.sql("SELECT missing_rows, missing_amount FROM lifecycle.payment_books")
        return bool(rows) and not any(row["missing_rows"] or row["missing_amount"] for row in rows)

    # vault -----------------------------------------------------------------------------------------------------------

    def objects(self) -> set[tuple[str, str]]:
        """(key, version) of everything in this test's folder of the vault."""
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=f"{self.house.settings.vault_folder}/"
        )
        return {
            (entry["Key"], entry["VersionId"])
            for page in pages
            for part in ("Versions", "DeleteMarkers")
            for entry in page.get(part, [])
        }

    def records(self, *states: str) -> dict[str, dict[str, Any]]:
        """Records by payment id, as plain pyarrow reads them from the files of these states (default current)."""
        import io

        import pyarrow.parquet as pq

        found: dict[str, dict[str, Any]] = {}
        for file in sorted(
            self.files(*(states or ("current",))), key=lambda f: f["current_at"] or f["planned_at"]
        ):
            body = self.s3.get_object(
                Bucket=self.bucket, Key=file["object_key"], VersionId=file["version_id"]
            )["Body"].read()
            for record in pq.read_table(io.BytesIO(body)).to_pylist():
                found[str(record["payment_id"])] = record
        return found

    # steps -----------------------------------------------------------------------------------------------------------

    def through(self, **stores: Any) -> House:
        """The house with other ways to the store for some identities."""
        from tests.faults.workshop import Through

        return replace(self.house, connections=Through(self.house.connections, stores))

    def plan(self, dag_run_id: str = "one", as_of: datetime | None = None, house: House | None = None) -> int:
        from data_lifecycle.payment_archive.planning import plan_run

        stated = as_of.isoformat() if as_of else None
        return plan_run(house or self.house, dag_run_id, datetime.now(UTC), stated, dry_run=False)

    def step(self, name: str, run_id: int, house: House | None = None) -> Any:
        """A step of the pipeline, for all batches where it has several."""
        from data_lifecycle.payment_archive import (
            archiving,
            comparing,
            expiring,
            observing,
            planning,
            removing,
        )
        from data_lifecycle.payment_archive.pseudonymise import pseudonymise_run

        place = house or self.house
        if name == "guard":
            return planning.guard_run(place, run_id)
        whole = {
            "pseudonymise": pseudonymise_run,
            "expire": expiring.expire_run,
            "observe": observing.observe_run,
        }
        if name in whole:
            return whole[name](place, run_id)
        if name == "assert":
            return self.judge(run_id)
        if name == "attest":
            return self.attest(run_id, house=place)
        mapped = {
            "archive": archiving.archive_batch,
            "compare": comparing.compare_batch,
            "remove": removing.remove_batch,
        }
        batches = self.sql("SELECT batches FROM lifecycle.run WHERE run_id = %s", run_id)[0]["batches"]
        for batch in range(batches):
            mapped[name](place, run_id, batch)
        return None

    def judge(self, run_id: int) -> list[str]:
        """The suite evaluated with plain SQL, outcomes stored as the real step stores them; names of what failed."""
        from data_lifecycle.database import connect, execute
        from data_lifecycle.protocol import ledger

        suite = json.loads(
            (self.house.settings.include / "expectations" / "payment_archive.json").read_text("utf-8")
        )
        found: dict[str, tuple[bool, str]] = {}
        with connect(self.house.connections.database("studio_auditor"), "judge") as connection, connection:
            with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute("SELECT set_config('lifecycle.run_id', %s, false)", [str(run_id)])
                for part in suite["tables"]:
                    cursor.execute(f"TABLE lifecycle.{part['table']}")  # a name out of the suite
                    rows = cursor.fetchall()
                    for expectation in part["expectations"]:
                        name = f"{part['table']}: {expectation['meta']['name']}"
                        found[name] = _holds(expectation["kwargs"], rows)
            execute(
                connection,
                "evidence/insert_assertions",
                run_id=run_id,
                names=list(found),
                successes=[ok for ok, _ in found.values()],
                observed=[seen for _, seen in found.values()],
                expected=["-"] * len(found),
            )
        with connect(self.house.connections.database("evidence_writer"), "judge") as connection:
            run = self.sql("SELECT * FROM lifecycle.run WHERE run_id = %s", run_id)[0]
            ledger.state_assertions(self.house, connection, run, "payment_archive")
            connection.commit()
        return [name for name, (ok, _) in found.items() if not ok]

    def attest(self, run_id: int, *unfinished: str, house: House | None = None) -> str:
        """State the outcome: "verified" or "failed"."""
        from data_lifecycle.payment_archive.attesting import attest_run
        from data_lifecycle.protocol.house import PromiseBroken

        try:
            attest_run(house or self.house, run_id, unfinished)
        except PromiseBroken:
            return "failed"
        return "verified"

    def run(self, dag_run_id: str = "one", as_of: datetime | None = None, house: House | None = None) -> str:
        """A whole run; its outcome."""
        run_id = self.plan(dag_run_id, as_of, house)
        for name in STEPS[1:]:
            outcome = self.step(name, run_id, house)
        return str(outcome)

    def verify(self) -> Any:
        """What the reviewer's stand-alone verifier says of the whole log."""
        from data_lifecycle.evidence import keys
        from data_lifecycle.evidence.bundle import export, trust_file
        from data_lifecycle.evidence.lifecycle_verify import verify

        settings = self.house.settings
        attester, log_key = (keys.load(key).public_key() for key in (settings.attester_key, settings.log_key))
        trust = trust_file(settings.log_origin, [attester], log_key, datetime(2024, 1, 1, tzinfo=UTC))
        return verify(export(self.house.connections.database("reviewer"), None), trust)

    def statements(self) -> list[dict[str, Any]]:
        """Predicates of the results stated, oldest first."""
        from base64 import b64decode

        rows = self.sql(
            "SELECT envelope FROM lifecycle.evidence WHERE predicate_type LIKE '%%/result/v1' ORDER BY run_id, sequence"
        )
        return [
            json.loads(b64decode(json.loads(bytes(row["envelope"]))["payload"]))["predicate"] for row in rows
        ]


def _holds(asked: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> tuple[bool, str]:
    """Whether an expectation of the suite holds for these rows, and what was seen: counts of rows, maxima, words."""
    if "value" in asked:
        return len(rows) == asked["value"], str(len(rows))
    seen = [row[asked["column"]] for row in rows]
    if "value_set" in asked:
        return set(seen) <= set(asked["value_set"]), str(seen)
    return bool(seen) and asked["min_value"] <= max(seen) <= asked["max_value"], str(max(seen))


STEPS = (
    "plan",
    "guard",
    "pseudonymise",
    "archive",
    "compare",
    "remove",
    "expire",
    "observe",
    "assert",
    "attest",
)


@pytest.fixture
def till(house: House, studio: Studio, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Till:
    """A studio without payments, and a folder of the vault that is this test's alone: nobody can empty the bucket."""
    from data_lifecycle.objects.store import client

    folder = f"payments-{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("LIFECYCLE_VAULT_FOLDER", folder)
    own = replace(house, settings=replace(house.settings, vault_folder=folder))
    return Till(own, studio.admin_url, client(store.store_access("object_admin")))
