"""Erasure at vendors end to end: the four kinds erase, confirm, are looked at; who is away is told about in time."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from tests.faults.workshop import Workshop
from tests.vendor_desk import Desk, quickly
from tests.vendor_servers import (
    DOMAIN,
    Files,
    Processor,
    Removals,
    Vendor,
    local_stripe,
    processor_key,
    serving,
)

from data_lifecycle.protocol import concluding
from data_lifecycle.protocol.house import PromiseBroken, Refused
from data_lifecycle.vendor_erasure import acting, attesting, noting, planning
from data_lifecycle.vendors.accounts import Account, GivenAccounts

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEAR = timedelta(days=6, hours=20)
"""How long ago an order ended whose deadline is four hours away."""


@pytest.fixture
def desk(
    house: House,
    studio: Studio,
    store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Desk:
    """An empty studio."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(concluding, "assert_run", quickly)
    return Desk(Workshop(house, studio.admin_url, store.store_access("object_admin")))


@pytest.fixture
def serve() -> Iterator[Callable[..., Vendor]]:
    """Start servers of vendors; they end with the test."""
    with ExitStack() as stack:
        yield lambda answer, **more: stack.enter_context(serving(Vendor(answer, **more)))


@pytest.fixture(scope="module")
def stripe_url() -> Iterator[str]:
    """localstripe, a peer that speaks Stripe's interface."""
    with local_stripe() as url:
        yield url


def account(url: str, **extra: Any) -> Account:
    """An account at a server of a test."""
    return Account(url, "key", "secret", extra)


def copies(shop: Workshop, store: ObjectStore, order: str) -> Account:
    """A bucket of another region with a copy of the order's file, two versions, and a canary; its account."""
    for name in ("canary/here", f"orders/{order}/photo-0.jpg", f"orders/{order}/photo-0.jpg"):
        shop.s3.put_object(Bucket=shop.backup, Key=name, Body=b"copy")
    eraser, observer = store.store_access("object_eraser"), store.store_access("object_observer")
    return Account(
        eraser.endpoint_url,
        eraser.access_key,
        eraser.secret_key,
        {
            "bucket": shop.backup,
            "canary": "canary/here",
            "observer_access_key": observer.access_key,
            "observer_secret_key": observer.secret_key,
        },
    )


@pytest.mark.slow
def test_four_kinds_erase_confirm_and_are_looked_at(
    desk: Desk,
    serve: Callable[..., Vendor],
    store: ObjectStore,
    stripe_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import stripe

    shop = desk.shop
    order = shop.order()
    customer = (
        stripe.StripeClient("sk_test_12345", base_addresses={"api": stripe_url}).v1.customers.create().id
    )
    key, public = processor_key()
    processor = Processor()
    mail, files = serve(Removals(slow=2)), serve(Files("ref"))
    rendering = serve(processor, sign=key)
    for vendor in ("postmark", "aws-s3", "openai", "pixelwright", "sendgrid"):
        desk.sent(order, vendor)
    desk.sent(order, "stripe", customer)
    job = serve(lambda call: (202, {"job_id": "j1"}))
    assert shop.purge() == "verified"
    assert (shop.case(order), desk.residue()) == ("open", {})
    desk.accounts = {
        "stripe": Account(stripe_url, None, "sk_test_12345"),
        "postmark": account(mail.url, requested_by="privacy@studio.example"),
        "aws-s3": copies(shop, store, order),
        "openai": account(files.url),
        "sendgrid": account(job.url),
        "pixelwright": account(rendering.url, processor_domain=DOMAIN, processor_public_key=public),
    }
    caplog.set_level(logging.INFO, "lifecycle")
    moments = [datetime.now(UTC) - 6 * HOUR, datetime.now(UTC) - 4 * HOUR]
    assert desk.run(moments[0]) == ("verified", [])
    assert desk.states() == {
        "aws-s3": "verified",
        "openai": "residual_until",
        "pixelwright": "accepted",
        "postmark": "in_progress",
        "sendgrid": "residual_until",
        # Deleted and looked for; the register grants it no more than its word, for the rest stays 90 days.
        "stripe": "residual_until",
    }
    assert desk.row("stripe")["sight"] == desk.row("openai")["sight"] == "absent"
    assert not any(f"orders/{order}" in key for _, key, _, _ in shop.everything(order))
    processor.status = "completed"
    assert desk.run(moments[1]) == ("verified", [])
    states = desk.states()
    assert (states["postmark"], states["pixelwright"]) == ("residual_until", "residual_until")
    # Only now is the order's case closed, with every vendor that is not verified as a place where something remains.
    latest = desk.results()[-1]
    assert shop.purge("two") == "verified"
    assert shop.case(order) == "absent"
    assert set(desk.residue()) == {"openai", "pixelwright", "postmark", "sendgrid", "stripe"}
    # The gaps are named: residuals that outlast the promise.
    assert latest["pipeline"] == "vendor_erasure"
    assert {gap["vendor"] for gap in latest["gaps"]} >= {"openai", "stripe", "sendgrid"}
    assert "gap: openai may keep something of 1 cases until" in caplog.text
    assert latest["vendors"]["aws-s3"] == {"verified": 1}
    # One key a vendor, whatever happens; and what the vendors were told was told in OpenDSR's words.
    sent = next(c for c in rendering.calls if c.method == "POST").body
    assert sent["subject_request_type"] == "erasure"
    assert sent["subject_request_id"] == str(desk.row("pixelwright")["erasure_id"])
    assert {"regulation", "subject_identities", "submitted_time", "status_callback_urls"} <= set(sent)
    for secret in (order, customer, "nobody@example.org", "photo-0.jpg"):
        assert secret not in caplog.text
    # Nothing is asked again that is done.
    before = len(files.calls)
    desk.run()
    assert len(files.calls) == before
    assert shop.verify().refused is None


def test_a_vendor_away_for_three_days_is_told_about_in_time_and_nothing_is_claimed(
    desk: Desk, store: ObjectStore, serve: Callable[..., Vendor], caplog: pytest.LogCaptureFixture
) -> None:
    shop = desk.shop
    order = shop.order(NEAR)
    desk.sent(order, "aws-s3")
    desk.sent(order, "openai", "f1")
    assert shop.purge() == "verified"
    (case,) = shop.sql("SELECT case_id::text, deadline_at FROM lifecycle.erasure_case")
    deadline = case["deadline_at"]
    files, away = serve(Files("f1")), serve(lambda call: (503, {}), down=503)
    there = copies(shop, store, order)
    desk.accounts = {"aws-s3": replace(there, url=away.url), "openai": account(files.url)}
    caplog.set_level(logging.INFO, "lifecycle")
    for hours in (96, 72, 48, 30):
        caplog.clear()
        assert desk.run(deadline - hours * HOUR) == ("verified", [])
        assert desk.states()["aws-s3"] == "unreachable"
        assert not [r for r in caplog.records if r.levelno >= logging.ERROR]
        assert desk.results()[-1]["claims"]["UNKNOWN"]["erasures"] == 1
    caplog.clear()
    outcome, broken = desk.run(deadline - 20 * HOUR)
    assert outcome == "failed"
    assert broken == ["vendor_erasure_balance: alarming = 0"]
    (alarm,) = [r.message for r in caplog.records if "deadline is" in r.message]
    assert case["case_id"] in alarm
    assert "aws-s3 is unreachable" in alarm
    row = desk.row("aws-s3")
    assert (row["verified_at"], row["attempts"]) == (None, 5)
    # One that is away stalls no other; the order stays open, and nothing claims that it is absent.
    assert desk.states()["openai"] == "residual_until"
    assert shop.purge("two") == "verified"
    assert (shop.case(order), shop.state(order), desk.residue()) == ("open", "present", {})
    assert set(shop.claims(order)) <= {"PLANNED", "DELETE_ACCEPTED"}
    # It comes back: only then is it verified, and the case is closed.
    desk.accounts["aws-s3"] = there
    assert desk.run() == ("verified", [])
    assert desk.states()["aws-s3"] == "verified"
    assert shop.purge("three") == "verified"
    assert shop.case(order) == "absent"
    assert set(desk.residue()) == {"openai"}
    assert shop.verify().refused is None
    assert shop.claims(order)[-1] == "OBSERVED_ABSENT"


def test_an_audit_clears_a_vendor_only_when_all_of_it_is_verified(
    desk: Desk, store: ObjectStore, serve: Callable[..., Vendor]
) -> None:
    from tests.audits import Auditor

    shop = desk.shop
    order = shop.order()
    desk.sent(order, "aws-s3")
    desk.sent(order, "openai")
    assert shop.purge() == "verified"
    desk.accounts = {"aws-s3": copies(shop, store, order), "openai": account(serve(Files("ref")).url)}
    assert desk.run() == ("verified", [])
    assert shop.purge("two") == "verified"
    auditor = Auditor(shop)
    auditor.age(40 * DAY)
    auditor.run()
    rows = shop.sql(
        "SELECT place, outcome FROM lifecycle.audit_residue WHERE place LIKE 'vendor %%' ORDER BY place"
    )
    assert {(row["place"], row["outcome"]) for row in rows} <= {
        ("vendor aws-s3", "cleared"),
        ("vendor openai", "early"),
        ("vendor openai", "pending"),
    }
    assert ("vendor aws-s3", "cleared") in {(row["place"], row["outcome"]) for row in rows}


def test_without_credentials_nothing_is_pretended(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    order = desk.shop.order()
    for vendor in ("openai", "paintbox", "a-stranger"):
        desk.sent(order, vendor)
    assert desk.shop.purge() == "verified"
    assert desk.run()[0] == "verified"  # there is time left
    assert desk.states() == {"a-stranger": "manual", "openai": "unreachable", "paintbox": "manual"}
    assert desk.row("openai")["code"] == "no-credentials"
    assert "vendor openai: no credentials were given" in caplog.text
    assert "vendor a-stranger got files and is not in the register" in caplog.text


def test_a_hold_keeps_files_at_vendors_too(desk: Desk, serve: Callable[..., Vendor]) -> None:
    shop = desk.shop
    order = shop.order(files=2)
    files = serve(Files("ref"))
    desk.accounts = {"openai": account(files.url)}
    desk.sent(order, "openai")
    assert shop.purge() == "verified"
    run_id = desk.plan()
    (upload,) = shop.sql("SELECT upload_id FROM studio.order_uploads WHERE order_id = %s LIMIT 1", order)
    hold = shop.hold(type("F", (), {"upload_id": upload["upload_id"]})())
    desk.work(run_id)
    assert desk.close(run_id) == ("verified", [])
    assert files.calls == []
    assert desk.states() == {"openai": "planned"}
    assert desk.results()[-1]["counts"]["held"] == 1
    shop.sql("UPDATE studio.legal_holds SET released_at = now() WHERE hold_id = %s", hold)
    assert desk.run() == ("verified", [])
    assert desk.states() == {"openai": "residual_until"}


def test_who_dies_while_asking_asks_again_with_the_same_key(
    desk: Desk, serve: Callable[..., Vendor], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = desk.shop.order()
    vendor = serve(Processor())
    desk.sent(order, "sendgrid")
    vendor.answer = lambda call: (202, {})
    desk.accounts = {"sendgrid": account(vendor.url)}
    assert desk.shop.purge() == "verified"
    run_id = desk.plan()
    planning.guard_run(desk.shop.house, run_id)

    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(acting, "record", die)
        with pytest.raises(KeyboardInterrupt):
            acting.run_stage(desk.shop.house, run_id, "submit", GivenAccounts(desk.accounts))
    assert desk.states() == {"sendgrid": "submitted"}
    # The retry, and a run that was started twice.
    again = desk.plan()
    planning.guard_run(desk.shop.house, again)
    for number in (run_id, again, again):
        acting.run_stage(desk.shop.house, number, "submit", GivenAccounts(desk.accounts))
    assert desk.states() == {"sendgrid": "residual_until"}
    assert len(vendor.calls) == 2
    assert len(vendor.keys()) == 1
    assert desk.shop.sql("SELECT count(*) AS n FROM lifecycle.vendor_erasure")[0]["n"] == 1


def test_who_wakes_up_late_changes_nothing(desk: Desk, serve: Callable[..., Vendor]) -> None:
    order = desk.shop.order()
    desk.sent(order, "sendgrid")
    assert desk.shop.purge() == "verified"
    run_id = desk.plan()
    planning.guard_run(desk.shop.house, run_id)
    later: list[int] = []

    def slow(call: Any) -> tuple[int, Any]:
        if not later:
            later.append(desk.plan())
        return 202, {}

    vendor = serve(slow)
    desk.accounts = {"sendgrid": account(vendor.url)}
    acting.run_stage(desk.shop.house, run_id, "submit", GivenAccounts(desk.accounts))
    assert desk.states() == {"sendgrid": "submitted"}
    assert desk.row("sendgrid")["run_id"] == later[0]


def test_a_dry_run_plans_and_asks_nothing(desk: Desk) -> None:
    desk.sent(desk.shop.order(), "openai")
    assert desk.shop.purge() == "verified"
    run_id = desk.plan(dry=True)
    assert planning.guard_run(desk.shop.house, run_id) is False
    assert desk.states() == {}
    attesting.attest_run(desk.shop.house, run_id, ())
    with pytest.raises(PromiseBroken, match="not released"):
        acting.run_stage(desk.shop.house, run_id, "submit", GivenAccounts({}))


def test_a_person_notes_an_answer_and_no_more_is_claimed_than_the_register_allows(desk: Desk) -> None:
    shop = desk.shop
    order = shop.order()
    for vendor in ("paypal", "paintbox", "replicate"):
        desk.sent(order, vendor)
    assert shop.purge() == "verified"
    desk.run(datetime.now(UTC) - 2 * HOUR)
    names = {v: str(desk.row(v)["erasure_id"]) for v in desk.states()}
    with pytest.raises(Refused, match="too short"):
        noting.note(shop.house, names["paypal"], "completed", "ann", "ok")
    with pytest.raises(Refused, match="no such"):
        noting.note(
            shop.house, "00000000-0000-4000-8000-000000000000", "completed", "ann", "a letter of today"
        )
    assert (
        noting.note(shop.house, names["paypal"], "verified", "ann", "letter of 2026-11-20")
        == "residual_until"
    )
    assert noting.note(shop.house, names["paintbox"], "verified", "ann", "mail of 2026-11-20") == "accepted"
    assert (
        noting.note(shop.house, names["replicate"], "verified", "ann", "looked in its console")
        == "residual_until"
    )
    assert shop.sql("SELECT count(*) AS n FROM lifecycle.vendor_confirmation")[0]["n"] == 3
    assert "verified" not in desk.states().values()


def test_callbacks_count_once_and_only_signed(desk: Desk, serve: Callable[..., Vendor]) -> None:
    from tests.vendor_servers import signature

    shop, (key, public) = desk.shop, processor_key()
    order = shop.order()
    for vendor in ("pixelwright", "brushworks"):
        desk.sent(order, vendor)
    assert shop.purge() == "verified"
    address = "https://studio.example/compliance/callbacks/"
    places = {
        v: account(
            serve(Processor(), sign=key).url,
            processor_domain=DOMAIN,
            processor_public_key=public,
            callback_url=address + v,
        )
        for v in ("pixelwright", "brushworks")
    }
    desk.accounts = places
    desk.run()
    assert set(desk.states().values()) == {"accepted"}
    name = str(desk.row("pixelwright")["erasure_id"])

    def says(status: str, to: str | None = address + "pixelwright") -> bytes:
        return json.dumps(
            {"subject_request_id": name, "request_status": status, "status_callback_url": to}
        ).encode()

    body, elsewhere = says("completed"), says("completed", "https://another-customer.example/cb")
    about_another = says("completed", address + "brushworks")
    good, accounts = signature(key, body), GivenAccounts(places)

    def take(headers: dict[str, str], content: bytes, vendor: str = "pixelwright") -> str:
        return noting.take_callback(shop.house, accounts, vendor, headers, content)

    stranger, _ = processor_key()
    for headers, content, vendor, why in (
        ({}, body, "pixelwright", "another-processor"),
        ({"X-OpenDSR-Processor-Domain": DOMAIN}, body, "pixelwright", "unsigned"),
        (signature(stranger, body), body, "pixelwright", "unsigned"),
        (good, body.replace(b"completed", b"cancelled"), "pixelwright", "unsigned"),
        (signature(key, elsewhere), elsewhere, "pixelwright", "addressed-to-another"),
        (good, body, "brushworks", "addressed-to-another"),
        (signature(key, about_another), about_another, "brushworks", "another vendor's"),
    ):
        with pytest.raises(Refused, match=why):
            take(headers, content, vendor)
    assert set(desk.states().values()) == {"accepted"}
    assert take(good, body) == "completed"
    with pytest.raises(Refused, match="taken before"):
        take(good, body)
    assert desk.states()["pixelwright"] == "completed"
    # "completed" twice, in other words: kept, and it changes nothing; nor does an older status.
    for status in ("cancelled", "pending"):
        other = says(status)
        assert take(signature(key, other), other) == "completed"


def test_copies_are_erased_by_version_and_a_blind_observer_sees_nothing(
    desk: Desk, store: ObjectStore
) -> None:
    from data_lifecycle.vendors.connector import ErasureRequest, Identity, Sight
    from data_lifecycle.vendors.connectors.s3 import S3Copies

    shop = desk.shop
    order = shop.order()
    key, neighbour = f"orders/{order}/photo-0.jpg", f"orders/{order}/photo-0.jpg2"
    place = copies(shop, store, order)
    shop.s3.delete_object(Bucket=shop.backup, Key=key)  # a plain delete: only a marker
    shop.s3.put_object(Bucket=shop.backup, Key=neighbour, Body=b"another's")
    shop.begin(key, shop.backup)
    request = ErasureRequest(
        subject_request_id=UUID(int=1),
        subject_identities=(Identity(identity_type="object_key", identity_value=key),),
        submitted_time=datetime.now(UTC),
        idempotency_key="erasure-0000000000000001",
    )
    connector = S3Copies(place)
    assert connector.verify(request, None).sight is Sight.PRESENT
    assert connector.submit(request).said == "completed"
    assert connector.verify(request, None).sight is Sight.ABSENT
    assert {e[1] for e in shop.everything(order) if e[0] == shop.backup} == {neighbour}
    for wrong, code in (
        ({"canary": "canary/never-put"}, "canary-not-found"),
        ({"bucket": "no-such-bucket"}, "AccessDenied"),
        ({"observer_secret_key": "wrong"}, "SignatureDoesNotMatch"),
    ):
        look = S3Copies(replace(place, extra={**place.extra, **wrong})).verify(request, None)
        assert (look.sight, look.code) == (Sight.UNKNOWABLE, code)
    nowhere = S3Copies(replace(place, extra={**place.extra, "bucket": "no-such-bucket"}))
    assert nowhere.submit(request).said == "unreachable"
