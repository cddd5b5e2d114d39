"""Audits step by step: a studio to fill by hand, time that passes in a row, and what an audit made of it."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2.extras
from cryptography.hazmat.primitives import serialization
from tests.faults.workshop import DUE, Workshop

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, execute, fetch, fetch_one
from data_lifecycle.evidence import keys
from data_lifecycle.evidence.bundle import export, trust_file
from data_lifecycle.evidence.lifecycle_verify import Result, verify
from data_lifecycle.evidence_audit import attesting, logbook, observing, planning, residue
from data_lifecycle.protocol.house import House, PromiseBroken

DAY = timedelta(days=1)


def judge(house: House, run_id: int) -> dict[str, bool]:
    """The audit's suite evaluated with plain SQL, a hundred times faster; outcomes are stored as the real step does."""
    import json

    suite = json.loads((house.settings.include / "expectations" / "evidence_audit.json").read_text("utf-8"))
    held: dict[str, bool] = {}
    with connect(house.connections.database("studio_auditor"), "judge") as connection, connection:
        fetch(connection, "run/set_run", run_id=run_id)
        expected = fetch_one(connection, "evidence_audit/count_audited", run_id=run_id)["cases"]
        for part in suite["tables"]:
            with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(f"TABLE lifecycle.{part['table']}")
                rows = list(cursor.fetchall())
            for one in part["expectations"]:
                held[f"{part['table']}: {one['meta']['name']}"] = _holds(one, rows, expected)
        execute(
            connection,
            "evidence/insert_assertions",
            run_id=run_id,
            names=list(held),
            successes=list(held.values()),
            observed=["-" for _ in held],
            expected=["-" for _ in held],
        )
    return held


def _holds(expectation: dict[str, Any], rows: list[Any], cases: int) -> bool:
    given = expectation["kwargs"]
    if expectation["type"] == "expect_table_row_count_to_equal":
        return len(rows) == (cases if isinstance(given["value"], dict) else given["value"])
    values = [row[given["column"]] for row in rows]
    if expectation["type"] == "expect_column_values_to_be_in_set":
        return all(value in given["value_set"] for value in values)
    if expectation["type"] == "expect_column_values_to_not_be_null":
        return None not in values
    return bool(given["min_value"] <= max(values) <= given.get("max_value", max(values)))


class Auditor:
    """The steps of the audit on the house of a workshop."""

    def __init__(self, shop: Workshop, house: House | None = None) -> None:
        self.shop = shop
        self.house = house or shop.house
        self.broken: set[str] = set()

    def plan(self, *, everything: bool = False, as_of: datetime | None = None, dry_run: bool = False) -> int:
        moment = as_of.isoformat() if as_of else None
        return planning.plan_run(self.house, "audit", datetime.now(UTC), moment, dry_run, everything)

    def finish(self, run_id: int) -> str:
        """Everything after guard; the outcome."""
        logbook.check_log(self.house, run_id)
        observing.observe_run(self.house, run_id)
        residue.look_at_residue(self.house, run_id)
        residue.forget_salts(self.house, run_id)
        self.broken = {name.split(": ")[1] for name, held in judge(self.house, run_id).items() if not held}
        return self.attest(run_id)

    def attest(self, run_id: int, *unfinished: str) -> str:
        try:
            attesting.attest_run(self.house, run_id, unfinished)
        except PromiseBroken as broken:
            if "is not verified" not in str(broken):
                raise
            return "failed"
        return "verified"

    def run(self, *, everything: bool = False, as_of: datetime | None = None) -> str:
        """A whole audit; its outcome."""
        run_id = self.plan(everything=everything, as_of=as_of)
        planning.guard_run(self.house, run_id)
        return self.finish(run_id)

    def age(self, span: timedelta) -> None:
        """Let time pass for what was closed and audited."""
        self.shop.sql(
            "UPDATE lifecycle.erasure_case SET closed_at = closed_at - %s, deadline_at = deadline_at - %s"
            " WHERE closed_at IS NOT NULL",
            span,
            span,
        )
        self.shop.sql(
            "UPDATE lifecycle.audit_state SET looked_at = looked_at - %s, next_look_at = next_look_at - %s,"
            " next_residue_at = next_residue_at - %s",
            span, span, span,
        )  # fmt: skip
        self.shop.sql("UPDATE studio.uploads SET uploaded_at = uploaded_at - %s", span)

    def findings(self) -> list[tuple[str, str]]:
        """Differences that the latest check named, sorted."""
        rows = self.shop.sql(
            "SELECT what, subject FROM lifecycle.audit_finding WHERE (run_id, round) ="
            " (SELECT run_id, round FROM lifecycle.audit_log ORDER BY checked_at DESC LIMIT 1)"
        )
        return sorted((row["what"], row["subject"]) for row in rows)

    def whys(self) -> dict[str, str]:
        """Why the latest audit looked at which order's case."""
        rows = self.shop.sql(
            "SELECT c.order_id, a.why FROM lifecycle.audit_case a JOIN lifecycle.erasure_case c USING (case_id)"
            " WHERE a.run_id = (SELECT max(run_id) FROM lifecycle.run WHERE pipeline = 'evidence_audit')"
        )
        return {row["order_id"]: row["why"] for row in rows}

    def verdicts(self) -> dict[str, str]:
        """What the latest audit saw of which order's case."""
        rows = self.shop.sql(
            "SELECT c.order_id, v.verdict FROM lifecycle.audit_verdict v JOIN lifecycle.erasure_case c USING (case_id)"
            " WHERE v.run_id = (SELECT max(run_id) FROM lifecycle.run WHERE pipeline = 'evidence_audit')"
        )
        return {row["order_id"]: row["verdict"] for row in rows}

    def result(self) -> dict[str, Any]:
        """The latest result of an audit, as it was signed."""
        import json
        from base64 import b64decode

        row = self.shop.sql(
            "SELECT e.envelope FROM lifecycle.evidence e JOIN lifecycle.run r USING (run_id) WHERE r.pipeline ="
            " 'evidence_audit' AND e.outcome IN ('verified', 'failed') ORDER BY e.signed_at DESC LIMIT 1"
        )[0]
        found: dict[str, Any] = json.loads(b64decode(json.loads(bytes(row["envelope"]))["payload"]))[
            "predicate"
        ]
        return found

    def states(self) -> dict[str, int]:
        """How many cases the latest result claims in which state."""
        claimed: dict[str, int] = {}
        for item in self.result()["items"]:
            claimed[item["state"]] = claimed.get(item["state"], 0) + 1
        return claimed

    def verify(self) -> Result:
        """What the stand-alone verifier says about the whole log."""
        settings = self.house.settings
        public = serialization.load_pem_public_key(settings.log_key.with_suffix(".pub.pem").read_bytes())
        begin = datetime(2020, 1, 1, tzinfo=UTC)
        trust = trust_file(
            settings.log_origin, [keys.load(settings.attester_key).public_key()], public, begin  # type: ignore[arg-type]
        )  # fmt: skip
        bundle = export(DatabaseAccess(self.shop.admin_url), None)
        assert zipfile.is_zipfile(io.BytesIO(bundle))
        return verify(bundle, trust)


def purged(shop: Workshop, *, files: int = 1) -> str:
    """An order whose files were purged and attested absent."""
    order = shop.order(DUE, files=files)
    assert shop.purge(f"purge {order}") == "verified"
    assert shop.everything(order) == set()
    return order
