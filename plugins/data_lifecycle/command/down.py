"""``./lifecycle down``: end every process of the house; with ``--wipe`` also remove what it kept."""

from __future__ import annotations

import argparse
from typing import Any

from data_lifecycle.command.console import Console
from data_lifecycle.embedded import objectstore, postgres
from data_lifecycle.embedded.airflow import component_names
from data_lifecycle.embedded.home import Home
from data_lifecycle.embedded.processes import Component, members, stop

_GRACE_SECONDS = 25.0


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("down", help="stop everything")
    verb.add_argument("--wipe", action="store_true", help="also remove databases, objects, keys and logs")
    verb.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Stop, wipe if asked. 0 also when nothing ran."""
    home = Home.from_env()
    console = Console()
    if not home.root.exists():
        console.say(f"nothing is set up in {home.root}")
        return 0
    with home.locked():
        console.say("stopping Airflow")
        # Users of a part first, the part after them: nothing fails for want of its database while it ends.
        airflow = [Component(name, home.run, home.logs / f"{name}.log") for name in component_names()]
        stop(airflow, grace_seconds=_GRACE_SECONDS)
        console.say("stopping PostgreSQL and the object store")
        servers = [
            objectstore.component(home.run, home.logs / "objectstore.log"),
            postgres.component(home.run, home.logs / "postgres.log"),
        ]
        stop(servers, grace_seconds=_GRACE_SECONDS)
        left = members([*airflow, *servers])
        if left:
            console.say(f"still there: {', '.join(str(process.pid) for process in left)}")
            return 1
        if arguments.wipe:
            postgres.remove_data(home.postgres)
            home.wipe()
            console.say(f"removed the state in {home.root}")
    console.say("everything is stopped")
    return 0
