"""``./lifecycle airflow …``: Airflow's own command line on the running house, for example ``backfill create``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from data_lifecycle.embedded.home import Home
from data_lifecycle.embedded.house import House


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("airflow", help="Airflow's own command line on this house", add_help=False)
    verb.set_defaults(main=main, passes_on=True)


def main(arguments: argparse.Namespace) -> int:
    """Become ``airflow`` with the house's settings; its exit status."""
    house = House.existing(Home.from_env())
    command = [sys.executable, "-m", "airflow", *arguments.rest]
    os.execve(command[0], command, house.airflow.environment())  # noqa: S606 - Airflow, with the caller's arguments
