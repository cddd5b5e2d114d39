"""A loaded demo studio on the real servers, and the purge's steps without Airflow around them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Studio
    from data_lifecycle.connections import FileConnections
    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House
    from data_lifecycle.settings import Settings
    from data_lifecycle.studio.demo.load import LoadReport


@pytest.fixture
def house(studio: Studio, empty_store: ObjectStore, access: FileConnections, settings: Settings) -> House:
    """The house with this test's database, an empty store with canaries, and a signing key."""
    return furnish(studio, empty_store, access, settings)


def furnish(studio: Studio, store: ObjectStore, access: FileConnections, settings: Settings) -> House:
    """A house with an empty database and an empty store: it gets keys, canaries, and run numbers of its own."""
    from data_lifecycle.connections import DatabaseAccess
    from data_lifecycle.database import connect
    from data_lifecycle.evidence import keys
    from data_lifecycle.protocol import canaries
    from data_lifecycle.protocol.house import House

    for key in (settings.attester_key, settings.log_key):
        keys.ensure(key.parent, key.name)
    # The evidence bucket outlives this database: statements are named by the run, so runs must not count from 1 again.
    with connect(DatabaseAccess(studio.admin_url), "test") as admin, admin, admin.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('lifecycle.run', 'run_id'), %s)",
            [random.randrange(10**6, 10**7)],
        )
    canaries.place(DatabaseAccess(studio.admin_url), store.store_access("object_app"), settings.photo_buckets)
    return House(settings, access)


@dataclass(frozen=True)
class Demo:
    """A house with a demo studio in it."""

    house: House
    studio: Studio
    store: ObjectStore
    report: LoadReport


@pytest.fixture
def load_demo(
    house: House, studio: Studio, store: ObjectStore, buckets: dict[str, str]
) -> Callable[..., Demo]:
    """Load a demo studio: ``load_demo(orders=60, seed=1, now=…)``; with ``copies``, also what a second provider got."""
    from data_lifecycle.embedded import second_provider
    from data_lifecycle.studio.demo.load import Copies, load

    elsewhere = Copies(store.store_access(second_provider.WRITER), second_provider.BUCKET)

    def make(orders: int = 60, seed: int = 1, now: datetime | None = None, copies: bool = False) -> Demo:
        report = load(
            house.connections.database("studio_app"),
            studio.admin_url,
            store.store_access("object_app"),
            buckets,
            seed,
            orders,
            now or datetime.now(UTC),
            elsewhere if copies else None,
        )
        return Demo(house, studio, store, report)

    return make


@pytest.fixture
def purge() -> Callable[..., int]:
    """Run all steps in order, as the DAG does; the run's number."""

    def run(house: House, dag_run_id: str = "test", as_of: str | None = None) -> int:
        from data_lifecycle.photo_purge.acting import act_batch, settle_run
        from data_lifecycle.photo_purge.attesting import assert_purge, attest_run
        from data_lifecycle.photo_purge.guarding import guard_run
        from data_lifecycle.photo_purge.observing import observe_run, sweep_run
        from data_lifecycle.photo_purge.planning import plan_run

        run_id = plan_run(house, dag_run_id, datetime.now(UTC), as_of, dry_run=False)
        for batch in guard_run(house, run_id):
            act_batch(house, run_id, batch)
        observe_run(house, run_id)
        if settle_run(house, run_id):
            observe_run(house, run_id)
        sweep_run(house, run_id)
        assert_purge(house, run_id)
        attest_run(house, run_id, ())
        return run_id

    return run
