"""The rows and store contents of a demo studio, before anything is written anywhere.

Names, addresses and keys belong to invented people but are treated as personal data: `repr` leaves them out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from data_lifecycle.studio.demo.pictures import Picture
from data_lifecycle.studio.demo.scenarios import Fate

Place = Literal["uploads", "backup"]
Step = Picture | Literal["marker", "multipart"]
"""One thing done to a key: write a picture, delete without version id, or begin an upload and never finish it."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A row of studio.customers."""

    customer_id: UUID
    display_name: str = field(repr=False)
    email: str = field(repr=False)
    country: str
    time_zone: str
    is_minor: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A row of studio.order_events; `recorded_at` may be later than `occurred_at`."""

    order_id: str
    kind: str
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """A row of studio.orders; the name of its scenario says what a purge must do."""

    order_id: str
    customer_id: UUID
    scenario: str
    service: str
    description: str = field(repr=False)
    created_at: datetime
    erase_requested_at: datetime | None
    ended_at: datetime | None
    """First terminal event since the order was last reopened; the database derives the same from the events."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A row of studio.uploads, and the orders that use it. `picture` is its newest version."""

    upload_id: UUID
    category: Literal["personal_photo", "style_reference"]
    role: Literal["front", "side", "style", "thumbnail"]
    object_key: str = field(repr=False)
    picture: Picture
    derived_from: UUID | None
    uploaded_at: datetime
    order_ids: tuple[str, ...]
    fate: Fate


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """Everything done to one key of one bucket, in order. `fate` is None for orphans: reported, not erased."""

    place: Place
    key: str = field(repr=False)
    steps: tuple[Step, ...]
    fate: Fate | None


@dataclass(frozen=True, slots=True)
class Payment:
    """A row of studio.payments. `amount` and `fee` are in units of `currency`.

    `payload` is the provider's object, without card and person but for the one that is there to be found.
    """

    payment_id: UUID
    charge_id: UUID
    order_id: str
    kind: Literal["charge", "refund", "dispute"]
    provider: str
    provider_ref: str = field(repr=False)
    amount: Decimal
    fee: Decimal | None
    currency: str
    occurred_at: datetime
    settled_at: datetime | None
    payer_name: str | None = field(repr=False)
    payer_country: str
    payload: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A row of studio.disclosures: something sent to a vendor (policy 4). None is unknown.

    `broken` are the rules that a transfer check must find broken.
    """

    disclosure_id: UUID
    order_id: str
    vendor: str
    data_category: str
    purpose: str
    destination_country: str | None
    upload_id: UUID | None
    vendor_ref: str = field(repr=False)
    sent_at: datetime
    origin_country: str
    access_countries: tuple[str, ...] | None
    sub_processors: tuple[str, ...] | None
    transport: str | None
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    """A row of studio.consents, with field names of ISO/IEC TS 27560 (policy 2.2, 8)."""

    record_id: UUID
    pii_principal_id: UUID
    privacy_notice_version: str
    purpose: str
    pii_type: str
    recipient_third_party: str | None
    jurisdiction: str
    consent_type: Literal["expressed_consent", "separate_consent", "implied_consent"]
    bundled: bool
    given_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A row of studio.legal_holds and the files it names."""

    hold_id: UUID
    basis: str | None
    placed_by: str
    approved_by: str | None
    placed_at: datetime
    expires_at: datetime | None
    released_at: datetime | None
    upload_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class DemoStudio:
    """A whole studio at the moment `now` (UTC)."""

    seed: int
    now: datetime
    customers: tuple[Customer, ...]
    orders: tuple[Order, ...]
    events: tuple[Event, ...]
    uploads: tuple[Upload, ...]
    contents: tuple[KeyHistory, ...]
    payments: tuple[Payment, ...]
    disclosures: tuple[Disclosure, ...]
    consents: tuple[Consent, ...]
    holds: tuple[Hold, ...]

    @property
    def by_scenario(self) -> dict[str, tuple[str, ...]]:
        """Order ids of each scenario."""
        found: dict[str, list[str]] = {}
        for order in self.orders:
            found.setdefault(order.scenario, []).append(order.order_id)
        return {name: tuple(ids) for name, ids in found.items()}
