"""What is due, and what exactly that means in the store: pure decisions, no input, no output, no present moment.

Policy 3.2: photos and style references are gone within 7 days after the order's first terminal event, or on request.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from data_lifecycle.objects.model import ObjectVersion
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.retention import RetentionRule

Reason = Literal["terminal", "inactivity", "request"]
Disposition = Literal["erase", "hold", "keep"]
CATEGORIES = ("personal_photo", "style_reference")


@dataclass(frozen=True, slots=True)
class Order:
    """The clocks of an order; all instants UTC, None where the event has not happened."""

    order_id: str = field(repr=False)
    terminal_at: datetime | None
    last_activity_at: datetime
    erase_requested_at: datetime | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A recorded file as seen from one of its orders. ``present_orders`` are those that may still need it.

    ``bucket`` is where the row says the original lies; its copies have the same key in the other buckets.
    """

    order_id: str = field(repr=False)
    upload_id: UUID = field(repr=False)
    category: str
    bucket: str
    key: str = field(repr=False)
    derived: bool
    present_orders: frozenset[str] = field(repr=False)
    held: bool


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An order whose files are due: why, since when, and by when they must be verified absent (UTC)."""

    order_id: str = field(repr=False)
    reason: Reason
    anchor: datetime
    start: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the manifest: an exact version, marker or unfinished upload, and what is to happen to it.

    ``kind`` "nothing" stands for a recorded file of which the store holds no trace: its absence is still to be proven.
    """

    order_id: str = field(repr=False)
    rule_id: str
    upload_id: UUID | None = field(repr=False)
    origin: Literal["original", "derivative", "unrecorded"]
    bucket: str
    key: str = field(repr=False)
    kind: str
    version_id: str = field(repr=False)
    size: int
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class Plan:
    """The cases, their items in manifest order, and the manifest's SHA-256 (hex).

    ``unlisted`` counts due orders left out because the store could not be listed for them: unknown is not absent.
    """

    cases: tuple[DueOrder, ...]
    items: tuple[Item, ...]
    unlisted: int
    sha256: str


class PhotoClock:
    """The policy's clocks for photos and style references (3.2), with the studio's reading of abandoned orders."""

    def __init__(self, policy: Policy) -> None:
        """Take the rules from ``policy``; KeyError if it has no rule for one of the two kinds of upload."""
        self._policy = policy
        self.rules: Mapping[str, RetentionRule] = {c: policy.rule_for_upload(c) for c in CATEGORIES}
        self.strictest = min(self.rules.values(), key=lambda rule: (rule.duration, rule.id))
        self.earliest_start = min(rule.start_at for rule in self.rules.values())
        self.request_within = policy.within("erasure_request") or timedelta(0)

    def due(self, order: Order, as_of: datetime) -> DueOrder | None:
        """Whether, why and until when the order's files are due at ``as_of``.

        A person's request goes before everything else; the earliest deadline decides.
        """
        request, end = self._from_request(order), self._from_end(order)
        if request is not None and request.start <= as_of:
            ended = end.start <= as_of
            return replace(request, deadline=min(request.deadline, end.deadline)) if ended else request
        return end if end.start <= as_of else None

    def applies(self, category: str, due: DueOrder, as_of: datetime) -> bool:
        """Whether the rule of this kind of upload has started for a due order (kinds may have different periods)."""
        if due.reason == "request":
            return True
        return due.anchor + self.rules[category].start_at <= as_of

    def _from_request(self, order: Order) -> DueOrder | None:
        asked = order.erase_requested_at
        if asked is None:
            return None
        return DueOrder(order.order_id, "request", asked, asked, asked + self.request_within)

    def _from_end(self, order: Order) -> DueOrder:
        reason: Reason = "terminal" if order.terminal_at is not None else "inactivity"
        anchor = order.terminal_at or order.last_activity_at + self._policy.inactivity
        dates = [rule.dates(anchor, self._policy.timezone) for rule in self.rules.values()]
        return DueOrder(
            order.order_id, reason, anchor, min(d.start for d in dates), min(d.deadline for d in dates)
        )


def folder(key: str) -> str:
    """The order's folder that a key lies in ("orders/<order>/"); ValueError for a key that lies in none."""
    parts = key.split("/", 2)
    if len(parts) < 3 or parts[0] != "orders" or not parts[1]:
        raise ValueError("a recorded file lies outside of the orders' folders")
    return f"orders/{parts[1]}/"


def order_folder(order_id: str) -> str:
    """The folder of an order; ValueError for an empty id (its folder would be everybody's)."""
    if not order_id:
        raise ValueError("an order without an id has no folder")
    return f"orders/{order_id}/"


def make_plan(
    clock: PhotoClock,
    policy_sha256: str,
    as_of: datetime,
    due: Collection[DueOrder],
    uploads: Iterable[Upload],
    listed: Mapping[str, list[ObjectVersion]],
    recorded_elsewhere: Collection[str],
    buckets: tuple[str, ...],
) -> Plan:
    """Decide about every entry of the store below the due orders' folders.

    ``listed`` maps a folder to its entries in all ``buckets``, unfinished uploads included; a folder missing from it
    could not be listed, and every order that needs it is left out and counted. ``recorded_elsewhere`` are keys found
    there that belong to files of other orders: those are not ours to touch.
    """
    due_by_id = {case.order_id: case for case in due}
    seen_from: dict[UUID, list[Upload]] = defaultdict(list)
    for upload in uploads:
        seen_from[upload.upload_id].append(upload)
    unlisted = {case.order_id for case in due if order_folder(case.order_id) not in listed}
    unlisted |= {u.order_id for views in seen_from.values() for u in views if folder(u.key) not in listed}
    listed_due = {key: case for key, case in due_by_id.items() if key not in unlisted}

    items: list[Item] = []
    claimed_keys: set[str] = set()
    orders_with_hold: set[str] = set()
    for views in seen_from.values():
        first = views[0]
        claimed_keys.add(first.key)
        if any(view.held for view in views):
            orders_with_hold.update(view.order_id for view in views)
        # A shared file goes with the order that ended last, or with the one it was asked back for: unconditionally.
        # Ties by id, so that the choice is the same every time.
        cases = [due_by_id[view.order_id] for view in views]
        asked = [case for case in cases if case.reason == "request"]
        owner = max(asked or cases, key=lambda c: (c.anchor, c.order_id))
        if owner.order_id in unlisted:
            continue
        disposition = _disposition(clock, views, owner, listed_due, as_of)
        entries = [e for e in listed[folder(first.key)] if e.key == first.key]
        if first.bucket not in buckets:
            # Nobody looks there: the line stands for what cannot be seen, and stays unknown.
            entries.append(_nothing(first.bucket, first.key))
        for entry in entries or [_nothing(buckets[0], first.key)]:
            items.append(
                Item(
                    owner.order_id,
                    clock.rules[first.category].id,
                    first.upload_id,
                    "derivative" if first.derived else "original",
                    entry.bucket,
                    entry.key,
                    entry.kind if entry.version_id != "-" else "nothing",
                    entry.version_id,
                    entry.size,
                    disposition,
                )
            )
    for case in due:
        if case.order_id in unlisted:
            continue
        for entry in listed[order_folder(case.order_id)]:
            if entry.key not in claimed_keys and entry.key not in recorded_elsewhere:
                items.append(
                    Item(
                        case.order_id,
                        clock.strictest.id,
                        None,
                        "unrecorded",
                        entry.bucket,
                        entry.key,
                        entry.kind,
                        entry.version_id,
                        entry.size,
                        # Nobody can tell whether a stray in the folder of a held file belongs to it.
                        "hold" if case.order_id in orders_with_hold else "erase",
                    )
                )
    items.sort(key=_line)
    planned = tuple(sorted((c for c in due if c.order_id not in unlisted), key=lambda c: c.order_id))
    return Plan(planned, tuple(items), len(unlisted), _seal(policy_sha256, planned, items))


def _disposition(
    clock: PhotoClock, views: list[Upload], owner: DueOrder, due: Mapping[str, DueOrder], as_of: datetime
) -> Disposition:
    if any(view.held for view in views):
        return "hold"
    if owner.reason == "request":
        return "erase"
    needed_by = {order for view in views for order in view.present_orders}
    ended = all(o in due and clock.applies(views[0].category, due[o], as_of) for o in needed_by)
    return "erase" if ended else "keep"


def _nothing(bucket: str, key: str) -> ObjectVersion:
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return ObjectVersion(bucket, key, "version", "-", 0, epoch, False)


def _line(item: Item) -> tuple[str, str, str, str]:
    return (item.bucket, item.key, item.kind, item.version_id)


def _seal(policy_sha256: str, cases: Iterable[DueOrder], items: Iterable[Item]) -> str:
    """SHA-256 over the policy's digest and every case and item in order: the same decisions give the same seal."""
    digest = hashlib.sha256()
    digest.update(json.dumps(["photo_purge", 1, policy_sha256]).encode() + b"\n")
    for case in cases:
        line = [
            case.order_id,
            case.reason,
            case.anchor.isoformat(),
            case.start.isoformat(),
            case.deadline.isoformat(),
        ]
        digest.update(json.dumps(line).encode() + b"\n")
    for item in items:
        digest.update(
            json.dumps(
                [
                    *(*_line(item), item.order_id, item.rule_id, str(item.upload_id)),
                    *(item.origin, item.size, item.disposition),
                ]
            ).encode()
            + b"\n"
        )
    return digest.hexdigest()
