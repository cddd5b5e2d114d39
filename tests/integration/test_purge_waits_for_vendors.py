"""An order's files are not absent while a vendor's copy is neither verified to be gone nor within a stated residual."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from psycopg2.sql import SQL, Identifier
from tests.faults.workshop import DUE, LATE, Workshop, judge
from tests.vendor_desk import Desk, quickly

from data_lifecycle.embedded import second_provider
from data_lifecycle.photo_purge import attesting as purge_attesting
from data_lifecycle.protocol import concluding
from data_lifecycle.protocol.house import PromiseBroken
from data_lifecycle.vendor_erasure import acting, attesting, planning
from data_lifecycle.vendors.accounts import Account, GivenAccounts

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(house: House, studio: Studio, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An empty studio."""
    monkeypatch.setattr(concluding, "assert_run", quickly)
    return Desk(Workshop(house, studio.admin_url, store.store_access("object_admin")))


def counts(desk: Desk) -> tuple[int, int]:
    """Cases that waited for vendors in the latest purge, and those of them past their deadline, as stated."""
    latest = [found for found in desk.results() if found["pipeline"] == "photo_purge"][-1]
    assert latest["claims"]["OPEN"]["of_them_waiting_for_vendors"] == latest["counts"]["vendors_waiting"]
    return latest["counts"]["vendors_waiting"], latest["counts"]["vendors_overdue"]


def told(desk: Desk, vendor: str, **columns: Any) -> None:
    """What the erasure at a vendor came to, put there by hand."""
    news = SQL(", ").join(SQL("{} = %s").format(Identifier(name)) for name in columns)
    statement = SQL("UPDATE lifecycle.vendor_erasure SET {} WHERE vendor = %s").format(news)
    desk.shop.sql(statement, *columns.values(), vendor)  # type: ignore[arg-type]


def asked(desk: Desk) -> None:
    """The erasures are planned, and nobody is reached."""
    assert desk.run()[0] in ("verified", "failed")


def test_a_case_waits_until_the_vendor_is_looked_at(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    shop = desk.shop
    order, other = shop.order(files=2), shop.order()
    desk.sent(order, "aws-s3")
    caplog.set_level(logging.INFO, "lifecycle")
    assert shop.purge() == "verified", "waiting is no failure while there is time"
    assert shop.everything(order, other) == set()
    assert (shop.case(order), shop.state(order)) == ("open", "present")
    assert (shop.case(other), shop.state(other)) == ("absent", "absent"), "it stalls nobody else"
    assert counts(desk) == (1, 0)
    asked(desk)
    now = datetime.now(UTC)
    for step in (
        {"state": "accepted", "accepted_at": now},
        {"state": "completed", "completed_at": now},
    ):
        told(desk, "aws-s3", **step)
        assert shop.purge(step["state"]) == "verified"
        assert shop.case(order) == "open", "its word alone is not enough"
        assert counts(desk) == (1, 0)
    told(desk, "aws-s3", state="verified", sight="absent", verified_at=now)
    assert shop.purge("verified") == "verified"
    shop.assert_closed_once([order, other])
    assert counts(desk) == (0, 0)
    assert "aws-s3" not in desk.residue()
    assert shop.verify().refused is None
    assert shop.claims(order)[-1] == "OBSERVED_ABSENT"
    assert shop.claims(order).count("OBSERVED_ABSENT") == 1


def test_a_stated_residual_closes_the_case_and_is_named_with_its_date(desk: Desk) -> None:
    shop = desk.shop
    order = shop.order()
    desk.sent(order, "openai")
    assert shop.purge() == "verified"
    asked(desk)
    until = datetime.now(UTC) + timedelta(days=30)
    told(desk, "openai", state="residual_until", accepted_at=until, residual_until=until)
    assert shop.purge("two") == "verified"
    assert shop.case(order) == "absent"
    assert datetime.fromisoformat(desk.residue()["openai"]) == until


def test_a_vendors_own_clock_counts_from_sending_until_it_was_seen_to_be_wrong(desk: Desk) -> None:
    shop = desk.shop
    order, doubted = shop.order(), shop.order()
    for name in (order, doubted):
        desk.sent(name, "replicate")
    sent = shop.sql("SELECT min(sent_at) AS at FROM studio.disclosures WHERE order_id = %s", order)[0]["at"]
    run_id = shop.plan()
    shop.act(run_id)
    asked(desk)
    # No credentials: nobody looked, and nobody has to. The one that was looked at was still there.
    assert desk.states() == {"replicate": "residual_until"}
    shop.sql(
        "UPDATE lifecycle.vendor_erasure SET sight = 'present', state = 'unreachable', residual_until = NULL"
        " WHERE case_id = (SELECT case_id FROM lifecycle.erasure_case WHERE order_id = %s)",
        doubted,
    )
    assert shop.finish(run_id) == "verified"
    assert (shop.case(order), shop.case(doubted)) == ("absent", "open")
    assert datetime.fromisoformat(desk.residue()["replicate"]) == sent + HOUR
    assert counts(desk) == (1, 0)


def test_a_vendors_own_clock_needs_no_erasure_and_a_usable_register(desk: Desk, tmp_path: Path) -> None:
    shop = desk.shop
    order = shop.order()
    desk.sent(order, "replicate")
    include = tmp_path / "include"
    shutil.copytree(shop.house.settings.include, include)
    register = include / "policy" / "vendors.yaml"
    text = register.read_text("utf-8")
    register.write_text(text.replace("mode: ttl_only", "mode: whenever"), "utf-8")
    broken = replace(shop.house, settings=replace(shop.house.settings, include=include))
    run_id = shop.plan(house=broken)
    shop.act(run_id)
    shop.look(run_id)
    assert judge(shop.house, run_id) == []
    assert shop.attest(run_id) == "verified"
    assert shop.case(order) == "open", "files are erased here all the same, and no clock is believed"
    assert shop.everything(order) == set()
    assert shop.purge("two") == "verified"
    assert shop.case(order) == "absent"


def test_past_the_deadline_a_waiting_case_is_overdue_and_fails_the_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lifecycle")
    shop = desk.shop
    near, late = shop.order(DUE), shop.order(LATE)
    for name in (near, late):
        desk.sent(name, "openai")
    run_id = shop.plan()
    shop.act(run_id)
    shop.look(run_id)
    monkeypatch.setattr(concluding, "assert_run", _judged)
    with pytest.raises(PromiseBroken, match="vendors_overdue = 0"):
        purge_attesting.assert_purge(shop.house, run_id)
    (case,) = shop.sql("SELECT case_id::text FROM lifecycle.erasure_case WHERE order_id = %s", late)
    (alarm,) = [r.message for r in caplog.records if "is overdue" in r.message]
    assert case["case_id"] in alarm
    assert "vendor openai has 1 copies (unasked)" in alarm
    assert shop.attest(run_id) == "failed"
    assert (shop.case(near), shop.case(late)) == ("open", "open")
    assert counts(desk) == (2, 1)
    for text in (near, late, "nobody@example.org", "photo-0.jpg"):
        assert text not in caplog.text


def test_what_another_order_keeps_is_not_waited_for(desk: Desk) -> None:
    shop = desk.shop
    order, open_one = shop.order(), shop.order(None)
    shared = shop.file(open_one, "shared.jpg")
    shop.share(shared, order)
    desk.sent(open_one, "openai")
    assert shop.purge() == "verified"
    assert shop.case(order) == "absent"
    assert counts(desk) == (0, 0)


def test_a_held_case_waits_for_its_hold_and_not_for_vendors(desk: Desk) -> None:
    shop = desk.shop
    order = shop.order(files=0)
    held = shop.file(order, "held.jpg")
    shop.file(order, "free.jpg")
    shop.hold(held)
    desk.sent(order, "openai")
    assert shop.purge() == "verified"
    assert shop.case(order) == "open"
    assert counts(desk) == (0, 0)


def _judged(house: House, run_id: int, suite: str, parameters: Any) -> None:
    if suite != "photo_purge":
        quickly(house, run_id, suite, parameters)
        return
    if broken := judge(house, run_id):
        raise PromiseBroken("; ".join(broken))


def test_the_demo_closes_what_its_second_provider_shows_gone_and_waits_for_the_one_out_of_reach(
    load_demo: Callable[..., Any],
    purge: Callable[..., int],
    store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import psycopg2

    monkeypatch.setattr(concluding, "assert_run", _judged)
    demo = load_demo(orders=60, copies=True)
    names = {o: n for n, orders in demo.report.scenarios.items() for o in orders}

    def waiting() -> set[str]:
        with psycopg2.connect(demo.studio.admin_url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT order_id FROM lifecycle.erasure_case WHERE state = 'open'")
            return {names[order_id] for (order_id,) in cursor.fetchall()} - {"held"}

    purge(demo.house, "one")
    assert waiting() == {"copied_away", "vendor_unreachable"}
    stores = {name: asdict(store.store_access(name)) for name in second_provider.IDENTITIES}
    accounts = {}
    for vendor, made in zip(
        second_provider.VENDORS, second_provider.connections(stores).values(), strict=True
    ):
        accounts[vendor] = Account(made["host"], made["login"], made["password"], json.loads(made["extra"]))
    run_id = planning.plan_run(demo.house, "vendors", datetime.now(UTC), None, False)
    planning.guard_run(demo.house, run_id)
    for stage in ("submit", "poll", "verify"):
        acting.run_stage(demo.house, run_id, stage, GivenAccounts(accounts))  # type: ignore[arg-type]
    attesting.assert_erasures(demo.house, run_id)  # green: nobody's deadline is near
    attesting.attest_run(demo.house, run_id, ())
    purge(demo.house, "two")
    assert waiting() == {"vendor_unreachable"}
