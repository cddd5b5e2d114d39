"""``./lifecycle transfers``: why a disclosure was allowed or denied, and whether a next one would be."""

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
from data_lifecycle.database import Connection, connect, fetch, fetch_one
from data_lifecycle.policy.loader import PolicyError
from data_lifecycle.protocol.house import House, PromiseBroken
from data_lifecycle.transfer_check import yardstick
from data_lifecycle.transfer_check.explain import lines
from data_lifecycle.transfer_check.judging import ask
from data_lifecycle.transfer_check.planning import ROLE

ALLOWED, UNUSABLE, DENIED = 0, 2, 3
_Main = Callable[[argparse.Namespace], int]


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("transfers", help="why a disclosure was denied; may this be sent")
    what = verb.add_subparsers(metavar="explain|may-i", required=True)
    explain = what.add_parser("explain", help="rule by rule, with dates and sources")
    explain.add_argument("--disclosure", required=True, type=_uuid, metavar="ID")
    explain.set_defaults(main=main_explain)
    may_i = what.add_parser("may-i", help="before sending; 0 allowed, 3 denied, 2 not answerable as asked")
    may_i.add_argument("--vendor", required=True, help="id in the register")
    may_i.add_argument("--category", required=True, help="what would be sent, a fideslang key")
    may_i.add_argument("--customer", required=True, type=_uuid, metavar="ID", help="whose data")
    may_i.add_argument(
        "--purpose", help="a fideslang data use; by default the one that the vendor's contract has"
    )
    may_i.add_argument("--at", type=moment, metavar="TIME", help="as of then: ISO 8601 with a time zone")
    may_i.set_defaults(main=main_may_i)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError("not a UUID") from None


def _answerable(main: _Main) -> _Main:
    """What cannot be answered is neither allowed nor denied; nothing that a database quotes is repeated."""

    @wraps(main)
    def guarded(arguments: argparse.Namespace) -> int:
        try:
            return main(arguments)
        except (PolicyError, PromiseBroken) as error:
            return _unusable(str(error))
        except (psycopg2.Error, FileNotFoundError, KeyError) as error:
            return _unusable(f"not answerable: {type(error).__name__}; is the house up? ./lifecycle status")

    return guarded


def _unusable(text: str) -> int:
    print(f"lifecycle: {text}", file=sys.stderr)
    return UNUSABLE


@_answerable
def main_explain(arguments: argparse.Namespace) -> int:
    """0 if the verdict that holds is allowed, 3 if it is denied, 2 if there is none."""
    house = House.of_files()
    with connect(house.connections.database(ROLE), "transfers explain") as connection:
        verdicts = fetch(connection, "transfer_check/find_verdicts", disclosure_id=arguments.disclosure)
        if not verdicts:
            return _unusable("no verdict: no such disclosure, or no transfer check has run since it was sent")
        consents = fetch(
            connection,
            "transfer_check/select_consents",
            disclosure_id=arguments.disclosure,
            **yardstick.notices(yardstick.load(house, _now(connection)).policies),
        )
        rules = fetch(connection, "transfer_check/select_rules")
    print("\n".join(lines(verdicts[0], rules, consents, verdicts[1:])))
    return ALLOWED if verdicts[0]["allowed"] else DENIED


@_answerable
def main_may_i(arguments: argparse.Namespace) -> int:
    """0 allowed, 3 denied, 2 not answerable: a customer nobody knows, a moment in the future, a broken register."""
    house = House.of_files()
    with connect(house.connections.database(ROLE), "transfers may-i") as connection:
        now = _now(connection)
        at = (arguments.at or now).astimezone(UTC)
        if at > now:
            return _unusable("--at lies in the future: nobody knows what will be consented to then")
        rule = yardstick.load(house, at)
        purpose = arguments.purpose or _purpose(rule, arguments.vendor, at)
        if purpose is None:
            print("denied: the register has no such vendor with a valid contract (T02)")
            return DENIED
        rows = ask(connection, rule, arguments.vendor, arguments.category, purpose, arguments.customer, at)
        rules = fetch(connection, "transfer_check/select_rules")
        suspended = fetch(connection, "transfer_check/find_suspension", vendor=arguments.vendor)
        connection.rollback()
    if not rows:
        return _unusable("no such customer")
    denied = bool(suspended)
    for row in suspended:
        print(f"denied: the vendor is suspended since {row['since']:%Y-%m-%d %H:%M} UTC ({row['reason']})")
    violations = {row["rule"]: row["violation"] for row in rules}
    for row in rows:
        where = row["destination_country"] or "nowhere known"
        print(f"{'denied' if row['broken'] else 'allowed'}: {arguments.vendor} in {where}")
        for broken in row["broken"]:
            denied = True
            print(f"  {broken} {violations[broken]}")
    return DENIED if denied else ALLOWED


def _purpose(rule: yardstick.Yardstick, vendor_id: str, at: datetime) -> str | None:
    vendor = rule.register.vendor(vendor_id)
    contract = vendor.contract(at) if vendor else None
    return contract.data_uses[0] if contract else None


def _now(connection: Connection) -> datetime:
    found: datetime = fetch_one(connection, "run/read_clock")["now"]
    return found


__all__ = ["ALLOWED", "DENIED", "UNUSABLE", "add_to", "main_explain", "main_may_i"]
