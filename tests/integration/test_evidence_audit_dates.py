"""When the audit looks at what, and what it finds of bytes that may remain: on the real servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tests.audits import DAY, Auditor, purged
from tests.faults.workshop import DUE, Workshop

from data_lifecycle.evidence_audit import observing, plan, planning
from data_lifecycle.photo_purge.claims import BACKUPS, VENDORS, WAL
from data_lifecycle.protocol.house import PromiseBroken, Refused

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(house: House, studio: Studio, store: ObjectStore) -> Workshop:
    """An empty studio to fill by hand."""
    return Workshop(house, studio.admin_url, store.store_access("object_admin"))


@pytest.fixture
def audit(shop: Workshop) -> Auditor:
    """The audit's steps."""
    return Auditor(shop)


# --- which, and when --------------------------------------------------------------------------------------------------


def test_a_look_that_was_missed_is_made_up_for_once(shop: Workshop, audit: Auditor) -> None:
    order = purged(shop)
    audit.age(9 * DAY)
    assert audit.run() == "verified"
    assert audit.whys() == {order: "late"}
    (row,) = shop.sql("SELECT days FROM lifecycle.audit_case")
    assert row["days"] == 7, "one look makes up for the first day's too"
    assert audit.run() == "verified"
    assert audit.whys() == {order: "sample"}
    audit.age(26 * DAY)
    assert audit.run() == "verified"
    assert audit.whys() == {order: "look"}


def test_an_audit_that_died_has_looked_at_nothing(shop: Workshop, audit: Auditor) -> None:
    order = purged(shop)
    audit.age(DAY)
    run_id = audit.plan()
    planning.guard_run(shop.house, run_id)
    observing.observe_run(shop.house, run_id)
    assert audit.run() == "verified"
    assert audit.whys() == {order: "look"}


def test_chance_can_be_repeated(shop: Workshop, audit: Auditor, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(6):
        shop.order(DUE)
    assert shop.purge() == "verified"
    monkeypatch.setattr(planning, "SAMPLE", 2)
    chosen = []
    for seed in ("00", "01", "00"):
        monkeypatch.setattr(planning.secrets, "token_hex", lambda _, seed=seed: seed)
        run_id = audit.plan()
        (run,) = shop.sql("SELECT facts FROM lifecycle.run WHERE run_id = %s", run_id)
        assert run["facts"]["seed"] == seed
        rows = shop.sql("SELECT case_id FROM lifecycle.audit_case WHERE run_id = %s", run_id)
        chosen.append({row["case_id"] for row in rows})
        every = [UUID(row["case_id"]) for row in shop.sql("SELECT case_id::text FROM lifecycle.erasure_case")]
        first = sorted(every, key=lambda case: plan.rank(seed, case))[:2]
        assert {str(case) for case in chosen[-1]} == {str(case) for case in first}, "as the seed says"
    assert chosen[0] == chosen[2]
    assert len(chosen[0]) == 2
    run_id = audit.plan(everything=True)
    rows = shop.sql("SELECT why FROM lifecycle.audit_case WHERE run_id = %s", run_id)
    assert [row["why"] for row in rows] == ["everything"] * 6


def test_a_dry_run_states_its_plan_and_no_more(shop: Workshop, audit: Auditor) -> None:
    purged(shop)
    run_id = audit.plan(dry_run=True)
    assert planning.guard_run(shop.house, run_id) is False
    assert audit.attest(run_id) == "verified"
    states = shop.sql("SELECT outcome FROM lifecycle.evidence WHERE run_id = %s", run_id)
    assert [row["outcome"] for row in states] == ["planned"]
    assert shop.sql("SELECT 1 FROM lifecycle.audit_case") == []
    with pytest.raises(PromiseBroken, match="not released"):
        observing.observe_run(shop.house, run_id)
    assert audit.verify().refused is None


def test_as_of_judges_dates_and_never_the_future(shop: Workshop, audit: Auditor) -> None:
    order = purged(shop)
    audit.age(8 * DAY)
    audit.plan(as_of=datetime.now(UTC) - 6.5 * DAY)
    assert audit.whys() == {order: "look"}
    (row,) = shop.sql("SELECT days FROM lifecycle.audit_case")
    assert row["days"] == 1
    with pytest.raises(Refused, match="later than the database's clock"):
        audit.plan(as_of=datetime.now(UTC) + DAY)


# --- what remains -----------------------------------------------------------------------------------------------------


def churn(shop: Workshop) -> None:
    """So much is written that every file of the write-ahead log is begun anew."""
    for _ in range(12):
        shop.sql("CREATE TABLE public.filler AS SELECT repeat('x', 900) AS x FROM generate_series(1, 20000)")
        shop.sql("DROP TABLE public.filler")
        shop.sql("SELECT pg_switch_wal()")
        shop.sql("CHECKPOINT")


def places(audit: Auditor) -> dict[str, str]:
    """What the latest audit says of the places where bytes may remain."""
    rows = audit.shop.sql(
        "SELECT place, outcome FROM lifecycle.audit_residue WHERE (run_id, round) ="
        " (SELECT run_id, round FROM lifecycle.audit_residue ORDER BY looked_at DESC LIMIT 1)"
    )
    return {row["place"]: row["outcome"] for row in rows}


def backup(shop: Workshop, age: timedelta, *, removed: bool = False) -> None:
    """A line of the register of backups."""
    shop.sql(
        "INSERT INTO studio.database_backups VALUES (gen_random_uuid(), now() - %s, now() + interval '30 days', %s)",
        age, datetime.now(UTC) if removed else None,
    )  # fmt: skip


def test_residue_is_cleared_by_looking_and_never_by_waiting(shop: Workshop, audit: Auditor) -> None:
    order = purged(shop)
    audit.age(DAY)
    assert audit.run() == "verified"
    assert set(places(audit).values()) == {"early"}
    (item,) = audit.result()["items"]
    assert [part["where"] for part in item["residue"]] == [BACKUPS, WAL]

    shop.sql("UPDATE lifecycle.erasure_case SET closed_lsn = pg_current_wal_lsn()")
    audit.age(6 * DAY)
    assert audit.run() == "verified"
    assert places(audit) == {WAL: "pending", BACKUPS: "early"}
    assert audit.states() == {"RESIDUE_PENDING": 1}

    churn(shop)
    audit.age(7 * DAY)
    assert audit.run() == "verified"
    assert audit.whys() == {order: "residue"}, "looked for again after a week"
    assert places(audit) == {WAL: "cleared", BACKUPS: "early"}
    assert audit.states() == {"RESIDUE_PENDING": 1}, "what was said to be left stays said until nothing is"

    audit.age(21 * DAY)
    assert audit.run() == "verified"
    assert places(audit) == {WAL: "cleared", BACKUPS: "pending"}, "an empty register shows nothing"
    backup(shop, 60 * DAY)
    backup(shop, DAY)
    audit.age(7 * DAY)
    assert audit.run() == "verified"
    assert places(audit) == {WAL: "cleared", BACKUPS: "pending"}, "one of before the closing is kept"
    shop.sql(
        "UPDATE studio.database_backups SET removed_at = now() WHERE made_at < now() - interval '50 days'"
    )
    audit.age(7 * DAY)
    assert audit.run() == "verified"
    assert places(audit) == {WAL: "cleared", BACKUPS: "cleared"}
    assert audit.states() == {"RESIDUE_CLEARED": 1}
    audit.age(30 * DAY)
    assert audit.run() == "verified"
    assert audit.whys() == {order: "sample"}, "nothing is left to look for"
    assert audit.states() == {"RESIDUE_CLEARED": 1}
    assert audit.verify().refused is None


def test_what_vendors_have_stays_pending_and_is_reported(
    shop: Workshop, audit: Auditor, caplog: pytest.LogCaptureFixture
) -> None:
    order = purged(shop)
    shop.sql(
        "INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose, destination_country,"
        " upload_id, sent_at) SELECT gen_random_uuid(), order_id, 'a printer', 'user.content.self_image',"
        " 'essential.service', 'DE', upload_id, now() FROM studio.order_uploads WHERE order_id = %s",
        order,
    )
    audit.age(31 * DAY)
    caplog.set_level("INFO")
    for _ in range(2):
        assert audit.run() == "verified"
        assert places(audit)[f"{VENDORS}a printer"] == "pending"
        assert "residue past its date in vendor a printer: 1 cases; time alone clears nothing" in caplog.text
        caplog.clear()
    assert audit.verify().refused is None


def test_salts_go_after_the_limitation_period(shop: Workshop, audit: Auditor) -> None:
    old, young = purged(shop), purged(shop)
    shop.sql(
        "UPDATE lifecycle.erasure_case SET closed_at = closed_at - interval '1096 days' WHERE order_id = %s",
        old,
    )
    assert audit.run() == "verified"
    counts = audit.result()["counts"]
    assert (counts["salts_destroyed"], counts["salts_remaining"]) == (1, 0)
    left = shop.sql("SELECT order_id FROM lifecycle.case_salt JOIN lifecycle.erasure_case USING (case_id)")
    assert [row["order_id"] for row in left] == [young]
    # It is looked at through another role and another way: a database that says yes and does nothing is found out.
    shop.sql(
        "UPDATE lifecycle.erasure_case SET closed_at = closed_at - interval '1096 days' WHERE order_id = %s",
        young,
    )
    shop.sql(
        "CREATE FUNCTION lifecycle.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    shop.sql(
        "CREATE TRIGGER swallow BEFORE DELETE ON lifecycle.case_salt FOR EACH ROW EXECUTE FUNCTION lifecycle.swallow()"
    )
    assert audit.run() == "failed"
    assert audit.broken == {"salts_remaining = 0"}
