"""Legal holds on the real servers: the store itself refuses, whoever asks; and lets go when the hold is over."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.faults.workshop import LATE, Through, Workshop
from tests.hold_desk import Desk

from data_lifecycle.holds import acting, planning
from data_lifecycle.objects import canary, flags
from data_lifecycle.objects.canary import HELD_KEY
from data_lifecycle.objects.erase import erase_versions
from data_lifecycle.objects.model import ObjectVersion, Outcome
from data_lifecycle.objects.store import client
from data_lifecycle.protocol.house import House, PromiseBroken

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(house: House, studio: Studio, store: ObjectStore) -> Desk:
    return Desk(Workshop(house, studio.admin_url, store.store_access("object_admin")))


# --- what the store does ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["object_eraser", "object_app", "object_admin"])
@pytest.mark.parametrize("bypass", [False, True])
def test_a_flagged_version_cannot_be_deleted_by_anybody(
    desk: Desk, store: ObjectStore, identity: str, bypass: bool
) -> None:
    order = desk.shop.order(files=0)
    file = desk.shop.file(order, versions=2)
    ((bucket, key, version), *_) = desk.versions(file.key)
    desk.shop.s3.put_object_legal_hold(Bucket=bucket, Key=key, VersionId=version, LegalHold={"Status": "ON"})
    before = desk.shop.everything()
    more = {"BypassGovernanceRetention": True} if bypass else {}
    with pytest.raises(ClientError) as refused:
        client(store.store_access(identity)).delete_object(Bucket=bucket, Key=key, VersionId=version, **more)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert desk.shop.everything() == before
    if not bypass:
        desk.shop.s3.put_object_legal_hold(
            Bucket=bucket, Key=key, VersionId=version, LegalHold={"Status": "OFF"}
        )
        assert flags.try_to_delete(
            store.store_access("object_eraser"), flags.Version(bucket, key, version)
        ) == ("deleted", None)


def test_a_bug_of_ours_that_erases_what_is_held_is_refused_by_the_store(desk: Desk) -> None:
    """The eraser is called directly, with no plan, no stop and no fence."""
    order = desk.shop.order(files=0)
    held, other = desk.shop.file(order, "held.jpg", versions=3), desk.shop.file(order, "other.jpg")
    desk.hold(held)
    desk.keep()
    now = datetime.now(UTC)
    doomed = [
        ObjectVersion(bucket, key, "version", version, 1, now, False)
        for bucket, key, version in sorted(desk.versions(held.key, other.key))
    ]
    answers = erase_versions(desk.house.connections.store("object_eraser"), doomed, before_batch=lambda: None)
    assert {(item.key, outcome) for item, outcome, _ in answers} == {
        (held.key, Outcome.FAILED),
        (other.key, Outcome.ACCEPTED),
    }
    assert len(desk.versions(held.key)) == 6
    assert not desk.versions(other.key)


def test_only_the_holder_flags_and_nobody_sets_a_period(desk: Desk, store: ObjectStore) -> None:
    file = desk.shop.file(desk.shop.order(files=0), backup=False)
    ((bucket, key, version),) = desk.versions(file.key)
    one = {"Bucket": bucket, "Key": key, "VersionId": version}
    for identity in ("object_app", "object_eraser", "object_observer"):
        with pytest.raises(ClientError, match="AccessDenied"):
            client(store.store_access(identity)).put_object_legal_hold(**one, LegalHold={"Status": "ON"})
    holder = client(store.store_access("object_holder"))
    for act in (
        lambda: holder.get_object(**one),
        lambda: holder.delete_object(**one),
        lambda: holder.put_object(Bucket=bucket, Key=key, Body=b"x"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            act()
    until = datetime.now(UTC) + timedelta(days=1)
    for identity in ("object_app", "object_holder", "object_admin"):
        with pytest.raises(ClientError, match="AccessDenied"):
            client(store.store_access(identity)).put_object_retention(
                **one, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until}
            )


# --- setting and letting go -------------------------------------------------------------------------------------------


def test_every_version_derivative_and_copy_is_flagged_and_nothing_else(desk: Desk) -> None:
    shop = desk.shop
    order = shop.order(files=0)
    held = shop.file(order, "held.jpg", versions=3, marker=True, unfinished=True)
    thumb = shop.file(order, "held-thumb.jpg", derived_from=held)
    small = shop.file(order, "held-small.jpg", derived_from=thumb, versions=2)
    shop.file(order, "other.jpg")
    shop.s3.put_object(Bucket=shop.backup, Key=f"orders/{order}/nobody-knows.tmp", Body=b"x")
    hold = desk.hold(held)
    books = desk.keep()
    assert desk.flagged() == desk.versions(held.key, thumb.key, small.key, f"orders/{order}/nobody-knows.tmp")
    assert (books["holds"], books["in_force"], books["flagged"]) == (1, 13, 13)
    assert (books["bare"], books["left_on"], books["unknown"], books["unenforced"]) == (0, 0, 0, 0)
    assert desk.shop.sql("SELECT facts ->> 'unflaggable' AS n FROM lifecycle.run")[0]["n"] == "2"
    assert desk.keep()["planned"] == 0, "nothing is left to change"
    assert desk.attest(desk.keep()["run_id"]) == "verified"
    statement = json.loads(bytes(shop.results()[-1]["envelope"]))
    stated = json.loads(b64decode(statement["payload"]))["predicate"]
    assert [(h["hold"], h["basis_class"], h["versions"]) for h in stated["holds"]] == [(hold, "dispute", 13)]
    assert stated["protected_by"] == "the store"
    assert stated["claims"]["HELD"] == {"holds": 1, "versions": 13}
    assert not any(word in json.dumps(stated) for word in ('"ann"', '"bob"', order, "a dispute"))
    assert shop.verify().refused is None


def test_a_version_that_comes_later_is_late_once_and_flagged_by_the_next_run(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0), backup=False)
    desk.hold(file)
    run_id = desk.plan()
    desk.flag(run_id)
    desk.shop.s3.put_object(Bucket=desk.shop.uploads, Key=file.key, Body=b"again")
    books = desk.look(run_id)
    assert (books["in_force"], books["flagged"], books["late"], books["bare"]) == (2, 1, 1, 0)
    books = desk.keep()
    assert (books["set_on"], books["flagged"], books["late"]) == (1, 2, 0)


def test_a_hold_that_is_not_approved_or_whose_end_is_past_flags_nothing(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    desk.place(file)
    desk.expire(desk.hold(file))
    desk.keep()
    assert desk.flagged() == set()


def test_of_two_holds_the_last_lets_go(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    first, second = desk.hold(file), desk.hold(file)
    desk.keep()
    desk.release(first)
    assert desk.keep()["planned"] == 0
    assert len(desk.flagged()) == 2
    desk.release(second)
    books = desk.keep()
    assert (books["let_go"], books["left_on"]) == (2, 0)
    assert desk.flagged() == set()
    assert desk.shop.sql("SELECT 1 FROM lifecycle.store_hold WHERE object_key <> %s", HELD_KEY) == []


def test_a_hold_placed_between_plan_and_letting_go_wins(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    hold = desk.hold(file)
    desk.keep()
    desk.release(hold)
    run_id = desk.plan()
    desk.hold(file)
    desk.flag(run_id)
    books = desk.look(run_id)
    assert (books["stopped"], books["let_go"], books["flagged"], books["bare"]) == (2, 0, 2, 0)
    assert desk.flagged() == desk.versions(file.key)


def test_a_flag_taken_away_by_somebody_else_is_set_again_and_said(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0), backup=False)
    desk.hold(file)
    desk.keep()
    ((bucket, key, version),) = desk.versions(file.key)
    desk.shop.s3.put_object_legal_hold(Bucket=bucket, Key=key, VersionId=version, LegalHold={"Status": "OFF"})
    books = desk.keep()
    assert (books["lifted"], books["flagged"], books["bare"]) == (1, 1, 0)
    assert desk.attest(books["run_id"]) == "failed"
    assert desk.keep()["lifted"] == 0


def test_what_was_flagged_right_before_a_crash_is_let_go_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    hold = desk.hold(file)
    run_id = desk.plan()
    real = acting.fetch_one

    def dies(connection: Any, name: str, **values: Any) -> Any:
        if name == "holds/record_outcomes":
            raise ConnectionError
        return real(connection, name, **values)

    monkeypatch.setattr(acting, "fetch_one", dies)
    with pytest.raises(ConnectionError):
        desk.flag(run_id)
    monkeypatch.undo()
    assert len(desk.flagged()) == 2
    desk.release(hold)
    desk.keep()
    assert desk.flagged() == set()


def test_a_flag_that_a_restored_database_does_not_know_is_found_by_the_purge_and_let_go(desk: Desk) -> None:
    order = desk.shop.order()
    hold = desk.hold(*desk.files(order))
    desk.keep()
    desk.release(hold)
    desk.shop.sql("DELETE FROM lifecycle.store_hold")
    run_id = desk.shop.plan()
    desk.shop.act(run_id)
    assert desk.shop.finish(run_id) == "failed", "the store refused, loudly"
    assert desk.keep()["let_go"] == 2
    assert desk.shop.purge("two") == "verified"
    desk.shop.assert_closed_once([order])


# --- enforcement ------------------------------------------------------------------------------------------------------


def test_a_store_that_does_not_enforce_is_not_claimed_to(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    desk.hold(file)
    admin = desk.shop.s3

    def lenient(_: Any, version: flags.Version) -> tuple[str, None]:
        one = {"Bucket": version.bucket, "Key": version.key, "VersionId": version.version_id}
        assert version.key == HELD_KEY, "nothing of anybody's is tried"
        admin.put_object_legal_hold(**one, LegalHold={"Status": "OFF"})
        admin.delete_object(**one)
        return "deleted", None

    monkeypatch.setattr(acting, "try_to_delete", lenient)
    books = desk.keep()
    assert books["unenforced"] == 2
    assert books["canaries_missing"] >= 1
    assert desk.attest(books["run_id"]) == "failed"
    statement = json.loads(bytes(desk.shop.results()[-1]["envelope"]))
    stated = json.loads(b64decode(statement["payload"]))["predicate"]
    assert stated["protected_by"] == "our checks only"
    assert stated["claims"]["HELD"]["versions"] == 0
    monkeypatch.undo()
    assert desk.keep()["unenforced"] == 2, "an object that is gone proves nothing"
    canary.ensure_probe(desk.house.connections.store("object_app"), desk.house.settings.photo_buckets)
    assert desk.keep()["unenforced"] == 0


def test_whoever_reads_every_flag_as_on_saw_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from data_lifecycle.holds import observing

    run_id = desk.plan()
    desk.flag(run_id)
    monkeypatch.setattr(observing, "read_flags", lambda _, versions: dict.fromkeys(versions, ("on", None)))
    assert desk.look(run_id)["canaries_missing"] > 0
    monkeypatch.setattr(observing, "read_flags", lambda _, versions: dict.fromkeys(versions, ("off", None)))
    assert desk.look(run_id)["canaries_missing"] > 0


# --- holds and the purge ----------------------------------------------------------------------------------------------


def test_a_hold_between_plan_and_act_wins_with_or_without_its_flag(desk: Desk) -> None:
    order = desk.shop.order(LATE)
    run_id = desk.shop.plan()
    before = desk.shop.everything(order)
    desk.hold(*desk.files(order))
    desk.keep()
    desk.shop.act(run_id)
    assert desk.shop.everything(order) == before
    assert desk.shop.case(order) == "open"


@pytest.mark.parametrize("end", [Desk.release, Desk.expire], ids=["released", "expired"])
def test_what_is_released_waits_for_the_store_and_is_then_purged(
    desk: Desk, end: Callable[[Desk, str], None]
) -> None:
    order = desk.shop.order()
    hold = desk.hold(*desk.files(order))
    desk.keep()
    assert desk.shop.purge("one") == "verified"
    assert desk.shop.everything(order)
    end(desk, hold)
    assert desk.shop.purge("two") == "verified", "still flagged: held, not run against the store"
    assert desk.shop.everything(order)
    run_id = desk.keep()["run_id"]
    assert acting.let_go(desk.house, run_id) == 1
    assert desk.shop.purge("three") == "verified"
    desk.shop.assert_closed_once([order])
    assert desk.shop.verify().refused is None


def test_a_held_file_of_two_orders_stays_for_both(desk: Desk) -> None:
    first, second = desk.shop.order(files=0), desk.shop.order()
    shared = desk.shop.file(first, "shared.jpg")
    desk.shop.share(shared, second)
    hold = desk.hold(shared)
    desk.keep()
    assert desk.shop.purge("one") == "verified"
    assert {key for _, key, _, _ in desk.shop.everything()} == {shared.key}
    desk.release(hold)
    desk.keep()
    assert desk.shop.purge("two") == "verified"
    assert desk.shop.everything() == set()


def test_what_comes_back_under_a_hold_is_held_again(desk: Desk) -> None:
    """A backup of the buckets is put back while the hold stands."""
    file = desk.shop.file(desk.shop.order(files=0), backup=False)
    desk.hold(file)
    desk.keep()
    for bucket in (desk.shop.uploads, desk.shop.backup):
        desk.shop.s3.put_object(Bucket=bucket, Key=file.key, Body=b"restored")
    assert desk.keep()["set_on"] == 2
    assert desk.flagged() == desk.versions(file.key)
    assert len(desk.flagged()) == 3


def test_a_file_that_the_purge_does_not_take_after_its_hold_is_an_alert(desk: Desk) -> None:
    order = desk.shop.order()
    hold = desk.hold(*desk.files(order))
    desk.keep()
    desk.shop.purge("one")
    desk.release(hold)
    assert desk.keep()["overdue"] == 0
    desk.shop.sql(
        "UPDATE studio.legal_holds SET placed_at = now() - interval '9 days', approved_at = now() - interval '9 days',"
        " released_at = now() - interval '25 hours'"
    )
    books = desk.keep()
    assert books["overdue"] == 1
    assert desk.attest(books["run_id"]) == "failed"


def test_a_flaw_is_an_alert_once_it_was_not_mended(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    hold = desk.place(file)
    assert desk.keep()["flaws_unmended"] == 0
    desk.shop.sql("UPDATE studio.legal_holds SET placed_at = now() - interval '8 days'")
    assert desk.keep()["flaws_unmended"] == 1
    desk.approve(hold)
    assert desk.keep()["flaws_unmended"] == 0


# --- protocol ---------------------------------------------------------------------------------------------------------


def test_nothing_is_flagged_for_a_plan_that_guard_did_not_release(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    desk.hold(file)
    run_id = desk.plan()
    with pytest.raises(PromiseBroken, match="was not released"):
        acting.act_run(desk.house, run_id)
    dry = desk.plan(dry_run=True)
    assert not planning.guard_run(desk.house, dry)
    assert desk.attest(dry) == "verified"
    assert desk.flagged() == set()


def test_a_holder_that_is_refused_is_said_to_have_failed(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    desk.hold(file)
    run_id = desk.plan()
    planning.guard_run(desk.house, run_id)
    observer = desk.house.connections.store("object_observer")
    wrong = replace(desk.house, connections=Through(desk.house.connections, {"object_holder": observer}))
    acting.act_run(wrong, run_id)
    books = desk.look(run_id)
    assert (books["acted"], books["failed"]) == (0, 4)
    assert books["bare"] == 2
    acting.act_run(desk.house, run_id)
    books = desk.look(run_id)
    assert (books["acted"], books["failed"], books["bare"]) == (4, 0, 0)
