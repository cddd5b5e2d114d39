"""After `up`, with real task processes: no person of the demo studio is in anything the house wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg2
import pytest
from tests import leaks

if TYPE_CHECKING:
    from tests.ui.conftest import Manor

    from data_lifecycle.embedded.house import House

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def written(house: House) -> Iterator[tuple[str, str]]:
    """Task logs, logs of the servers, Data Docs, Airflow's metadata, runs, assertions, evidence."""
    for folder in (house.home.airflow, house.home.data_docs, house.home.logs):
        for place, text in leaks.in_files(folder):
            yield f"{folder.name}/{place}", text
    with psycopg2.connect(house.postgres.url("airflow")) as connection:
        yield from leaks.in_database(connection, leaks.postgres_tables(connection, "public"))
    with psycopg2.connect(house.admin_url) as connection:
        yield from leaks.in_database(connection, leaks.KEPT)


def test_nobody_is_named_in_what_the_house_wrote(manor: Manor, monkeypatch: pytest.MonkeyPatch) -> None:
    from data_lifecycle.embedded.home import Home
    from data_lifecycle.embedded.house import House

    monkeypatch.setenv("LIFECYCLE_HOME", str(manor.root))
    house = House.existing(Home.from_env())
    with psycopg2.connect(house.admin_url) as connection:
        people = leaks.people(connection)
    assert all(people.values()), "otherwise nothing is looked for"
    places = list(written(house))
    assert leaks.search(people, places) == []
    # The search sees these places: what belongs there is found.
    seen = " ".join(leaks.search({"it": ["photo_purge"]}, places))
    for place in (
        "task_id=plan",
        "task_id=act",
        "data_docs/",
        "logs/scheduler.log",
        "xcom",
        "lifecycle.evidence",
    ):
        assert place in seen, place
