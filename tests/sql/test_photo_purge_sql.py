"""The statements of the photo purge on a real server, each as the role that uses it; and those that pick and claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg2
import psycopg2.errors
import pytest
from tests.sql.purge_stage import AS_OF, BUCKETS, CLOCKS, DAY, HOUR, Stage, one_version

from data_lifecycle.database import copy_rows, execute
from data_lifecycle.sqlfiles import load
from data_lifecycle.studio.demo import bulk

if TYPE_CHECKING:
    from tests.conftest import Studio

SQL = Path(__file__).parents[2] / "include" / "sql"
LOOKUP = "evidence_lookup"
READER, ERASER, OBSERVER, WRITER, AUDITOR = (
    "studio_reader",
    "studio_eraser",
    "studio_observer",
    "evidence_writer",
    "studio_auditor",
)
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def stage(make_studio: Callable[[], Studio]) -> Iterator[Stage]:
    with Stage(make_studio()) as made:
        yield made


@pytest.fixture
def alone(studio: Studio) -> Iterator[Stage]:
    """For statements that look at everything there is."""
    with Stage(studio) as made:
        yield made


# --- every statement, as everyone who uses it -------------------------------------------------------------------------

RUN: dict[str, object] = {"run_id": 1}
BATCH: dict[str, object] = {**RUN, "batch": 0}
NONE: dict[str, object] = {}
ROW = {
    "copy_inventory": ("studio-uploads", "orders/ord_1/a", "version", "v", AS_OF),
    "copy_items": None,
    "copy_observations": (
        1,
        1,
        None,
        None,
        "canary",
        None,
        BUCKETS[0],
        "canary/a",
        "version",
        "v",
        0,
        "present",
        None,
        AS_OF,
    ),
}
JUDGE: dict[str, object] = {
    **RUN, "as_of": AS_OF, "request": DAY, "after_hold": DAY,
    **one_version({"personal_photo": 7 * DAY}, "Asia/Shanghai"),
}  # fmt: skip
STATEMENTS: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    "run/read_clock": ((READER, WRITER), NONE),
    "photo_purge/select_due_orders": (
        (READER,),
        {"terminal_before": AS_OF, "inactive_before": AS_OF, "requested_before": AS_OF},
    ),
    "photo_purge/find_order": ((READER,), {"order_id": "ord_x"}),
    "photo_purge/select_uploads": ((READER,), {"order_ids": ["ord_x"]}),
    "photo_purge/select_recorded_keys": ((READER, OBSERVER), {"keys": ["orders/ord_x/a"]}),
    "photo_purge/count_flawed_holds": ((READER,), NONE),
    "photo_purge/count_live": ((READER,), NONE),
    "run/next_attempt": ((READER,), {"pipeline": "photo_purge", "dag_run_id": "x"}),
    "run/insert_run": (
        (READER,),
        {"pipeline": "p", "dag_run_id": "x", "attempt": 9, "as_of": AS_OF, "dry_run": True, "policy_id": "p",
         "policy_version": "1", "policy_sha256": "a", "code_sha": "c", "manifest_sha256": "m", "batches": 1,
         "facts": "{}"},
    ),
    "photo_purge/claim_cases": (
        (READER,),
        {**RUN, "pipeline": "p", "order_ids": ["ord_x"], "anchors": [AS_OF], "reasons": ["terminal"], "starts": [AS_OF],
         "deadlines": [AS_OF], "batches": [0]},
    ),
    "photo_purge/copy_items": ((READER,), NONE),
    "run/read_run": ((READER, ERASER, OBSERVER, WRITER), RUN),
    "run/release_run": ((READER,), RUN),
    "photo_purge/trailing_median": ((READER,), {"pipeline": "photo_purge"}),
    "photo_purge/record_intent": ((ERASER,), BATCH),
    "photo_purge/count_superseded": ((ERASER,), RUN),
    "photo_purge/select_stops": ((ERASER,), {**BATCH, **CLOCKS}),
    "photo_purge/select_claims": ((ERASER,), BATCH),
    "photo_purge/record_outcomes": ((ERASER,), {**RUN, "item_ids": [1], "states": ["failed"], "codes": ["x"]}),
    "photo_purge/count_survivors": ((ERASER,), RUN),
    "photo_purge/insert_late_items": ((ERASER,), {**RUN, "default_rule": "photos", "default_version": "1"}),
    "photo_purge/reopen_items": ((ERASER,), RUN),
    "photo_purge/select_items": ((OBSERVER,), RUN),
    "photo_purge/select_cases": ((OBSERVER,), RUN),
    "photo_purge/select_canaries": ((OBSERVER,), {"buckets": list(BUCKETS)}),
    "photo_purge/next_round": ((OBSERVER,), RUN),
    "photo_purge/copy_observations": ((OBSERVER,), NONE),
    "photo_purge/create_inventory": ((OBSERVER,), NONE),
    "photo_purge/copy_inventory": ((OBSERVER,), NONE),
    "photo_purge/classify_inventory": ((OBSERVER,), JUDGE),
    "photo_purge/insert_sweep": ((OBSERVER,), {**RUN, "buckets": list(BUCKETS), "aged_before": AS_OF}),
    "photo_purge/insert_resurfaced": ((OBSERVER,), RUN),
    "photo_purge/count_to_erase": ((AUDITOR,), RUN),
    "run/set_run": ((WRITER, AUDITOR), RUN),
    "photo_purge/read_balance": ((WRITER, AUDITOR), NONE),
    "photo_purge/read_vendors": ((WRITER,), NONE),
    "photo_purge/select_waiting": ((AUDITOR, WRITER), RUN),
    "photo_purge/lock_orders": ((WRITER,), RUN),
    "photo_purge/select_absent_cases": ((WRITER,), RUN),
    "photo_purge/close_uploads": ((WRITER,), {**RUN, "case_ids": [uuid4()]}),
    "photo_purge/close_cases": ((WRITER,), {**RUN, "case_ids": [uuid4()], "roots": [bytes(32)]}),
    "photo_purge/insert_closed_items": ((WRITER,), {**RUN, "case_ids": [uuid4()]}),
    "photo_purge/select_planned_claims": ((WRITER,), RUN),
    "photo_purge/select_claimed_states": ((WRITER,), RUN),
    "photo_purge/close_orders": ((WRITER,), {"case_ids": [uuid4()]}),
    "photo_purge/count_cases": ((WRITER,), RUN),
    "run/finish_run": ((WRITER,), {**RUN, "state": "failed"}),
    "photo_purge/insert_canaries": (
        ("admin",),
        {"buckets": [BUCKETS[0]], "keys": ["canary/a"], "kinds": ["version"], "versions": ["v"]},
    ),
    "evidence/insert_assertions": (
        (AUDITOR,),
        {**RUN, "names": ["a"], "successes": [True], "observed": ["0"], "expected": ["0"]},
    ),
    "evidence/select_assertions": ((WRITER,), RUN),
    "evidence/lock_run": ((WRITER,), RUN),
    "evidence/find_plan": ((WRITER,), {**RUN, "predicate_type": "t"}),
    "evidence/select_references": ((WRITER, LOOKUP), {"case_ids": [uuid4()]}),
    "evidence/select_closing_references": ((WRITER,), {"case_ids": [uuid4()]}),
    "evidence/select_open_salts": ((WRITER,), {"case_ids": [uuid4()]}),
    "evidence/destroy_salts": ((WRITER,), {"closed_before": AS_OF}),
    "evidence/find_statement": ((WRITER,), {**RUN, "facts_sha256": "f"}),
    "evidence/next_sequence": ((WRITER,), RUN),
    "evidence/insert_statement": (
        (WRITER,),
        {**RUN, "evidence_id": "e", "sequence": 1, "predicate_type": "t", "outcome": "failed", "facts_sha256": "f",
         "key_id": "k", "envelope": b"{}", "envelope_sha256": "s"},
    ),
    "evidence/select_unstored": ((WRITER,), NONE),
    "approval/insert_answer": (
        (WRITER,),
        {**RUN, "manifest_sha256": "0" * 64, "asked_at": AS_OF, "answer": "rejected", "why": None, "answered_by": "a",
         "started_by": None},
    ),
    "approval/select_answers": ((READER, WRITER, AUDITOR, "reviewer", "payment_archiver"), RUN),
    "approval/select_sample": ((READER,), {**RUN, "cases": 5}),
    "approval/count_claims": ((READER,), RUN),
    "posture/hold_turn": ((WRITER,), NONE),
    "posture/select_changes": ((WRITER,), NONE),
    "posture/stay_paused": ((WRITER,), NONE),
    "posture/read_posture": ((READER, WRITER, ERASER, AUDITOR, "reviewer"), NONE),
    "posture/select_history": (("reviewer",), NONE),
    "posture/insert_posture": (("duty_officer",), {"paused": False, "by_whom": "a", "why": "b"}),
    "evidence/mark_stored": ((WRITER,), {"evidence_id": "e", "version_id": "v"}),
}  # fmt: skip
# Statements that can only run after another one in the same session.
FIRST = {
    "copy_inventory": ("create_inventory",),
    "classify_inventory": ("create_inventory",),
    "insert_sweep": ("create_inventory", "classify_inventory"),
    "insert_resurfaced": ("create_inventory", "classify_inventory"),
    "read_balance": ("run/set_run",),
    "read_vendors": ("run/set_run",),
    "select_absent_cases": ("run/set_run",),
    "select_claimed_states": ("run/set_run",),
}


def test_every_statement_file_is_tried_here() -> None:
    files = {
        f"{folder}/{f.stem}"
        for folder in ("photo_purge", "run", "evidence", "approval", "posture")
        for f in (SQL / folder).glob("*.sql")
    }
    assert files == set(STATEMENTS)


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for name, (roles, _) in STATEMENTS.items() for role in roles]
)
def test_a_statement_runs_as_the_role_that_uses_it(stage: Stage, name: str, role: str) -> None:
    if stage.put("SELECT count(*) FROM lifecycle.run WHERE run_id = 1") == 0:
        stage.publish(stage.new_run())
    short = name.partition("/")[2]
    connection = stage.connection(role)
    try:
        for earlier in FIRST.get(short, ()):
            statement = earlier if "/" in earlier else f"photo_purge/{earlier}"
            execute(connection, statement, **STATEMENTS[statement][1])
        if short == "copy_items":
            copy_rows(connection, name, [])
        elif short in ROW:
            copy_rows(connection, name, [ROW[short]])
        else:
            execute(connection, name, **STATEMENTS[name][1])
    finally:
        connection.rollback()


# --- what is due ------------------------------------------------------------------------------------------------------


def test_each_branch_picks_what_its_clock_says_and_nothing_else(alone: Stage) -> None:
    late = AS_OF - 5 * DAY
    due = {
        alone.order(ended=late),
        alone.order(ended=late - 99 * DAY),
        alone.order(active=AS_OF - 35 * DAY),
        alone.order(asked=AS_OF),
        alone.order(ended=late, active=AS_OF - 40 * DAY, asked=AS_OF - HOUR),  # three reasons, one row
    }
    for other in (
        {"ended": late + SECOND},
        {"active": AS_OF - 35 * DAY + SECOND},
        {"asked": AS_OF + SECOND},
        {
            "ended": late + SECOND,
            "active": AS_OF - 99 * DAY,
        },  # an end counts, however long nobody came by before
        {"ended": late, "state": "absent"},
        {"ended": late, "state": "none"},
    ):
        alone.order(**other)  # type: ignore[arg-type]
    assert alone.due() == due


def test_what_a_sweep_found_is_judged_again_until_a_later_case_is_closed(alone: Stage) -> None:
    order = alone.order(ended=AS_OF - 9 * DAY, state="absent")
    run = alone.new_run()
    assert alone.due() == set()
    alone.put("INSERT INTO lifecycle.resurfaced (order_id, run_id) VALUES (%s, %s)", order, run)
    assert alone.due() == {order}
    case, _ = alone.claim(run, order)[order]
    assert alone.due() == {order}, "an open case proves nothing"
    alone.shut(run, case)
    assert alone.due() == set()
    alone.put("INSERT INTO lifecycle.resurfaced (order_id, run_id) VALUES (%s, %s)", order, alone.new_run())
    assert alone.due() == {order}, "found once more"


def test_selection_uses_the_partial_indexes_however_long_the_history(studio: Studio) -> None:
    bulk.fill(studio.admin_url, 50_000, 1, 100)
    values = {"terminal_before": datetime.now(UTC) - 5 * DAY, "inactive_before": datetime.now(UTC) - 35 * DAY,
              "requested_before": datetime.now(UTC)}  # fmt: skip
    with Stage(studio) as stage:
        connection = stage.connection(READER)
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + load("photo_purge/select_due_orders"), values
            )
            (plan,) = cursor.fetchone()[0]
        nodes = list(_nodes(plan["Plan"]))
        assert {node.get("Index Name") for node in nodes} >= {
            "orders_terminal",
            "orders_inactive",
            "orders_requested",
        }
        read = sum(n["Actual Rows"] * n["Actual Loops"] for n in nodes if n.get("Relation Name") == "orders")
        assert read <= 2 * 100
        assert not [n for n in nodes if n["Node Type"] == "Seq Scan" and n.get("Relation Name") == "orders"]
        # The files of what is due: index look-ups too, for chains of any length.
        with connection, connection.cursor() as cursor:
            cursor.execute("EXPLAIN (FORMAT JSON) " + load("photo_purge/select_uploads"),
                           {"order_ids": [f"bulk_{n:09d}" for n in range(0, 50_000, 500)]})  # fmt: skip
            (plan,) = cursor.fetchone()[0]
        assert not [
            n
            for n in _nodes(plan["Plan"])
            if n["Node Type"] == "Seq Scan" and n.get("Relation Name") == "uploads"
        ]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def test_a_chain_of_derivatives_goes_with_its_source_and_shares_its_orders_and_holds(stage: Stage) -> None:
    due, other = stage.order(ended=AS_OF - 6 * DAY), stage.order()
    photo = stage.upload(due)
    half = stage.upload(folder=due, made_from=photo)
    thumb = stage.upload(folder=due, made_from=half)
    seen = stage.files(due)
    assert set(seen) == {(due, photo), (due, half), (due, thumb)}
    assert [seen[due, u]["derived"] for u in (photo, half, thumb)] == [False, True, True]
    assert all(row["present_orders"] == [due] and not row["held"] for row in seen.values())

    stage.link(
        other, half
    )  # in the middle of the chain: what came before it isn't shared, what came after is
    seen = stage.files(due)
    assert {u: set(row["present_orders"]) for (_, u), row in seen.items()} == {
        photo: {due},
        half: {due, other},
        thumb: {due, other},
    }
    hold = stage.hold(half)
    assert {u for (_, u), row in stage.files(due).items() if row["held"]} == {half, thumb}
    stage.release(hold)
    assert not any(row["held"] for row in stage.files(due).values())


def test_an_order_that_links_only_a_derivative_respects_what_it_was_made_from(stage: Stage) -> None:
    owner, due = stage.order(), stage.order(ended=AS_OF - 6 * DAY)
    photo = stage.upload(owner)
    half = stage.upload(owner, made_from=photo)
    thumb = stage.upload(due, made_from=half)
    (row,) = stage.files(due).values()
    assert row["upload_id"] == thumb
    assert set(row["present_orders"]) == {due, owner}
    stage.hold(photo)
    (row,) = stage.files(due).values()
    assert row["held"]


def test_orders_that_are_done_with_need_nothing_and_flawed_holds_hold_nothing(stage: Stage) -> None:
    due = stage.order(ended=AS_OF - 6 * DAY)
    photo = stage.upload(due, stage.order(state="absent"), stage.order(state="none"))
    stage.hold(photo, expires=datetime.now(UTC) - HOUR)
    stage.hold(photo, basis=" ")
    (row,) = stage.files(due).values()
    assert row["present_orders"] == [due]
    assert row["held"] is False
    assert row["bucket"] == BUCKETS[0]


def test_a_file_of_two_due_orders_is_seen_from_both(stage: Stage) -> None:
    one, two = stage.order(ended=AS_OF - 6 * DAY), stage.order(ended=AS_OF - 6 * DAY)
    photo = stage.upload(one, two)
    thumb = stage.upload(folder=one, made_from=photo)
    assert set(stage.files(one, two)) == {(o, u) for o in (one, two) for u in (photo, thumb)}


def test_only_a_file_that_an_order_uses_or_a_hold_names_is_recorded_elsewhere(stage: Stage) -> None:
    due, other = stage.order(ended=AS_OF - 6 * DAY), stage.order()
    linked = stage.upload(other, folder=due)
    derived = stage.upload(folder=due, made_from=stage.upload(folder=due, made_from=linked))
    lost, kept = stage.upload(folder=due), stage.upload(folder=due)
    hold = stage.hold(kept)
    keys = {stage.key(u): u for u in (linked, derived, lost, kept)}
    for role in (READER, OBSERVER):
        rows = stage.run(role, "select_recorded_keys", keys=[*keys, f"orders/{due}/stray"])
        assert {keys[row["object_key"]] for row in rows} == {linked, derived, kept}
    stage.release(hold)
    assert stage.run(READER, "select_recorded_keys", keys=[stage.key(kept)]) == []


def test_a_key_names_one_file(stage: Stage) -> None:
    photo = stage.upload(stage.order())
    with pytest.raises(psycopg2.errors.UniqueViolation):
        stage.upload(key=stage.key(photo))


# --- claims -----------------------------------------------------------------------------------------------------------


def test_an_open_case_is_taken_over_and_whoever_held_it_changes_nothing_any_more(stage: Stage) -> None:
    order = stage.order(ended=AS_OF - 6 * DAY)
    one, two = stage.new_run(), stage.new_run()
    first = stage.claim(one, order)[order]
    item = stage.seal(one, first, f"orders/{order}/a")
    (intended,) = stage.run(ERASER, "record_intent", run_id=one, batch=0)
    assert (intended["item_id"], intended["case_id"]) == (item, first[0])

    second = stage.claim(two, order, reason="request", anchor=AS_OF - DAY, batch=3)[order]
    assert second == (first[0], first[1] + 1)
    case = stage.put(
        "SELECT row(reason, anchor_at, batch, run_id)::text FROM lifecycle.erasure_case WHERE case_id = %s",
        first[0],
    )
    assert case == f'(request,"{AS_OF - DAY:%Y-%m-%d %H:%M:%S}+00",3,{two})'
    assert stage.answer(one, {item: "accepted"}) == 0
    assert stage.item(item) == ("intended", None)
    assert stage.run(ERASER, "record_intent", run_id=one, batch=0) == []
    assert stage.run(ERASER, "select_claims", run_id=one, batch=0) == []
    assert stage.run(ERASER, "count_superseded", run_id=one) == [{"superseded": 1}]
    assert stage.shut(one, first[0]) == 0
    assert stage.absent_cases(one) == set()

    late = stage.seal(two, second, f"orders/{order}/a")
    assert stage.answer(two, {late: "accepted"}) == 1
    assert stage.answer(two, {late: "failed"}) == 0, "what was accepted stays accepted"
    last = stage.seal(two, second, f"orders/{order}/b")
    stage.put("UPDATE lifecycle.erasure_case SET epoch = epoch + 1 WHERE case_id = %s", second[0])
    assert stage.answer(two, {last: "accepted"}) == 0, "the same run, but an older claim"
    assert stage.run(ERASER, "count_superseded", run_id=two) == [{"superseded": 2}]


def test_a_closed_case_is_history_and_the_order_gets_another(stage: Stage) -> None:
    order = stage.order(ended=AS_OF - 6 * DAY)
    run = stage.new_run()
    case, epoch = stage.claim(run, order)[order]
    assert stage.shut(run, case) == 1
    again = stage.claim(stage.new_run(), order)[order]
    assert (again[0] != case, again[1]) == (True, epoch)


def test_intent_takes_up_what_is_not_accepted_yet_and_only_what_is_to_be_erased(stage: Stage) -> None:
    order = stage.order(ended=AS_OF - 6 * DAY)
    run = stage.new_run(batches=2)
    case = stage.claim(run, order, batch=1)[order]
    items = {
        state: stage.seal(run, case, f"orders/{order}/a")
        for state in ("planned", "failed", "unknown", "stopped", "accepted")
    }
    spared = [stage.seal(run, case, f"orders/{order}/b", disposition=d) for d in ("hold", "keep")]
    stage.answer(run, {number: state for state, number in items.items() if state != "planned"})
    assert stage.run(ERASER, "record_intent", run_id=run, batch=0) == []
    taken = {row["item_id"] for row in stage.run(ERASER, "record_intent", run_id=run, batch=1)}
    assert taken == {number for state, number in items.items() if state != "accepted"}
    assert [stage.item(number)[0] for number in spared] == ["planned", "planned"]


def test_numbers_are_given_in_turn(stage: Stage) -> None:
    run = stage.new_run(facts='{"erase_items": 4}')
    name = stage.put("SELECT dag_run_id FROM lifecycle.run WHERE run_id = %s", run)
    assert stage.run(READER, "run/next_attempt", pipeline="photo_purge", dag_run_id=name) == [{"attempt": 2}]
    assert stage.run(OBSERVER, "next_round", run_id=run) == [{"round": 1}]
    stage.look(run, 1, [(None, None, "canary", None, "canary/a", "version", "v", "present")])
    assert stage.run(OBSERVER, "next_round", run_id=run) == [{"round": 2}]
    assert stage.run(READER, "trailing_median", pipeline="photo_purge", run_id=run) == [
        {"median": None, "runs": 0}
    ]
    stage.touch(WRITER, "run/finish_run", run_id=run, state="verified")
    later = stage.new_run()
    assert stage.run(READER, "trailing_median", pipeline="photo_purge", run_id=later) == [
        {"median": 4, "runs": 1}
    ]
