"""Measuring a policy change: every statement as its role, and what the books say when counts disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg2
import pytest
from tests.sql.purge_stage import AS_OF, DAY, Stage

from data_lifecycle.database import copy_rows

if TYPE_CHECKING:
    from tests.conftest import Studio

READER, OBSERVER = "studio_reader", "studio_observer"
KINDS = ["personal_photo", "style_reference"]
STATEMENTS: dict[str, tuple[str, dict[str, object]]] = {
    "select_holdings": (READER, {"as_of": AS_OF}),
    "select_orders": (READER, {"order_ids": ["ord_x"]}),
    "count_vendors": (READER, {"upload_ids": [uuid4()]}),
    "count_people": (READER, {}),
    "count_archives": (READER, {"shorter_by": 2}),
    "count_files": (OBSERVER, {"as_of": AS_OF, "categories": KINDS}),
}


@pytest.fixture(scope="module")
def stage(make_studio: Callable[[], Studio]) -> Iterator[Stage]:
    with Stage(make_studio()) as made:
        yield made


def holdings(stage: Stage) -> dict[Any, Any]:
    return {row["upload_id"]: row for row in stage.run(READER, "policy_change/select_holdings", as_of=AS_OF)}


def seal(stage: Stage, run: int, *rows: tuple[object, ...]) -> None:
    connection = stage.connection(READER)
    with connection:
        copy_rows(connection, "policy_change/copy_impact", [(run, *row) for row in rows])


def balance(stage: Stage, run: int) -> Any:
    (row,) = stage.attest(run, "policy_change/read_balance")
    return dict(row)


def test_every_statement_file_is_tried_here() -> None:
    folder = Path(__file__).parents[2] / "include" / "sql" / "policy_change"
    assert {f.stem for f in folder.glob("*.sql")} == {*STATEMENTS, "copy_impact", "read_balance"}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_runs_as_the_role_that_uses_it(stage: Stage, name: str) -> None:
    role, values = STATEMENTS[name]
    values = {"run_id": stage.new_run(), **values} if name == "count_files" else values
    stage.run(role, f"policy_change/{name}", **values)


def test_a_file_is_as_old_held_and_shared_as_what_it_was_made_from(stage: Stage) -> None:
    one, two, gone = stage.order(), stage.order(), stage.order(state="absent")
    photo = stage.upload(one, gone, given=AS_OF - 20 * DAY)
    thumb = stage.upload(two, made_from=photo, given=AS_OF - DAY)
    stage.hold(photo)
    lonely, over = stage.upload(folder=one), stage.upload(gone)
    stage.upload(one, absent=AS_OF - DAY)
    stage.upload(one, given=AS_OF + DAY)
    late = stage.upload(one, absent=AS_OF + DAY)
    found = holdings(stage)
    assert set(found) == {photo, thumb, lonely, over, late}
    assert found[thumb]["collected_at"] == AS_OF - 20 * DAY
    assert (found[thumb]["held"], found[photo]["held"], found[lonely]["held"]) == (True, True, False)
    assert sorted(found[thumb]["order_ids"]) == sorted([one, two])
    assert found[photo]["order_ids"] == [one], "an order that is done with needs nothing"
    assert (found[lonely]["order_ids"], found[over]["order_ids"]) == ([], [gone])


def test_the_books_agree_only_when_both_sides_have_every_file_and_byte(stage: Stage) -> None:
    rows = stage.run(
        OBSERVER, "policy_change/count_files", run_id=stage.new_run(), as_of=AS_OF, categories=KINDS
    )
    counted = {row["category"]: (row["objects"], row["bytes"]) for row in rows}
    objects, size = counted["personal_photo"]
    assert objects == size > 2
    lines = [
        ("personal_photo", side, day, *amount)
        for side in ("old", "new")
        for day, amount in ((date(2026, 6, 11), (objects - 1, size - 1)), (None, (1, 1)))
    ]
    run = stage.new_run()
    seal(stage, run, *lines)
    assert balance(stage, run)["unaccounted"] == 2 * objects, "nobody has counted yet"
    stage.run(OBSERVER, "policy_change/count_files", run_id=run, as_of=AS_OF, categories=KINDS)
    found = balance(stage, run)
    assert (found["planned"], found["counted"], found["counted_bytes"]) == (objects, objects, size)
    assert (found["unaccounted"], found["bytes_unaccounted"], found["erased"]) == (0, 0, 0)
    for wrong, expected in (
        (lines[1:], (objects - 1, size - 1)),
        (lines[:2], (objects, size)),
        ([], (2 * objects, 2 * size)),
    ):
        other = stage.new_run()
        seal(stage, other, *wrong)
        stage.run(OBSERVER, "policy_change/count_files", run_id=other, as_of=AS_OF, categories=KINDS)
        found = balance(stage, other)
        assert (found["unaccounted"], found["bytes_unaccounted"]) == expected


def test_a_run_that_seals_anything_to_erase_is_found_out(stage: Stage) -> None:
    order, run = stage.order(), stage.new_run()
    stage.seal(run, stage.claim(run, order)[order], f"orders/{order}/a")
    assert balance(stage, run)["erased"] == 1


@pytest.mark.parametrize(
    ("role", "sql"),
    [
        (READER, "SELECT customer_id FROM studio.orders"),
        (READER, "SELECT order_id FROM studio.disclosures"),
        (READER, "SELECT object_key FROM lifecycle.archive_file"),
        (READER, "UPDATE lifecycle.policy_impact SET objects = 0"),
        (READER, "DELETE FROM lifecycle.policy_impact"),
        (
            READER,
            "INSERT INTO lifecycle.policy_sight (run_id, round, category, objects, bytes) VALUES (1, 1, 'x', 0, 0)",
        ),
        (OBSERVER, "UPDATE lifecycle.policy_sight SET objects = 0"),
        (OBSERVER, "SELECT count(*) FROM lifecycle.policy_impact"),
        ("evidence_writer", "UPDATE lifecycle.policy_impact SET objects = 0"),
    ],
)
def test_nobody_can_do_more_than_that(stage: Stage, role: str, sql: str) -> None:
    connection = stage.connection(role)
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(sql)
    connection.rollback()
