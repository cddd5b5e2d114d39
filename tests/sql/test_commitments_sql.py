"""What cases commit to, under which salt, and what may be claimed of them; and no release without a public plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg2.errors
import pytest
from tests.sql.purge_stage import AS_OF, DAY, Stage

from data_lifecycle.evidence.lifecycle_verify import PLAN
from data_lifecycle.photo_purge import claims

if TYPE_CHECKING:
    from tests.conftest import Studio

WRITER, LOOKUP = "evidence_writer", "evidence_lookup"
refused = psycopg2.errors


@pytest.fixture
def stage(studio: Studio) -> Iterator[Stage]:
    with Stage(studio) as made:
        yield made


def salts(stage: Stage, *cases: UUID) -> dict[UUID, bytes]:
    """What the attester is given."""
    rows = stage.run(WRITER, "evidence/select_open_salts", case_ids=list(cases))
    return {row["case_id"]: bytes(row["salt"]) for row in rows}


def references(stage: Stage, case: UUID) -> set[str]:
    """Versions that a case commits to, as the reviewer's clerk sees them."""
    rows = stage.run(LOOKUP, "evidence/select_references", case_ids=[case])
    assert len(rows) == len({tuple(row.values()) for row in rows})
    return {row["version_id"] for row in rows}


def state(stage: Stage, run: int) -> dict[UUID, str]:
    """What is claimed of each case."""
    return {row["case_id"]: row["state"] for row in stage.attest(run, "select_claimed_states", run_id=run)}


def test_an_open_case_has_one_salt_for_good(stage: Stage) -> None:
    run = stage.new_run()
    claimed = stage.claim(run, stage.order(), stage.order())
    cases = [case for case, _ in claimed.values()]
    first = salts(stage, *cases)
    assert set(first) == set(cases)
    assert len(set(first.values())) == 2
    assert {len(salt) for salt in first.values()} == {32}
    assert salts(stage, *cases, uuid4()) == first


def test_a_closed_case_gives_no_salt_away(stage: Stage) -> None:
    run = stage.new_run()
    (case, _) = stage.claim(run, order := stage.order())[order]
    (other, _) = stage.claim(run, order := stage.order())[order]
    made = salts(stage, case)
    assert stage.shut(run, case, other) == 2
    assert salts(stage, case, other) == {}, "neither the one that had a salt nor the one that had none"
    kept = stage.put("SELECT salt FROM lifecycle.case_salt")
    assert bytes(kept) == made[case]


def test_salts_of_cases_closed_long_ago_are_destroyed_and_no_others(stage: Stage) -> None:
    run = stage.new_run()
    cases = [case for case, _ in stage.claim(run, *(stage.order() for _ in range(3))).values()]
    salts(stage, *cases)
    stage.shut(run, *cases[:2])
    stage.put(
        "UPDATE lifecycle.erasure_case SET closed_at = %s WHERE case_id = %s", AS_OF - 9 * DAY, cases[0]
    )
    found = stage.run(WRITER, "evidence/destroy_salts", closed_before=AS_OF - 8 * DAY)
    assert found == [{"destroyed": 1}]
    rows = stage.run(LOOKUP, "evidence/select_references", case_ids=cases)
    assert rows == []
    assert stage.put("SELECT array_agg(case_id ORDER BY case_id)::text FROM lifecycle.case_salt") == (
        "{" + ",".join(sorted(map(str, cases[1:]))) + "}"
    )
    assert stage.run(WRITER, "evidence/destroy_salts", closed_before=AS_OF - 8 * DAY) == [{"destroyed": 0}]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lifecycle.case_salt SET salt = salt",
        "TRUNCATE lifecycle.case_salt",
        "UPDATE lifecycle.closed_item SET item_id = 1",
        "DELETE FROM lifecycle.closed_item",
        "TRUNCATE lifecycle.closed_item",
    ],
)
def test_not_even_the_owner_changes_them_by_mistake(stage: Stage, statement: str) -> None:
    with stage.connection("admin") as connection, connection.cursor() as cursor:
        with pytest.raises(refused.RestrictViolation):
            cursor.execute(statement)
        connection.rollback()


def test_an_open_case_commits_to_what_its_run_found_eligible(stage: Stage) -> None:
    run = stage.new_run()
    order = stage.order()
    case = stage.claim(run, order)[order]
    for disposition in ("erase", "hold", "keep"):
        stage.seal(run, case, f"orders/{order}/{disposition}", disposition=disposition, version=disposition)
    assert references(stage, case[0]) == {"erase", "hold"}
    later = stage.new_run()
    again = stage.claim(later, order)[order]
    stage.seal(later, again, f"orders/{order}/erase", version="erase")
    assert references(stage, case[0]) == {"erase"}, "what the run that holds the case now found"


def test_a_closed_case_commits_to_what_any_run_sealed_and_nobody_kept_since(stage: Stage) -> None:
    order, other = stage.order(), stage.order()
    first = stage.new_run()
    case, neighbour = stage.claim(first, order)[order], stage.claim(first, other)[other]
    upload = stage.upload(order, absent=datetime.now(UTC))
    living = stage.upload(other)
    for version in ("both", "gone", "kept", "moved", "now held"):
        stage.seal(first, case, f"orders/{order}/{version}", version=version)
    stage.seal(first, case, stage.key(upload), upload, version="recorded, absent")
    stage.seal(first, case, stage.key(living), version="recorded, alive")
    stage.seal(first, neighbour, f"orders/{other}/x", version="of another case")
    run = stage.new_run()
    case, neighbour = stage.claim(run, order)[order], stage.claim(run, other)[other]
    stage.seal(run, case, f"orders/{order}/both", version="both")
    stage.seal(run, case, f"orders/{order}/late", version="late", origin="late")
    stage.seal(run, case, f"orders/{order}/kept", version="kept", disposition="keep")
    stage.seal(run, case, f"orders/{order}/now held", version="now held", disposition="hold")
    stage.seal(run, neighbour, f"orders/{order}/moved", version="moved")
    stage.touch(WRITER, "insert_closed_items", run_id=run, case_ids=[case[0]])
    wanted = {"both", "late", "gone", "recorded, absent"}
    rows = stage.run(WRITER, "evidence/select_closing_references", case_ids=[case[0]])
    assert {row["version_id"] for row in rows} == wanted
    assert len(rows) == len(wanted)
    stage.shut(run, case[0])
    assert references(stage, case[0]) == wanted


def test_a_closed_case_keeps_its_root_and_where_the_log_was(stage: Stage) -> None:
    run = stage.new_run()
    order = stage.order()
    case, _ = stage.claim(run, order)[order]
    stage.shut(run, case)
    found = stage.put(
        "SELECT (commitments_root = %s AND closed_lsn <= pg_current_wal_lsn() AND closed_lsn > '0/0') "
        "FROM lifecycle.erasure_case WHERE case_id = %s",
        *(bytes(32), case),
    )
    assert found is True


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], "PLANNED"),
        ([("erase", "planned")], "PLANNED"),
        ([("keep", "planned")], "PLANNED"),
        ([("erase", "accepted")], "DELETE_ACCEPTED"),
        ([("erase", "accepted"), ("keep", "planned")], "DELETE_ACCEPTED"),
        ([("erase", "accepted"), ("hold", "planned")], "HELD"),
        ([("erase", "stopped")], "HELD"),
        ([("erase", "stopped"), ("erase", "failed")], "HELD"),
        ([("erase", "intended")], "UNKNOWN"),
        ([("erase", "failed"), ("erase", "accepted")], "UNKNOWN"),
        ([("erase", "unknown")], "UNKNOWN"),
        ([("erase", "accepted"), ("erase", "planned")], "UNKNOWN"),
    ],
)
def test_no_more_is_claimed_of_an_open_case_than_is_known(
    stage: Stage, items: list[tuple[str, str]], expected: str
) -> None:
    run = stage.new_run()
    order = stage.order()
    case = stage.claim(run, order)[order]
    for number, (disposition, became) in enumerate(items):
        item = stage.seal(run, case, f"orders/{order}/{number}", disposition=disposition)
        stage.put("UPDATE lifecycle.item SET state = %s WHERE item_id = %s", became, item)
    assert state(stage, run) == {case[0]: expected}


def test_what_could_not_be_seen_is_unknown_and_absent_is_what_was_closed(stage: Stage) -> None:
    run = stage.new_run()
    orders = [stage.order(), stage.order()]
    seen, unseen = (stage.claim(run, order)[order] for order in orders)
    items = [stage.seal(run, case, f"orders/{o}/a") for case, o in zip((seen, unseen), orders, strict=True)]
    stage.answer(run, dict.fromkeys(items, "accepted"))
    stage.look(run, 1, [
        (case[0], item, "item", "erase", "k", "version", "v", outcome)
        for case, item, outcome in zip((seen, unseen), items, ("absent", "unknown"), strict=True)
    ])  # fmt: skip
    assert state(stage, run) == {seen[0]: "DELETE_ACCEPTED", unseen[0]: "UNKNOWN"}
    stage.shut(run, seen[0])
    assert state(stage, run) == {seen[0]: "OBSERVED_ABSENT", unseen[0]: "UNKNOWN"}


def test_a_plan_claims_what_the_run_still_holds(stage: Stage) -> None:
    run = stage.new_run()
    plain, held, lost = (stage.order() for _ in range(3))
    claimed = stage.claim(run, plain, held, lost)
    stage.seal(run, claimed[held], f"orders/{held}/a", disposition="hold")
    stage.seal(run, claimed[held], f"orders/{held}/b")
    stage.claim(stage.new_run(), lost)
    rows = stage.run(WRITER, "select_planned_claims", run_id=run)
    assert {row["case_id"]: row["state"] for row in rows} == {
        claimed[plain][0]: "PLANNED",
        claimed[held][0]: "HELD",
    }


def test_a_file_at_a_vendor_is_found_by_order_and_by_file(stage: Stage) -> None:
    run = stage.new_run()
    by_order, by_file, words_only, nothing = (stage.order() for _ in range(4))
    claimed = stage.claim(run, by_order, by_file, words_only, nothing)
    upload = stage.upload(by_file)
    stage.seal(run, claimed[by_file], stage.key(upload), upload)
    sent = "INSERT INTO studio.disclosures VALUES (gen_random_uuid(), %s, 'v', 'c', 'p', 'DE', %s, NULL, %s)"
    stage.put(sent, by_order, stage.upload(by_order), AS_OF)
    stage.put(sent, stage.order(), upload, AS_OF)
    stage.put(sent, words_only, None, AS_OF)
    cases = [case for case, _ in claimed.values()]
    rows = stage.run(WRITER, "vendor_erasure/select_residue", case_ids=cases)
    assert {row["case_id"] for row in rows} == {claimed[by_order][0], claimed[by_file][0]}


def test_roots_follow_salt_and_references(stage: Stage) -> None:
    run = stage.new_run()
    orders = [stage.order(), stage.order()]
    cases = [stage.claim(run, order)[order] for order in orders]
    for case, order in zip(cases, orders, strict=True):
        stage.seal(run, case, f"orders/{order}/a", version="v")
    connection = stage.connection(WRITER)
    with connection:
        first = claims.open_roots(connection, [case for case, _ in cases])
        assert len(set(first.values())) == 2
        assert claims.open_roots(connection, [case for case, _ in cases]) == first
    stage.seal(run, cases[0], f"orders/{orders[0]}/b", version="v")
    with connection:
        second = claims.open_roots(connection, [case for case, _ in cases])
    assert (second[cases[0][0]] != first[cases[0][0]], second[cases[1][0]]) == (True, first[cases[1][0]])


# --- no release without a public plan ---------------------------------------------------------------------------------


def test_a_plan_must_be_public_before_anything_is_released(stage: Stage) -> None:
    run, other = stage.new_run(), stage.new_run()
    with pytest.raises(refused.RestrictViolation, match="is not published"):
        stage.touch("studio_reader", "run/release_run", run_id=run)
    stage.publish(other)
    with pytest.raises(refused.RestrictViolation):
        stage.touch("studio_reader", "run/release_run", run_id=run)
    stage.publish(run)
    assert stage.touch("studio_reader", "run/release_run", run_id=run) == 1
    assert stage.touch("studio_reader", "run/release_run", run_id=run) == 1


@pytest.mark.parametrize(
    "undone",
    [
        "DELETE FROM lifecycle.log_checkpoint",
        "DELETE FROM lifecycle.log_leaf",
        "UPDATE lifecycle.evidence SET stored_at = NULL",
        "UPDATE lifecycle.evidence SET predicate_type = 'https://xmanart.com/lifecycle/result/v1'",
    ],
)
def test_half_a_publication_is_none(stage: Stage, undone: str) -> None:
    run = stage.new_run()
    stage.publish(run)
    stage.put(undone)
    with pytest.raises(refused.RestrictViolation):
        stage.touch("studio_reader", "run/release_run", run_id=run)


def test_a_run_has_one_plan(stage: Stage) -> None:
    run = stage.new_run()
    stage.publish(run)
    with pytest.raises(refused.UniqueViolation):
        stage.touch(
            *(WRITER, "evidence/insert_statement"),
            run_id=run, evidence_id="e", sequence=1, predicate_type=PLAN, outcome="planned", facts_sha256="f",
            key_id="k", envelope=b"{}", envelope_sha256="s",
        )  # fmt: skip
