"""Orders and files made by hand, the purge's steps one at a time, and eyes that are not the product's own."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2.extras

from data_lifecycle.connections import Connections, DatabaseAccess, StoreAccess
from data_lifecycle.database import connect, execute, fetch
from data_lifecycle.evidence.bundle import export, trust_file
from data_lifecycle.evidence.keys import load as load_key
from data_lifecycle.evidence.lifecycle_verify import Result, pack, unpack, verify
from data_lifecycle.objects.store import client
from data_lifecycle.photo_purge.acting import act_batch, settle_run
from data_lifecycle.photo_purge.attesting import attest_run
from data_lifecycle.photo_purge.guarding import guard_run
from data_lifecycle.photo_purge.observing import observe_run, sweep_run
from data_lifecycle.photo_purge.planning import plan_run
from data_lifecycle.protocol.concluding import state_assertions
from data_lifecycle.protocol.house import House, PromiseBroken

DUE = timedelta(days=5, hours=12)
"""How long ago a due order ended: erasable for half a day, the deadline a day and a half away."""
LATE = timedelta(days=8)
"""Past the deadline."""
Entry = tuple[str, str, str, str]
"""(bucket, key, kind, version or upload id)."""

CLOSINGS = """
CREATE TABLE lifecycle.closing (case_id uuid, order_id text, run_id bigint);
CREATE FUNCTION lifecycle.note_closing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO lifecycle.closing VALUES (NEW.case_id, NEW.order_id, NEW.run_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER note_closing AFTER UPDATE ON lifecycle.erasure_case FOR EACH ROW
    WHEN (OLD.state = 'open' AND NEW.state = 'absent') EXECUTE FUNCTION lifecycle.note_closing();
"""


@dataclass(frozen=True)
class File:
    """A recorded file."""

    upload_id: str
    key: str


@dataclass(frozen=True)
class Through:
    """Connections of which some store identities take another way, or another credential."""

    inner: Connections
    stores: Mapping[str, StoreAccess] = field(default_factory=dict)

    def database(self, role: str) -> DatabaseAccess:
        return self.inner.database(role)

    def store(self, identity: str) -> StoreAccess:
        return self.stores.get(identity) or self.inner.store(identity)


class Workshop:
    """A studio with exactly what a test puts into it. ``s3`` is a plain boto3 client of the administrator."""

    def __init__(self, house: House, admin_url: str, admin_store: StoreAccess) -> None:
        self.house = house
        self.admin_url = admin_url
        self.s3: Any = client(admin_store)
        self.uploads, self.backup = house.settings.photo_buckets
        self.customer = str(uuid.uuid4())
        self.entries: dict[str, bytes] = {}
        self.sql(
            "INSERT INTO studio.customers VALUES"
            " (%s, 'Nobody', 'nobody@example.org', 'DE', 'Europe/Berlin', false, now())",
            self.customer,
        )
        self.sql(CLOSINGS)

    # rows ------------------------------------------------------------------------------------------------------------

    def sql(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Run a statement as the superuser, in a transaction of its own."""
        with (
            connect(DatabaseAccess(self.admin_url), "test") as connection,
            connection,
            connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
        ):
            cursor.execute(statement, values or None)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def order(
        self,
        ended: timedelta | datetime | None = DUE,
        *,
        idle: timedelta = timedelta(hours=1),
        order_id: str | None = None,
        files: int = 1,
    ) -> str:
        """An order that ended then (or that long ago), or is open and ``idle``; with this many simple files."""
        name = order_id or f"ord_{uuid.uuid4().hex[:12]}"
        end = datetime.now(UTC) - ended if isinstance(ended, timedelta) else ended
        begun = (end or datetime.now(UTC) - idle) - timedelta(days=2)
        self.sql(
            "INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at)"
            " VALUES (%s, %s, 'portrait', %s, %s)",
            name, self.customer, begun, begun if end else datetime.now(UTC) - idle,
        )  # fmt: skip
        if end:
            self.event(name, "completed", end)
        for number in range(files):
            self.file(name, f"photo-{number}.jpg")
        return name

    def event(self, order_id: str, kind: str, at: datetime | None = None) -> None:
        """Something happens to an order, now if no moment is given."""
        self.sql(
            "INSERT INTO studio.order_events (order_id, kind, occurred_at) VALUES (%s, %s, %s)",
            order_id, kind, at or datetime.now(UTC),
        )  # fmt: skip

    def file(
        self,
        order_id: str,
        name: str = "front.jpg",
        *,
        versions: int = 1,
        marker: bool = False,
        unfinished: bool = False,
        backup: bool = True,
        category: str = "personal_photo",
        derived_from: File | None = None,
    ) -> File:
        """A file of an order: its objects, then its rows."""
        key = f"orders/{order_id}/{name}"
        for bucket in (self.uploads, self.backup) if backup else (self.uploads,):
            for number in range(versions):
                self.s3.put_object(Bucket=bucket, Key=key, Body=b"%d" % number)
        if marker:
            self.s3.delete_object(Bucket=self.uploads, Key=key)
        if unfinished:
            self.begin(key)
        return self.record(order_id, key, category=category, derived_from=derived_from)

    def record(
        self,
        order_id: str,
        key: str,
        *,
        category: str = "personal_photo",
        derived_from: File | None = None,
        bucket: str | None = None,
    ) -> File:
        """The rows of a file."""
        made = File(str(uuid.uuid4()), key)
        self.sql(
            "INSERT INTO studio.uploads (upload_id, category, role, bucket, object_key, sha256, bytes, media_type,"
            " derived_from, uploaded_at) VALUES (%s, %s, 'front', %s, %s, %s, 1, 'image/jpeg', %s, now())",
            made.upload_id, category, bucket or self.uploads, key, hashlib.sha256(key.encode()).digest(),
            derived_from.upload_id if derived_from else None,
        )  # fmt: skip
        self.share(made, order_id)
        return made

    def share(self, file: File, order_id: str) -> None:
        """Another order uses the file too."""
        self.sql("INSERT INTO studio.order_uploads VALUES (%s, %s)", order_id, file.upload_id)

    def hold(self, *files: File) -> str:
        """A hold that has all it needs, from now on; its id."""
        hold_id = str(uuid.uuid4())
        self.sql(
            "INSERT INTO studio.legal_holds VALUES (%s, 'a dispute', 'a', 'b', now(), now() + interval '1 day', NULL)",
            hold_id,
        )
        for file in files:
            self.sql("INSERT INTO studio.legal_hold_uploads VALUES (%s, %s)", hold_id, file.upload_id)
        return hold_id

    def state(self, order_id: str) -> str:
        """Whether files of the order are believed to exist."""
        return str(
            self.sql("SELECT photo_state FROM studio.orders WHERE order_id = %s", order_id)[0]["photo_state"]
        )

    def case(self, order_id: str) -> str:
        """State of the order's only case."""
        (found,) = self.sql("SELECT state FROM lifecycle.erasure_case WHERE order_id = %s", order_id)
        return str(found["state"])

    def closings(self, order_id: str) -> int:
        """How often a case of the order was closed."""
        return len(self.sql("SELECT 1 FROM lifecycle.closing WHERE order_id = %s", order_id))

    def statements(self) -> list[dict[str, Any]]:
        """Statements in the database, oldest first."""
        return self.sql("SELECT * FROM lifecycle.evidence ORDER BY run_id, sequence")

    def results(self) -> list[dict[str, Any]]:
        """Statements about what runs came to, oldest first."""
        return [s for s in self.statements() if s["outcome"] in ("verified", "failed")]

    # objects ---------------------------------------------------------------------------------------------------------

    def begin(self, key: str, bucket: str | None = None) -> str:
        """Begin an upload in parts; its id."""
        place = bucket or self.uploads
        upload_id: str = self.s3.create_multipart_upload(Bucket=place, Key=key)["UploadId"]
        self.s3.upload_part(Bucket=place, Key=key, UploadId=upload_id, PartNumber=1, Body=b"part")
        return upload_id

    def complete(self, key: str, upload_id: str, bucket: str | None = None) -> None:
        """Finish an upload in parts."""
        place = bucket or self.uploads
        parts = self.s3.list_parts(Bucket=place, Key=key, UploadId=upload_id)["Parts"]
        self.s3.complete_multipart_upload(
            Bucket=place, Key=key, UploadId=upload_id,
            MultipartUpload={"Parts": [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in parts]},
        )  # fmt: skip

    def everything(self, *order_ids: str) -> set[Entry]:
        """What lies in the folders of these orders (of all, if none is named), in both buckets, seen by plain boto3."""
        found: set[Entry] = set()
        for bucket in (self.uploads, self.backup):
            for page in self.s3.get_paginator("list_object_versions").paginate(
                Bucket=bucket, Prefix="orders/"
            ):
                for part, kind in (("Versions", "version"), ("DeleteMarkers", "marker")):
                    found |= {(bucket, e["Key"], kind, e["VersionId"]) for e in page.get(part, [])}
            page = self.s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1000)
            assert not page.get("IsTruncated")
            found |= {
                (bucket, e["Key"], "multipart", e["UploadId"])
                for e in page.get("Uploads", [])
                if e["Key"].startswith("orders/")
            }
        return {entry for entry in found if not order_ids or entry[1].split("/")[1] in order_ids}

    def kept_evidence(self) -> dict[str, list[bytes]]:
        """Bytes of every version of the statements that this database knows, by name, from the evidence bucket."""
        bucket = self.house.settings.bucket_evidence
        kept: dict[str, list[bytes]] = {}
        for statement in self.statements():
            name = statement["evidence_id"]
            page = self.s3.list_object_versions(Bucket=bucket, Prefix=name)
            kept[name] = [
                self.s3.get_object(Bucket=bucket, Key=name, VersionId=v["VersionId"])["Body"].read()
                for v in page.get("Versions", [])
            ]
        return kept

    # steps -----------------------------------------------------------------------------------------------------------

    def through(self, **stores: StoreAccess) -> House:
        """The house with other ways to the store for some identities."""
        return replace(self.house, connections=Through(self.house.connections, stores))

    def plan(self, dag_run_id: str = "one", as_of: datetime | None = None, house: House | None = None) -> int:
        return plan_run(
            house or self.house,
            dag_run_id,
            datetime.now(UTC),
            as_of.isoformat() if as_of else None,
            dry_run=False,
        )

    def act(self, run_id: int, house: House | None = None) -> None:
        for batch in guard_run(house or self.house, run_id):
            act_batch(house or self.house, run_id, batch)

    def look(self, run_id: int, house: House | None = None) -> None:
        """Observe, settle, observe again if need be, sweep."""
        observe_run(house or self.house, run_id)
        if settle_run(house or self.house, run_id):
            observe_run(house or self.house, run_id)
        sweep_run(house or self.house, run_id)

    def prove(self, run_id: int) -> list[str]:
        """Assert and state how it went; names of what did not hold."""
        broken = judge(self.house, run_id)
        state_assertions(self.house, run_id, "photo_purge")
        return broken

    def attest(self, run_id: int, *unfinished: str, house: House | None = None) -> str:
        """State the outcome: "verified" or "failed"."""
        try:
            attest_run(house or self.house, run_id, unfinished)
        except PromiseBroken:
            return "failed"
        return "verified"

    def finish(self, run_id: int, house: House | None = None) -> str:
        """Everything after acting; the outcome."""
        self.look(run_id, house)
        self.prove(run_id)
        return self.attest(run_id, house=house)

    def purge(
        self, dag_run_id: str = "one", as_of: datetime | None = None, house: House | None = None
    ) -> str:
        """A whole run; its outcome."""
        run_id = self.plan(dag_run_id, as_of, house)
        self.act(run_id, house)
        return self.finish(run_id, house)

    def assert_closed_once(self, order_ids: Iterable[str]) -> None:
        """Each of these orders is gone from the store, and one case of it was closed, once."""
        for order_id in order_ids:
            assert self.everything(order_id) == set()
            assert self.case(order_id) == "absent"
            assert self.closings(order_id) == 1
            assert self.state(order_id) == "absent"

    def assert_evidence_complete(self) -> None:
        """Every statement is stored, once, byte for byte; no two state the same facts."""
        statements = self.statements()
        kept = self.kept_evidence()
        assert statements
        for statement in statements:
            assert kept[statement["evidence_id"]] == [bytes(statement["envelope"])]
            assert statement["stored_at"] is not None
        assert len({(s["run_id"], s["facts_sha256"]) for s in statements}) == len(statements)

    def verify(self) -> Result:
        """What the reviewer's verifier says of the whole log, every statement of which must be in it."""
        public = [
            load_key(key).public_key()
            for key in (self.house.settings.attester_key, self.house.settings.log_key)
        ]
        trust = trust_file(
            self.house.settings.log_origin, public[:1], public[1], datetime(2024, 1, 1, tzinfo=UTC)
        )
        self.entries = unpack(export(self.house.connections.database("reviewer"), None))
        logged = {data for name, data in self.entries.items() if name.startswith("entries/")}
        assert logged == {bytes(statement["envelope"]) for statement in self.statements()}
        return verify(pack(self.entries), trust)

    def claims(self, order_id: str) -> list[str]:
        """States claimed of the order's cases, in the order of the log that was verified last."""
        cases = self.sql("SELECT case_id::text FROM lifecycle.erasure_case WHERE order_id = %s", order_id)
        found = []
        for _, data in sorted((n, d) for n, d in self.entries.items() if n.startswith("entries/")):
            predicate = json.loads(b64decode(json.loads(data)["payload"]))["predicate"]
            found += [i["state"] for i in predicate.get("items", ()) if {"case_id": i["case"]} in cases]
        return found


def judge(house: House, run_id: int) -> list[str]:
    """The purge's suite evaluated with plain SQL, a hundred times faster than Great Expectations; names of what failed.

    Outcomes are stored as the real step stores them.
    """
    suite = json.loads((house.settings.include / "expectations" / "photo_purge.json").read_text("utf-8"))
    found: dict[str, tuple[bool, str]] = {}
    with connect(house.connections.database("studio_auditor"), "judge") as connection, connection:
        fetch(connection, "run/set_run", run_id=run_id)
        parameters = fetch(connection, "photo_purge/count_to_erase", run_id=run_id)[0]
        tables: dict[str, list[Any]] = {}
        for table in (part["table"] for part in suite["tables"]):
            with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(f"TABLE lifecycle.{table}")
                tables[table] = list(cursor.fetchall())
        for part in suite["tables"]:
            for expectation in part["expectations"]:
                ok, seen = _holds(expectation, tables[part["table"]], parameters)
                found[f"{part['table']}: {expectation['meta']['name']}"] = (ok, seen)
        execute(
            connection,
            "evidence/insert_assertions",
            run_id=run_id,
            names=list(found),
            successes=[ok for ok, _ in found.values()],
            observed=[seen for _, seen in found.values()],
            expected=["-"] * len(found),
        )
    return [name for name, (ok, _) in found.items() if not ok]


def _holds(
    expectation: Mapping[str, Any], rows: Collection[Any], parameters: Mapping[str, Any]
) -> tuple[bool, str]:
    kind, asked = expectation["type"], expectation["kwargs"]
    if kind == "expect_table_row_count_to_equal":
        wanted = asked["value"]
        return len(rows) == (parameters[wanted["$PARAMETER"]] if isinstance(wanted, dict) else wanted), str(
            len(rows)
        )
    values = [row[asked["column"]] for row in rows]
    if kind == "expect_column_max_to_be_between":
        top = max(values)
        return asked["min_value"] <= top <= asked.get("max_value", top), str(top)
    if kind == "expect_column_values_to_be_in_set":
        return all(value in asked["value_set"] for value in values), str(len(values))
    assert kind == "expect_column_values_to_not_be_null"
    return None not in values, str(len(values))


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Look again and again until it is true; AssertionError when it takes too long."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
