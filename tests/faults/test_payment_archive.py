"""The archive attacked: killed anywhere, lied to by database and vault, interfered with between any two steps."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.faults import payment_runner
from tests.faults.proxy import Answer, Call, Forward, lying
from tests.payment_fixtures import CARD, STEPS, Paid, Till

from data_lifecycle.payment_archive.stream import NotArchivable
from data_lifecycle.protocol.house import PromiseBroken

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.faults.payment_runner", "boto3", "data_lifecycle.policy.loader"])
A = "payment_archive."
POINTS = {
    "plan: sealed, not committed": ("plan", f"{A}planning:_tell::before:1"),
    "plan: committed": ("plan", "end"),
    "guard: published, lock not proven": ("guard", f"{A}planning:prove_lock::before:1"),
    "guard: canary put": ("guard", f"{A}vault:put_locked::after:1"),
    "guard: released": ("guard", "end"),
    "pseudonymise: name blanked, not committed": (
        "pseudonymise",
        f"{A}pseudonymise:execute:{A[:-1]}/blank_names:after:1",
    ),
    "pseudonymise: key destroyed, not committed": (
        "pseudonymise",
        f"{A}pseudonymise:execute:{A[:-1]}/destroy_key:after:1",
    ),
    "pseudonymise: done": ("pseudonymise", "end"),
    "archive: staged, not written": ("archive", f"{A}archiving:export::before:2"),
    "archive: file written": ("archive", f"{A}archiving:_intend::before:1"),
    "archive: intent not committed": ("archive", f"{A}archiving:execute:{A[:-1]}/insert_columns:after:1"),
    "archive: intent committed, nothing put": ("archive", f"{A}vault:put_locked::before:1"),
    "archive: put, not read back": ("archive", f"{A}vault:put_locked::after:1"),
    "archive: read back, not noted": ("archive", f"{A}vault:lock_of::after:1"),
    "archive: noted, not committed": ("archive", f"{A}archiving:execute:{A[:-1]}/note_stored:after:1"),
    "archive: one of two files stored": ("archive", f"{A}archiving:_intend::before:2"),
    "archive: done": ("archive", "end"),
    "compare: compared, not noted": ("compare", f"{A}comparing:execute:{A[:-1]}/insert_compared:before:1"),
    "compare: noted, not committed": ("compare", f"{A}comparing:execute:{A[:-1]}/insert_compared:after:1"),
    "compare: done": ("compare", "end"),
    "remove: rows deleted, not committed": ("remove", f"{A}removing:count_left::after:1"),
    "remove: entered, not committed": ("remove", f"{A}removing:execute:{A[:-1]}/clear_restated:after:1"),
    "remove: committed, not counted again": ("remove", f"{A}removing:_count_again::before:1"),
    "remove: one of two files": ("remove", f"{A}removing:_count_again::after:1"),
    "remove: done": ("remove", "end"),
    "expire: hot rows deleted, not committed": (
        "expire",
        f"{A}expiring:execute:{A[:-1]}/erase_ended:after:1",
    ),
    "expire: hot rows gone": ("expire", f"{A}expiring:drop_months::before:1"),
    "expire: month detached, not dropped": ("expire", f"{A}removing:_done:drop:before:1"),
    "expire: intent not committed": ("expire", f"{A}expiring:execute:{A[:-1]}/note_expiring:after:1"),
    "expire: intent committed": ("expire", f"{A}vault:erase_file::before:1"),
    "expire: file erased": ("expire", f"{A}vault:erase_file::after:1"),
    "expire: done": ("expire", "end"),
    "observe: not committed": ("observe", f"{A}observing:copy_rows::after:1"),
    "observe: done": ("observe", "end"),
    "attest: closed, not stated": ("attest", f"{A}attesting:_claims::before:1"),
    "attest: stated, not committed": ("attest", "protocol.ledger:state_result::after:1"),
    "attest: stated, not published": ("attest", "protocol.ledger:publish::before:1"),
}


def over(seconds: float) -> datetime:
    """When a payment was final whose seven years end in so many seconds."""
    end = datetime.now(UTC) + timedelta(seconds=seconds)
    return end.replace(year=end.year - 7)


class Scene:
    """Something for every step: two windows, an ended row, a late refund, a request; an ended file if asked for.

    The store's clock is real: whoever wants to see a lock end has to wait for it.
    """

    def __init__(self, till: Till, ends: bool) -> None:
        self.till, self.ends = till, ends
        customer = till.customer()
        if ends:
            till.pay(over(15), amount="1.0000")
        self.charge = till.pay(timedelta(days=500), order_id=till.order(customer), amount="2.0000")
        assert till.run("before") == "verified"
        self.refund = till.pay(timedelta(days=100), of=self.charge, amount="0.5000", name="Someone")
        self.due = [till.pay(timedelta(days=days), amount="3.0000") for days in (120, 140, 160)]
        self.ended_row = till.pay(over(-60), amount="4.0000")
        self.young = till.pay(timedelta(days=3), order_id=till.order(customer), amount="5.0000")
        till.sql("UPDATE studio.customers SET erase_requested_at = now() WHERE customer_id = %s", customer)
        if not ends:
            return
        (file,) = till.sql(
            "SELECT max(locked_until) AS at FROM lifecycle.archive_file WHERE last_end < now() + interval '1 hour'"
        )
        from tests.faults.workshop import wait_until

        wait_until(lambda: datetime.now(UTC) > file["at"] + timedelta(seconds=1), 60)

    def check(self) -> None:
        """Nothing is lost, nothing is doubled, nothing ended is left."""
        till = self.till
        assert till.hot() == {self.young.payment_id}
        assert set(till.records()) == {p.payment_id for p in (self.charge, self.refund, *self.due)}
        assert till.balanced()
        (books,) = till.sql(
            "SELECT sum(arrived_rows)::int AS arrived, sum(archived_rows)::int AS archived, sum(expired_rows)::int AS"
            " expired, sum(archived_amount) AS money FROM lifecycle.payment_books"
        )
        expired = 1 + self.ends
        assert (books["arrived"], books["archived"], books["expired"]) == (6 + expired, 5, expired)
        assert books["money"] == Decimal("11.5000")
        noted = {
            (f["object_key"], f["version_id"]) for f in till.files("current", "abandoned") if f["object_key"]
        }
        assert till.objects() == noted
        assert till.sql("SELECT count(*) AS n FROM studio.payments WHERE payer_name IS NOT NULL")[0]["n"] == 0
        assert till.count("lifecycle.payment_restated") == 0
        assert not [m for m in till.sql("SELECT * FROM studio.payment_months()") if not m["attached"]]


def kill(till: Till, step: str, run_id: int, point: str) -> None:
    """Run a step in a process that must not survive it."""
    process = PROCESSES.Process(
        target=payment_runner.run, args=(step, run_id, point, till.house.settings, till.admin_url)
    )
    process.start()
    process.join(90)
    assert process.exitcode == -signal.SIGKILL


# Every third point; ALL_POINTS=1 plays them all, which takes minutes more.
@pytest.mark.parametrize("point", POINTS if os.environ.get("ALL_POINTS") else list(POINTS)[::3])
def test_whoever_goes_on_converges(till: Till, point: str) -> None:
    """The same run goes on where that is possible at all; then a new run must find nothing left to do."""
    step, where = POINTS[point]
    scene = Scene(till, ends=STEPS.index(step) >= STEPS.index("expire"))
    run_id = 0 if step == "plan" else till.plan()
    for earlier in STEPS[1 : STEPS.index(step)]:
        till.step(earlier, run_id)
    kill(till, step, run_id, where)
    # Half of the points go on with the same run, the others with a new one, which takes the turn.
    if step == "plan" or list(POINTS).index(point) % 2:
        outcome = till.run("two")
    else:
        for later in STEPS[STEPS.index(step) :]:
            outcome = till.step(later, run_id)
    assert outcome == "verified"
    assert till.run("three") == "verified"
    scene.check()


def until(till: Till, last: str, house: Any = None, dag_run_id: str = "one") -> int:
    """A run up to and including this step."""
    run_id = till.plan(dag_run_id, house=house)
    for name in STEPS[1 : STEPS.index(last) + 1]:
        till.step(name, run_id, house)
    return run_id


def test_the_answer_to_commit_is_lost(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database has committed and the worker does not know: asked again, it finds that all is done."""
    paid = till.pay()
    run_id = until(till, "compare")
    from data_lifecycle.payment_archive import removing

    def lost(*_: object) -> None:
        raise ConnectionError("the answer is lost")

    monkeypatch.setattr(removing, "_count_again", lost)
    with pytest.raises(ConnectionError):
        till.step("remove", run_id)
    monkeypatch.undo()
    monkeypatch.setenv("LIFECYCLE_VAULT_FOLDER", till.house.settings.vault_folder)
    for name in STEPS[STEPS.index("remove") :]:
        outcome = till.step(name, run_id)
    assert outcome == "verified"
    assert set(till.records()) == {paid.payment_id}
    assert till.balanced()


def arrives(till: Till, charge: Paid) -> set[str]:
    return {till.pay(timedelta(days=130)).payment_id}


def is_refunded(till: Till, charge: Paid) -> set[str]:
    return {till.pay(timedelta(hours=1), of=charge, amount="1.0000").payment_id}


@pytest.mark.parametrize("change", [arrives, is_refunded])
@pytest.mark.parametrize("after", ["plan", "archive", "compare"])
def test_what_comes_between_survives(
    till: Till, after: str, change: Callable[[Till, Paid], set[str]]
) -> None:
    charge = till.pay()
    run_id = until(till, after)
    kept = change(till, charge)
    for name in STEPS[STEPS.index(after) + 1 :]:
        outcome = till.step(name, run_id)
    assert outcome == "verified"
    assert kept <= till.hot() | set(till.records())
    if after != "plan":
        assert till.hot() == kept
        assert set(till.records()) == {charge.payment_id}
    assert till.balanced()


@pytest.mark.parametrize("after", ["archive", "compare"])
def test_a_row_that_changed_is_not_touched(till: Till, after: str) -> None:
    charge, other = till.pay(), till.pay()
    run_id = until(till, after)
    till.sql("ALTER TABLE studio.payments DISABLE TRIGGER payments_stay")
    till.sql("UPDATE studio.payments SET amount = 99 WHERE payment_id = %s", charge.payment_id)
    if after == "archive":
        with pytest.raises(PromiseBroken, match="differing: amount in 1; nothing is removed"):
            till.step("compare", run_id)
    else:
        with pytest.raises(PromiseBroken, match="rolled back, nothing is removed"):
            till.step("remove", run_id)
    assert till.hot() == {charge.payment_id, other.payment_id}


TRAPS = {
    "a trigger that swallows one row": (
        "CREATE FUNCTION studio.trap() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN CASE WHEN OLD.amount = 7 THEN NULL ELSE OLD END; END $$;"
        "CREATE TRIGGER trap BEFORE DELETE ON studio.payments FOR EACH ROW EXECUTE FUNCTION studio.trap()"
    ),
    "a trigger that puts rows back": (
        "CREATE FUNCTION studio.trap() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN INSERT INTO studio.payments SELECT (OLD).*; RETURN NULL; END $$;"
        "CREATE TRIGGER trap AFTER DELETE ON studio.payments FOR EACH ROW EXECUTE FUNCTION studio.trap()"
    ),
    "row-level security": (
        "ALTER TABLE studio.payments ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY trap ON studio.payments TO payment_archiver USING (amount <> 7)"
    ),
    "a rule": "CREATE RULE trap AS ON DELETE TO studio.payments DO INSTEAD NOTHING",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_count_that_lies_is_caught(till: Till, trap: str) -> None:
    paid = [till.pay(amount="7.0000"), till.pay(amount="8.0000")]
    run_id = until(till, "compare")
    till.sql(TRAPS[trap])
    with pytest.raises(PromiseBroken, match="rolled back, nothing is removed"):
        till.step("remove", run_id)
    assert till.hot() == {p.payment_id for p in paid}
    assert till.files("current") == []
    for name in ("expire", "observe", "assert"):
        till.step(name, run_id)
    assert till.step("attest", run_id) == "failed"
    till.sql("DROP RULE IF EXISTS trap ON studio.payments; DROP TRIGGER IF EXISTS trap ON studio.payments")
    till.sql("ALTER TABLE studio.payments DISABLE ROW LEVEL SECURITY")
    assert till.run("two") == "verified"
    assert till.hot() == set()
    assert len(till.objects()) == 1, "the same records, the same key: the locked object is used, not doubled"


def test_a_vault_that_does_not_lock_gets_nothing(till: Till) -> None:
    till.pay()

    def deletes(call: Call, forward: Forward) -> Answer:
        return Answer(204, b"") if call.method == "DELETE" else forward(call)

    run_id = till.plan()
    liar = lying(till.house.connections.store("payment_eraser"), deletes)
    with liar as eraser, pytest.raises(PromiseBroken, match="does not enforce its lock"):
        till.step("guard", run_id, till.through(payment_eraser=eraser))
    assert till.objects() == set()
    with pytest.raises(PromiseBroken, match="not released"):
        till.step("archive", run_id)


def test_a_vault_that_accepts_a_lock_and_forgets_it(till: Till) -> None:
    till.pay()

    def forgets(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        answer.headers = {k: v for k, v in answer.headers.items() if "object-lock" not in k.lower()}
        return answer

    run_id = till.plan()
    with lying(till.house.connections.store("payment_vault"), forgets) as vault:
        with pytest.raises(PromiseBroken, match="did not lock"):
            till.step("guard", run_id, till.through(payment_vault=vault))
        till.step("guard", run_id)
        with pytest.raises(PromiseBroken, match="does not lock it until"):
            till.step("archive", run_id, till.through(payment_vault=vault))
    assert len(till.hot()) == 1


@pytest.mark.parametrize(
    ("identity", "step"),
    [("payment_vault", "archive"), ("payment_observer", "compare"), ("payment_vault", "remove")],
)
def test_altered_bytes_are_caught_by_whoever_reads_them(till: Till, identity: str, step: str) -> None:
    paid = till.pay()

    def alters(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        if call.method == "GET" and ".parquet" in call.target and answer.status == 200:
            middle = len(answer.body) // 2
            answer.body = answer.body[:middle] + bytes([answer.body[middle] ^ 1]) + answer.body[middle + 1 :]
        return answer

    run_id = until(till, STEPS[STEPS.index(step) - 1])
    liar = lying(till.house.connections.store(identity), alters)
    # The first to read it back finds a file that no longer is one, or another content; those after it other bytes.
    caught = pytest.raises((PromiseBroken, NotArchivable), match=r"other bytes|other records|cannot be read")
    with liar as access, caught:
        till.step(step, run_id, till.through(**{identity: access}))
    assert till.hot() == {paid.payment_id}


def test_a_vault_that_says_deleted_and_is_not(till: Till) -> None:
    till.pay(over(20))
    assert till.run() == "verified"
    (file,) = till.files("current")
    from tests.faults.workshop import wait_until

    wait_until(lambda: datetime.now(UTC) > file["locked_until"] + timedelta(seconds=1), 60)

    def keeps(call: Call, forward: Forward) -> Answer:
        return Answer(204, b"") if call.method == "DELETE" and ".parquet" in call.target else forward(call)

    run_id = until(till, "pseudonymise", dag_run_id="two")
    with lying(till.house.connections.store("payment_eraser"), keeps) as eraser:
        till.step("expire", run_id, till.through(payment_eraser=eraser))
    till.step("observe", run_id)
    assert till.judge(run_id) == ["archive_balance: survivors = 0"]
    assert till.attest(run_id) == "failed"
    assert [f["state"] for f in till.files()] == ["expiring"]
    assert till.balanced()
    assert till.run("three") == "verified"
    assert [f["state"] for f in till.files()] == ["absent"]


def test_a_later_run_takes_the_turn(till: Till) -> None:
    """Two runs at once: the earlier one has no effect any more, at whatever step it wakes up."""
    paid = till.pay()
    first = until(till, "compare")
    second = till.plan("two")
    for name in ("archive", "compare", "remove", "expire"):
        with pytest.raises(PromiseBroken, match="taken over"):
            till.step(name, first)
    for name in STEPS[1:]:
        outcome = till.step(name, second)
    assert outcome == "verified"
    assert till.hot() == set()
    assert set(till.records()) == {paid.payment_id}
    assert len(till.objects()) == 1
    assert till.balanced()


def test_every_step_twice_is_as_good_as_once(till: Till) -> None:
    scene = Scene(till, ends=True)
    run_id = till.plan()
    for name in STEPS[1:]:
        till.step(name, run_id)
        outcome = till.step(name, run_id)
    assert outcome == "verified"
    scene.check()


def test_rows_inserted_a_second_time_are_caught(till: Till) -> None:
    """A restored backup brings archived rows back: the same records cannot be archived twice."""
    till.pay()
    till.sql("CREATE TABLE saved AS SELECT * FROM studio.payments")
    assert till.run() == "verified"
    till.sql("SELECT studio.add_payment_months(min(occurred_at)::date, max(occurred_at)::date) FROM saved")
    till.sql("INSERT INTO studio.payments SELECT * FROM saved")
    run_id = till.plan("two")
    till.step("guard", run_id)
    with pytest.raises(PromiseBroken, match="inserted a second time"):
        till.step("archive", run_id)


def test_without_payments_zero_is_proven_by_a_canary(till: Till) -> None:
    assert till.run() == "verified"
    (stated,) = till.statements()
    assert (stated["counts"]["arrived_rows"], stated["counts"]["canaries"]) == (0, 1)

    def hides(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        if "versions" in call.target:
            import re

            answer.body = re.sub(rb"<Version>.*?</Version>", b"", answer.body, flags=re.DOTALL)
        return answer

    run_id = until(till, "expire", dag_run_id="two")
    with lying(till.house.connections.store("payment_observer"), hides) as observer:
        till.step("observe", run_id, till.through(payment_observer=observer))
    assert till.judge(run_id) == ["archive_balance: canaries_missing = 0"]
    assert till.attest(run_id) == "failed"


def test_a_stranger_and_a_lost_file_are_reported(till: Till) -> None:
    till.pay()
    assert till.run() == "verified"
    (file,) = till.files()
    till.s3.put_object(
        Bucket=till.bucket, Key=f"{till.house.settings.vault_folder}/v1/2030-01-a/x.parquet", Body=b"x"
    )
    till.sql("UPDATE lifecycle.archive_file SET version_id = 'another'")
    run_id = until(till, "observe", dag_run_id="two")
    assert till.judge(run_id) == ["archive_balance: lost = 0", "archive_balance: strangers = 0"]
    till.sql("UPDATE lifecycle.archive_file SET version_id = %s", file["version_id"])


def test_a_month_without_a_partition_refuses_and_loses_nothing(till: Till) -> None:
    import psycopg2.errors

    order = till.order()
    with pytest.raises(psycopg2.errors.CheckViolation):
        till.sql(
            "INSERT INTO studio.payments (payment_id, charge_id, order_id, kind, provider, provider_ref, amount,"
            " currency, occurred_at) SELECT i, i, %s, 'charge', 'stripe', 'x', 1, 'EUR', '1999-01-01Z'"
            " FROM gen_random_uuid() AS i",
            order,
        )
    assert till.count("lifecycle.payment_arrival") == 0


def test_a_detached_month_with_rows_is_put_back(till: Till) -> None:
    paid = till.pay(timedelta(days=120), settled=None)
    month = till.sql("SELECT date_trunc('month', occurred_at, 'UTC')::date AS at FROM studio.payments")[0][
        "at"
    ]
    name = f"studio.payments_{month:%Y_%m}"
    till.sql(f"ALTER TABLE studio.payments DETACH PARTITION {name}")
    run_id = until(till, "pseudonymise")
    till.step("observe", run_id)
    assert {"archive_balance: detached_months = 0", "archive_balance: stray_rows = 0"} <= set(
        till.judge(run_id)
    )
    assert till.run("two") == "verified"
    assert till.hot() == {paid.payment_id}


def test_no_card_number_and_nobody_is_printed(till: Till, caplog: pytest.LogCaptureFixture) -> None:
    from tests import leaks

    caplog.set_level("INFO")
    hit = till.pay(payload={"number": CARD}, name="Zoë Ångström")
    fine = till.pay(ref="ch_secretreference")
    assert till.run() == "verified"
    needles = {
        "card": [CARD, " ".join(CARD[i : i + 4] for i in range(0, 16, 4))],
        "name": ["Zoë Ångström"],
        "reference": ["ch_secretreference"],
        "order": [hit.order_id, fine.order_id],
        "payment": [hit.payment_id, fine.payment_id],
    }
    kept = ("lifecycle.run", "lifecycle.assertion", "lifecycle.evidence", "lifecycle.archive_sight")
    from data_lifecycle.connections import DatabaseAccess
    from data_lifecycle.database import connect

    with connect(DatabaseAccess(till.admin_url), "test") as connection:
        places = [("log", caplog.text), *leaks.in_database(connection, kept)]
        quarantine = list(leaks.in_database(connection, ["lifecycle.payment_quarantine"]))
    assert leaks.search(needles, places) == []
    assert leaks.search({"card": needles["card"]}, quarantine) == []
    assert "bank-card numbers found" in caplog.text
