"""``./lifecycle pause`` and ``resume``: one switch for whatever destroys, in all pipelines."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

import psycopg2

from data_lifecycle.protocol import posture
from data_lifecycle.protocol.house import House


def add_to(verbs: Any) -> None:
    """Declare both verbs."""
    pause = verbs.add_parser("pause", help="stop whatever deletes, in all pipelines; plans and looks go on")
    pause.add_argument("--why", required=True, type=_words, help="why; name no customer")
    pause.set_defaults(main=main, paused=True)
    resume = verbs.add_parser("resume", help="let pipelines delete again, within caps and approvals as ever")
    resume.add_argument("--why", default="resumed", type=_words, help="why; name no customer")
    resume.set_defaults(main=main, paused=False)
    for verb in (pause, resume):
        verb.add_argument(
            "--by", default=getpass.getuser(), help="your account, by default your login's name"
        )


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("say why")
    return text.strip()


def main(arguments: argparse.Namespace) -> int:
    """Throw the switch; 0 also if it was thrown already, 1 if the database cannot be reached."""
    house = House.of_files()
    try:
        changed = posture.throw(house, paused=arguments.paused, by=arguments.by, why=arguments.why)
        found = posture.read(house)
    except psycopg2.OperationalError:
        print("lifecycle: the studio's database does not answer: nothing has changed", file=sys.stderr)
        return 1
    print(found or "nothing was ever paused")
    if not changed:
        print("that was so already")
    elif arguments.paused:
        print("a request or transaction that is under way ends; none begins any more")
    else:
        print("the next runs plan anew what fell due meanwhile; over the caps they ask for approval")
    return 0
