"""A studio whose files went to vendors, worked on step by step without Airflow."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from data_lifecycle.database import connect, execute, fetch
from data_lifecycle.protocol.house import PromiseBroken
from data_lifecycle.vendor_erasure import acting, attesting, planning
from data_lifecycle.vendors.accounts import Account, GivenAccounts

if TYPE_CHECKING:
    from tests.faults.workshop import Workshop

    from data_lifecycle.protocol.house import House


class Desk:
    """A studio whose files went to vendors, and the erasure's steps."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.accounts: dict[str, Account] = {}
        self.runs = 0

    def sent(self, order: str, vendor: str, reference: str | None = "ref") -> None:
        """The order's files went to a vendor."""
        self.shop.sql(
            "INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose,"
            " destination_country, upload_id, vendor_ref, sent_at)"
            " SELECT gen_random_uuid(), order_id, %s, 'user.content.self_image', 'essential.service', 'US',"
            " upload_id, %s, now() FROM studio.order_uploads WHERE order_id = %s",
            vendor, reference, order,
        )  # fmt: skip

    def plan(self, as_of: datetime | None = None, dry: bool = False) -> int:
        self.runs += 1
        stated = as_of.isoformat() if as_of else None
        return planning.plan_run(self.shop.house, f"v{self.runs}", datetime.now(UTC), stated, dry)

    def work(self, run_id: int) -> None:
        """guard, submit, poll, verify."""
        planning.guard_run(self.shop.house, run_id)
        for stage in ("submit", "poll", "verify"):
            acting.run_stage(self.shop.house, run_id, stage, GivenAccounts(self.accounts))

    def close(self, run_id: int) -> tuple[str, list[str]]:
        """assert and attest: the outcome, and what did not hold."""
        broken: list[str] = []
        try:
            attesting.assert_erasures(self.shop.house, run_id)
        except PromiseBroken as error:
            broken = str(error).split(": ", 2)[2].split("; ")
        try:
            attesting.attest_run(self.shop.house, run_id, ())
        except PromiseBroken:
            return "failed", broken
        return "verified", broken

    def run(self, as_of: datetime | None = None) -> tuple[str, list[str]]:
        """A whole run."""
        run_id = self.plan(as_of)
        self.work(run_id)
        return self.close(run_id)

    def states(self) -> dict[str, str]:
        """State by vendor."""
        rows = self.shop.sql("SELECT vendor, state FROM lifecycle.vendor_erasure ORDER BY vendor")
        return {row["vendor"]: row["state"] for row in rows}

    def row(self, vendor: str) -> dict[str, Any]:
        (found,) = self.shop.sql("SELECT * FROM lifecycle.vendor_erasure WHERE vendor = %s", vendor)
        return found

    def results(self) -> list[dict[str, Any]]:
        """Results stated by all pipelines, oldest first, as a reviewer reads them."""
        return [
            json.loads(b64decode(json.loads(bytes(s["envelope"]))["payload"]))["predicate"]
            for s in self.shop.results()
        ]

    def residue(self) -> dict[str, str]:
        """Vendors that the latest statement of the photo purge names as places, with their dates."""
        purge = [found for found in self.results() if found["pipeline"] == "photo_purge"][-1]
        return {
            part["where"].removeprefix("vendor "): part["until"]
            for item in purge["items"]
            for part in item.get("residue", ())
            if part["where"].startswith("vendor ")
        }


def quickly(house: House, run_id: int, suite: str, parameters: Mapping[str, int]) -> None:
    """The suite evaluated with plain SQL, as Great Expectations does it in the tests marked `slow`."""
    (part,) = json.loads((house.settings.include / "expectations" / f"{suite}.json").read_text("utf-8"))[
        "tables"
    ]
    with connect(house.connections.database("studio_auditor"), "judge") as connection, connection:
        fetch(connection, "run/set_run", run_id=run_id)
        (balance,) = fetch(connection, "vendor_erasure/read_balance")
        held = {"books exist": True}
        for expectation in part["expectations"][1:]:
            asked, seen = expectation["kwargs"], balance[expectation["kwargs"]["column"]]
            bounds = [
                parameters[b["$PARAMETER"]] if isinstance(b, dict) else b
                for b in (asked["min_value"], asked.get("max_value", seen))
            ]
            held[expectation["meta"]["name"]] = bounds[0] <= seen <= bounds[1]
        execute(
            connection,
            "evidence/insert_assertions",
            run_id=run_id,
            names=[f"{part['table']}: {name}" for name in held],
            successes=list(held.values()),
            observed=["-"] * len(held),
            expected=["-"] * len(held),
        )
    broken = [f"{part['table']}: {name}" for name, ok in held.items() if not ok]
    if broken:
        raise PromiseBroken(f"run {run_id}: {len(broken)} assertions did not hold: {'; '.join(broken)}")
