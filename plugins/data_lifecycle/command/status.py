"""``./lifecycle status``: where everything is, for people and, with ``--json``, for their programs."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from data_lifecycle.embedded.credentials import USERS
from data_lifecycle.embedded.home import Home
from data_lifecycle.embedded.house import House
from data_lifecycle.protocol import posture
from data_lifecycle.protocol.house import House as Access


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("status", help="show addresses, processes and where passwords are")
    verb.add_argument("--json", action="store_true", help="everything, with database URLs and keys, as JSON")
    verb.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Print the state. 0 if everything runs and is healthy, 1 if not."""
    house = House.existing(Home.from_env())
    state = gather(house)
    if arguments.json:
        print(json.dumps(state, indent=1))
    else:
        for line in _lines(house, state):
            print(line)
    return 0 if state["healthy"] else 1


def gather(house: House) -> dict[str, Any]:
    """Everything ``--json`` shows; database URLs and keys are in it: treat the output like the access file."""
    home = house.home
    processes = {}
    for component in house.components:
        process = component.find()
        if process or component != house.airflow.migration:
            processes[component.name] = {
                "pid": process.pid if process else None,
                "pid_file": str(component.pid_file),
                "log_file": str(component.log_file),
            }
    unhealthy = house.airflow.unhealthy()
    answers = {
        "postgres": house.postgres.is_up(),
        "objectstore": house.store.is_up(),
        "airflow": not unhealthy,
    }
    return {
        "healthy": all(answers.values()),
        "answers": answers,
        "unhealthy_airflow_parts": unhealthy,
        "posture": _posture() if answers["postgres"] else None,
        "home": str(home.root),
        "ui": house.airflow.url,
        "users": dict(USERS),
        "ports": {
            "airflow": house.airflow.port,
            "postgres": house.postgres.port,
            "objectstore": house.store.port,
        },
        **house.access(),
        "admin_database": house.admin_url,
        "files": {
            "passwords": str(home.users_file),
            "access": str(home.access_file),
            "secrets": str(home.secrets_file),
            "keys": str(home.keys),
            "data_docs": str(house.settings.data_docs),
            "logs": str(home.logs),
        },
        "processes": processes,
    }


def _posture() -> dict[str, Any] | None:
    found = posture.read(Access.of_files())
    return None if found is None else {**asdict(found), "at": found.at.isoformat(), "says": str(found)}


def _lines(house: House, state: dict[str, Any]) -> list[str]:
    lines = [f"State in {state['home']}"]
    for part, answers in state["answers"].items():
        lines.append(f"  {part:<12} {'answers' if answers else 'does not answer'}")
    if state["answers"]["postgres"] and state["unhealthy_airflow_parts"]:
        lines.append(f"  not healthy: {', '.join(state['unhealthy_airflow_parts'])}")
    said = state["posture"]
    if said and said["paused"]:
        lines.append(f"PAUSED: nothing is deleted anywhere; {said['says']}")
    lines.append("Addresses")
    lines.append(
        f"  Airflow      {state['ui']}  users {', '.join(state['users'])}; passwords in {house.home.users_file}"
    )
    lines.append(f"  PostgreSQL   127.0.0.1:{house.postgres.port}  databases studio, airflow")
    lines.append(f"  S3           {house.store.endpoint_url}  buckets {', '.join(state['buckets'].values())}")
    lines.append(f"  URL of every database role, keys of every store identity: {house.home.access_file}")
    lines.append("Processes")
    for name, process in state["processes"].items():
        lines.append(f"  {name:<14} {process['pid'] or 'not running'}")
    return lines
