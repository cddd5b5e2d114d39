"""A provider's statement beside our records: every line must be a record, every record of its period a line.

The file is CSV in the form of Stripe's report "Balance change from activity, itemised": ``created_utc``, ``currency``,
``gross``, ``fee``, ``reporting_category`` and ``source_id`` are read, amounts in currency units, refunds and disputes
negative. Times are UTC.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from data_lifecycle.database import connect, execute
from data_lifecycle.payment_archive.finding import FindError, Question, find
from data_lifecycle.protocol.house import House

NEEDED = ("created_utc", "currency", "gross", "fee", "reporting_category", "source_id")
KINDS = {"charge": "charge", "refund": "refund", "dispute": "dispute"}
MARGIN = timedelta(days=7)
"""How far the provider's moment of a payment may lie from ours: a line is matched by its reference, not by its time."""


class StatementError(RuntimeError):
    """The file is not a statement that can be compared; names the line and the column, never a value."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the provider's reference, our kind (None: no payment), positive amount, fee, currency, moment (UTC)."""

    ref: str = field(repr=False)
    kind: str | None
    amount: Decimal = field(repr=False)
    fee: Decimal = field(repr=False)
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts of lines, and the references concerned: for the accountant, never for a log."""

    lines: int
    matched: int
    other: int
    missing_here: Sequence[str] = field(repr=False)
    missing_there: Sequence[str] = field(repr=False)
    differing: Sequence[str] = field(repr=False)

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing on either side and nothing differs."""
        return not (self.missing_here or self.missing_there or self.differing)


def read(path: Path) -> tuple[list[Line], str]:
    """The statement's lines and the SHA-256 (hex) of the file. StatementError names what is wrong and where."""
    data = path.read_bytes()
    try:
        rows = csv.DictReader(data.decode("utf-8-sig").splitlines(), strict=True)
        missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
        if missing:
            raise StatementError(
                f"the column {missing[0]} is missing; export the itemised balance report again"
            )
        lines = [_line(row, number) for number, row in enumerate(rows, start=2)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise StatementError("the file is not CSV in UTF-8") from error
    if not lines:
        raise StatementError("the statement has no lines: nothing would be compared")
    return lines, hashlib.sha256(data).hexdigest()


def compare(lines: Sequence[Line], records: Iterable[Mapping[str, Any]]) -> Comparison:
    """Lines beside records of one provider. A record outside the span of the lines may be missing there."""
    ours = {row["provider_ref"]: row for row in records}
    first, last = min(line.at for line in lines), max(line.at for line in lines)
    payments = [line for line in lines if line.kind is not None]
    seen: set[str] = set()
    matched, missing_here, differing = 0, list[str](), list[str]()
    for line in payments:
        row = ours.get(line.ref)
        if row is None:
            missing_here.append(line.ref)
        elif line.ref in seen or not _same(line, row):
            differing.append(line.ref)
        else:
            matched += 1
        seen.add(line.ref)
    missing_there = sorted(
        ref for ref, row in ours.items() if ref not in seen and first <= row["occurred_at"] <= last
    )
    other = len(lines) - len(payments)
    return Comparison(len(lines), matched, other, missing_here, missing_there, differing)


def reconcile(house: House, provider: str, path: Path, purpose: str) -> Comparison:
    """Compare the statement in ``path`` with all records of ``provider`` and note the counts for the reviewer.

    Raises StatementError for the file, FindError for the question.
    """
    lines, digest = read(path)
    first, last = min(line.at for line in lines), max(line.at for line in lines)
    period = Question(occurred_from=first - MARGIN, occurred_to=last + MARGIN)
    found = find(house, period, purpose)
    records = [record.values for record in found.records if record.values["provider"] == provider]
    if not records:
        raise FindError(f"there are no payments of the provider {provider!r} in the statement's time")
    result = compare(lines, records)
    with (
        connect(house.connections.database("payment_reader"), "payments reconcile") as connection,
        connection,
    ):
        execute(
            connection,
            "payments_find/record_statement",
            provider=provider,
            sha256=digest,
            period_from=first,
            period_to=last + timedelta(microseconds=1),
            lines=result.lines,
            matched=result.matched,
            missing_here=len(result.missing_here),
            missing_there=len(result.missing_there),
            differing=len(result.differing),
            other=result.other,
        )
    return result


def _same(line: Line, row: Mapping[str, Any]) -> bool:
    fee = row["fee"]
    return (
        line.kind == row["kind"]
        and line.amount == row["amount"]
        and line.currency == row["currency"].strip()
        # A fee that was never recorded cannot contradict; one that was must agree.
        and (fee is None or line.fee == fee)
    )


def _line(row: Mapping[str, str | None], number: int) -> Line:
    def text(name: str) -> str:
        value = row.get(name)
        if value is None or not value.strip():
            raise StatementError(f"line {number}: {name} is empty")
        return value.strip()

    def money(name: str) -> Decimal:
        try:
            amount = Decimal(text(name))
        except InvalidOperation as error:
            raise StatementError(f"line {number}: {name} is not a decimal number") from error
        if not amount.is_finite():
            raise StatementError(f"line {number}: {name} is not a finite number")
        return amount

    try:
        at = datetime.fromisoformat(text("created_utc"))
    except ValueError as error:
        raise StatementError(
            f"line {number}: created_utc is not a moment like 2026-03-01 10:00:00"
        ) from error
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    kind = KINDS.get(text("reporting_category"))
    amount = money("gross")
    if kind is not None and (amount > 0) != (kind == "charge"):
        raise StatementError(f"line {number}: gross has the wrong sign for a {kind}")
    return Line(
        text("source_id") if kind else row.get("source_id") or "",
        kind,
        abs(amount),
        money("fee"),
        text("currency").upper(),
        at,
    )
