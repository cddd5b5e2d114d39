"""Pure: which erasures there are to be, and what a vendor's answer or a look makes of one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from data_lifecycle.vendors.connector import RANK, Answer, Look, Sight, State
from data_lifecycle.vendors.register import Register

PAUSE = timedelta(hours=2)
"""Between two questions to a vendor: the schedule's."""
LONGEST_PAUSE = timedelta(hours=6)
"""However long a vendor has been away: the deadline may be near."""
AGAIN_AFTER_REJECTION = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A disclosure that is to be erased at its vendor."""

    case_id: UUID
    vendor: str
    disclosure_id: UUID = field(repr=False)
    held: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What the register says about erasing at a vendor."""

    connector: str
    mode: str
    confirms: str
    max_residual: timedelta


UNLISTED = Terms("manual", "manual", "none", timedelta(0))
"""Of a vendor that is not in the register nothing is known: a person has to ask, and nothing is believed."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A new erasure: what one vendor got of one case, as far as no hold forbids it."""

    erasure_id: UUID
    case_id: UUID
    vendor: str
    part: int
    terms: Terms
    disclosure_ids: tuple[UUID, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an erasure is now; what stays None of the moments is not reached."""

    state: State
    code: str | None = None
    reference: str | None = field(default=None, repr=False)
    sight: str | None = None
    accepted_at: datetime | None = None
    completed_at: datetime | None = None
    verified_at: datetime | None = None
    residual_until: datetime | None = None
    next_poll_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an erasure before an answer comes.

    ``gone_at`` is when a vendor that lets files go by its own clock has done so by the register, counted from the last
    sending; None for other vendors. ``sight`` is what the last look showed.
    """

    confirms: str
    max_residual: timedelta
    attempts: int
    accepted_at: datetime | None
    completed_at: datetime | None
    gone_at: datetime | None = None
    sight: str | None = None

    @property
    def by_its_own_clock(self) -> datetime | None:
        """Until when something may remain, whoever can be asked; None when that is not stated, or was seen broken."""
        return None if self.sight == Sight.PRESENT.value else self.gone_at


def terms_of(register: Register, vendor: str) -> Terms:
    """The register's word on a vendor; UNLISTED for one that it does not know."""
    found = register.vendor(vendor)
    if found is None:
        return UNLISTED
    said = found.erasure
    return Terms(said.connector, said.mode, said.confirms, said.residual)


def new_erasures(
    due: Iterable[Due], parts: Mapping[tuple[UUID, str], int], register: Register, names: Iterable[UUID]
) -> list[Erasure]:
    """One erasure for each case and vendor of what is due and not held. `names` gives the random ids."""
    wanted = sorted((d for d in due if not d.held), key=lambda d: (d.case_id, d.vendor, d.disclosure_id))
    name = iter(names)
    return [
        Erasure(
            next(name),
            case_id,
            vendor,
            parts.get((case_id, vendor), 0) + 1,
            terms_of(register, vendor),
            tuple(d.disclosure_id for d in found),
        )
        for (case_id, vendor), found in groupby(wanted, key=lambda d: (d.case_id, d.vendor))
    ]


def manifest(policy_sha256: str, register_sha256: str, as_of: datetime, entries: Sequence[str]) -> str:
    """Digest (hex) over what the run works on, sorted, with policy and register."""
    digest = hashlib.sha256("\n".join([policy_sha256, register_sha256, as_of.isoformat()]).encode())
    for entry in sorted(entries):
        digest.update(b"\n" + entry.encode())
    return digest.hexdigest()


def after_answer(before: Standing, answer: Answer, now: datetime) -> Progress:
    """What an answer makes of an erasure: never more than the register lets this vendor confirm."""
    taken = before.accepted_at
    if answer.said == "unreachable":
        pause = min(PAUSE * max(1, before.attempts), LONGEST_PAUSE)
        if before.by_its_own_clock is not None:
            return _within_its_clock(before, before.by_its_own_clock, answer.code, now + pause)
        return Progress(
            "unreachable", answer.code, answer.reference, accepted_at=taken, next_poll_at=now + pause
        )
    if answer.said == "rejected":
        again = now + AGAIN_AFTER_REJECTION
        return Progress("rejected", answer.code, answer.reference, accepted_at=taken, next_poll_at=again)
    if answer.said == "manual":
        return Progress("manual", answer.code, answer.reference, accepted_at=taken)
    taken = taken or now
    most = RANK[before.confirms]
    if answer.said == "completed" and most >= RANK["completed"]:
        return Progress(
            "completed",
            answer.code,
            answer.reference,
            accepted_at=taken,
            completed_at=before.completed_at or now,
            next_poll_at=now,
        )
    if before.confirms == "accepted":
        until = taken + before.max_residual
        return Progress(
            "residual_until",
            answer.code or "never-more-than-accepted",
            answer.reference,
            accepted_at=taken,
            residual_until=until,
        )
    state: State = "in_progress" if answer.said == "in_progress" else "accepted"
    code = answer.code or ("nothing-is-confirmed" if before.confirms == "none" else None)
    return Progress(state, code, answer.reference, accepted_at=taken, next_poll_at=now + PAUSE)


def after_look(before: Standing, look: Look, now: datetime) -> Progress:
    """What a look makes of an erasure that the vendor called completed.

    Verified needs three things: a vendor that can show it, a look that did not find it, and the residual over.
    """
    if before.completed_at is None:
        raise ValueError("nothing is looked for before the vendor says that it is done")
    seen = look.sight.value
    taken, done = before.accepted_at, before.completed_at
    if look.sight is Sight.PRESENT:
        # Its word was wrong: it is not completed, and it is asked again.
        code = look.code or "still-there"
        return Progress(
            "in_progress", code, sight=seen, accepted_at=before.accepted_at, next_poll_at=now + PAUSE
        )
    until = before.gone_at or before.completed_at + before.max_residual
    can_show = before.confirms == "verified"
    if look.sight is Sight.ABSENT and can_show and until <= now:
        return Progress("verified", None, sight=seen, verified_at=now, accepted_at=taken, completed_at=done)
    if look.sight is Sight.UNKNOWABLE and before.by_its_own_clock is not None:
        return _within_its_clock(before, before.by_its_own_clock, look.code, now + PAUSE, seen)
    if look.sight is Sight.UNKNOWABLE and can_show:
        return Progress(
            "completed", look.code, sight=seen, next_poll_at=now + PAUSE, accepted_at=taken, completed_at=done
        )
    return Progress(
        "residual_until",
        look.code or ("residual-runs" if can_show else "never-more-than-completed"),
        sight=seen,
        residual_until=until,
        next_poll_at=until if can_show else None,
        accepted_at=taken,
        completed_at=done,
    )


def _within_its_clock(
    before: Standing, until: datetime, code: str | None, again: datetime, sight: str | None = None
) -> Progress:
    """Nobody could ask or look, and nobody has to: the vendor lets go by itself. A look follows when it is possible."""
    return Progress(
        "residual_until",
        code,
        sight=sight,
        accepted_at=before.accepted_at,
        completed_at=before.completed_at,
        residual_until=until,
        next_poll_at=again,
    )
