"""``./lifecycle payments``: find payment records, hot and archived as one; export a year; compare with a statement."""

from __future__ import annotations

import argparse
import csv
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from data_lifecycle.payment_archive.finding import Found, Question, Record

_SHOWN = ("payment_id", "kind", "provider", "provider_ref", "amount", "currency", "occurred_at", "settled_at")
_MANY = 50


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("payments", help="find payment records, hot and archived; for accountants")
    what = verb.add_subparsers(metavar="find|export|reconcile", required=True)
    find = what.add_parser("find", help="records of an order, a provider's reference or a period")
    asked = find.add_mutually_exclusive_group(required=True)
    asked.add_argument("--order", help="the order's id")
    asked.add_argument("--provider-ref", help="the provider's id of the charge, refund or dispute")
    asked.add_argument("--period", type=_period, help="a UTC year or month of payment: 2026 or 2026-03")
    find.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    find.set_defaults(main=main_find)
    export = what.add_parser("export", help="all records of a year or month as CSV, with totals and evidence")
    export.add_argument("period", type=_period, help="a UTC year or month of payment: 2026 or 2026-03")
    export.add_argument("--out", type=Path, required=True, help="the CSV file; totals go beside it")
    export.set_defaults(main=main_export)
    reconcile = what.add_parser("reconcile", help="compare with a provider's statement")
    reconcile.add_argument("statement", type=Path, help="CSV, itemised balance report in Stripe's format")
    reconcile.add_argument("--provider", default="stripe", help="whose statement it is (default: stripe)")
    reconcile.set_defaults(main=main_reconcile)
    for one in (find, export, reconcile):
        one.add_argument("--purpose", required=True, help="why you look: kept with the record of this look")


def main_find(arguments: argparse.Namespace) -> int:
    """0 when something was found, 1 when nothing was."""
    from data_lifecycle.payment_archive.finding import Question, find
    from data_lifecycle.protocol.house import House

    if arguments.period:
        question = _months(arguments.period)
    else:
        question = Question(order_id=arguments.order, provider_ref=arguments.provider_ref)
    found = find(House.of_files(), question, arguments.purpose)
    if arguments.json:
        print(json.dumps({"records": [_spoken(record) for record in found.records], **_summary(found)}))
    else:
        _show(found)
    return 0 if found.records else 1


def main_export(arguments: argparse.Namespace) -> int:
    """Write the records and the totals; FindError unless they come to the control ledger's sums."""
    from data_lifecycle.payment_archive.finding import COLUMNS, check_against_books, find, latest_evidence
    from data_lifecycle.protocol.house import House

    house = House.of_files()
    found = find(house, _months(arguments.period), arguments.purpose, asked="export")
    first, after = arguments.period
    check_against_books(house, first, after, found)
    evidence = latest_evidence(house)
    columns = [*COLUMNS, "place", "kept_until"]
    with _private(arguments.out) as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(_spoken(record) for record in found.records)
    totals = arguments.out.with_suffix(".totals.json")
    with _private(totals) as file:
        stated = {
            "period": [day.isoformat() for day in arguments.period],
            **_summary(found),
            "agrees_with_control_ledger": True,
            "evidence": evidence["evidence_id"] if evidence else None,
            "evidence_sha256": evidence["envelope_sha256"] if evidence else None,
            "evidence_as_of": evidence["as_of"].isoformat() if evidence else None,
        }
        json.dump(stated, file, indent=1)
    _totals(found)
    print(f"{len(found.records)} records written to {arguments.out}, totals to {totals}")
    print("they come to what the control ledger says arrived and is not expired, by currency and kind")
    print(f"evidence {evidence['evidence_id']}" if evidence else "no run of payment_archive is verified yet")
    return 0


def main_reconcile(arguments: argparse.Namespace) -> int:
    """0 if every line is a record and every record a line, 1 if not."""
    from data_lifecycle.payment_archive.provider_statement import reconcile
    from data_lifecycle.protocol.house import House

    result = reconcile(House.of_files(), arguments.provider, arguments.statement, arguments.purpose)
    print(f"{result.lines} lines: {result.matched} agree, {result.other} are no payments")
    for what, refs in (
        ("in the statement, but no record", result.missing_here),
        ("recorded, but not in the statement", result.missing_there),
        ("amount, fee, currency or kind differs", result.differing),
    ):
        print(f"{what}: {len(refs)}")
        for ref in refs[:_MANY]:
            print(f"  {ref}")
        if len(refs) > _MANY:
            print(f"  … and {len(refs) - _MANY} more")
    return 0 if result.agrees else 1


def _period(text: str) -> tuple[date, date]:
    """[first day, day after the last) of a year or a month."""
    try:
        if len(text) == 4:
            return date(int(text), 1, 1), date(int(text) + 1, 1, 1)
        first = date.fromisoformat(f"{text}-01")
        return first, date(first.year + first.month // 12, first.month % 12 + 1, 1)
    except ValueError as error:
        raise argparse.ArgumentTypeError("not a year like 2026 or a month like 2026-03") from error


def _months(period: tuple[date, date]) -> Question:
    from data_lifecycle.payment_archive.finding import Question

    first, after = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in period)
    return Question(occurred_from=first, occurred_to=after)


def _spoken(record: Record) -> dict[str, str | None]:
    values = {**record.values, "place": record.place, "kept_until": record.kept_until}
    return {
        name: None if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in values.items()
    }


def _summary(found: Found) -> dict[str, Any]:
    return {
        "totals": [
            {"currency": currency, "kind": kind, "rows": rows, "amount": str(amount)}
            for (currency, kind), (rows, amount) in found.totals().items()
        ],
        "files": found.files,
        "bytes_read": found.fetched,
        "bytes_covered": found.covered,
    }


def _show(found: Found) -> None:
    table = [[*_SHOWN, "place", "kept until"]]
    for record in found.records:
        spoken = _spoken(record)
        table.append(
            [*(spoken[name] or "" for name in _SHOWN), record.place, (spoken["kept_until"] or "")[:10]]
        )
    widths = [max(len(line[number]) for line in table) for number in range(len(table[0]))]
    for line in table:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    _totals(found)
    withheld = sum(record.place == "quarantine" for record in found.records)
    if withheld:
        print(f"{withheld} records in quarantine: what looks like a card's number in them is withheld")
    print(
        f"{len(found.records)} records; read {found.fetched} of {found.covered} bytes in {found.files} files"
    )


def _totals(found: Found) -> None:
    for (currency, kind), (rows, amount) in found.totals().items():
        print(f"{kind:<8} {currency} {amount:>20} in {rows} records")


def _private(path: Path) -> TextIO:
    """A new file for its owner alone; an existing one is refused, since what an auditor got must not change."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise RuntimeError(f"{path} exists already: choose another name for --out") from None
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")
