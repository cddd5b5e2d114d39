"""``./lifecycle holds``: place a legal hold, have it approved by somebody else, extend, release and list holds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import UUID

import psycopg2

from data_lifecycle.command.run import moment
from data_lifecycle.database import connect, fetch, fetch_one
from data_lifecycle.protocol.house import House, PromiseBroken

ROLE = "studio_app"
CLASSES = ("claim", "authority", "audit", "dispute", "other")
FINE, REFUSED, FLAWED = 0, 2, 3
PIPELINE = "legal_holds"
_Main = Callable[[argparse.Namespace], int]


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("holds", help="legal holds: place, approve, extend, release, list")
    what = verb.add_subparsers(metavar="place|approve|extend|release|list", required=True)
    place = what.add_parser(
        "place", help="name files and a reason not to erase them; waits for a second person"
    )
    place.add_argument(
        "--basis", required=True, help="the legal basis, in words; evidence does not repeat them"
    )
    place.add_argument(
        "--class", dest="basis_class", choices=CLASSES, default="other", help="what evidence says"
    )
    place.add_argument("--order", action="append", default=[], metavar="ID", help="all files of this order")
    place.add_argument("--upload", action="append", default=[], type=UUID, metavar="ID", help="this file")
    place.add_argument(
        "--expires", required=True, type=moment, metavar="TIME", help="ISO 8601 with a time zone"
    )
    place.add_argument("--by", required=True, metavar="NAME", help="who places it")
    place.set_defaults(main=main_place)
    approve = what.add_parser("approve", help="a second person's yes to a hold, or to its extension")
    extend = what.add_parser("extend", help="ask for a later end; counts once a second person approves")
    extend.add_argument(
        "--until", required=True, type=moment, metavar="TIME", help="ISO 8601 with a time zone"
    )
    release = what.add_parser("release", help="end a hold now: its files are due within 24 hours")
    for one, main in ((approve, main_approve), (extend, main_extend), (release, main_release)):
        one.add_argument("hold", type=UUID, metavar="HOLD")
        one.add_argument("--by", required=True, metavar="NAME", help="who says so")
        one.set_defaults(main=main)
    listing = what.add_parser("list", help="every hold that has not ended; 3 if one lacks something")
    listing.set_defaults(main=main_list)


def _answerable(main: _Main) -> _Main:
    """What the database refuses by a rule of ours is said in its words; of anything else only the class is."""

    @wraps(main)
    def guarded(arguments: argparse.Namespace) -> int:
        try:
            return main(arguments)
        except (
            psycopg2.errors.RestrictViolation,
            psycopg2.errors.RaiseException,
            psycopg2.errors.NoDataFound,
        ) as error:
            return _refused(str(error.diag.message_primary))
        except psycopg2.errors.CheckViolation as error:
            # A constraint quotes the row; only what the functions raise themselves has no constraint.
            ours = error.diag.constraint_name is None
            return _refused(str(error.diag.message_primary) if ours else "the database refused a value")
        except psycopg2.errors.UniqueViolation:
            return _refused("an extension of that hold waits for approval already")
        except PromiseBroken as error:
            return _refused(str(error))
        except (psycopg2.Error, FileNotFoundError, KeyError) as error:
            return _refused(f"not possible: {type(error).__name__}; is the house up? ./lifecycle status")

    return guarded


def _refused(text: str) -> int:
    print(f"lifecycle: {text}", file=sys.stderr)
    return REFUSED


@_answerable
def main_place(arguments: argparse.Namespace) -> int:
    """0 with the hold's id, 2 if it cannot be placed."""
    if not (arguments.order or arguments.upload):
        return _refused("a hold names files: give --order or --upload")
    with connect(House.of_files().connections.database(ROLE), "holds") as connection, connection:
        named = set(arguments.upload)
        for order in arguments.order:
            found = fetch(connection, "holds/select_uploads", order_id=order)
            if not found:
                raise PromiseBroken("one of the orders has no file that is still there: nothing is placed")
            named |= {row["upload_id"] for row in found}
        row = fetch_one(
            connection,
            "holds/place_hold",
            basis=arguments.basis,
            basis_class=arguments.basis_class,
            placed_by=arguments.by,
            expires_at=arguments.expires,
            uploads=sorted(named),
        )
    print(f"hold {row['hold_id']} on {len(named)} files, until {_at(arguments.expires)}")
    print(f"it holds nothing yet: a second person says ./lifecycle holds approve {row['hold_id']} --by NAME")
    return FINE


@_answerable
def main_approve(arguments: argparse.Namespace) -> int:
    """0 if it is approved, 2 if not."""
    with connect(House.of_files().connections.database(ROLE), "holds") as connection, connection:
        row = fetch_one(connection, "holds/approve_hold", hold_id=arguments.hold, who=arguments.by)
    print(f"{row['approved']} of {arguments.hold} is approved: nothing under it is erased from now on")
    return _start()


@_answerable
def main_extend(arguments: argparse.Namespace) -> int:
    """0 if it is asked for, 2 if not."""
    with connect(House.of_files().connections.database(ROLE), "holds") as connection, connection:
        fetch_one(
            connection, "holds/extend_hold", hold_id=arguments.hold, who=arguments.by, until=arguments.until
        )
    print(
        f"asked for: hold {arguments.hold} until {_at(arguments.until)}; it counts once a second person approves"
    )
    return FINE


@_answerable
def main_release(arguments: argparse.Namespace) -> int:
    """0 if it has ended now, 2 if not."""
    with connect(House.of_files().connections.database(ROLE), "holds") as connection, connection:
        fetch(connection, "holds/release_hold", hold_id=arguments.hold, who=arguments.by)
    print(f"hold {arguments.hold} has ended: what is due of its files is erased within 24 hours")
    return _start()


@_answerable
def main_list(_: argparse.Namespace) -> int:
    """0 if every hold has what it needs, 3 if one lacks something. Holds by their number, files in counts."""
    with connect(House.of_files().connections.database(ROLE), "holds") as connection:
        rows = fetch(connection, "holds/list_holds")
    for row in rows:
        until = _at(row["expires_at"]) if row["expires_at"] else "no end"
        print(
            f"{row['hold_id']}  {row['standing']}  {row['basis_class']}  until {until}  {row['files']} files"
        )
        print(
            f"    placed by {row['placed_by']} {_at(row['placed_at'])}, approved by {row['approved_by'] or 'nobody'}"
        )
        if row["waits_until"]:
            print(
                f"    extension until {_at(row['waits_until'])} asked by {row['asked_by']}: waits for a second person"
            )
    if not rows:
        print("no hold")
    return FLAWED if any(row["standing"].startswith("ignored") for row in rows) else FINE


def _at(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="minutes")


def _start() -> int:
    """Have the store told at once; without Airflow the next run of every hour does it. Never a failure of the verb."""
    from data_lifecycle.command import pipelines
    from data_lifecycle.embedded.api import ApiError, ApiUnavailable
    from data_lifecycle.embedded.home import Home
    from data_lifecycle.embedded.house import House as Embedded

    try:
        run_id = pipelines.trigger(Embedded.existing(Home.from_env()).airflow.api("engineer"), PIPELINE, {})
    except (ApiError, ApiUnavailable, FileNotFoundError) as error:
        print(f"the store is told by the next run of {PIPELINE}, within the hour ({type(error).__name__})")
        return FINE
    print(f"the store is told now: {PIPELINE}, {run_id}")
    return FINE


__all__ = ["CLASSES", "FINE", "FLAWED", "REFUSED", "add_to"]
