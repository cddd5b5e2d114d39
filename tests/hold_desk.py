"""Legal holds as a studio's staff places them, their pipeline one step at a time, and flags seen by plain boto3."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from tests.faults.workshop import File, Workshop

from data_lifecycle.database import connect, fetch, fetch_one
from data_lifecycle.holds import acting, attesting, observing, planning
from data_lifecycle.protocol.house import House, PromiseBroken

Flagged = set[tuple[str, str, str]]


class Desk:
    """``shop`` is the studio; holds go through the functions that the application may call."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.house = shop.house

    # holds -----------------------------------------------------------------------------------------------------------

    def call(self, statement: str, **values: object) -> Any:
        """A statement of include/sql/holds as the studio's application; its first column."""
        with (
            connect(self.house.connections.database("studio_app"), "test") as connection,
            connection,
        ):
            return next(iter(fetch_one(connection, f"holds/{statement}", **values).values()))

    def place(self, *files: File, days: float = 30, by: str = "ann") -> str:
        """A hold that nobody has approved yet."""
        return str(
            self.call(
                "place_hold",
                basis="a dispute",
                basis_class="dispute",
                placed_by=by,
                expires_at=datetime.now(UTC) + timedelta(days=days),
                uploads=[file.upload_id for file in files],
            )
        )

    def approve(self, hold: str, by: str = "bob") -> str:
        """What was approved."""
        return str(self.call("approve_hold", hold_id=hold, who=by))

    def hold(self, *files: File, days: float = 30) -> str:
        """A hold in force."""
        hold = self.place(*files, days=days)
        self.approve(hold)
        return hold

    def release(self, hold: str) -> None:
        """Ends now."""
        self.call("release_hold", hold_id=hold, who="ann")

    def expire(self, hold: str) -> None:
        """Its end has passed."""
        self.shop.sql(
            "UPDATE studio.legal_holds SET placed_at = now() - interval '9 days', approved_at = now() - interval"
            " '9 days', expires_at = now() - interval '1 second' WHERE hold_id = %s",
            hold,
        )

    def in_force(self, hold: str) -> bool:
        """Whether it holds anything now."""
        return bool(self.shop.sql("SELECT 1 FROM studio.hold_in_force WHERE hold_id = %s", hold))

    def files(self, order: str) -> list[File]:
        """Files of an order."""
        rows = self.shop.sql(
            "SELECT upload_id::text, object_key FROM studio.uploads JOIN studio.order_uploads USING (upload_id)"
            " WHERE order_id = %s",
            order,
        )
        return [File(row["upload_id"], row["object_key"]) for row in rows]

    # pipeline --------------------------------------------------------------------------------------------------------

    def plan(self, dry_run: bool = False, house: House | None = None) -> int:
        return planning.plan_run(house or self.house, f"run {uuid.uuid4()}", dry_run)

    def flag(self, run_id: int, house: House | None = None) -> None:
        if planning.guard_run(house or self.house, run_id):
            acting.act_run(house or self.house, run_id)

    def look(self, run_id: int, house: House | None = None) -> dict[str, Any]:
        """Observe; the books."""
        observing.observe_run(house or self.house, run_id)
        return self.books(run_id)

    def keep(self, house: House | None = None) -> dict[str, Any]:
        """Plan, flag, observe; the books."""
        run_id = self.plan(house=house)
        self.flag(run_id, house)
        return {"run_id": run_id, **self.look(run_id, house)}

    def attest(self, run_id: int, *unfinished: str) -> str:
        """Assert and state; "verified" or "failed"."""
        with suppress(PromiseBroken):
            attesting.assert_holds(self.house, run_id)
        try:
            attesting.attest_run(self.house, run_id, unfinished)
        except PromiseBroken:
            return "failed"
        return "verified"

    def books(self, run_id: int) -> dict[str, Any]:
        with connect(self.house.connections.database("studio_auditor"), "test") as connection:
            fetch(connection, "run/set_run", run_id=run_id)
            return dict(fetch_one(connection, "holds/read_balance"))

    # the store -------------------------------------------------------------------------------------------------------

    def flagged(self) -> Flagged:
        """Versions below orders/ that are under the store's hold, as the administrator sees them."""
        return {
            (bucket, key, version)
            for bucket, key, kind, version in self.shop.everything()
            if kind == "version" and self.is_on(bucket, key, version)
        }

    def is_on(self, bucket: str, key: str, version: str) -> bool:
        try:
            found = self.shop.s3.get_object_legal_hold(Bucket=bucket, Key=key, VersionId=version)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchObjectLegalHold":
                raise
            return False
        return bool(found["LegalHold"]["Status"] == "ON")

    def versions(self, *keys: str) -> Flagged:
        """All versions of these keys, in both buckets."""
        return {
            (bucket, key, version)
            for bucket, key, kind, version in self.shop.everything()
            if kind == "version" and key in keys
        }
