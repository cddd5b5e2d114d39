"""Which versions must be flagged and which let go: pure decisions from rows, a listing and the flags as they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from data_lifecycle.objects.canary import HELD_KEY
from data_lifecycle.objects.flags import Flag, Version
from data_lifecycle.objects.model import ObjectVersion

Origin = Literal["recorded", "stray", "probe", "left"]
Want = Literal["on", "off"]


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A recorded file under one or more holds in force, and the orders that use it or what it was made from."""

    upload_id: UUID = field(repr=False)
    key: str = field(repr=False)
    hold_ids: frozenset[UUID]
    order_ids: frozenset[str] = field(repr=False)

    @property
    def folders(self) -> frozenset[str]:
        """Folders that strays of this file may lie in: its own, and those of its orders."""
        parts = self.key.split("/", 2)
        own = {f"{parts[0]}/{parts[1]}/"} if len(parts) == 3 and parts[1] else set()
        return frozenset(own | {f"orders/{order}/" for order in self.order_ids if order})


@dataclass(frozen=True, slots=True)
class Covered:
    """A version that holds in force cover: why it is, and by which of them."""

    version: Version
    origin: Origin
    upload_id: UUID | None = field(repr=False)
    hold_ids: frozenset[UUID]
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the manifest: a flag to change."""

    version: Version
    origin: Origin
    upload_id: UUID | None = field(repr=False)
    want: Want


@dataclass(frozen=True, slots=True)
class Coverage:
    """All versions under holds in force, and how many entries of held files the store cannot flag."""

    versions: tuple[Covered, ...]
    unflaggable: int


def cover(
    files: Collection[HeldFile], entries: Iterable[ObjectVersion], recorded: Collection[str]
) -> Coverage:
    """Say which entries the holds in force cover.

    Every version of a held file and of what was made from it, in whatever bucket. In the folders of its orders also
    what no row knows (``recorded`` are keys that rows know): nobody can tell whether it belongs to the held file.
    Delete markers and unfinished uploads cannot be flagged; the purge's own checks keep those.
    """
    by_key = {file.key: file for file in files}
    holds_of_folder: dict[str, set[UUID]] = {}
    for file in files:
        for folder in file.folders:
            holds_of_folder.setdefault(folder, set()).update(file.hold_ids)
    covered: list[Covered] = []
    unflaggable = 0
    for entry in entries:
        named = by_key.get(entry.key)
        holds = named.hold_ids if named else frozenset(holds_of_folder.get(_folder(entry.key), ()))
        if not holds or (named is None and entry.key in recorded):
            continue
        if entry.kind != "version":
            unflaggable += 1
            continue
        covered.append(
            Covered(
                Version(entry.bucket, entry.key, entry.version_id),
                "recorded" if named else "stray",
                named.upload_id if named else None,
                holds,
                entry.last_modified,
            )
        )
    return Coverage(tuple(covered), unflaggable)


def probes(entries: Iterable[ObjectVersion]) -> tuple[Covered, ...]:
    """Versions of the object that holds are tried on."""
    return tuple(
        Covered(
            Version(entry.bucket, entry.key, entry.version_id),
            "probe",
            None,
            frozenset(),
            entry.last_modified,
        )
        for entry in entries
        if entry.key == HELD_KEY and entry.kind == "version"
    )


def changes(
    wanted: Collection[Covered],
    known: Mapping[Version, tuple[UUID | None, str]],
    refused: Mapping[Version, UUID | None],
    flags: Mapping[Version, Flag],
) -> tuple[tuple[Item, ...], int]:
    """What has to change, sorted, and how many flags somebody else has taken away.

    ``known`` is what we flagged (file, state), ``refused`` what the store kept from the purge: if nothing covers it, it
    is let go, whoever flagged it. ``flags`` are the flags as read now.
    """
    items: list[Item] = []
    lifted = 0
    covered = {line.version for line in wanted}
    for line in wanted:
        flag = flags.get(line.version, "unknown")
        state = known.get(line.version, (None, "none"))[1]
        lifted += state == "on" and flag == "off"
        if flag != "on" or state != "on":
            items.append(Item(line.version, line.origin, line.upload_id, "on"))
    for version, (upload_id, _) in known.items():
        if version not in covered:
            items.append(Item(version, "left", upload_id, "off"))
    for version, refused_id in refused.items():
        if version not in covered and version not in known and flags.get(version) == "on":
            items.append(Item(version, "left", refused_id, "off"))
    return tuple(sorted(items, key=_line)), lifted


def seal(policy_sha256: str, as_of: datetime, items: Iterable[Item], covered: Iterable[Covered]) -> str:
    """SHA-256 (hex) over the policy's digest, the moment, every change and everything under hold, in order."""
    digest = hashlib.sha256(json.dumps(["legal_holds", 1, policy_sha256, as_of.isoformat()]).encode() + b"\n")
    for item in items:
        digest.update(json.dumps([*_line(item), item.want, item.origin]).encode() + b"\n")
    for line in sorted(covered, key=_line):
        digest.update(json.dumps([*_line(line), *sorted(map(str, line.hold_ids))]).encode() + b"\n")
    return digest.hexdigest()


def deadline_after_holds(
    deadline: datetime, spans: Iterable[tuple[datetime, datetime]], within: timedelta
) -> datetime:
    """By when a file must be gone whose holds, each in force from … to …, are over: its own deadline, or later.

    A hold moves a deadline only if it was in force when that passed; the file is then due ``within`` after its end.
    Holds that follow one another before that add up. A hold placed after the deadline excuses nothing.
    """
    for begun, ended in sorted(spans):
        if begun <= deadline < ended + within:
            deadline = ended + within
    return deadline


def _folder(key: str) -> str:
    parts = key.split("/", 2)
    return f"{parts[0]}/{parts[1]}/" if len(parts) == 3 else ""


def _line(line: Item | Covered) -> tuple[str, str, str]:
    return (line.version.bucket, line.version.key, line.version.version_id)
