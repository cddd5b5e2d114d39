"""What a connector to a vendor can do, what it is asked in OpenDSR 2.0's words, and what its answers are worth.

An answer is never more than what was said: a status of 2xx is *accepted*, a vendor's own "done" is *completed*, and
only looking and not finding is *verified*. What was refused, timed out or failed (403, 5xx) is unknown: *unreachable*.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Annotated, Literal, Protocol
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from data_lifecycle.policy.clock import require_aware

Mode = Literal["sync", "async", "ttl_only", "manual"]
Confirms = Literal["none", "accepted", "completed", "verified"]
State = Literal[
    "planned", "submitted", "accepted", "in_progress", "completed", "verified", "residual_until", "rejected",
    "unreachable", "manual",
]  # fmt: skip
IdentityType = Literal["processor_reference", "object_key", "email"]
Said = Literal["accepted", "in_progress", "completed", "rejected", "unreachable", "manual"]
Instant = Annotated[datetime, AfterValidator(lambda value: require_aware(value, "submitted_time"))]

RANK: dict[str, int] = {"none": 0, "accepted": 1, "in_progress": 1, "completed": 2, "verified": 3}
"""How much a state, or what a vendor can confirm, proves."""


class _Strict(BaseModel):
    """Frozen, and nothing but what it names; its values are references to persons and stay out of every repr."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    __str__ = __repr__


class Identity(_Strict):
    """One thing to erase: the vendor's reference of what it got, our object's key, or an address."""

    identity_type: IdentityType
    identity_value: Annotated[str, Field(min_length=1)]
    identity_format: Literal["raw"] = "raw"


class ErasureRequest(_Strict):
    """An erasure as OpenDSR 2.0 names it; `subject_request_id` is the erasure's random name and never a person's."""

    regulation: Literal["gdpr", "ccpa", "lgpd", "pipl"] = "gdpr"
    subject_request_id: UUID
    subject_request_type: Literal["erasure"] = "erasure"
    subject_identities: Annotated[tuple[Identity, ...], Field(min_length=1)]
    submitted_time: Instant
    status_callback_urls: tuple[Annotated[str, Field(pattern=r"^https://")], ...] = ()
    idempotency_key: Annotated[str, Field(pattern=r"^[a-z0-9-]{16,64}$", exclude=True)]
    """The same for every try of one erasure; sent as the header `Idempotency-Key`, not in the body."""

    def values(self, kind: str) -> tuple[str, ...]:
        """The identities of one kind, each once, in order."""
        return tuple(
            dict.fromkeys(i.identity_value for i in self.subject_identities if i.identity_type == kind)
        )


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How a connector erases, the most that it could ever confirm (the register may know that it is less), and by what
    it is told what to erase: it is sent nothing else."""

    mode: Mode
    confirms: Confirms
    identified_by: IdentityType = "processor_reference"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor said. `reference` is its own name of the job; `code` says why, in words that name nobody."""

    said: Said
    reference: str | None = field(default=None, repr=False)
    code: str | None = None


class Sight(Enum):
    """What looking at the vendor showed."""

    ABSENT = "absent"
    """Looked for with a working credential, and not there."""
    PRESENT = "present"
    """At least one thing is still there."""
    UNKNOWABLE = "unknowable"
    """Nobody can look there, or the look failed: never to be read as absent."""


@dataclass(frozen=True, slots=True)
class Look:
    """A sight with the reason, if it is not plain."""

    sight: Sight
    code: str | None = None


class Connector(Protocol):
    """One vendor's account. None of the methods raises for what a vendor does; all may be repeated at any time."""

    def capabilities(self) -> Capabilities:
        """What it can do at best."""
        ...

    def submit(self, request: ErasureRequest) -> Answer:
        """Ask for the erasure; asked again with the same idempotency key, nothing happens twice."""
        ...

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Ask how far it is."""
        ...

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """Look for what should be gone."""
        ...


def least(*looks: Look) -> Look:
    """What several looks show together: one present is present, one unknowable is unknowable, no look is none."""
    for sight in (Sight.PRESENT, Sight.UNKNOWABLE):
        for look in looks:
            if look.sight is sight:
                return look
    return Look(Sight.ABSENT) if looks else Look(Sight.UNKNOWABLE, "nothing-to-look-for")


def worst(answers: list[Answer]) -> Answer:
    """What several answers come to: as far as the least of them; the references are joined with a blank."""
    for said in ("unreachable", "rejected", "manual", "accepted", "in_progress"):
        for answer in answers:
            if answer.said == said:
                return Answer(answer.said, _joined(answers), answer.code)
    return Answer("completed", _joined(answers)) if answers else Answer("rejected", None, "nothing-to-erase")


def _joined(answers: list[Answer]) -> str | None:
    return " ".join(a.reference for a in answers if a.reference) or None
