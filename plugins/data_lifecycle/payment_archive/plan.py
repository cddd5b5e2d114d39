"""What leaves the hot table, in which files, and what has ended: pure decisions, no input, output or present moment.

Policy 3.2: payment records are kept 7 calendar years from the moment the payment, its refunds and its disputes are all
final, then erased within 30 days. A family (a charge with its refunds and disputes) is never torn apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from typing import Literal
from uuid import UUID

from data_lifecycle.policy.clock import require_aware
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.promises import PaymentArchive
from data_lifecycle.policy.retention import Earliest
from data_lifecycle.protocol.caps import Judged, pair

RULE = "payments"
Kind = Literal["regular", "correction", "held"]
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
"""From and to of a span that leaves nothing out."""


@dataclass(frozen=True, slots=True)
class Window:
    """Half a calendar month (UTC) in which promises end: the 1st to the 15th, or the 16th to the end; end excluded."""

    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        """As in keys of the vault: "2033-05-a", "2033-05-b"."""
        return f"{self.start:%Y-%m}-{'a' if self.start.day == 1 else 'b'}"


def window_of(end: datetime) -> Window:
    """The window that the end of a promise lies in. It is never longer than 16 days."""
    moment = require_aware(end, "end")
    first = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    middle = first.replace(day=16)
    if moment < middle:
        return Window(first, middle)
    return Window(middle, (first + timedelta(days=32)).replace(day=1))


class PaymentClock:
    """The policy's clocks for payments: hot period, years kept, days to erase."""

    def __init__(self, policy: Policy) -> None:
        """Take the rule from ``policy``; ValueError if its period is not a floor in calendar years."""
        rule = policy.rule(RULE)
        if not isinstance(rule.boundary, Earliest) or not rule.period.years:
            raise ValueError(
                "payments: the policy must keep them for calendar years and erase them afterwards"
            )
        self.rule = rule
        self.timezone = policy.timezone
        self.years = rule.period.years
        self.hot = policy.payment_archive.hot.elapsed
        self.erase_within = rule.boundary.erase_within.elapsed

    def ends(self, final_at: datetime) -> datetime:
        """When the promise to keep ends for a family that became final then."""
        return self.rule.dates(final_at, self.timezone).start

    def final_before(self, as_of: datetime) -> datetime:
        """Families final by then are due to be archived."""
        return as_of - self.hot


@dataclass(frozen=True, slots=True)
class Due:
    """Families that became final on one day and whose promise ends in one window.

    ``whole``: their charges are hot; otherwise these are late refunds and disputes of archived charges. ``fingerprint``
    differs if as many others were meant.
    """

    whole: bool
    window: Window
    day: datetime
    families: int
    rows: int
    fingerprint: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Hot families whose promise has ended, and that no hold keeps; ``fingerprint`` as of what is due."""

    families: int
    rows: int
    fingerprint: int


@dataclass(frozen=True, slots=True)
class File:
    """A file to be: families of one window, final in [final_from, final_to). Counts are as of the plan."""

    kind: Kind
    window: Window
    final_from: datetime
    final_to: datetime
    families: int
    rows: int
    order_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the vault whose promise has ended. ``held``: orders in it are under an effective hold."""

    file_id: UUID
    kind: Kind
    last_end: datetime
    content_digest: str
    rows: int
    abandoned: bool
    held_orders: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """Files to make, files to erase, what has ended while hot, and the manifest's SHA-256 (hex)."""

    files: tuple[File, ...]
    expiring: tuple[Stored, ...]
    ended: Ended
    sha256: str


def make_plan(
    clock: PaymentClock,
    policy_sha256: str,
    as_of: datetime,
    due: Collection[Due],
    ended: Ended,
    expired: Iterable[Stored],
    max_rows_of_a_file: int,
) -> Plan:
    """Cut what is due into files, and pick the files whose time has come.

    ``expired`` may hold files that are not due yet: only those whose last promise has ended go. A file with held orders
    goes too, once those orders are restated in files of their own, which are planned here.
    """
    files = [file for whole in (True, False) for file in _cut(due, whole, max_rows_of_a_file)]
    expiring = sorted((f for f in expired if f.last_end <= as_of), key=lambda f: str(f.file_id))
    window = window_of(as_of)
    held = sorted(
        {order for f in expiring if f.kind != "held" and not f.abandoned for order in f.held_orders}
    )
    files += [File("held", window, EVER[0], EVER[1], 0, 0, order) for order in held]
    going = tuple(f for f in expiring if not (f.kind == "held" and f.held_orders))
    return Plan(tuple(files), going, ended, _seal(policy_sha256, as_of, clock, files, going, due, ended))


def judge(allowed: PaymentArchive, plan: Plan) -> Judged:
    """Records that the plan would archive and erase, beside what one run may do unasked (studio decision
    "payment_archive")."""
    return {
        "records to archive": pair(sum(file.rows for file in plan.files), allowed.max_rows),
        "records to erase": pair(
            sum(file.rows for file in plan.expiring) + plan.ended.rows, allowed.max_expired_rows
        ),
    }


def _cut(due: Collection[Due], whole: bool, most: int) -> list[File]:
    """Files of at most ``most`` rows, cut between days; a single day is never cut, nor is a family."""
    files: list[File] = []
    parts = sorted((d for d in due if d.whole is whole), key=lambda d: (d.window.start, d.day))
    for part in parts:
        last = files[-1] if files else None
        following = part.day + timedelta(days=1)
        if last is not None and last.window == part.window and last.rows + part.rows <= most:
            files[-1] = File(
                last.kind,
                last.window,
                last.final_from,
                following,
                last.families + part.families,
                last.rows + part.rows,
            )
        else:
            kind: Kind = "regular" if whole else "correction"
            files.append(File(kind, part.window, part.day, following, part.families, part.rows))
    return files


def _seal(
    policy_sha256: str,
    as_of: datetime,
    clock: PaymentClock,
    files: Iterable[File],
    expiring: Iterable[Stored],
    due: Iterable[Due],
    ended: Ended,
) -> str:
    """SHA-256 over the policy's digest and every decision in order: the same decisions give the same seal.

    As many other families of the same days are another decision.
    """
    lines: list[list[object]] = [
        [
            "payment_archive",
            2,
            policy_sha256,
            as_of.isoformat(),
            clock.final_before(as_of).isoformat(),
            ended.families,
            ended.rows,
            ended.fingerprint,
            reduce(xor, (part.fingerprint for part in due), 0),
        ]
    ]
    lines += [
        [
            f.kind,
            f.window.name,
            f.final_from.isoformat(),
            f.final_to.isoformat(),
            f.families,
            f.rows,
            f.order_id,
        ]
        for f in files
    ]
    lines += [["expire", str(f.file_id), f.last_end.isoformat(), f.content_digest, f.rows] for f in expiring]
    digest = hashlib.sha256()
    for line in lines:
        digest.update(json.dumps(line).encode() + b"\n")
    return digest.hexdigest()
