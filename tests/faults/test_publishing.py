"""No public plan, no deletion; what a run came to is public or the run fails, after stating what it can."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.faults.workshop import Workshop

from data_lifecycle.connections import StoreAccess
from data_lifecycle.database import connect, execute, fetch_one
from data_lifecycle.evidence import keys
from data_lifecycle.evidence.checkpoint import Checkpoint, sign
from data_lifecycle.evidence.lifecycle_verify import ASSERTIONS, PLAN, RESULT
from data_lifecycle.photo_purge import attesting, claims
from data_lifecycle.photo_purge.acting import act_batch
from data_lifecycle.photo_purge.guarding import guard_run
from data_lifecycle.photo_purge.planning import plan_run
from data_lifecycle.protocol import concluding, ledger
from data_lifecycle.protocol.house import House, PromiseBroken

NOWHERE = StoreAccess("http://127.0.0.1:9", "nobody", "nothing")


def stated(shop: Workshop, kind: str) -> list[dict[str, Any]]:
    """Predicates of all statements of a kind, oldest first."""
    rows = shop.sql(
        "SELECT envelope FROM lifecycle.evidence WHERE predicate_type = %s ORDER BY signed_at", kind
    )
    return [json.loads(b64decode(json.loads(bytes(r["envelope"]))["payload"]))["predicate"] for r in rows]


def case_of(shop: Workshop, order_id: str) -> str:
    """Name of the order's only case."""
    (row,) = shop.sql("SELECT case_id FROM lifecycle.erasure_case WHERE order_id = %s", order_id)
    return str(row["case_id"])


def states(predicate: Mapping[str, Any]) -> dict[str, str]:
    """Claims by case."""
    return {item["case"]: item["state"] for item in predicate["items"]}


def another_key(shop: Workshop) -> House:
    """The house with another key for the log than the one that signed its head so far."""
    folder = shop.house.settings.home / "other-keys"
    return replace(
        shop.house, settings=replace(shop.house.settings, log_key=keys.ensure(folder, "log.ed25519.pem"))
    )


def a_foreign_head(shop: Workshop) -> House:
    """The house after somebody else's head came to lie in its folder of the bucket."""
    key = keys.load(keys.ensure(shop.house.settings.home / "foreign-keys", "log.ed25519.pem"))
    note = sign(Checkpoint(shop.house.settings.log_origin, 99, bytes(32)), key)
    ledger.bucket(shop.house).put_checkpoint(99, note)
    return shop.house


def a_name_that_is_taken(shop: Workshop) -> House:
    """The house after the plan was stated, and something else came to lie under its name."""
    with connect(shop.house.connections.database(ledger.WRITER), "test") as connection, connection:
        run = fetch_one(
            connection,
            "run/read_run",
            run_id=shop.sql("SELECT run_id FROM lifecycle.run")[0]["run_id"],
        )
        name = claims.state_plan(shop.house, connection, run).name
    shop.s3.put_object(
        Bucket=shop.house.settings.bucket_evidence, Key=name, Body=b"x", ChecksumAlgorithm="SHA256"
    )
    return shop.house


@pytest.mark.parametrize("obstacle", [another_key, a_foreign_head, a_name_that_is_taken])
def test_without_a_public_plan_nothing_is_erased(shop: Workshop, obstacle: Any) -> None:
    order = shop.order()
    before = shop.everything()
    ledger.publish(shop.house)
    run_id = shop.plan()
    house = obstacle(shop)
    with pytest.raises(PromiseBroken):
        guard_run(house, run_id)
    with pytest.raises(PromiseBroken, match="not released"):
        act_batch(house, run_id, 0)
    assert shop.sql("SELECT released_at FROM lifecycle.run") == [{"released_at": None}]
    assert shop.everything() == before
    with pytest.raises(PromiseBroken):
        attesting.attest_run(house, run_id, ("guard", "act", "observe", "settle", "sweep", "assert"))
    (plan,), (result,) = stated(shop, PLAN), stated(shop, RESULT)
    assert states(plan) == states(result) == {case_of(shop, order): "PLANNED"}
    assert result["outcome"] == "failed"
    kept = {s["predicate_type"]: s["stored_at"] is not None for s in shop.statements() if s["run_id"]}
    assert kept == {PLAN: obstacle is not a_name_that_is_taken, RESULT: True}


def test_a_store_that_is_away_stops_the_run_and_is_tried_again(shop: Workshop) -> None:
    order = shop.order()
    run_id = shop.plan()
    for identity in ("evidence_vault", "log_vault"):
        with pytest.raises(Exception, match=r"127\.0\.0\.1:9"):
            guard_run(shop.through(**{identity: NOWHERE}), run_id)
        assert shop.sql("SELECT released_at FROM lifecycle.run") == [{"released_at": None}]
    shop.act(run_id)
    shop.look(run_id)
    shop.prove(run_id)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9"):
        attesting.attest_run(shop.through(evidence_vault=NOWHERE), run_id, ())
    assert shop.case(order) == "absent"
    assert shop.attest(run_id) == "verified"
    assert shop.verify().refused is None
    assert [len(stated(shop, kind)) for kind in (PLAN, ASSERTIONS, RESULT)] == [1, 1, 1]


def test_a_dry_run_states_its_plan_and_no_more(shop: Workshop) -> None:
    shop.order()
    before = shop.everything()
    run_id = plan_run(shop.house, "dry", datetime.now().astimezone(), None, dry_run=True)
    assert guard_run(shop.house, run_id) == []
    name = attesting.attest_run(shop.house, run_id, ())
    (plan,) = stated(shop, PLAN)
    assert (plan["dry_run"], plan["items"], plan["eligible"]) == (True, [], 2)
    assert [s["evidence_id"] for s in shop.statements() if s["run_id"]] == [name]
    assert shop.everything() == before
    assert shop.sql("SELECT 1 FROM lifecycle.case_salt") == []
    result = shop.verify()
    assert result.refused is None
    assert dict(result.lines)["runs"] == "1 plans, 1 of them dry runs; 0 runs with a result"


def test_a_run_that_never_came_to_its_plan_states_it_with_its_result(shop: Workshop) -> None:
    order = shop.order()
    run_id = shop.plan()
    assert shop.attest(run_id, "guard", "act", "observe", "settle", "sweep", "assert") == "failed"
    result = shop.verify()
    assert result.refused is None
    assert shop.claims(order) == ["PLANNED", "PLANNED"]
    assert "1 plans, 0 of them dry runs; 1 runs with a result" in dict(result.lines)["runs"]


def test_a_plan_that_was_taken_over_claims_nothing_any_more(shop: Workshop) -> None:
    order = shop.order()
    first = shop.plan("one")
    assert shop.purge("two") == "verified"
    assert shop.attest(first, "guard") == "failed"
    assert [states(plan) for plan in stated(shop, PLAN)] == [{case_of(shop, order): "PLANNED"}, {}]
    assert shop.verify().refused is None
    assert shop.claims(order) == ["PLANNED", "OBSERVED_ABSENT"]


def test_what_is_held_is_claimed_held_until_it_may_go(shop: Workshop) -> None:
    order = shop.order(files=0)
    hold = shop.hold(shop.file(order))
    assert shop.purge("one") == "verified"
    shop.sql("UPDATE studio.legal_holds SET released_at = now() WHERE hold_id = %s", hold)
    assert shop.purge("two") == "verified"
    assert shop.verify().refused is None
    assert shop.claims(order) == ["HELD", "HELD", "PLANNED", "OBSERVED_ABSENT"]


def test_assertions_are_stated_when_they_do_not_hold(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.order()
    run_id = shop.plan()
    shop.act(run_id)
    shop.look(run_id)
    monkeypatch.setattr(concluding, "assert_run", refuse)
    with pytest.raises(PromiseBroken, match="did not hold"):
        attesting.assert_purge(shop.house, run_id)
    (first,) = stated(shop, ASSERTIONS)
    assert (first["success"], first["round"]) == (False, 1)
    assert shop.attest(run_id, "assert") == "failed"
    assert shop.prove(run_id) == []
    assert shop.attest(run_id) == "verified"
    one, two = stated(shop, RESULT)
    assert (one["assertions"], two["assertions"]) == tuple(a["assertions"] for a in stated(shop, ASSERTIONS))
    assert shop.verify().refused is None


def refuse(house: House, run_id: int, suite: str, parameters: Mapping[str, int]) -> None:
    """A suite of which one expectation does not hold."""
    with connect(house.connections.database("studio_auditor"), "test") as connection, connection:
        execute(
            connection,
            "evidence/insert_assertions",
            run_id=run_id, names=["x"], successes=[False], observed=["1"], expected=["0"],
        )  # fmt: skip
    raise PromiseBroken("1 assertions did not hold: x")


def test_an_absent_case_says_where_bytes_may_remain(shop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    plain, sent = shop.order(), shop.order()
    shop.sql(
        "INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose, destination_country,"
        " upload_id, sent_at) SELECT gen_random_uuid(), order_id, 'v', 'c', 'p', 'DE', upload_id, now()"
        " FROM studio.order_uploads WHERE order_id = %s",
        sent,
    )
    with caplog.at_level("INFO", "lifecycle"):
        assert shop.purge() == "verified"
    (result,) = stated(shop, RESULT)
    stated_of = {item["case"]: item for item in result["items"]}
    (row,) = shop.sql("SELECT case_id, closed_at FROM lifecycle.erasure_case WHERE order_id = %s", plain)
    assert stated_of[str(row["case_id"])]["residue"] == [
        {"where": where, "until": (row["closed_at"] + timedelta(days=days)).isoformat()}
        for where, days in {claims.WAL: 7, claims.BACKUPS: 35}.items()
    ]
    # What a vendor has, unverified and without a stated residual, keeps the other case open.
    assert stated_of[case_of(shop, sent)]["state"] == "DELETE_ACCEPTED"
    assert shop.case(sent) == "open"
    for order in (plain, sent):
        assert order not in caplog.text
        assert case_of(shop, order) not in caplog.text
    assert shop.verify().refused is None


def test_a_case_commits_to_what_an_earlier_run_erased(shop: Workshop) -> None:
    """The first run erases and dies; the second finds less, and still answers for all of it."""
    order = shop.order(files=2)
    first = shop.plan("one")
    shop.act(first)
    assert shop.purge("two") == "verified"
    (row,) = shop.sql("SELECT count(*) AS committed FROM lifecycle.closed_item")
    versions = shop.sql("SELECT DISTINCT bucket, object_key, kind, version_id FROM lifecycle.item")
    assert row["committed"] == len(versions)
    assert {v["kind"] for v in versions} == {"version", "nothing"}
    roots = [
        item["commitments_root"] for kind in (PLAN, RESULT) for s in stated(shop, kind) for item in s["items"]
    ]
    assert len(set(roots)) == 3
    assert shop.verify().refused is None
    assert shop.claims(order) == ["PLANNED", "PLANNED", "OBSERVED_ABSENT"]


def test_many_publish_at_once(shop: Workshop) -> None:
    """Whoever finds a statement that is not kept yet keeps it: nobody fails because of another's."""
    runs = [
        plan_run(shop.house, f"dry-{n}", datetime.now().astimezone(), None, dry_run=True) for n in range(6)
    ]
    errors: list[BaseException] = []

    def work(run_id: int) -> None:
        try:
            guard_run(shop.house, run_id)
        except BaseException as error:  # noqa: BLE001 — whatever it is, the test must see it
            errors.append(error)

    threads = [threading.Thread(target=work, args=(run_id,)) for run_id in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    result = shop.verify()
    assert result.refused is None
    assert dict(result.lines)["runs"].startswith("6 plans, 6 of them dry runs")
