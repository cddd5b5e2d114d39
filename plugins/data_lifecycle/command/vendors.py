"""``./lifecycle vendors``: the latest inventory and record of processing, and what is known of one vendor."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import psycopg2

from data_lifecycle.database import Row, connect, fetch
from data_lifecycle.protocol.house import House, PromiseBroken
from data_lifecycle.vendor_inventory.documents import JSON, digest
from data_lifecycle.vendor_inventory.exporting import write

ROLE = "reviewer"
FINE, UNUSABLE, DIFFERS = 0, 2, 3
_Main = Callable[[argparse.Namespace], int]


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("vendors", help="who holds what, and in what that differs from the register")
    what = verb.add_subparsers(metavar="inventory|show", required=True)
    inventory = what.add_parser(
        "inventory", help="the latest inventory; 0 as registered, 3 something differs"
    )
    inventory.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="also write the record of processing there: CSV, JSON, page, contract",
    )
    inventory.set_defaults(main=main_inventory)
    show = what.add_parser(
        "show", help="one vendor in the latest inventory; 0 as registered, 3 something differs"
    )
    show.add_argument("vendor", metavar="VENDOR", help="id in the register, or as disclosures name it")
    show.set_defaults(main=main_show)


def _answerable(main: _Main) -> _Main:
    """What cannot be answered is neither fine nor not; nothing that a database quotes is repeated."""

    @wraps(main)
    def guarded(arguments: argparse.Namespace) -> int:
        try:
            return main(arguments)
        except PromiseBroken as error:
            return _unusable(str(error))
        except (psycopg2.Error, FileNotFoundError, KeyError) as error:
            return _unusable(f"not answerable: {type(error).__name__}; is the house up? ./lifecycle status")

    return guarded


def _unusable(text: str) -> int:
    print(f"lifecycle: {text}", file=sys.stderr)
    return UNUSABLE


@_answerable
def main_inventory(arguments: argparse.Namespace) -> int:
    """0 if everything is as registered, 3 if something differs, 2 if there is no inventory."""
    run, found, record = _latest()
    print(f"inventory of {record['as_of']}, run {run['run_id']}, {run['state']}")
    for vendor in record["recipients"]:
        print(
            f"{vendor['id']}{'' if vendor['registered'] else ' (in no register)'}: {vendor['people']} people"
        )
        for line in vendor["observed"]:
            print(f"  {_line(line)}")
    print(f"differences: {len(record['drift'])}")
    for drift in record["drift"]:
        print(f"  {drift['vendor']}: {_drift(drift)}")
    if record["previous_run"] is not None:
        print(f"changes since run {record['previous_run']}: {len(record['changes'])}")
        for change in record["changes"]:
            words = (change["change"], change["what"], change["vendor"], change["subject"], change["country"])
            print(f"  {' '.join(filter(None, words))}")
    if arguments.out is not None:
        write(arguments.out, found)
        for row in found:
            print(f"{row['sha256']}  {arguments.out / row['name']}")
    return DIFFERS if record["drift"] else FINE


@_answerable
def main_show(arguments: argparse.Namespace) -> int:
    """0 if the vendor is as registered, 3 if something differs, 2 if nobody knows it."""
    _, _, record = _latest()
    vendor = next((v for v in record["recipients"] if v["id"] == arguments.vendor), None)
    if vendor is None:
        known = ", ".join(v["id"] for v in record["recipients"])
        return _unusable(f"no such vendor in the inventory of {record['as_of']}; there are {known}")
    print("\n".join(_described(vendor)))
    return DIFFERS if vendor["drift"] else FINE


def _latest() -> tuple[Row, list[Row], dict[str, Any]]:
    """The latest inventory, its documents, and the record; PromiseBroken if there is none, or not as it was stored."""
    with connect(House.of_files().connections.database(ROLE), "vendors") as connection:
        runs = fetch(connection, "vendor_inventory/find_latest")
        if not runs:
            raise PromiseBroken("there is no inventory yet: ./lifecycle run vendor_inventory")
        found = fetch(connection, "vendor_inventory/select_documents", run_id=runs[0]["run_id"])
    for row in found:
        if digest(bytes(row["content"])) != row["sha256"]:
            raise PromiseBroken(f"{row['name']} is not what was stored: its digest differs")
    return runs[0], found, json.loads(next(bytes(row["content"]) for row in found if row["name"] == JSON))


def _described(vendor: dict[str, Any]) -> Iterator[str]:
    described, terms, erasure = vendor["d_recipient"], vendor["contract"], vendor["f_erasure"]
    yield f"{vendor['id']}: {vendor['name']}" + ("" if vendor["registered"] else " (in no register)")
    yield f"kind {described['kind']}, {described['role']}, {', '.join(described['services']) or 'no service on file'}"
    yield f"people concerned: {vendor['people']}"
    yield f"purposes: {', '.join(vendor['b_purposes']) or 'none'}"
    yield f"categories: {', '.join(vendor['c_data_categories']) or 'none'}"
    if terms:
        yield f"contract {terms['id']}: {terms['since']} to {terms['until']}, {terms['state']}"
        yield f"review due {vendor['review']['due']}, last {vendor['review']['last']}"
    for sub in described["sub_processors"]:
        yield f"sub-processor {sub['name']}: {sub['service']}, {', '.join(sub['countries'])}, since {sub['declared']}"
    for transfer in vendor["e_transfers"]:
        declared = "" if transfer["declared"] else " (not declared)"
        yield f"abroad {transfer['country']}{declared}: {'; '.join(transfer['safeguards'])}"
    if erasure:
        yield f"keeps it {erasure['retention']}; erasure {erasure['mode']}, confirms {erasure['confirms']}"
        yield f"may remain after erasure {erasure['max_residual']}: {erasure['note']}"
    for evidence in vendor["g_security"]:
        yield f"security {evidence['measure']}: {evidence['evidence']} until {evidence['until']}"
    for line in vendor["observed"]:
        yield f"observed {_line(line)}"
    for drift in vendor["drift"]:
        yield f"DIFFERS {_drift(drift)}"


def _line(line: dict[str, Any]) -> str:
    return (
        f"{line['data_category']} in {line['country']}: {line['people']} people, {line['objects']} files, "
        f"{line['disclosures']} disclosures, {line['first']} to {line['last']}"
    )


def _drift(drift: dict[str, Any]) -> str:
    subject = f" {drift['subject']}" if drift["subject"] else ""
    never = "; the policy allows it to no vendor of this kind" if drift["forbidden"] else ""
    return f"{drift['kind']}{subject}: {drift['means']}, since {drift['since']} (clause {drift['clause']}){never}"


__all__ = ["DIFFERS", "FINE", "UNUSABLE", "add_to", "main_inventory", "main_show"]
