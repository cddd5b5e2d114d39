"""A version of the policy: strict, frozen, an unknown key is an error.

A promise quotes the clause it comes from. A rule of the studio's own is marked `basis: studio-decision`, names its
owner and cites nothing. Periods are `Duration`s; every number that the policy doesn't state is a `Decision`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, PrivateAttr

from data_lifecycle.policy.clock import RetentionDates
from data_lifecycle.policy.parts import Model, Promise
from data_lifecycle.policy.promises import (
    Abandonment,
    Backups,
    BreachNotice,
    Caps,
    Contact,
    Cookies,
    CoolingOff,
    Holds,
    InformationType,
    Minors,
    Orphans,
    PaymentArchive,
    Purpose,
    PurposeLimit,
    RequestedErasure,
    Residue,
    Salts,
    SecurityMeasure,
    Sharing,
    Transfers,
    VendorErasure,
    VendorInventory,
    VendorSuspension,
)
from data_lifecycle.policy.retention import RetentionRule
from data_lifecycle.policy.taxonomy import lineage


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("unknown time zone; use an IANA name such as Asia/Shanghai") from error
    return name


class Header(Model):
    """Identity of a version: in force from the start of `effective_from` in `timezone`; digest of its text."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]*$")]
    effective_from: date
    source: Annotated[str, Field(pattern=r"^[^/\\]+\.txt$")]
    source_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    timezone: Annotated[str, AfterValidator(_zone)]


class Policy(Model):
    """One version of the policy, as loaded by `loader.load_policy`; the fields follow the sections of the text."""

    header: Header = Field(alias="policy")
    undertakings: tuple[Promise, ...]
    information: tuple[InformationType, ...]
    collection: tuple[Promise, ...]
    purposes: tuple[Purpose, ...]
    purpose_limit: PurposeLimit
    principles: tuple[Promise, ...]
    storage: tuple[Promise, ...]
    backups: Backups
    retention: Annotated[tuple[RetentionRule, ...], Field(min_length=1)]
    security: tuple[SecurityMeasure, ...]
    sharing: Sharing
    cookies: Cookies
    rights: tuple[RequestedErasure, ...]
    minors: Minors
    transfers: Transfers
    breach: tuple[BreachNotice, ...]
    updates: tuple[Promise, ...]
    contact: Contact
    abandonment: Abandonment
    orphans: Orphans
    holds: Holds
    caps: Caps
    residue: Residue
    salts: Salts
    vendor_suspension: VendorSuspension
    vendor_erasure: VendorErasure
    vendor_inventory: VendorInventory
    payment_archive: PaymentArchive
    cooling_off: CoolingOff | None = None
    _sha256: str = PrivateAttr(default="")

    def model_post_init(self, context: Any) -> None:
        """Keep the digest of the file that this version was loaded from."""
        self._sha256 = context["sha256"] if context else ""

    @property
    def id(self) -> str:
        """Name of the policy, the same in all its versions."""
        return self.header.id

    @property
    def version(self) -> str:
        """Name of this version."""
        return self.header.version

    @property
    def timezone(self) -> str:
        """IANA zone in which calendar days of this policy are counted."""
        return self.header.timezone

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes of the policy file."""
        return self._sha256

    @property
    def in_force_from(self) -> datetime:
        """First instant (UTC) at which this version holds: the start of `effective_from` in its zone."""
        midnight = datetime.combine(self.header.effective_from, time(), ZoneInfo(self.timezone))
        return midnight.astimezone(UTC)

    @property
    def shortens_from(self) -> datetime:
        """When (UTC) a period that this version shortens governs what was there before: after the cooling-off."""
        pause = self.cooling_off
        if pause is None or pause.waived_by is not None:
            return self.in_force_from
        return self.in_force_from + pause.period.elapsed

    @property
    def inactivity(self) -> timedelta:
        """Inactivity after which an open order counts as expired (studio decision)."""
        return self.abandonment.inactivity.elapsed

    @property
    def orphans_report_after(self) -> timedelta:
        """Age at which an object that no row knows is reported (studio decision)."""
        return self.orphans.report_after.elapsed

    @property
    def promises(self) -> tuple[Promise, ...]:
        """Every promise and every rule of the studio's own, in the order of the file."""
        return tuple(_promises(self))

    def promise(self, promise_id: str) -> Promise:
        """The promise with this id; KeyError naming the id if there is none."""
        for promise in self.promises:
            if promise.id == promise_id:
                return promise
        raise KeyError(f"policy {self.id} {self.version} has no promise {promise_id!r}")

    def rule(self, rule_id: str) -> RetentionRule:
        """The retention rule with this id; KeyError listing the rules there are."""
        for rule in self.retention:
            if rule.id == rule_id:
                return rule
        known = ", ".join(rule.id for rule in self.retention)
        raise KeyError(f"policy {self.id} {self.version} has no retention rule {rule_id!r} (rules: {known})")

    def rule_for_upload(self, upload_category: str) -> RetentionRule:
        """The retention rule of an upload category such as `personal_photo`; KeyError if none covers it."""
        for rule in self.retention:
            if upload_category in rule.upload_categories:
                return rule
        raise KeyError(
            f"policy {self.id} {self.version} has no retention rule for uploads {upload_category!r}"
        )

    def rule_for_category(self, data_category: str) -> RetentionRule | None:
        """The rule that names the category or its nearest ancestor; None is a gap to report, never "keep"."""
        rules = {category: rule for rule in self.retention for category in rule.data_categories}
        return next((rules[key] for key in lineage(data_category) if key in rules), None)

    def within(self, event: str) -> timedelta | None:
        """Time to the outcome of a person's event such as `erasure_request`; None means the clock of clause 11."""
        for promise in (*self.rights, self.minors.deletion):
            if promise.event == event:
                return promise.within.value.elapsed if promise.within else None
        raise KeyError(f"policy {self.id} {self.version} knows no event {event!r}")

    def dates(self, rule_id: str, anchor: datetime) -> RetentionDates:
        """Dates (UTC) that a retention rule gives to a trigger event at `anchor`."""
        return self.rule(rule_id).dates(anchor, self.timezone)


def _promises(part: Model) -> Iterator[Promise]:
    if isinstance(part, Promise):
        yield part
        return
    for name in type(part).model_fields:
        value = getattr(part, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Model):
                yield from _promises(item)
