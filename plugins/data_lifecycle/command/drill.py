"""``./lifecycle drill NAME``: practise a bad day on servers that are thrown away; the house is not touched."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from data_lifecycle.command.console import Console

_ORDERS = 120


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("drill", help="practise a bad day, on servers of its own")
    what = verb.add_subparsers(metavar="WHAT", required=True)
    restore = what.add_parser(
        "restore", help="restore old copies, find everything that came back, erase it again"
    )
    restore.add_argument(
        "--orders", type=int, default=_ORDERS, help=f"orders of the demo studio, {_ORDERS} by default"
    )
    restore.set_defaults(main=main_restore)


def main_restore(arguments: argparse.Namespace) -> int:
    """0 if everything that came back was found, erased and evidenced, 1 if not, 2 for unusable arguments."""
    from data_lifecycle.drill.restore import drill
    from data_lifecycle.studio.demo.scenarios import MINIMUM_ORDERS

    if arguments.orders < MINIMUM_ORDERS:
        print(f"lifecycle: --orders {arguments.orders}: the demo studio needs at least {MINIMUM_ORDERS}")
        return 2
    # The steps tell their story in the protocol's words; whatever fails is in its counts.
    logging.getLogger("lifecycle").addHandler(logging.NullHandler())
    console = Console()
    failed = drill(arguments.orders, console.say)
    console.say(
        f"{len(failed)} things did not hold: {'; '.join(failed)}"
        if failed
        else "all of it held: zero left, all evidenced"
    )
    return 1 if failed else 0
