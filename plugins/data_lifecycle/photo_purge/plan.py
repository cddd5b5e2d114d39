"""What is due, and what exactly that means in the store: pure decisions, no input, no output, no present moment.

Policy 3.2: photos and style references are gone within 7 days after the order's first terminal event, or on request.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from data_lifecycle.holds.plan import deadline_after_holds
from data_lifecycle.objects.model import ObjectVersion
from data_lifecycle.photo_purge.clock import (
    CATEGORIES,
    STRAY,
    DueOrder,
    Order,
    PhotoClock,
    Upload,
    ending,
)

__all__ = [
    "CATEGORIES", "DueOrder", "Item", "Order", "PhotoClock", "Plan", "Upload", "folder", "make_plan", "order_folder",
]  # fmt: skip
Disposition = Literal["erase", "hold", "keep"]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the manifest: an exact version, marker or unfinished upload, and what is to happen to it.

    ``kind`` "nothing" stands for a recorded file of which the store holds no trace: its absence is still to be proven.
    ``rule_id`` is of the version ``policy_version``, which applies by when the file was collected.
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
    policy_version: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The cases, their items in manifest order, and the manifest's SHA-256 (hex).

    ``unlisted`` counts due orders left out because the store could not be listed for them: unknown is not absent.
    """

    cases: tuple[DueOrder, ...]
    items: tuple[Item, ...]
    unlisted: int
    sha256: str


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
    there that belong to files of other orders: those are not ours to touch. An order of which nothing is due but a
    stray that is not there is no case; the deadline of a case is the earliest of what it is about.
    """
    due_by_id = {case.order_id: case for case in due}
    seen_from: dict[UUID, list[Upload]] = defaultdict(list)
    for upload in uploads:
        seen_from[upload.upload_id].append(upload)
    unlisted = {case.order_id for case in due if order_folder(case.order_id) not in listed}
    unlisted |= {u.order_id for views in seen_from.values() for u in views if folder(u.key) not in listed}
    working = {key: case for key, case in due_by_id.items() if key not in unlisted}

    items: list[Item] = []
    for views in seen_from.values():
        owner = _owner([due_by_id[view.order_id] for view in views])
        if owner.order_id in working:
            items += _recorded(clock, views, owner, working, listed, buckets, as_of)
    known = {views[0].key for views in seen_from.values()} | set(recorded_elsewhere)
    guarded = {v.order_id for views in seen_from.values() if any(v.held for v in views) for v in views}
    for case in working.values():
        strays = [e for e in listed[order_folder(case.order_id)] if e.key not in known]
        items += _unrecorded(clock, case, strays, case.order_id in guarded, as_of)

    there = {entry.key for found in listed.values() for entry in found}
    with_strays = {item.order_id for item in items if item.origin == "unrecorded"}
    files: dict[str, list[Upload]] = defaultdict(list)
    for view in (view for views in seen_from.values() for view in views):
        if not view.absent or view.key in there:
            files[view.order_id].append(view)
    settled = (
        _settled(clock, case, files[case.order_id], case.order_id in with_strays, as_of)
        for case in working.values()
    )
    cases = {
        case.order_id: _after_holds(clock, case, [f for f in files[case.order_id] if f.key in there])
        for case in settled
        if case is not None
    }
    planned = tuple(cases[order_id] for order_id in sorted(cases))
    items = sorted((item for item in items if item.order_id in cases), key=_line)
    return Plan(planned, tuple(items), len(unlisted), _seal(clock, policy_sha256, planned, items))


def _owner(cases: Collection[DueOrder]) -> DueOrder:
    """A shared file goes with the order that ended last, or with the one it was asked back for: unconditionally.

    Ties by id, so that the choice is the same every time.
    """
    asked = [case for case in cases if case.reason == "request"]
    return max(asked or cases, key=lambda c: (c.anchor, c.order_id))


def _recorded(
    clock: PhotoClock,
    views: list[Upload],
    owner: DueOrder,
    due: Mapping[str, DueOrder],
    listed: Mapping[str, list[ObjectVersion]],
    buckets: tuple[str, ...],
    as_of: datetime,
) -> Iterable[Item]:
    """The lines of one recorded file."""
    first = views[0]
    applies = clock.window(owner.order, first.category, first.collected_at, as_of).applies
    disposition = _disposition(clock, views, owner, due, as_of)
    entries = [e for e in listed[folder(first.key)] if e.key == first.key]
    if first.bucket not in buckets:
        # Nobody looks there: the line stands for what cannot be seen, and stays unknown.
        entries.append(_nothing(first.bucket, first.key))
    for entry in entries or [_nothing(buckets[0], first.key)]:
        yield Item(
            owner.order_id,
            applies.rule.id,
            first.upload_id,
            "derivative" if first.derived else "original",
            entry.bucket,
            entry.key,
            entry.kind if entry.version_id != "-" else "nothing",
            entry.version_id,
            entry.size,
            disposition,
            applies.policy.version,
        )


def _unrecorded(
    clock: PhotoClock, case: DueOrder, entries: Iterable[ObjectVersion], guarded: bool, as_of: datetime
) -> Iterable[Item]:
    """The lines of what lies in the folder of a case without a row."""
    stray = clock.window(case.order, STRAY, case.order.created_at, as_of)
    early = case.reason != "request" and stray.start > as_of
    # Nobody can tell whether a stray in the folder of a held file belongs to it.
    fate: Disposition = "hold" if guarded else "keep" if early else "erase"
    for entry in entries:
        yield Item(
            case.order_id,
            stray.applies.rule.id,
            None,
            "unrecorded",
            entry.bucket,
            entry.key,
            entry.kind,
            entry.version_id,
            entry.size,
            fate,
            stray.applies.policy.version,
        )


def _settled(
    clock: PhotoClock, case: DueOrder, files: Iterable[Upload], strays: bool, as_of: datetime
) -> DueOrder | None:
    """The case with the dates of what it turns out to be about; None when all of that is still to come."""
    parts = [clock.window(case.order, f.category, f.collected_at, as_of) for f in files]
    if strays:
        parts.append(clock.window(case.order, STRAY, case.order.created_at, as_of))
    if not parts:
        return case
    end = ending(case.order, [part for part in parts if part.start <= as_of])
    if case.reason != "request":
        return end
    asked = case.start + clock.request_within
    return replace(case, deadline=min(asked, end.deadline) if end else asked)


def _after_holds(clock: PhotoClock, case: DueOrder, files: Collection[Upload]) -> DueOrder:
    """The case with a later deadline if nothing is there any more but what holds kept beyond it."""
    within = clock.versions[-1].holds.erase_within_after_release.elapsed
    moved = [deadline_after_holds(case.deadline, file.past_holds, within) for file in files]
    return replace(case, deadline=min(moved, default=case.deadline))


def _disposition(
    clock: PhotoClock, views: list[Upload], owner: DueOrder, due: Mapping[str, DueOrder], as_of: datetime
) -> Disposition:
    if any(view.held for view in views):
        return "hold"
    if owner.reason == "request":
        return "erase"
    needed_by = {order for view in views for order in view.present_orders}
    ended = all(o in due and clock.started(views[0], due[o], as_of) for o in needed_by)
    return "erase" if ended else "keep"


def _nothing(bucket: str, key: str) -> ObjectVersion:
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return ObjectVersion(bucket, key, "version", "-", 0, epoch, False)


def _line(item: Item) -> tuple[str, str, str, str]:
    return (item.bucket, item.key, item.kind, item.version_id)


def _seal(clock: PhotoClock, policy_sha256: str, cases: Iterable[DueOrder], items: Iterable[Item]) -> str:
    """SHA-256 over the digests of all versions in force and every case and item in order: the same decisions give the
    same seal.
    """
    digest = hashlib.sha256()
    versions = [policy.sha256 for policy in clock.versions]
    digest.update(json.dumps(["photo_purge", 2, policy_sha256, versions]).encode() + b"\n")
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
                    *(item.origin, item.size, item.disposition, item.policy_version),
                ]
            ).encode()
            + b"\n"
        )
    return digest.hexdigest()
