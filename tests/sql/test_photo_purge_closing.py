"""A case is closed only when it is proven; an order is done with only when nothing of it is left; the books balance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg2.errors
import pytest
from tests.sql.purge_stage import AS_OF, DAY, HOUR, Stage

if TYPE_CHECKING:
    from tests.conftest import Studio

WRITER, ERASER, AUDITOR = "evidence_writer", "studio_eraser", "studio_auditor"
LONG_AGO = AS_OF - 6 * DAY


@pytest.fixture(scope="module")
def stage(make_studio: Callable[[], Studio]) -> Iterator[Stage]:
    with Stage(make_studio()) as made:
        yield made


class Case:
    """A due order with files, claimed by a run; `finish` seals, erases and looks."""

    def __init__(self, stage: Stage, run: int | None = None, reason: str = "terminal", **order: Any) -> None:
        self.stage, self.run = stage, run or stage.new_run()
        self.order = stage.order(**({"ended": LONG_AGO} | order))
        self.case = stage.claim(self.run, self.order, reason=reason)[self.order]
        self.seen: list[tuple[Any, ...]] = []

    def file(
        self,
        upload: UUID | None = None,
        disposition: str = "erase",
        kind: str = "version",
        state: str = "accepted",
        outcome: str | None = None,
    ) -> int:
        """Seal an entry, note the store's answer, and remember what an observer sees of it."""
        key = self.stage.key(upload) if upload else f"orders/{self.order}/{uuid4()}"
        item = self.stage.seal(self.run, self.case, key, upload, disposition, kind)
        if disposition == "erase" and state != "planned":
            self.stage.answer(self.run, {item: state})
        version = self.stage.put("SELECT version_id FROM lifecycle.item WHERE item_id = %s", item)
        seen = outcome or ("absent" if disposition == "erase" else "present")
        self.seen.append((self.case[0], item, "item", disposition, key, kind, version, seen))
        return item

    def look(self, round_number: int = 1, *more: tuple[Any, ...]) -> None:
        self.stage.look(self.run, round_number, [*self.seen, *more])

    def survivor(self, key: str | None = None) -> tuple[Any, ...]:
        name = key or f"orders/{self.order}/late"
        return (self.case[0], None, "survivor", None, name, "version", uuid4().hex, "present")

    @property
    def absent(self) -> bool:
        return self.case[0] in self.stage.absent_cases(self.run)

    @property
    def state(self) -> str:
        return str(self.stage.put("SELECT photo_state FROM studio.orders WHERE order_id = %s", self.order))


def close(stage: Stage, run: int) -> None:
    """As attest does it."""
    stage.attest(run, "lock_orders", run_id=run)
    cases = list(stage.absent_cases(run))
    stage.touch(WRITER, "close_uploads", run_id=run, case_ids=cases)
    stage.shut(run, *cases)
    stage.touch(WRITER, "close_orders", case_ids=cases)


def books(stage: Stage, run: int) -> dict[str, int]:
    """The balance, and the number of rows it has."""
    for role in (WRITER, AUDITOR):
        stage.run(role, "run/set_run", run_id=run)
        rows = stage.run(role, "read_balance")
    return dict(rows[0]) if rows else {}


# --- proven absent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "proven"),
    [
        ({}, True),
        ({"kind": "nothing"}, True),
        ({"kind": "multipart"}, True),
        ({"outcome": "present"}, False),
        ({"outcome": "unknown"}, False),
        ({"state": "planned"}, False),
        ({"state": "intended"}, False),
        ({"state": "failed"}, False),
        ({"state": "unknown"}, False),
        ({"state": "stopped", "outcome": "present"}, False),
        ({"kind": "nothing", "outcome": "present"}, False),
        ({"disposition": "keep"}, True),
        ({"disposition": "hold"}, False),
        ({"disposition": "hold", "kind": "nothing", "outcome": "absent"}, False),
    ],
    ids=str,
)
def test_one_entry_that_is_not_proven_absent_keeps_the_case_open(
    stage: Stage, entry: dict[str, str], proven: bool
) -> None:
    case = Case(stage)
    case.file()
    case.file(**entry)  # type: ignore[arg-type]
    case.look()
    assert case.absent is proven


def test_without_a_look_nothing_is_proven_and_only_the_latest_counts(stage: Stage) -> None:
    case = Case(stage)
    case.file()
    assert not case.absent
    case.look(1, case.survivor())
    assert not case.absent
    case.look(2)
    assert case.absent
    case.seen.clear()
    case.look(3, case.survivor())
    assert not case.absent, "an entry that was not looked at is not absent"


def test_what_a_person_asked_to_erase_is_not_absent_while_another_order_keeps_it(stage: Stage) -> None:
    case = Case(stage, reason="request", asked=AS_OF - HOUR)
    case.file()
    case.file(disposition="keep")
    case.look()
    assert not case.absent


def test_a_case_is_not_absent_when_the_sweep_found_more_of_its_order(stage: Stage) -> None:
    case = Case(stage)
    case.file()
    case.look()
    assert case.absent
    stage.put("INSERT INTO lifecycle.resurfaced (order_id, run_id) VALUES (%s, %s)", case.order, case.run)
    assert not case.absent


def test_an_order_without_any_entry_is_proven_absent_by_looking_at_nothing_else(stage: Stage) -> None:
    case = Case(stage)
    case.look(1, (None, None, "canary", None, "canary/a", "version", "v", "present"))
    assert case.absent


# --- done with --------------------------------------------------------------------------------------------------------


def test_an_order_is_done_with_when_all_its_files_are(stage: Stage) -> None:
    case = Case(stage)
    photo = stage.upload(case.order)
    case.file(photo)
    case.file(photo, kind="marker")
    case.look()
    close(stage, case.run)
    assert case.state == "absent"
    assert stage.put("SELECT absent_at IS NOT NULL FROM studio.uploads WHERE upload_id = %s", photo)
    assert stage.put("SELECT state FROM lifecycle.erasure_case WHERE case_id = %s", case.case[0]) == "absent"


def test_a_file_added_meanwhile_keeps_the_order_selectable(stage: Stage) -> None:
    case = Case(stage)
    case.file(stage.upload(case.order))
    case.look()
    stage.upload(case.order)
    close(stage, case.run)
    assert case.state == "present"


def test_a_shared_file_lives_on_with_the_order_that_needs_it(stage: Stage) -> None:
    live = stage.order()
    case = Case(stage)
    photo = stage.upload(case.order, live)
    case.file(photo, disposition="keep")
    case.look()
    close(stage, case.run)
    assert case.state == "absent"
    assert stage.put("SELECT absent_at FROM studio.uploads WHERE upload_id = %s", photo) is None


def test_two_orders_never_leave_a_shared_file_to_each_other(stage: Stage) -> None:
    one = Case(stage)
    two = Case(stage, one.run)
    one.seen = two.seen
    photo = stage.upload(one.order, two.order)
    one.file(photo, disposition="keep")
    one.look()
    close(stage, one.run)
    assert (one.state, two.state) == ("present", "present")


def test_two_due_orders_that_share_a_file_are_done_with_together(stage: Stage) -> None:
    one = Case(stage)
    two = Case(stage, one.run)
    one.seen = two.seen
    two.file(stage.upload(one.order, two.order))
    one.look()
    close(stage, one.run)
    assert (one.state, two.state) == ("absent", "absent")


def test_a_held_file_keeps_its_own_case_open_and_lets_the_other_order_go(stage: Stage) -> None:
    one = Case(stage)
    two = Case(stage, one.run)
    one.seen = two.seen
    photo = stage.upload(one.order, two.order)
    two.file(photo, disposition="hold")
    one.file(stage.upload(one.order))
    one.look()
    close(stage, one.run)
    assert (one.state, two.state) == ("absent", "present")
    assert not two.absent


def test_an_order_that_was_reopened_meanwhile_needs_its_shared_file_again(stage: Stage) -> None:
    live = stage.order()
    for reopened, state in ((None, "absent"), (AS_OF, "present")):
        case = Case(stage)
        case.file(stage.upload(case.order, live), disposition="keep")
        case.look()
        if reopened:
            stage.change(case.order, ended=None, reopened=reopened)
        close(stage, case.run)
        assert case.state == state


def test_reopening_after_the_purge_claims_what_lived_on_and_brings_nothing_back(stage: Stage) -> None:
    live = stage.order()
    for links, absent_at, state in (((live,), None, "present"), ((), AS_OF, "absent")):
        order = stage.order(ended=LONG_AGO, state="absent")
        stage.upload(order, *links, absent=absent_at)
        connection = stage.connection("studio_app")
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO studio.order_events (order_id, kind, occurred_at) VALUES (%s, 'reopened', %s)",
                (order, AS_OF),
            )
        assert stage.put("SELECT photo_state FROM studio.orders WHERE order_id = %s", order) == state


def test_counts_of_cases_tell_the_late_ones_apart(stage: Stage) -> None:
    case = Case(stage)
    Case(stage, case.run)
    case.look(1)
    stage.shut(case.run, case.case[0])
    (row,) = stage.run(WRITER, "count_cases", run_id=case.run)
    assert row == {"cases": 2, "absent": 1, "open": 1, "overdue_open": 1, "absent_late": 1}


# --- late arrivals ----------------------------------------------------------------------------------------------------


def test_late_arrivals_join_the_manifest_once_and_only_under_the_claim_that_stands(stage: Stage) -> None:
    case, other = Case(stage), Case(stage)
    case.look(1, case.survivor())
    (found,) = stage.run(ERASER, "count_survivors", run_id=case.run)
    assert (found["survivors"], found["batches"], found["batch_numbers"]) == (1, 1, [0])
    late = {"run_id": case.run, "default_rule": "photos", "default_version": "1"}
    assert stage.touch(ERASER, "insert_late_items", **late) == 1
    assert stage.touch(ERASER, "insert_late_items", **late) == 0
    (row,) = stage.run(ERASER, "record_intent", run_id=case.run, batch=0)
    assert row["object_key"] == f"orders/{case.order}/late"

    other.look(1, other.survivor())
    stage.claim(stage.new_run(), other.order)
    assert (
        stage.touch(ERASER, "insert_late_items", run_id=other.run, default_rule="photos", default_version="1")
        == 0
    )


def test_what_the_store_took_and_is_still_there_is_taken_up_again(stage: Stage) -> None:
    case = Case(stage)
    still, gone = case.file(outcome="present"), case.file()
    case.look()
    assert stage.touch(ERASER, "reopen_items", run_id=case.run) == 1
    assert (stage.item(still)[0], stage.item(gone)[0]) == ("planned", "accepted")


# --- the books --------------------------------------------------------------------------------------------------------


def test_an_empty_run_has_one_row_of_books_and_no_run_has_none(stage: Stage) -> None:
    run = stage.new_run(facts='{"unlisted_cases": 3}')
    found = books(stage, run)
    assert found.pop("unlisted") == 3
    assert set(found.values()) == {0}
    assert books(stage, run + 10**6) == {}
    assert books(stage, stage.new_run())["unlisted"] == 0


def test_books_count_every_entry_once(stage: Stage) -> None:
    case = Case(stage)
    for entry in (
        {},
        {"kind": "nothing"},
        {"state": "failed", "outcome": "present"},
        {"state": "unknown", "outcome": "unknown"},
        {"state": "stopped", "outcome": "present"},
        {"state": "planned", "outcome": "present"},
        {"disposition": "hold"},
        {"disposition": "keep"},
        {"disposition": "keep", "outcome": "absent"},
        {"disposition": "keep", "kind": "nothing", "outcome": "absent"},
    ):
        case.file(**entry)  # type: ignore[arg-type]
    canaries = [
        (None, None, "canary", None, "canary/a", "version", str(n), o)
        for n, o in enumerate(("present", "absent"))
    ]
    case.look(1, case.survivor(), *canaries)
    found = books(stage, case.run)
    assert {name: found[name] for name in ("sealed", "eligible", "acted", "held", "failed", "unbalanced")} == {
        "sealed": 10, "eligible": 7, "acted": 2, "held": 2, "failed": 2, "unbalanced": 1,
    }  # fmt: skip
    assert {name: found[name] for name in ("checked_items", "unchecked", "survivors", "unknown", "kept_missing")} == {
        "checked_items": 10, "unchecked": 0, "survivors": 3, "unknown": 1, "kept_missing": 1,
    }  # fmt: skip
    assert (found["canaries"], found["canaries_missing"], found["acted_bytes"]) == (2, 1, 10)
    assert stage.run(AUDITOR, "count_to_erase", run_id=case.run) == [{"erase_items": 5}]


# --- touched although not due -----------------------------------------------------------------------------------------


def undue(stage: Stage, run: int) -> int:
    return books(stage, run)["touched_undue"]


def test_what_was_due_and_gone_raises_no_alarm(stage: Stage) -> None:
    case = Case(stage)
    other = Case(stage, case.run)
    photo = stage.upload(case.order, other.order, stage.order(state="absent"))
    case.file(photo)
    case.file(stage.upload(folder=case.order, made_from=photo))
    case.file(kind="nothing")
    assert undue(stage, case.run) == 0
    # What happens afterwards does not make it wrong: reopened later, and done with.
    later = stage.put("SELECT clock_timestamp()") + timedelta(minutes=1)
    stage.change(case.order, ended=None, reopened=later)
    stage.change(other.order, ended=None, reopened=later)
    assert undue(stage, case.run) == 0


@pytest.mark.parametrize("generations", [0, 1, 2])
def test_erased_though_another_order_needs_it_or_what_it_was_made_from(
    stage: Stage, generations: int
) -> None:
    case = Case(stage)
    photo = stage.upload(case.order)
    stage.link(stage.order(), photo)
    for _ in range(generations):
        photo = stage.upload(folder=case.order, made_from=photo)
    case.file(photo)
    assert undue(stage, case.run) == 1


@pytest.mark.parametrize(
    ("reason", "change"),
    [("terminal", {"reopened": AS_OF - DAY}), ("inactivity", {"active": AS_OF - DAY, "ended": None})],
)
def test_erased_though_the_order_lived_again_before(
    stage: Stage, reason: str, change: dict[str, Any]
) -> None:
    case = Case(stage, reason=reason)
    other = Case(stage, case.run)
    case.file(stage.upload(case.order))
    other.file(stage.upload(other.order, case.order))
    stage.change(case.order, **change)
    # The one itself; and, when it was reopened, the file that its partner's case took along.
    assert undue(stage, case.run) == (2 if reason == "terminal" else 1)


def test_erased_before_its_time_or_although_it_was_to_stay(stage: Stage) -> None:
    case = Case(stage)
    early = stage.claim(case.run, stage.order(), anchor=AS_OF - 5 * DAY + HOUR)
    (fresh,) = early.values()
    item = stage.seal(case.run, fresh, "orders/ord_fresh/a")
    stage.answer(case.run, {item: "accepted"})
    assert undue(stage, case.run) == 1
    held = case.file(disposition="hold")
    assert undue(stage, case.run) == 1
    stage.answer(case.run, {held: "accepted"})
    assert undue(stage, case.run) == 2


# --- statements -------------------------------------------------------------------------------------------------------


def test_statements_are_numbered_written_once_and_stored_once(stage: Stage) -> None:
    run = stage.new_run()
    line = {"run_id": run, "predicate_type": "t", "outcome": "verified", "key_id": "k", "envelope": b"{}",
            "envelope_sha256": "s"}  # fmt: skip
    assert stage.run(WRITER, "evidence/next_sequence", run_id=run) == [{"sequence": 1}]
    stage.touch(
        WRITER, "evidence/insert_statement", evidence_id=f"e{run}", sequence=1, facts_sha256="f", **line
    )
    assert stage.run(WRITER, "evidence/next_sequence", run_id=run) == [{"sequence": 2}]
    for sequence, facts in ((1, "other"), (2, "f")):
        with pytest.raises(psycopg2.errors.UniqueViolation):
            stage.touch(
                *(WRITER, "evidence/insert_statement"),
                evidence_id=f"e{run}-{sequence}", sequence=sequence, facts_sha256=facts, **line,
            )  # fmt: skip
    (known,) = stage.run(WRITER, "evidence/find_statement", run_id=run, facts_sha256="f")
    assert (known["evidence_id"], known["outcome"]) == (f"e{run}", "verified")
    assert f"e{run}" in {row["evidence_id"] for row in stage.run(WRITER, "evidence/select_unstored")}
    for stored in (1, 0):
        assert stage.touch(WRITER, "evidence/mark_stored", evidence_id=f"e{run}", version_id="v") == stored
    assert f"e{run}" not in {row["evidence_id"] for row in stage.run(WRITER, "evidence/select_unstored")}


def test_the_latest_round_of_assertions_counts(stage: Stage) -> None:
    run = stage.new_run()
    for success in (True, False):
        stage.touch(
            *(AUDITOR, "evidence/insert_assertions"),
            run_id=run, names=["b", "a"], successes=[True, success], observed=["0", "1"], expected=["0", "0"],
        )  # fmt: skip
    rows = stage.run(WRITER, "evidence/select_assertions", run_id=run)
    assert [(row["name"], row["success"], row["observed"]) for row in rows] == [
        ("a", False, "1"),
        ("b", True, "0"),
    ]
