"""Each statement of the erasure at vendors as its role runs it, and what the database refuses whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg2
import psycopg2.errors
import pytest
from tests.sql.purge_stage import Stage

from data_lifecycle.database import fetch

if TYPE_CHECKING:
    from tests.conftest import Studio

ERASER, AUDITOR, WRITER = "vendor_eraser", "studio_auditor", "evidence_writer"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
FOLDER = Path(__file__).resolve().parents[2] / "include" / "sql" / "vendor_erasure"


class Books:
    """A case with two files at a vendor, one of them held, and the statements."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.run_id = stage.new_run()
        stage.put(
            "UPDATE lifecycle.run SET facts = %s WHERE run_id = %s",
            json.dumps({"alert_before_seconds": 86400}), self.run_id,
        )  # fmt: skip
        self.order = stage.order()
        self.case, epoch = stage.claim(self.run_id, self.order)[self.order]
        self.disclosures: list[UUID] = []
        for number in range(2):
            upload = stage.upload(self.order)
            stage.seal(self.run_id, (self.case, epoch), stage.key(upload), upload)
            disclosure = uuid4()
            self.disclosures.append(disclosure)
            stage.put(
                "INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose,"
                " destination_country, upload_id, vendor_ref, sent_at)"
                " VALUES (%s, %s, 'v', 'c', 'p', 'DE', %s, %s, now())",
                disclosure, self.order, upload, f"ref-{number}",
            )  # fmt: skip
        stage.put("UPDATE lifecycle.item SET state = 'accepted' WHERE case_id = %s", self.case)
        self.erasure = uuid4()

    def run(self, name: str, role: str = ERASER, **values: object) -> list[Any]:
        return self.stage.run(role, f"vendor_erasure/{name}", **values)

    def touch(self, name: str, role: str = ERASER, **values: object) -> int:
        return self.stage.touch(role, f"vendor_erasure/{name}", **values)

    def make(self, confirms: str = "verified", part: int = 1, erasure: UUID | None = None) -> int:
        return self.touch(
            "insert_erasures",
            run_id=self.run_id, as_of=NOW, register="r", erasure_ids=[erasure or self.erasure], case_ids=[self.case],
            vendors=["v"], parts=[part], connectors=["openai"], modes=["sync"], confirms=[confirms],
            max_residuals=[timedelta(days=2)],
        )  # fmt: skip

    def told(self, epoch: int, **values: object) -> int:
        """record_progress with values of its own."""
        nothing = dict.fromkeys(
            (
                "sight",
                "code",
                "reference",
                "accepted_at",
                "completed_at",
                "verified_at",
                "residual_until",
                "next_poll_at",
            )
        )
        return self.touch("record_progress", erasure_id=self.erasure, epoch=epoch, **{**nothing, **values})

    def row(self) -> Any:
        return self.run("find_erasure", erasure_id=self.erasure)[0]


@pytest.fixture
def books(studio: Studio) -> Iterator[Books]:
    with Stage(studio) as stage:
        yield Books(stage)


def test_what_is_due_is_found_once_planned_once_and_never_again(books: Books) -> None:
    due = books.run("select_due")
    assert {row["disclosure_id"] for row in due} == set(books.disclosures)
    assert {(row["case_id"], row["vendor"], row["held"]) for row in due} == {(books.case, "v", False)}
    assert books.run("select_parts", case_ids=[books.case]) == []
    assert books.make() == 1
    pairs = {"erasure_ids": [books.erasure] * 2, "disclosure_ids": books.disclosures}
    assert books.touch("insert_items", **pairs) == 2
    assert books.run("select_due") == []
    assert books.run("select_parts", case_ids=[books.case])[0]["parts"] == 1
    books.make(part=2, erasure=uuid4())
    with pytest.raises(psycopg2.errors.UniqueViolation):
        books.touch("insert_items", erasure_ids=[uuid4()], disclosure_ids=books.disclosures[:1])
    with pytest.raises(psycopg2.errors.UniqueViolation):
        books.make(erasure=uuid4())


def test_what_was_not_erased_here_is_not_due_there(books: Books) -> None:
    books.stage.put("UPDATE lifecycle.item SET state = 'stopped' WHERE case_id = %s", books.case)
    assert books.run("select_due") == []


def test_a_stage_takes_what_is_at_it_and_an_old_epoch_changes_nothing(books: Books) -> None:
    assert books.run("hold_turn")[0]["held"] is False
    books.make()
    books.touch("insert_items", erasure_ids=[books.erasure] * 2, disclosure_ids=books.disclosures)
    assert books.touch("take_work", run_id=books.run_id, erasure_ids=[books.erasure]) == 1
    (row,) = books.run("select_work", run_id=books.run_id, stage="submit")
    assert books.run("select_work", run_id=books.run_id, stage="poll") == []
    asked = {"erasure_id": books.erasure, "epoch": row["epoch"], "as_of": NOW}
    (claimed,) = books.run("claim_erasure", **asked, submitting=True)
    assert books.run("claim_erasure", **asked, submitting=True) == []
    assert books.told(row["epoch"], state="accepted", accepted_at=NOW) == 0
    assert books.told(claimed["epoch"], state="accepted", accepted_at=NOW, next_poll_at=NOW) == 1
    assert len(books.run("select_work", run_id=books.run_id, stage="poll")) == 1
    assert books.told(books.row()["epoch"], state="completed", accepted_at=NOW, completed_at=NOW) == 1
    assert len(books.run("select_work", run_id=books.run_id, stage="verify")) == 1
    # Verified only by a look that did not find it.
    for values in ({}, {"sight": "unknowable"}, {"sight": "present"}):
        with pytest.raises(psycopg2.errors.CheckViolation):
            books.told(books.row()["epoch"], state="verified", completed_at=NOW, verified_at=NOW, **values)
    done = {"state": "verified", "sight": "absent", "completed_at": NOW, "verified_at": NOW}
    assert books.told(books.row()["epoch"], **done) == 1
    with pytest.raises(psycopg2.errors.RestrictViolation, match="what was verified stays so"):
        books.told(books.row()["epoch"], state="accepted")
    assert books.run("select_open", as_of=NOW) == []
    connection = books.stage.connection(ERASER)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT state FROM lifecycle.vendor_erasure_event ORDER BY event_id")
        assert [state for (state,) in cursor] == ["planned", "submitted", "accepted", "completed", "verified"]


def test_nobody_verifies_what_the_vendor_cannot_show(books: Books) -> None:
    books.make(confirms="completed")
    with pytest.raises(psycopg2.errors.CheckViolation):
        books.told(1, state="verified", sight="absent", accepted_at=NOW, completed_at=NOW, verified_at=NOW)


def test_a_connector_is_told_what_it_needs_and_holds_are_seen(books: Books) -> None:
    books.make()
    books.touch("insert_items", erasure_ids=[books.erasure] * 2, disclosure_ids=books.disclosures)
    rows = books.run("select_subjects", erasure_id=books.erasure)
    assert [(r["processor_reference"], r["email"], r["held"]) for r in rows] == [
        ("ref-0", None, False),
        ("ref-1", None, False),
    ]
    books.stage.put("UPDATE lifecycle.vendor_erasure SET connector = 'ses'")
    assert all("@" in r["email"] for r in books.run("select_subjects", erasure_id=books.erasure))


def test_books_alarms_and_residue(books: Books) -> None:
    books.make()
    books.touch("insert_items", erasure_ids=[books.erasure] * 2, disclosure_ids=books.disclosures)
    books.touch("take_work", run_id=books.run_id, erasure_ids=[books.erasure])
    for role in (AUDITOR, WRITER):
        connection = books.stage.connection(role)
        with connection:
            fetch(connection, "run/set_run", run_id=books.run_id)
            (balance,) = fetch(connection, "vendor_erasure/read_balance")
            assert (balance["eligible"], balance["unasked"], balance["unproven"]) == (1, 1, 1)
            assert (balance["unplanned"], balance["overclaimed"], balance["disclosed"]) == (0, 0, 1)
            (state,) = fetch(connection, "vendor_erasure/count_states")
            assert (state["vendor"], state["state"], state["erasures"], state["gaps"]) == (
                "v",
                "planned",
                1,
                0,
            )
            far = NOW + timedelta(days=4000)
            (alarm,) = fetch(connection, "vendor_erasure/select_alarms", as_of=far)
            assert (alarm["erasure_id"], alarm["overdue"]) == (books.erasure, True)
            assert fetch(connection, "vendor_erasure/select_alarms", as_of=NOW - timedelta(days=4000)) == []
            (rest,) = fetch(connection, "vendor_erasure/select_residue", case_ids=[books.case])
            assert (rest["vendor"], rest["disclosures"], rest["verified"]) == ("v", 2, 0)


def test_notes_and_callbacks_are_kept_and_a_replay_is_seen(books: Books) -> None:
    books.make()
    note = {"erasure_id": books.erasure, "said": "completed", "noted_by": "ann", "note": "a letter of today"}
    assert books.touch("insert_confirmation", **note) == 1
    with pytest.raises(psycopg2.errors.CheckViolation):
        books.touch("insert_confirmation", **{**note, "note": "ok"})
    call = {"erasure_id": books.erasure, "body_sha256": "00", "said": "completed"}
    assert [books.touch("insert_callback", **call) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT email FROM studio.customers",
        "SELECT amount FROM studio.payments",
        "SELECT object_key FROM studio.uploads",
        "SELECT salt FROM lifecycle.case_salt",
        "UPDATE lifecycle.erasure_case SET state = 'absent'",
        "UPDATE lifecycle.vendor_erasure SET confirms = 'verified'",
        "UPDATE lifecycle.vendor_erasure SET idempotency_key = 'another-key-of-my-own'",
        "DELETE FROM lifecycle.vendor_erasure",
        "DELETE FROM lifecycle.vendor_erasure_event",
        "UPDATE lifecycle.vendor_erasure_item SET erasure_id = gen_random_uuid()",
        "INSERT INTO lifecycle.vendor_erasure_event (erasure_id, run_id) SELECT gen_random_uuid(), 1",
        "INSERT INTO lifecycle.evidence (evidence_id) VALUES ('x')",
    ],
)
def test_the_role_may_do_its_duty_and_nothing_else(books: Books, statement: str) -> None:
    connection = books.stage.connection(ERASER)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), connection, connection.cursor() as cursor:
        cursor.execute(statement)


def test_history_is_nobodys_to_change(books: Books) -> None:
    books.make()
    for statement in (
        "UPDATE lifecycle.vendor_erasure_event SET state = 'verified'",
        "DELETE FROM lifecycle.vendor_erasure",
        "UPDATE lifecycle.vendor_erasure SET idempotency_key = 'erasure-another-key-of-mine'",
    ):
        connection = books.stage.connection("admin")
        with pytest.raises(psycopg2.errors.RestrictViolation), connection, connection.cursor() as cursor:
            cursor.execute(statement)


def test_each_file_is_run_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [f.stem for f in FOLDER.glob("*.sql") if f'{f.stem}"' not in text] == []
