"""``./lifecycle up``: from nothing to a house at work. A second call repairs what is broken and starts what is down."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from data_lifecycle.command import pipelines, summary
from data_lifecycle.command.console import Console
from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.embedded import second_provider
from data_lifecycle.embedded.home import Home
from data_lifecycle.embedded.house import House
from data_lifecycle.embedded.processes import NotReady, stop

_AIRFLOW_SECONDS = 240.0
_FIRST = "photo_purge"
_RUN_SECONDS = 900.0
_ORDERS = 400
_SEED = 20240808


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("up", help="start everything and let the pipelines run")
    verb.add_argument(
        "--orders", type=int, default=_ORDERS, help=f"orders of the demo studio, {_ORDERS} by default"
    )
    verb.add_argument("--seed", type=int, default=_SEED, help="another seed, another studio")
    verb.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """0 if all is up and every pipeline that was triggered succeeded, 1 if not, 2 for unusable arguments."""
    from data_lifecycle.studio.demo.scenarios import MINIMUM_ORDERS

    if arguments.orders < MINIMUM_ORDERS:
        print(f"lifecycle: --orders {arguments.orders}: the demo studio needs at least {MINIMUM_ORDERS}")
        return 2
    home, console = Home.from_env(), Console()
    with home.locked():
        house = House.open(home)
        console.say(f"state in {home.root}")
        try:
            loaded = _start(house, console, arguments)
            failed = _run_pipelines(house, console, anew=loaded)
        except NotReady as error:
            console.say(f"{error}")
            console.say("./lifecycle up continues from here; ./lifecycle down ends what was started")
            return 1
    _report(house, console, failed)
    return 1 if failed else 0


def _start(house: House, console: Console, arguments: argparse.Namespace) -> bool:
    """Start all parts; whether the demo studio was loaded now."""
    house.write_access()
    _start_postgres(house, console)
    finish_migration = house.airflow.start_migration()
    if finish_migration:
        console.say("Airflow: creating the metadata tables")
    _start_store(house, console)
    _prepare(house, console)
    if finish_migration:
        finish_migration()
    started = house.airflow.start()
    if started:
        console.say(f"Airflow: started {', '.join(started)} on 127.0.0.1:{house.airflow.port}")
    loaded = _load_demo(house, console, arguments)
    _wait_for_airflow(house, console)
    return loaded


def _start_postgres(house: House, console: Console) -> None:
    if house.postgres.component.find() and house.postgres.is_up():
        return
    stop([house.postgres.component], grace_seconds=10)
    house.postgres.start()
    house.postgres.ensure_role("airflow", house.credentials.airflow_database)
    house.postgres.ensure_database("airflow", owner="airflow")
    house.postgres.ensure_database("studio")
    console.say(f"PostgreSQL: ready on 127.0.0.1:{house.postgres.port}")


def _start_store(house: House, console: Console) -> None:
    if house.store.component.find() and house.store.is_up():
        return
    stop([house.store.component], grace_seconds=10)
    house.store.start()
    console.say(f"object store: ready on 127.0.0.1:{house.store.port}")


def _prepare(house: House, console: Console) -> None:
    """What is cheap to look at and must be right at every start: schema, passwords, keys, buckets, canaries."""
    from data_lifecycle.evidence import keys
    from data_lifecycle.protocol import canaries
    from data_lifecycle.studio import migrate

    for name in migrate.apply(house.admin_url):
        console.say(f"database: applied {name}")
    migrate.set_passwords(house.admin_url, house.credentials.roles)
    for line in house.store.create_buckets():
        console.say(f"object store: {line}")
    keys.ensure(house.home.keys)
    keys.ensure(house.home.keys, keys.LOG_PRIVATE_NAME)
    canaries.place(
        DatabaseAccess(house.admin_url), house.store.store_access("object_app"), house.settings.photo_buckets
    )


def _load_demo(house: House, console: Console, arguments: argparse.Namespace) -> bool:
    """Fill an empty database with a studio to look at; a database with orders is left as it is."""
    from data_lifecycle.studio.demo import load

    access = house.access()
    database = DatabaseAccess(access["databases"]["studio_app"])
    if not load.is_empty(database):
        return False
    console.say(f"demo studio: inventing {arguments.orders} orders with photos, seed {arguments.seed}")
    report = load.load(
        database,
        house.admin_url,
        house.store.store_access("object_app"),
        access["buckets"],
        arguments.seed,
        arguments.orders,
        datetime.now(UTC),
        load.Copies(house.store.store_access(second_provider.WRITER), second_provider.BUCKET),
    )
    console.say(f"demo studio: {report.customers} customers, {report.orders} orders written")
    return True


def _wait_for_airflow(house: House, console: Console) -> None:
    def progress() -> str:
        return f"Airflow: waiting for {', '.join(house.airflow.unhealthy()) or 'all parts'}"

    house.airflow.wait(seconds=_AIRFLOW_SECONDS, tick=console.every(5, progress))
    created = house.airflow.put_connections(house.connections())
    if created:
        console.say(
            f"Airflow: healthy at {house.airflow.url}; {len(created)} connections created, one for each duty"
        )


def _run_pipelines(house: House, console: Console, *, anew: bool) -> list[str]:
    """Let every schedule run, and run the purge now if the studio is new or it never succeeded. Returns what failed.

    Only the purge is waited for: the other pipelines make their first runs meanwhile, as Airflow schedules them.
    """
    api = house.airflow.api()
    for dag_id in pipelines.names():
        pipelines.wait_until_known(api, dag_id)
    first = None
    if anew or not pipelines.has_succeeded(api, _FIRST):
        run_id = pipelines.trigger(api, _FIRST, {"dry_run": False})
        console.say(f"{_FIRST}: triggered, {run_id}")
        first = pipelines.Following(api, _FIRST, run_id, with_logs=False)
    pipelines.unpause(api, _FIRST)
    failed = []
    if first is not None:
        state = first.wait(_prefixed(console, _FIRST), seconds=_RUN_SECONDS)
        console.say(f"{_FIRST}: {state}")
        if state != "success":
            failed.append(_FIRST)
    others = [dag_id for dag_id in pipelines.names() if dag_id != _FIRST]
    for dag_id in others:
        pipelines.unpause(api, dag_id)
    if first is not None:
        console.say(f"{', '.join(others)}: their schedules begin now; see the UI")
    return failed


def _prefixed(console: Console, dag_id: str) -> Callable[[str], None]:
    return lambda line: console.say(f"{dag_id}: {line}")


def _report(house: House, console: Console, failed: list[str]) -> None:
    print()
    for line in summary.lines(house):
        print(line)
    if failed:
        print(f"\nFailed: {', '.join(failed)}. Read the task logs in the UI, or ./lifecycle run {failed[0]}")
    print(f"\nAirflow   {house.airflow.url}")
    for user, password in house.credentials.users.items():
        print(f"  {user:<9} {password}")
    print(f"Passwords {house.home.users_file}")
    print(f"Assertion results as pages: {house.settings.data_docs}")
    print("Evidence for a reviewer: ./lifecycle evidence export --out bundle.zip")
    print("Everything else: ./lifecycle status")
    console.say("ready")
