"""The impact as a document: canonical JSON, whose SHA-256 is the manifest, and the same in words. Only counts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import rfc8785

from data_lifecycle.photo_purge.clock import CATEGORIES, PhotoClock
from data_lifecycle.policy import difference
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy_change.impact import SIDES, Amount, Impact, Tally

JSON = "impact.json"
SCHEMA = "impact/v1"
NOT_COVERED = (
    "versions, markers and backup copies of a file: it is counted once, with its newest version",
    "objects that no row records",
    "what orders will do from now on: an open one counts as left alone",
    "telling anybody: who has to be told is counted here, and told elsewhere",
)


@dataclass(frozen=True, slots=True)
class Around:
    """What else the database knows, in counts.

    ``vendors``: of each vendor how many of the files whose dates move it got. ``archives``: archive files of payments
    by whether their lock outlasts what the proposed rule would ask. ``payments``: records that must stay, by where they
    are. ``people``: how many there are to tell, by what ties them to a change.
    """

    vendors: Mapping[str, int]
    archives: Mapping[str, int]
    payments: Mapping[str, int]
    people: Mapping[str, int]


def build(old: PhotoClock, new: PhotoClock, found: Impact, around: Around) -> dict[str, Any]:
    """Everything there is to say, as plain values."""
    before, proposed = old.policy, new.policy
    changes = difference.changes(before, proposed)
    return {
        "schema": SCHEMA,
        "policy": before.id,
        "as_of": found.as_of.isoformat(),
        "old": [_version(policy) for policy in old.versions],
        "new": _version(proposed)
        | {
            "in_force_from": proposed.in_force_from.isoformat(),
            "shortens_from": proposed.shortens_from.isoformat(),
        },
        "takes_hold": found.takes_hold.isoformat(),
        "categories": {
            kind: {
                **{side: _tally(found.tallies[kind][side]) for side in SIDES},
                "sooner": asdict(found.sooner[kind]),
                "later": asdict(found.later[kind]),
            }
            for kind in CATEGORIES
        },
        "vendors": dict(sorted(around.vendors.items())),
        "archives": dict(sorted(around.archives.items())),
        "payments_that_stay": dict(sorted(around.payments.items())),
        "changes": [
            {**asdict(change), "to_tell": to_tell(change, around.people) if change.material else 0}
            for change in changes
        ],
        "tell_before": proposed.in_force_from.isoformat() if any(c.material for c in changes) else None,
        "not_covered": list(NOT_COVERED),
    }


def to_tell(change: difference.Change, people: Mapping[str, int]) -> int:
    """How many people a material change concerns: those whose files or payments it is about, else everybody."""
    for kind in ("with_payments", "with_files"):
        if change.subject in _SUBJECTS[kind]:
            return people[kind]
    return people["all"]


_SUBJECTS = {"with_files": ("photos", "style_references"), "with_payments": ("payments",)}


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes of impact.json (RFC 8785)."""
    return rfc8785.dumps(dict(document))


def digest(data: bytes) -> str:
    """The manifest: SHA-256 (hex) of those bytes."""
    return hashlib.sha256(data).hexdigest()


def text(document: Mapping[str, Any], manifest: str) -> list[str]:
    """The lines that a person reads, and that the log has."""
    new = document["new"]
    lines = [
        f"{document['policy']}: {document['old'][-1]['version']} → {new['version']}, as of {document['as_of']}",
        f"in force from {new['in_force_from']}; what it shortens reaches what is there from {new['shortens_from']}",
    ]
    for kind, found in document["categories"].items():
        old, after = found["old"], found["new"]
        lines += [
            f"{kind}: {_amount(old['total'])} there, {_amount(old['held'])} under legal hold",
            f"  dates move: {_amount(found['sooner'])} sooner, {_amount(found['later'])} later",
            f"  due when it takes hold: {_amount(old['at_once'])} before, {_amount(after['at_once'])} with it",
            f"  deadline already impossible: {_amount(old['impossible'])} before, "
            f"{_amount(after['impossible'])} with it",
        ]
        for day in sorted(old["days"].keys() | after["days"].keys()):
            none = asdict(Amount())
            lines.append(
                f"  due on {day}: {_amount(old['days'].get(day, none))} before, "
                f"{_amount(after['days'].get(day, none))} with it"
            )
    lines += [
        f"vendor {vendor} got {count} of the files whose dates move"
        for vendor, count in document["vendors"].items()
    ]
    archives = document["archives"]
    lines += [
        f"archive of payments: {archives['files']} files, {archives['outlasting']} locked for longer than the new rule",
        "payments that must stay: "
        + ", ".join(f"{count} {where}" for where, count in document["payments_that_stay"].items()),
    ]
    for change in document["changes"]:
        told = f"; {change['to_tell']} people to be told" if change["material"] else ""
        word = "material" if change["material"] else "minor"
        lines.append(f"{word}: {change['subject']}: {change['what']} ({change['whom']}{told})")
    if document["tell_before"]:
        lines.append(f"whoever a material change concerns must be told before {document['tell_before']} (10)")
    lines += [f"not covered: {part}" for part in document["not_covered"]]
    return [*lines, f"manifest sha256 {manifest}", "nothing was erased"]


def _version(policy: Policy) -> dict[str, str]:
    return {"version": policy.version, "sha256": policy.sha256}


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        **{name: asdict(getattr(tally, name)) for name in ("total", "held", "at_once", "impossible")},
        "days": {day.isoformat(): asdict(amount) for day, amount in sorted(tally.days.items())},
    }


def _amount(found: Mapping[str, int]) -> str:
    return f"{found['objects']} files ({found['size']} bytes)"


def series(document: Mapping[str, Any]) -> Sequence[tuple[str, int, int]]:
    """Day by day how many files become due, before and with the proposed version."""
    days: dict[str, list[int]] = {}
    for found in document["categories"].values():
        for number, side in enumerate(SIDES):
            for day, amount in found[side]["days"].items():
                days.setdefault(day, [0, 0])[number] += amount["objects"]
    return [(day, *counts) for day, counts in sorted(days.items())]  # type: ignore[misc]
