"""The promises of the policy that are not retention rules, and the studio's own rules, each a strict model."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import Field, field_validator

from data_lifecycle.policy.duration import Duration
from data_lifecycle.policy.parts import (
    DataCategory,
    DataUse,
    Decision,
    Identifier,
    Model,
    Promise,
    Text,
    UploadCategory,
)

ClockTime = Annotated[time, Field(strict=False)]


class InformationType(Promise):
    """A row of table 1.1: categories collected, purposes, categories never collected, the rules that end it."""

    data_categories: Annotated[tuple[DataCategory, ...], Field(min_length=1)]
    excludes: tuple[DataCategory, ...] = ()
    data_uses: Annotated[tuple[DataUse, ...], Field(min_length=1)]
    retention: Annotated[tuple[Identifier, ...], Field(min_length=1)]


class Purpose(Promise):
    """A purpose of 2.1 or a use of cookies of 5.1, as data uses."""

    data_uses: Annotated[tuple[DataUse, ...], Field(min_length=1)]


class PurposeLimit(Promise):
    """The list of 2.1 is closed: uses that are never allowed, with everything below them."""

    refused_uses: Annotated[tuple[DataUse, ...], Field(min_length=1)]


class Backups(Promise):
    """3.1: a backup may not outlive a promise."""

    never_in_database_dumps: Annotated[tuple[UploadCategory, ...], Field(min_length=1)]
    object_copies: Literal["erased_with_original"]
    after_restore: Literal["replay_deletions_before_use"]


class SecurityMeasure(Promise):
    """3.3: the evidence that a measure is alive, and how old it may be where the policy says "regularly"."""

    evidence: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    max_age: Decision | None = None

    @property
    def deadline_text(self) -> str:
        """Largest age of the evidence."""
        return f"at most {self.max_age.value} old" if self.max_age else "-"


class SharingGround(Promise):
    """4.2: a situation in which information may be shared."""

    ground: Literal["explicit_consent", "legal_requirement", "service_provider", "rights_protection"]


class VendorKind(Purpose):
    """4.3: a kind of provider, with the categories and uses it may get."""

    kind: Literal["payment", "email", "cloud", "ai"]
    data_categories: Annotated[tuple[DataCategory, ...], Field(min_length=1)]


class Sharing(Model):
    """4.1 to 4.3."""

    never: tuple[Promise, ...]
    only_if: tuple[SharingGround, ...]
    vendor_kinds: tuple[VendorKind, ...]
    duties: tuple[Promise, ...]


class Cookies(Model):
    """5.1 and 5.2."""

    uses: tuple[Purpose, ...]
    controls: tuple[Promise, ...]


class VendorSuspension(Promise):
    """Which broken transfer rules make the application stop sending to a vendor; `enabled` is the switch."""

    enabled: bool
    rules: Annotated[tuple[Annotated[str, Field(pattern=r"^T(0[1-9]|1[01])$")], ...], Field(min_length=1)]


class RequestedErasure(Promise):
    """A promise that starts with an event of one person (6.1 to 6.6, 7); `within` is absent for the clock of 11."""

    event: Identifier
    within: Decision | None = None

    @property
    def deadline_text(self) -> str:
        """Hours of the studio's decision, or the working days of clause 11."""
        return str(self.within.value) if self.within else "as response"


class Minors(Model):
    """7: statements, and the deletion that is due at once."""

    statements: tuple[Promise, ...]
    deletion: RequestedErasure


class TransferCondition(Promise):
    """8: one condition of a transfer across a border."""

    requires: Literal["adequate_level", "security_measures", "explicit_consent", "applicable_law"]


class Transfers(Model):
    """8: all conditions must hold at the moment of sending; otherwise the transfer is denied."""

    combine: Literal["all"]
    otherwise: Literal["deny"]
    conditions: Annotated[tuple[TransferCondition, ...], Field(min_length=4)]


class BreachNotice(Promise):
    """9: who is told after a breach; `within` counts elapsed hours from the earliest evidence of awareness."""

    recipient: Literal["authority", "affected_users"]
    within: Duration | None = None

    @property
    def deadline_text(self) -> str:
        """Elapsed hours, or "promptly"."""
        return str(self.within) if self.within else "promptly"


class Response(Promise):
    """11: working days to reply, strictly after receipt; the weekmask starts on Monday; hours are local."""

    working_days: Annotated[int, Field(gt=0)]
    weekmask: Annotated[str, Field(pattern=r"^[01]*1[01]*$", min_length=7, max_length=7)]
    opens: ClockTime
    closes: ClockTime

    @property
    def deadline_text(self) -> str:
        """Number of working days."""
        return f"{self.working_days} working days"


class Contact(Model):
    """11: where to write, and when the reply comes."""

    address: Promise
    response: Response


class Abandonment(Promise):
    """An order without a terminal event ends after this much inactivity."""

    inactivity: Duration
    becomes: Literal["expired"]

    @property
    def deadline_text(self) -> str:
        """Inactivity."""
        return f"after {self.inactivity} idle"


class Orphans(Promise):
    """Age at which an object that no row knows is reported."""

    report_after: Duration

    @property
    def deadline_text(self) -> str:
        """Age."""
        return f"reported after {self.report_after}"


class Holds(Promise):
    """What makes a hold valid, how soon a released object is erased, and how long a hold may lack something."""

    requires: tuple[Literal["legal_basis", "named_objects", "expiry", "second_approver"], ...]
    erase_within_after_release: Duration
    mend_within: Duration = Duration(days=7)

    @property
    def deadline_text(self) -> str:
        """Time to erase after release."""
        return f"{self.erase_within_after_release} after release"


class Canary(Model):
    """Objects under `prefix` that every listing must find, or it proves nothing."""

    prefix: Annotated[str, Field(pattern=r"^[^/]+/$")]
    at_least: Annotated[int, Field(gt=0)]


class CategoryCap(Model):
    """Blast radius of one run within a category of files: objects."""

    category: UploadCategory
    max_objects: Annotated[int, Field(gt=0)]


class Caps(Promise):
    """Blast radius of one run: objects, share of live objects (only from a number of objects on), bytes, by category.

    And beside what is usual: times the median of the last runs, once there are some, and not below a number of objects.
    """

    max_objects: Annotated[int, Field(gt=0)]
    max_share_of_live_objects: Annotated[float, Field(gt=0, le=1)]
    share_applies_from_objects: Annotated[int, Field(ge=0)]
    max_bytes: Annotated[int, Field(gt=0)]
    max_times_trailing_median: Annotated[float, Field(gt=1)] | None = 5.0
    median_applies_from_runs: Annotated[int, Field(gt=0)] = 7
    median_applies_from_objects: Annotated[int, Field(ge=0)] = 500
    categories: tuple[CategoryCap, ...] = ()
    canary: Canary


class CoolingOff(Model):
    """How long a version that shortens a period leaves what was there before to the rule before, from its first moment.

    Always a decision of the studio; ``waived_by`` names who decided that this version needs none.
    """

    basis: Literal["studio-decision"]
    owner: Text
    period: Duration
    waived_by: Text | None = None

    @field_validator("period")
    @classmethod
    def _elapsed(cls, period: Duration) -> Duration:
        if period.years:
            raise ValueError("a cooling-off period must be days or hours")
        return period


class Residue(Promise):
    """How long bytes may remain, by place, after a file is observed absent: said until somebody has looked there."""

    write_ahead_log: Duration
    database_backups: Duration
    vendors: Duration

    @property
    def deadline_text(self) -> str:
        """The periods."""
        return f"log {self.write_ahead_log}, backups {self.database_backups}, vendors {self.vendors}"


class Salts(Promise):
    """When nobody shall be able to say any more whom a commitment of a closed case is about."""

    destroy_after: Duration

    @property
    def deadline_text(self) -> str:
        """Age of the closed case."""
        return f"destroyed after {self.destroy_after}"


class VendorErasure(Promise):
    """How long before an order's deadline somebody is told that a vendor has not proven its erasure."""

    alert_before_deadline: Duration

    @property
    def deadline_text(self) -> str:
        """The lead."""
        return f"alert {self.alert_before_deadline} before a deadline"


class VendorInventory(Promise):
    """From when on a vendor without traffic is named, and below which number people are not counted out."""

    quiet_after: Duration
    small_count: Annotated[int, Field(ge=2)]

    @property
    def deadline_text(self) -> str:
        """Both."""
        return f"quiet after {self.quiet_after}, counts below {self.small_count} coarsened"


class PaymentArchive(Promise):
    """When final payments leave the hot table, how many may do so in one run, and how many a file may hold."""

    hot: Duration
    max_rows_of_a_file: Annotated[int, Field(gt=0)]
    max_rows: Annotated[int, Field(gt=0)]
    max_expired_rows: Annotated[int, Field(gt=0)]

    @property
    def deadline_text(self) -> str:
        """The hot period."""
        return f"hot for {self.hot}"
