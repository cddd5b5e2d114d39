"""A store that says one thing and does another: nothing false is verified or closed, and the rest is not stalled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest
from botocore.exceptions import ClientError
from tests.faults.proxy import Answer, Call, Forward, Lie, lying, objects_of, without
from tests.faults.workshop import Workshop

from data_lifecycle.objects import listing
from data_lifecycle.objects.wire import Retry
from data_lifecycle.photo_purge.attesting import attest_run
from data_lifecycle.photo_purge.observing import observe_run
from data_lifecycle.protocol.house import House, PromiseBroken

DELETED = (
    b'<?xml version="1.0"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</DeleteResult>'
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without the long pauses."""
    monkeypatch.setattr("data_lifecycle.objects.wire.DEFAULT_RETRY", Retry(2, 0.01, 0.02))
    monkeypatch.setattr(listing.Lister.__init__, "__kwdefaults__", {
        **listing.Lister.__init__.__kwdefaults__, "retry": Retry(2, 0.01, 0.02)
    })  # fmt: skip


@pytest.fixture
def orders(shop: Workshop) -> tuple[str, str]:
    """A due order that the store lies about, and one that it does not."""
    return shop.order(order_id="ord_sick", files=2), shop.order(order_id="ord_healthy", files=2)


@pytest.fixture
def behind(shop: Workshop) -> Iterator[_Behind]:
    """The house with a lie in front of an identity: ``behind(identity, lie)``."""
    with ExitStack() as stack:
        yield _Behind(shop, stack)


class _Behind:
    def __init__(self, shop: Workshop, stack: ExitStack) -> None:
        self._shop = shop
        self._stack = stack

    def __call__(self, identity: str, lie: Lie) -> House:
        made: AbstractContextManager = lying(self._shop.house.connections.store(identity), lie)  # type: ignore[type-arg]
        return self._shop.through(**{identity: self._stack.enter_context(made)})


def check_sick_and_healthy(shop: Workshop, outcome: str) -> None:
    """Whatever the lie, one order is closed, the other is open, and no statement says verified."""
    assert outcome == "failed"
    shop.assert_closed_once(["ord_healthy"])
    assert shop.everything("ord_sick")
    assert (shop.case("ord_sick"), shop.state("ord_sick")) == ("open", "present")
    assert {statement["outcome"] for statement in shop.results()} == {"failed"}
    shop.assert_evidence_complete()
    # An honest store, and the next run makes up for it.
    assert shop.purge("two") == "verified"
    shop.assert_closed_once(["ord_sick", "ord_healthy"])


def keeps_the_sick(shop: Workshop) -> Lie:
    """Says Deleted to everything and deletes what is not of the sick order."""

    def lie(call: Call, forward: Forward) -> Answer:
        if call.method != "POST" or b"ord_sick" not in call.body:
            return forward(call)
        honest = [pair for pair in objects_of(call.body) if b"ord_sick" not in pair[0]]
        for key, version in honest:
            shop.s3.delete_object(
                Bucket=call.path.strip("/").split("?")[0].rstrip("/"),
                Key=key.decode(),
                VersionId=version.decode(),
            )
        pairs = objects_of(call.body)
        body = b"".join(b"<Deleted><Key>%s</Key><VersionId>%s</VersionId></Deleted>" % pair for pair in pairs)
        return Answer(200, DELETED % body, {"Content-Type": "application/xml"})

    return lie


def test_deleted_says_the_store_and_keeps_it(shop: Workshop, orders: object, behind: _Behind) -> None:
    check_sick_and_healthy(shop, shop.purge(house=behind("object_eraser", keeps_the_sick(shop))))


def test_closing_rests_on_the_observation_alone(shop: Workshop, orders: object, behind: _Behind) -> None:
    """No second pass, no sweep, no assertion: what was seen there is open, what was seen absent is closed."""
    run_id = shop.plan()
    shop.act(run_id, behind("object_eraser", keeps_the_sick(shop)))
    observe_run(shop.house, run_id)
    check_sick_and_healthy(shop, shop.attest(run_id, "settle", "sweep", "assert"))


def test_a_stray_that_was_seen_keeps_the_case_open(shop: Workshop, orders: object) -> None:
    run_id = shop.plan()
    shop.act(run_id)
    shop.s3.put_object(Bucket=shop.backup, Key="orders/ord_sick/stray.jpg", Body=b"x")
    observe_run(shop.house, run_id)
    check_sick_and_healthy(shop, shop.attest(run_id, "settle", "sweep", "assert"))


def test_a_file_in_a_folder_of_others_that_cannot_be_looked_into(
    shop: Workshop, orders: object, behind: _Behind
) -> None:
    """The folder belongs to an order that is not due: only the file itself says that it is not known."""
    shop.order(None, order_id="ord_open")
    file = shop.file("ord_open", "lent.jpg")
    shop.sql("UPDATE studio.order_uploads SET order_id = 'ord_sick' WHERE upload_id = %s", file.upload_id)

    def lie(call: Call, forward: Forward) -> Answer:
        if call.method == "GET" and "prefix=orders/ord_open/" in call.target:
            return Answer(503, b"<Error><Code>SlowDown</Code></Error>")
        return forward(call)

    run_id = shop.plan()
    shop.act(run_id)
    observe_run(behind("object_observer", lie), run_id)
    assert shop.attest(run_id, "settle", "sweep", "assert") == "failed"
    assert (shop.case("ord_sick"), shop.case("ord_healthy")) == ("open", "absent")
    assert shop.purge("two") == "verified"
    shop.assert_closed_once(["ord_sick", "ord_healthy"])
    assert len(shop.everything("ord_open")) == 2


@pytest.mark.parametrize("code", ["AccessDenied", "InternalError"])
def test_errors_for_some_keys_inside_of_a_good_answer(
    shop: Workshop, orders: object, behind: _Behind, code: str
) -> None:
    def lie(call: Call, forward: Forward) -> Answer:
        if call.method != "POST" or b"ord_sick" not in call.body:
            return forward(call)
        body = b""
        for key, version in objects_of(call.body):
            if b"ord_sick" in key:
                body += b"<Error><Key>%s</Key><VersionId>%s</VersionId><Code>%s</Code></Error>" % (
                    *(key, version), code.encode(),
                )  # fmt: skip
            else:
                bucket = call.path.strip("/").split("?")[0].rstrip("/")
                shop.s3.delete_object(Bucket=bucket, Key=key.decode(), VersionId=version.decode())
                body += b"<Deleted><Key>%s</Key><VersionId>%s</VersionId></Deleted>" % (key, version)
        return Answer(200, DELETED % body, {"Content-Type": "application/xml"})

    run_id = shop.plan(house=(house := behind("object_eraser", lie)))
    shop.act(run_id, house)
    states = shop.sql("SELECT state, code FROM lifecycle.item WHERE object_key LIKE '%%ord_sick%%'")
    assert {(s["state"], s["code"]) for s in states} == {
        ("failed" if code == "AccessDenied" else "unknown", code)
    }
    check_sick_and_healthy(shop, shop.finish(run_id, house))


def test_slow_down_for_the_requests_of_some_keys(shop: Workshop, orders: object, behind: _Behind) -> None:
    """Each order's keys go in requests of their own here, so that the refusals hit one order only."""

    def lie(call: Call, forward: Forward) -> Answer:
        if call.method == "POST" and b"ord_sick" in call.body:
            return Answer(503, b"<Error><Code>SlowDown</Code></Error>", {"Content-Type": "application/xml"})
        return forward(call)

    check_sick_and_healthy(shop, shop.purge(house=behind("object_eraser", lie)))


def test_the_connection_breaks_after_the_store_did_as_asked(
    shop: Workshop, orders: tuple[str, str], behind: _Behind
) -> None:
    """Unknown is asked again; what is gone by then is gone, and the observer says so."""
    broken: list[Call] = []

    def lie(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        if call.method == "POST" and len(broken) < 3:
            broken.append(call)
            answer.cut = True
        return answer

    assert shop.purge(house=behind("object_eraser", lie)) == "verified"
    assert len(broken) == 3
    shop.assert_closed_once(orders)


def test_what_the_eraser_is_not_shown_the_observer_finds(
    shop: Workshop, orders: tuple[str, str], behind: _Behind
) -> None:
    hidden = 0

    def lie(call: Call, forward: Forward) -> Answer:
        nonlocal hidden
        answer = forward(call)
        if call.method == "GET" and "versions" in call.target:
            shown = without(answer.body, b"ord_sick", b"Version", b"DeleteMarker")
            hidden += shown != answer.body
            answer.body = shown
        return answer

    run_id = shop.plan(house=(house := behind("object_eraser", lie)))
    assert hidden
    shop.act(run_id, house)
    assert len(shop.everything(orders[0])) == 4
    assert shop.finish(run_id, house) == "verified"
    late = shop.sql("SELECT 1 FROM lifecycle.item WHERE origin = 'late' AND run_id = %s", run_id)
    assert len(late) == 4
    shop.assert_closed_once(orders)


@pytest.mark.parametrize("identity", ["object_eraser", "object_observer"])
@pytest.mark.parametrize("how", ["cut", "no marker", "error"])
def test_a_listing_of_one_folder_that_is_not_whole(
    shop: Workshop, orders: object, behind: _Behind, identity: str, how: str
) -> None:
    """Of one order nothing is known: it is left out by the plan, or unknown to the observer; never absent."""

    def lie(call: Call, forward: Forward) -> Answer:
        if call.method != "GET" or "prefix=orders/ord_sick/" not in call.target:
            return forward(call)
        if how == "error":
            return Answer(503, b"<Error><Code>SlowDown</Code></Error>")
        answer = forward(call)
        answer.cut = how == "cut"
        if how == "no marker":
            answer.body = re.sub(rb"<IsTruncated>false<", b"<IsTruncated>true<", answer.body)
        return answer

    house = behind(identity, lie)
    run_id = shop.plan(house=house)
    shop.act(run_id, house)
    outcome = shop.finish(run_id, house)
    assert outcome == "failed"
    shop.assert_closed_once(["ord_healthy"])
    if identity == "object_eraser":
        assert len(shop.everything("ord_sick")) == 4
        assert not shop.sql("SELECT 1 FROM lifecycle.erasure_case WHERE order_id = 'ord_sick'")
    else:
        assert (shop.case("ord_sick"), shop.state("ord_sick")) == ("open", "present")
    assert shop.purge("two") == "verified"
    shop.assert_closed_once(["ord_sick", "ord_healthy"])


def test_an_observer_that_is_shown_nothing_sees_nothing(
    shop: Workshop, orders: tuple[str, str], behind: _Behind
) -> None:
    """Everything is really there; the empty listings are complete and well formed. Only the canaries give it away."""

    def erases_nothing(call: Call, forward: Forward) -> Answer:
        if call.method != "POST":
            return forward(call)
        pairs = objects_of(call.body)
        body = b"".join(b"<Deleted><Key>%s</Key><VersionId>%s</VersionId></Deleted>" % pair for pair in pairs)
        return Answer(200, DELETED % body, {"Content-Type": "application/xml"})

    def shows_nothing(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        answer.body = without(answer.body, b"", b"Version", b"DeleteMarker", b"Upload")
        return answer

    run_id = shop.plan()
    shop.act(run_id, behind("object_eraser", erases_nothing))
    assert shop.finish(run_id, behind("object_observer", shows_nothing)) == "failed"
    for order_id in orders:
        assert len(shop.everything(order_id)) == 4
        assert (shop.case(order_id), shop.state(order_id)) == ("open", "present")


def test_evidence_that_is_not_kept_as_it_was_given(
    shop: Workshop, orders: tuple[str, str], behind: _Behind
) -> None:
    """Other bytes come back: the statement counts as not stored, and a later one is stored all the same."""

    def lie(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        if call.method == "GET" and "dsse" in call.path:
            answer.body = answer.body.replace(b"payload", b"pay1oad")
        return answer

    run_id = shop.plan()
    shop.act(run_id)
    shop.look(run_id)
    shop.prove(run_id)
    with pytest.raises(PromiseBroken, match="did not keep"):
        attest_run(behind("evidence_vault", lie), run_id, ())
    assert [s["stored_at"] for s in shop.results()] == [None]
    assert shop.attest(run_id) == "verified"
    shop.assert_closed_once(orders)
    shop.assert_evidence_complete()


def test_one_statement_that_cannot_be_stored_keeps_no_other_from_the_bucket(shop: Workshop) -> None:
    first = shop.plan("one")
    shop.act(first)
    shop.look(first)
    shop.prove(first)
    vault = shop.house.connections.store("evidence_vault")

    def altered(call: Call, forward: Forward) -> Answer:
        return (
            Answer(503, b"<Error><Code>InternalError</Code></Error>")
            if call.method == "PUT"
            else forward(call)
        )

    with (
        lying(vault, altered) as away,
        pytest.raises(ClientError),
    ):
        attest_run(shop.through(evidence_vault=away), first, ())
    (lost,) = shop.results()
    shop.s3.put_object(
        Bucket=shop.house.settings.bucket_evidence,
        Key=lost["evidence_id"],
        Body=b"something else, and locked",
    )
    order = shop.order()
    with pytest.raises(PromiseBroken, match="did not keep 1 statements"):
        shop.purge("two")
    assert shop.everything(order), "a log that cannot go on lets nothing go"
    stored = {statement["evidence_id"]: statement["stored_at"] for statement in shop.statements()}
    assert stored.pop(lost["evidence_id"]) is None
    assert None not in stored.values()


@pytest.mark.parametrize("lock", ["none", "GOVERNANCE", "past"])
def test_evidence_without_a_lock_counts_as_not_stored(shop: Workshop, behind: _Behind, lock: str) -> None:
    def lie(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        for name in list(answer.headers):
            if name.lower() == "x-amz-object-lock-mode":
                answer.headers[name] = "COMPLIANCE" if lock == "past" else lock
            if name.lower() == "x-amz-object-lock-retain-until-date" and lock == "past":
                answer.headers[name] = "2020-01-01T00:00:00Z"
            if name.lower().startswith("x-amz-object-lock") and lock == "none":
                del answer.headers[name]
        return answer

    run_id = shop.plan()
    shop.act(run_id)
    shop.look(run_id)
    shop.prove(run_id)
    with pytest.raises(PromiseBroken, match="did not keep"):
        attest_run(behind("evidence_vault", lie), run_id, ())
    assert [s["stored_at"] for s in shop.results()] == [None]


def test_a_folder_without_sealed_entries_that_cannot_be_looked_into(shop: Workshop, behind: _Behind) -> None:
    """The order's only file lies in another order's folder; what may lie in its own is not known, hence not absent."""
    other, order_id = shop.order(order_id="ord_healthy", files=0), shop.order(order_id="ord_sick", files=0)
    shop.share(shop.file(other), order_id)

    def lie(call: Call, forward: Forward) -> Answer:
        if call.method == "GET" and f"prefix=orders/{order_id}/" in call.target:
            return Answer(503, b"<Error><Code>SlowDown</Code></Error>")
        return forward(call)

    run_id = shop.plan()
    shop.act(run_id)
    shop.s3.put_object(Bucket=shop.uploads, Key=f"orders/{order_id}/stray.jpg", Body=b"x")
    assert shop.finish(run_id, behind("object_observer", lie)) == "failed"
    assert (shop.case(order_id), shop.closings(order_id)) == ("open", 0)
    shop.assert_closed_once(["ord_healthy"])
    assert shop.purge("two") == "verified"
    shop.assert_closed_once(["ord_sick", "ord_healthy"])
