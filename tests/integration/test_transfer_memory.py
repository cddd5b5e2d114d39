"""A judgement needs the same memory for any number of disclosures, whatever the server would let it have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from psycopg2 import sql

from data_lifecycle.bench._memory import watching
from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, execute, fetch, fetch_one
from data_lifecycle.transfer_check import judging, planning, yardstick

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.protocol.house import House

pytestmark = pytest.mark.slow
PEOPLE, FEW = 10_000, 50_000
GROWTH = 20.0
"""MB; what a session is allowed is not all used by few. Unbounded, it would be 75."""


def fill(studio: Studio, first: int, last: int) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    with connect(DatabaseAccess(studio.admin_url), "test") as admin, admin:
        execute(admin, "studio/skip_triggers")
        if first == 1:
            execute(admin, "studio/fill_dealers", orders=10 * PEOPLE, until=now)
            execute(admin, "studio/fill_agreements", orders=10 * PEOPLE, until=now)
        execute(admin, "studio/fill_dealings", orders=10 * PEOPLE, until=now, first=first, last=last)
    with connect(DatabaseAccess(studio.admin_url), "test") as admin:
        admin.autocommit = True
        execute(admin, "studio/analyze_studio")


def be_generous(studio: Studio) -> None:
    with connect(DatabaseAccess(studio.admin_url), "test") as admin, admin, admin.cursor() as cursor:
        for name, value in (("work_mem", "1GB"), ("hash_mem_multiplier", "4"), ("temp_buffers", "1GB")):
            cursor.execute(
                sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}").format(
                    *map(sql.Identifier, (planning.ROLE, studio.name, name)), sql.Literal(value)
                )
            )


def peak(house: House, name: str) -> float:
    """Plan and judge what is there; the most private memory (MB) that the judging session had."""
    run_id = planning.plan_run(house, name, datetime.now(UTC), None, False, False)
    with connect(house.connections.database(planning.ROLE), "test") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        rule = yardstick.load(house, run["as_of"])
        pid = connection.get_backend_pid()
        with watching(lambda: [pid]) as memory:
            judging.judge(connection, run, rule)
            fetch(connection, "transfer_check/open_incidents", run_id=run_id)
            connection.commit()
    return memory[0]


def test_four_times_as_many_disclosures_need_no_more_memory(house: House, studio: Studio) -> None:
    be_generous(studio)
    fill(studio, 1, FEW)
    few = peak(house, "few")
    fill(studio, FEW + 1, FEW + 4 * FEW)
    many = peak(house, "many")
    with connect(DatabaseAccess(studio.admin_url), "test") as admin, admin.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lifecycle.verdict")
        assert cursor.fetchone() == (5 * FEW,)
    assert many - few < GROWTH
