"""An archive run over its caps waits for a second person's word for that very plan; the database sees to it too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg2.errors
import pytest
from tests.faults.proxy import Answer as Reply
from tests.faults.proxy import Call, Forward, lying
from tests.payment_fixtures import CARD, DUE, STEPS, Paid, Till

from data_lifecycle.database import connect, execute
from data_lifecycle.payment_archive import planning
from data_lifecycle.payment_archive.approving import PETITION
from data_lifecycle.payment_archive.planning import digest_now, release
from data_lifecycle.policy.loader import load_all
from data_lifecycle.protocol import asking, posture
from data_lifecycle.protocol.asking import Answer, OverCaps, Rejected
from data_lifecycle.protocol.house import PromiseBroken
from data_lifecycle.protocol.posture import Paused

NOW = datetime.now(UTC)
UNDONE = ("approve", *STEPS[2:-1])
LONG_OVER = timedelta(days=8 * 366)


@pytest.fixture(autouse=True)
def low_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that lets no run archive more than one record unasked, nor erase any."""

    def capped(folder: Any) -> Any:
        caps = {"max_rows": 1, "max_expired_rows": 0}
        return tuple(
            policy.model_copy(update={"payment_archive": policy.payment_archive.model_copy(update=caps)})
            for policy in load_all(folder)
        )

    monkeypatch.setattr(planning, "load_all", capped)


@pytest.fixture
def due(till: Till) -> list[Paid]:
    """Two payments that are due to be archived, of one day."""
    return [till.pay(DUE), till.pay(DUE)]


@pytest.fixture
def over(till: Till, due: list[Paid]) -> int:
    """A run over its caps that guard made wait."""
    return waits(till, "one")


def waits(till: Till, name: str, cap: str = "records to archive", as_of: datetime | None = None) -> int:
    run_id = till.plan(name, as_of)
    with pytest.raises(OverCaps, match=f"over the cap for {cap}"):
        till.step("guard", run_id)
    assert asking.batches_of(PETITION, till.house, run_id) is None
    return run_id


def run_of(till: Till, run_id: int) -> dict[str, Any]:
    (row,) = till.sql("SELECT * FROM lifecycle.run WHERE run_id = %s", run_id)
    return row


def yes(till: Till, run_id: int, by: str | None = "reviewer", manifest: str | None = None) -> Answer:
    return Answer("approved", manifest or run_of(till, run_id)["manifest_sha256"], by, NOW)


def answers(till: Till) -> list[tuple[str, str | None, str | None]]:
    rows = till.sql("SELECT answer, answered_by, why FROM lifecycle.approval ORDER BY approval_id")
    return [(row["answer"], row["answered_by"], row["why"]) for row in rows]


def insert(till: Till, run_id: int, manifest: str, answer: str) -> None:
    till.sql(
        "INSERT INTO lifecycle.approval (run_id, manifest_sha256, asked_at, answer, answered_by)"
        " VALUES (%s, %s, now(), %s, 'reviewer')",
        run_id, manifest, answer,
    )  # fmt: skip


def carry_out(till: Till, run_id: int) -> str:
    for step in STEPS[2:]:
        outcome = till.step(step, run_id)
    return str(outcome)


def assert_nothing_happened(till: Till, run_id: int, hot: set[str]) -> None:
    """Neither in the database nor in the vault, and the statement says so and is believed."""
    assert till.hot() == hot
    assert till.objects() == set()
    assert run_of(till, run_id)["released_at"] is None
    with pytest.raises(PromiseBroken, match="not released by guard"):
        till.step("archive", run_id)
    assert till.attest(run_id, *UNDONE) == "failed"
    stated = till.statements()[-1]
    assert (stated["counts"]["acted"], stated["counts"]["held"]) == (0, 0)
    assert stated["counts"]["failed"] == stated["counts"]["eligible"]
    assert till.verify().refused is None


def test_what_is_asked_says_how_much_and_names_nobody(till: Till, over: int, due: list[Paid]) -> None:
    asked = asking.question(PETITION, till.house, over, None)
    assert asked.subject == f"Payment archive, run {over}: more than usual is due (records to archive)"
    assert (asked.approvers, asked.manifest_sha256) == (("reviewer",), run_of(till, over)["manifest_sha256"])
    for text in (
        "| records to archive | 2 | 1 | **over** |",
        "| records to erase | 0 | 0 | within |",
        "archive **2 records** of 2 payments in 1 files (1 regular)",
        asked.manifest_sha256,
        "the schedule",
        "The last 0 runs archived a median of 0 records and erased one of 0.",
    ):
        assert text in asked.body, asked.body
    (file,) = till.files("planned")
    assert f"| {file['file_id']} | made | regular | - | until " in asked.body
    for secret in (*(p.order_id for p in due), *(p.payment_id for p in due), "nobody@example.org", "Zoë"):
        assert secret not in asked.subject + asked.body


def test_what_would_be_erased_is_asked_about(till: Till) -> None:
    """Archived long ago by a run within its caps; erasing one record is over them."""
    till.pay(DUE)
    assert till.run() == "verified"
    (file,) = till.files("current")
    end_promise(till)
    old = till.pay(NOW - LONG_OVER)
    run_id = waits(till, "two", "records to erase")
    body = asking.question(PETITION, till.house, run_id, None).body
    assert "and erase **2 records**, their seven years being over: 1 in 1 files, 1 never archived." in body
    assert f"| {file['file_id']} | erased | regular | 1 | until " in body
    assert old.payment_id in till.hot()
    assert asking.settle(PETITION, till.house, run_id, yes(till, run_id), None) == [0]


def end_promise(till: Till) -> None:
    """The promise to keep whatever is in a file is over, as the books have it."""
    till.sql(
        "UPDATE lifecycle.archive_file SET first_end = now() - interval '2 days', last_end = now() - interval '1 day'"
        " WHERE object_key IS NOT NULL"
    )


def test_an_approval_lets_exactly_this_plan_go(till: Till, over: int, due: list[Paid]) -> None:
    assert asking.settle(PETITION, till.house, over, yes(till, over), "engineer") == [0]
    assert asking.batches_of(PETITION, till.house, over) == [0]
    assert carry_out(till, over) == "verified"
    assert (till.hot(), set(till.records())) == (set(), {p.payment_id for p in due})
    stated = till.statements()[-1]
    found = stated["approval"]
    assert found["manifest_sha256"] == run_of(till, over)["manifest_sha256"]
    assert (stated["outcome"], found["answer"], found["answered_by"], found["started_by"], found["over"]) == (
        "verified", "approved", "reviewer", "engineer", ["records to archive"],
    )  # fmt: skip
    assert till.verify().refused is None
    till.pay(DUE)
    assert till.run("two") == "verified", "within the caps nobody is asked"
    assert "approval" not in till.statements()[-1]


@pytest.mark.parametrize(
    ("by", "manifest", "started_by", "why"),
    [
        ("reviewer", None, "reviewer", "whoever started a run may not approve it"),
        ("engineer", None, None, "whoever gave it may not approve"),
        ("reviewer", "0" * 64, None, "it names another manifest"),
    ],
    ids=["starter", "no approver", "another manifest"],
)
def test_a_word_that_does_not_count(
    till: Till, over: int, by: str | None, manifest: str | None, started_by: str | None, why: str
) -> None:
    hot = till.hot()
    with pytest.raises(PromiseBroken, match=why):
        asking.settle(PETITION, till.house, over, yes(till, over, by, manifest), started_by)
    assert answers(till) == [("void", by, why)]
    assert not asking.approved(PETITION, till.house, over)
    assert_nothing_happened(till, over, hot)


@pytest.mark.parametrize("word", ["rejected", "timed_out"])
def test_a_no_and_silence_are_stated(till: Till, over: int, word: Any) -> None:
    hot = till.hot()
    by = "reviewer" if word == "rejected" else None
    with pytest.raises(Rejected if word == "rejected" else PromiseBroken):
        asking.settle(PETITION, till.house, over, Answer(word, None, by, NOW), None)
    assert_nothing_happened(till, over, hot)
    found = till.statements()[-1]["approval"]
    assert (found["answer"], found.get("answered_by")) == (word, by)
    assert waits(till, "two") > over, "asked anew"


# --- what changed since voids, and nothing else does ------------------------------------------------------------------


def refund(till: Till, due: list[Paid]) -> None:
    till.pay(timedelta(0), of=due[0], amount="1.0000", settled=None)


def pay(till: Till, due: list[Paid]) -> None:
    till.pay(DUE)


def exchange(till: Till, due: list[Paid]) -> None:
    """As many payments of the same day are due as before, and not the same ones."""
    refund(till, due)
    till.pay(DUE)


def dispute_settled(till: Till, due: list[Paid]) -> None:
    till.pay(timedelta(days=100), of=due[0], kind="dispute", amount="1.0000")


def plan_anew(till: Till, due: list[Paid]) -> None:
    till.plan("another")


@pytest.mark.parametrize("change", [refund, pay, exchange, dispute_settled, plan_anew])
def test_a_plan_that_changed_since_is_asked_about_anew(
    till: Till, over: int, due: list[Paid], change: Callable[[Till, list[Paid]], None]
) -> None:
    change(till, due)
    hot = till.hot()
    with pytest.raises(
        PromiseBroken, match="changed since it was sealed: planned anew by the next run, asked anew"
    ):
        asking.settle(PETITION, till.house, over, yes(till, over), None)
    changed = "changed since it was sealed"
    assert answers(till) == [("approved", "reviewer", None), ("void", "reviewer", changed)]
    assert not asking.approved(PETITION, till.house, over)
    assert_nothing_happened(till, over, hot)
    found = till.statements()[-1]["approval"]
    assert (found["answer"], found["why"]) == ("void", changed)


def test_a_hold_on_what_would_be_erased_voids(till: Till) -> None:
    old = till.pay(NOW - LONG_OVER)
    run_id = waits(till, "one", "records to erase")
    till.sql(
        "WITH h AS (INSERT INTO studio.legal_holds VALUES (gen_random_uuid(), 'a dispute', 'a', 'b', now(),"
        " now() + interval '1 day', NULL) RETURNING hold_id)"
        " INSERT INTO studio.legal_hold_orders SELECT hold_id, %s FROM h",
        old.order_id,
    )
    with pytest.raises(PromiseBroken, match="changed since it was sealed"):
        asking.settle(PETITION, till.house, run_id, yes(till, run_id), None)
    assert_nothing_happened(till, run_id, {old.payment_id})


def test_as_many_others_to_erase_void(till: Till) -> None:
    old = till.pay(NOW - LONG_OVER)
    run_id = waits(till, "one", "records to erase")
    till.sql("DELETE FROM studio.payments WHERE payment_id = %s", old.payment_id)
    other = till.pay(NOW - LONG_OVER)
    with pytest.raises(PromiseBroken, match="changed since it was sealed"):
        asking.settle(PETITION, till.house, run_id, yes(till, run_id), None)
    assert till.hot() == {other.payment_id}


def quarantine(till: Till) -> None:
    """The plan quarantines a family that it finds a card number in."""
    till.pay(DUE, payload={"note": f"card {CARD}"})


def leave_unfinished(till: Till) -> None:
    """An earlier run stored a file whose promise ends before anybody finishes it: the plan abandons and erases it."""
    till.pay(DUE)
    run_id = till.plan("earlier")
    for step in ("guard", "pseudonymise", "archive"):
        till.step(step, run_id)
    end_promise(till)
    assert len(till.files("stored")) == 1


def end_what_is_held(till: Till) -> None:
    """A file whose time is over has an order under a hold: the plan restates that order, and erases the file."""
    till.pay(DUE)
    assert till.run("earlier") == "verified"
    end_promise(till)
    till.sql(
        "WITH h AS (INSERT INTO studio.legal_holds VALUES (gen_random_uuid(), 'a dispute', 'a', 'b', now(),"
        " now() + interval '1 day', NULL) RETURNING hold_id)"
        " INSERT INTO studio.legal_hold_orders SELECT hold_id, min_order_id FROM h, lifecycle.archive_file"
    )


def settle_nothing(till: Till) -> None:
    till.pay(DUE, settled=None)


@pytest.mark.parametrize("before", [quarantine, leave_unfinished, end_what_is_held, settle_nothing])
def test_what_the_plan_itself_wrote_changes_nothing(till: Till, before: Callable[[Till], None]) -> None:
    before(till)
    for _ in range(2):
        till.pay(DUE)
    run_id = till.plan("waiting", datetime.now(timezone(timedelta(hours=8))))
    with pytest.raises(OverCaps):
        till.step("guard", run_id)
    assert digest_now(till.house, run_of(till, run_id)) == run_of(till, run_id)["manifest_sha256"]
    batches = asking.settle(PETITION, till.house, run_id, yes(till, run_id), None)
    assert batches == list(range(run_of(till, run_id)["batches"]))


def test_looking_again_writes_nothing(till: Till, over: int) -> None:
    with connect(till.house.connections.database(planning.ROLE), "test") as connection:
        connection.set_session(readonly=True)
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            execute(connection, "payment_archive/take_turn", run_id=over)
    turn = till.sql("TABLE lifecycle.archive_turn")
    assert digest_now(till.house, run_of(till, over)) == run_of(till, over)["manifest_sha256"]
    assert till.sql("TABLE lifecycle.archive_turn") == turn


# --- the release ------------------------------------------------------------------------------------------------------


def test_an_approval_stands_while_the_house_is_paused(till: Till, over: int) -> None:
    posture.throw(till.house, paused=True, by="engineer", why="a test")
    with pytest.raises(Paused):
        asking.settle(PETITION, till.house, over, yes(till, over), None)
    assert run_of(till, over)["released_at"] is None
    assert asking.approved(PETITION, till.house, over)
    posture.throw(till.house, paused=False, by="engineer", why="a test")
    assert asking.release_approved(PETITION, till.house, over) == [0]


def test_an_approval_opens_no_vault_that_does_not_lock(till: Till, over: int) -> None:
    def deletes(call: Call, forward: Forward) -> Reply:
        return Reply(204, b"") if call.method == "DELETE" else forward(call)

    liar = lying(till.house.connections.store("payment_eraser"), deletes)
    with liar as eraser, pytest.raises(PromiseBroken, match="does not enforce its lock"):
        asking.settle(PETITION, till.through(payment_eraser=eraser), over, yes(till, over), None)
    assert run_of(till, over)["released_at"] is None
    assert asking.approved(PETITION, till.house, over), "asked again of nobody once the vault locks"
    assert asking.release_approved(PETITION, till.house, over) == [0]


def test_a_run_that_lost_its_turn_is_not_released(till: Till, over: int) -> None:
    """Between the look and the release, too."""
    insert(till, over, run_of(till, over)["manifest_sha256"], "approved")
    till.plan("another")
    with pytest.raises(PromiseBroken, match="taken over by a later run"):
        release(till.house, run_of(till, over))
    assert run_of(till, over)["released_at"] is None


def say_nothing(till: Till, over: int) -> None:
    assert answers(till) == []


def reject(till: Till, over: int) -> None:
    insert(till, over, run_of(till, over)["manifest_sha256"], "rejected")


def approve_other(till: Till, over: int) -> None:
    insert(till, over, "ab" * 32, "approved")


def approve_then_reject(till: Till, over: int) -> None:
    insert(till, over, run_of(till, over)["manifest_sha256"], "approved")
    reject(till, over)


@pytest.mark.parametrize("said", [say_nothing, reject, approve_other, approve_then_reject])
def test_a_bug_of_ours_cannot_let_it_go(till: Till, over: int, said: Callable[[Till, int], None]) -> None:
    said(till, over)
    with pytest.raises(psycopg2.errors.RestrictViolation) as refused:
        release(till.house, run_of(till, over))
    assert refused.value.diag.constraint_name == "approved_over_caps"
    insert(till, over, run_of(till, over)["manifest_sha256"], "approved")
    assert release(till.house, run_of(till, over)) == [0]


@pytest.mark.parametrize(
    "lie",
    [
        "facts - 'caps'",
        "facts - 'ended_hot_rows'",
        "jsonb_set(facts, '{rows}', '1')",
        "jsonb_set(facts, '{expiring_rows}', '1')",
        "jsonb_set(facts, '{caps,records to archive,found}', '\"1\"')",
        "jsonb_set(facts, '{caps,records to erase,found}', '\"1\"')",
        "facts #- '{caps,records to erase,allowed}'",
        "(facts #- '{caps,records to archive,found}') - 'rows'",
    ],
)
def test_a_plan_that_was_not_judged_is_not_released(till: Till, over: int, lie: str) -> None:
    till.sql(f"UPDATE lifecycle.run SET facts = {lie} WHERE run_id = %s", over)  # noqa: S608 — a constant
    insert(till, over, run_of(till, over)["manifest_sha256"], "approved")
    with pytest.raises(psycopg2.errors.RestrictViolation) as refused:
        release(till.house, run_of(till, over))
    assert refused.value.diag.constraint_name == "judged_by_caps"


def test_a_plan_from_before_there_were_caps_is_not_released(till: Till, due: list[Paid]) -> None:
    """However little it would do: nobody judged it. The next run plans anew, and is judged."""
    hot = till.hot()
    run_id = till.plan("before")
    till.sql("UPDATE lifecycle.run SET facts = facts - 'caps' WHERE run_id = %s", run_id)
    with pytest.raises(PromiseBroken, match="without being judged by the caps: the next run plans anew"):
        till.step("guard", run_id)
    with pytest.raises(psycopg2.errors.RestrictViolation) as refused:
        release(till.house, run_of(till, run_id))
    assert refused.value.diag.constraint_name == "judged_by_caps"
    assert_nothing_happened(till, run_id, hot)
    assert waits(till, "after") > run_id
