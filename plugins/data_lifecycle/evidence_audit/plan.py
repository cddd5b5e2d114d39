"""What the audit looks at again, and what it may say afterwards: pure decisions, no input, no output, no clock.

A deletion that was attested can be undone by a restored backup, a copied object or an upload finished late. So each
closed case is looked at again 1, 7 and 35 days after its closing, and a random part of all others every day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

PIPELINE = "evidence_audit"
LOOKS = (1, 7, 35)
"""Days after its closing at which a case is looked at again."""
SAMPLE = 50
"""Further closed cases that are looked at each day, chosen by chance."""
SAMPLED_ENTRIES = 25
"""Older entries of the log that are read again each day, chosen by chance."""
WHOLE_LOG_EVERY = timedelta(days=30)
"""At the latest after this time the log is read again from its first entry."""
RELOOK = timedelta(days=7)
"""Residue that was still there is looked for again after this time."""

Why = Literal["look", "late", "again", "residue", "sample", "everything"]
Verdict = Literal["absent", "back", "unknown"]


@dataclass(frozen=True, slots=True)
class Closed:
    """A case that was attested absent, and what the last audit of it saw, if there was one (UTC)."""

    case_id: UUID
    epoch: int
    closed_at: datetime
    looked_at: datetime | None = None
    verdict: Verdict | None = None
    residue_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A case to look at in this run, and why. ``days`` is the look after closing that it makes up for."""

    case_id: UUID
    epoch: int
    why: Why
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Residue:
    """Where bytes of a closed case may remain, by when they are to be gone (UTC), and what a look there showed."""

    place: str
    until: datetime
    outcome: Literal["early", "pending", "cleared"]
    why: str


def due_look(case: Closed, as_of: datetime) -> Look | None:
    """The look at a case that is due at ``as_of``; one look makes up for all that were missed before it."""
    if case.verdict in ("back", "unknown"):
        return Look(case.case_id, case.epoch, "again")
    reached = [days for days in LOOKS if case.closed_at + timedelta(days=days) <= as_of]
    if not reached:
        return _residue_look(case, as_of)
    moment = case.closed_at + timedelta(days=reached[-1])
    if case.looked_at is not None and case.looked_at >= moment:
        return _residue_look(case, as_of)
    # The audit runs once a day: a look that has been due for longer was missed.
    why: Why = "late" if as_of - moment > timedelta(days=1) else "look"
    return Look(case.case_id, case.epoch, why, reached[-1])


def _residue_look(case: Closed, as_of: datetime) -> Look | None:
    if case.residue_at is not None and case.residue_at <= as_of:
        return Look(case.case_id, case.epoch, "residue")
    return None


def next_look(closed_at: datetime, looked_at: datetime, verdict: Verdict) -> datetime | None:
    """When a case that was looked at is due again (UTC); None when only chance brings it back."""
    if verdict != "absent":
        return looked_at
    moments = (closed_at + timedelta(days=days) for days in LOOKS)
    return next((moment for moment in moments if moment > looked_at), None)


def rank(seed: str, case_id: UUID) -> bytes:
    """Where chance puts a case: whoever knows the recorded seed can make the same choice again."""
    return hashlib.sha256(f"{seed}{case_id}".encode()).digest()


def choose(seed: str, others: Iterable[Closed], count: int = SAMPLE) -> list[Look]:
    """``count`` of the cases by chance; the same ones for the same seed, in whatever order they come."""
    drawn = sorted(others, key=lambda case: rank(seed, case.case_id))[:count]
    return [Look(case.case_id, case.epoch, "sample") for case in drawn]


def make_plan(*parts: Iterable[Look]) -> list[Look]:
    """All looks, each case once (for the reason that is named first), sorted by case."""
    looks: dict[UUID, Look] = {}
    for part in parts:
        for look in part:
            looks.setdefault(look.case_id, look)
    return sorted(looks.values(), key=lambda look: look.case_id.hex)


def seal_looks(policy_sha256: str, as_of: datetime, seed: str, whole_log: bool, looks: Iterable[Look]) -> str:
    """SHA-256 (hex) over everything that was decided: the same decisions give the same seal."""
    digest = hashlib.sha256()
    head = [PIPELINE, 1, policy_sha256, as_of.isoformat(), seed, whole_log]
    digest.update(json.dumps(head).encode() + b"\n")
    for look in looks:
        line = [str(look.case_id), look.epoch, look.why, look.days]
        digest.update(json.dumps(line).encode() + b"\n")
    return digest.hexdigest()


def whole_log_due(last_whole: datetime | None, as_of: datetime) -> bool:
    """Whether the whole log is to be read: it never was, or too long ago."""
    return last_whole is None or as_of - last_whole >= WHOLE_LOG_EVERY


def sample_entries(seed: str, size: int, count: int = SAMPLED_ENTRIES) -> list[int]:
    """Indexes of ``count`` of the first ``size`` entries of the log, by chance; fewer if there are not so many."""
    chosen: set[int] = set()
    number = 0
    while len(chosen) < min(count, size):
        draw = hashlib.sha256(f"{seed}/entry/{number}".encode()).digest()
        chosen.add(int.from_bytes(draw, "big") % size)
        number += 1
    return sorted(chosen)


def case_state(
    verdict: Verdict, stated: str, parts: Sequence[Residue] | None
) -> tuple[str, tuple[Residue, ...]] | None:
    """(state, residue that is left) that the audit may claim of a case; None when nothing may be claimed.

    ``stated`` is what was claimed last, ``parts`` where bytes might remain, cleared ones included; None when nobody
    came to look there. Unknown is no claim: the earlier one stands, and the run is not verified.
    """
    if verdict == "back":
        return "RESURRECTED", ()
    if verdict == "unknown" or parts is None:
        return None
    left = tuple(part for part in parts if part.outcome != "cleared")
    if stated == "RESURRECTED":  # first it must be said that it is gone again
        return "OBSERVED_ABSENT", left
    if not left:
        cleared = bool(parts) or stated.startswith("RESIDUE_")
        return ("RESIDUE_CLEARED" if cleared else "OBSERVED_ABSENT"), ()
    if stated == "RESIDUE_CLEARED":  # a place that became known later; what was cleared is not taken back
        return "OBSERVED_ABSENT", left
    # What was said to be left stays said until it was looked for and not found.
    looked = any(part.outcome == "pending" for part in left)
    return ("RESIDUE_PENDING" if looked or stated == "RESIDUE_PENDING" else "OBSERVED_ABSENT"), left


def next_residue(parts: Iterable[Residue], as_of: datetime, unseeable: Collection[str]) -> datetime | None:
    """When residue is to be looked for next (UTC); None when none is left, or nothing can be looked at."""
    moments = [
        part.until if part.outcome == "early" else as_of + RELOOK
        for part in parts
        if part.outcome == "early" or (part.outcome == "pending" and part.place not in unseeable)
    ]
    return min(moments, default=None)
