"""Whatever destroys is paused at once, by one switch; what looks goes on; and afterwards nothing floods out."""

from __future__ import annotations

import argparse
import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import psycopg2.errors
import pytest
from tests.faults.test_changes_midway import between_requests
from tests.faults.workshop import Workshop
from tests.vendor_desk import Desk, quickly
from tests.vendor_servers import Files, Vendor, serving

from data_lifecycle.command import pause as verb
from data_lifecycle.photo_purge import guarding
from data_lifecycle.protocol import concluding, posture
from data_lifecycle.protocol.house import House
from data_lifecycle.protocol.posture import Paused
from data_lifecycle.vendors.accounts import Account

if TYPE_CHECKING:
    from tests.payment_fixtures import Till


def pause(house: House) -> None:
    assert posture.throw(house, paused=True, by="engineer", why="the store answers strangely")


def resume(house: House) -> None:
    assert posture.throw(house, paused=False, by="engineer", why="mended")


def predicate(statement: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b64decode(json.loads(bytes(statement["envelope"]))["payload"]))
    return dict(found["predicate"])


def test_a_paused_run_plans_and_says_so_and_releases_nothing(shop: Workshop) -> None:
    order = shop.order()
    before = shop.everything()
    pause(shop.house)
    run_id = shop.plan()
    with pytest.raises(Paused, match=r"is not released, its plan is public: paused since .* by engineer"):
        shop.act(run_id)
    assert shop.attest(run_id, "guard", "act", "observe", "settle", "sweep", "assert") == "failed"
    assert shop.everything() == before
    assert (shop.case(order), shop.closings(order)) == ("open", 0)
    stated = predicate(shop.results()[0])
    assert stated["claims"]["OBSERVED_ABSENT"]["cases"] == stated["counts"]["acted"] == 0
    assert shop.verify().refused is None
    resume(shop.house)
    assert shop.purge("two") == "verified"
    shop.assert_closed_once([order])


def test_the_database_refuses_a_release_that_forgot_to_ask(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.order()
    pause(shop.house)
    run_id = shop.plan()
    monkeypatch.setattr(guarding.posture, "refuse_while_paused", lambda *_: None)
    with pytest.raises(psycopg2.errors.RestrictViolation) as refused:
        shop.act(run_id)
    assert refused.value.diag.constraint_name == "paused"


def test_between_two_requests(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [shop.order(order_id="ord_aaaa", files=4), shop.order(order_id="ord_zzzz", files=4)]
    run_id = shop.plan()
    before = shop.everything("ord_zzzz")
    checks = between_requests(monkeypatch, 3, lambda: pause(shop.house))
    shop.act(run_id)
    assert len(checks) >= 3
    assert shop.everything("ord_zzzz") == before, "not one request more"
    stopped = shop.sql("SELECT DISTINCT code FROM lifecycle.item WHERE state = 'stopped'")
    assert [row["code"] for row in stopped] == ["paused"]
    shop.finish(run_id)
    assert shop.everything("ord_zzzz") == before, "nor does settle erase what it finds"
    assert shop.case("ord_zzzz") == "open"
    resume(shop.house)
    assert shop.purge("two") == "verified"
    shop.assert_closed_once(orders)


def test_payments_stay_with_their_names_and_files(till: Till) -> None:
    customer = till.customer()
    paid = till.pay(order_id=till.order(customer))
    till.sql(
        "UPDATE studio.customers SET erase_requested_at = now() - interval '1 hour' WHERE customer_id = %s",
        customer,
    )
    pause(till.house)
    waiting = till.plan("zero")
    with pytest.raises(Paused):
        till.step("guard", waiting)
    resume(till.house)
    run_id = till.plan()
    till.step("guard", run_id)
    pause(till.house)
    with pytest.raises(Paused, match="nobody else is cut off"):
        till.step("pseudonymise", run_id)
    till.step("archive", run_id)
    till.step("compare", run_id)
    for step in ("remove", "expire"):
        with pytest.raises(Paused):
            till.step(step, run_id)
    assert till.hot() == {paid.payment_id}
    assert till.sql("SELECT payer_name FROM studio.payments") == [{"payer_name": "Zoë Ångström"}]
    resume(till.house)
    assert till.run("two") == "verified"
    assert till.hot() == set()
    assert till.balanced()


def test_no_vendor_is_asked_and_those_that_were_are_followed(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concluding, "assert_run", quickly)
    desk = Desk(shop)
    first = shop.order()
    desk.sent(first, "openai")
    assert shop.purge() == "verified"
    with serving(Vendor(Files("ref"))) as openai:
        desk.accounts = {"openai": Account(openai.url, "key", "secret", {})}
        pause(shop.house)
        assert desk.run() == ("failed", ["vendor_erasure_balance: unasked = 0"])
        assert desk.states() == {"openai": "planned"}
        assert openai.calls == []
        resume(shop.house)
        assert desk.run() == ("verified", [])
        assert desk.states() == {"openai": "residual_until"}


def test_the_verbs(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verb.House, "of_files", lambda: shop.house)
    parser = argparse.ArgumentParser()
    verb.add_to(parser.add_subparsers())

    def say(*words: str) -> str:
        arguments = parser.parse_args(words)
        assert arguments.main(arguments) == 0
        return capsys.readouterr().out

    with pytest.raises(SystemExit):
        parser.parse_args(["pause"])
    with pytest.raises(SystemExit):
        parser.parse_args(["pause", "--why", " "])
    assert "paused since" in (said := say("pause", "--why", "a drill", "--by", "ann"))
    assert "by ann: a drill" in said
    assert "that was so already" in say("pause", "--why", "again")
    assert "over the caps they ask for approval" in say("resume", "--by", "bob")
    rows = shop.sql("SELECT paused, by_whom FROM lifecycle.posture ORDER BY posture_id")
    assert [tuple(row.values()) for row in rows] == [(True, "ann"), (False, "bob")]
