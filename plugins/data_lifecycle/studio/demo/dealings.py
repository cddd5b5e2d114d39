"""Money, vendors, consents and legal holds of the demo studio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Literal
from uuid import UUID

from data_lifecycle.studio.demo.model import (
    Consent,
    Customer,
    Disclosure,
    Event,
    Hold,
    Order,
    Payment,
    Upload,
)
from data_lifecycle.studio.demo.people import CURRENCIES
from data_lifecycle.studio.demo.timeline import DAY, HOUR, between

NOTICE_VERSION = "2024-08-08"

_PROVIDERS = {"CN": ("alipay", "wechatpay", "stripe")}
_PROVIDER_COUNTRY = {"alipay": "CN", "wechatpay": "CN", "stripe": "US", "paypal": "US"}
_STORAGE = (("aliyun-oss", "CN"), ("aws-s3", "SG"))
_ARTISTS = (("replicate", "US"), ("openai", "US"), ("fal", "US"))
_WHOLE_UNITS = frozenset({"JPY", "ISK"})


def _uuid(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)


def _reference(random: Random, beginning: str) -> str:
    return beginning + "".join(random.choices("abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789", k=24))


def payments(
    random: Random, order: Order, customer: Customer, events: Sequence[Event], now: datetime
) -> Iterator[Payment]:
    """A charge per paid order; its refund if it was refunded or cancelled; now and then a dispute of an old one."""
    paid = next((event.occurred_at for event in events if event.kind == "paid"), None)
    if paid is None:
        return
    currency = CURRENCIES[customer.country]
    unit = Decimal(1) if currency in _WHOLE_UNITS else Decimal("0.01")
    amount = (Decimal(random.randint(2_500, 90_000)) / 100).quantize(unit)
    provider = random.choice(_PROVIDERS.get(customer.country, ("stripe", "paypal")))

    def settled(at: datetime) -> datetime | None:
        later = at + between(random, DAY, 3 * DAY)
        return later if later <= now else None

    def record(
        kind: Literal["charge", "refund", "dispute"], parent: UUID | None, value: Decimal, at: datetime
    ) -> Payment:
        reference = _reference(random, f"{kind[:2]}_")
        return Payment(
            _uuid(random), order.order_id, kind, parent, provider, reference, value, currency, at, settled(at)
        )

    charge = record("charge", None, amount, paid)
    yield charge
    returned = next((event.occurred_at for event in events if event.kind in ("refunded", "cancelled")), None)
    if returned is not None:
        part = amount if random.random() < 0.7 else max(unit, (amount / 2).quantize(unit))
        yield record("refund", charge.payment_id, part, returned)
    elif order.scenario == "archived" and random.random() < 0.15:
        raised = paid + between(random, 5 * DAY, 15 * DAY)
        yield record("dispute", charge.payment_id, amount, raised)


def disclosures(
    random: Random, order: Order, charges: Sequence[Payment], uploads: Sequence[Upload], now: datetime
) -> Iterator[Disclosure]:
    """What went to payment, e-mail, storage and AI vendors, at the moment it was needed."""

    def sent(
        vendor: str, country: str, category: str, purpose: str, at: datetime, upload_id: UUID | None = None
    ) -> Disclosure:
        reference = _reference(random, vendor[:2] + "_")
        return Disclosure(
            _uuid(random), order.order_id, vendor, category, purpose, country, upload_id, reference, at
        )

    for charge in charges[:1]:
        country = _PROVIDER_COUNTRY[charge.provider]
        purpose = "essential.service.payment_processing"
        yield sent(charge.provider, country, "user.financial", purpose, charge.occurred_at)
    mailed = order.created_at + timedelta(minutes=1)
    yield sent("postmark", "US", "user.contact.email", "essential.service.notifications.email", mailed)
    vendor, country = random.choice(_STORAGE)
    artist, abroad = random.choice(_ARTISTS)
    for upload in uploads:
        category = (
            "user.content.self_image" if upload.category == "personal_photo" else "user.content.private"
        )
        yield sent(vendor, country, category, "essential.service", upload.uploaded_at, upload.upload_id)
        begun = upload.uploaded_at + DAY
        if charges and upload.derived_from is None and begun < now and random.random() < 0.6:
            yield sent(artist, abroad, category, "essential.service", begun, upload.upload_id)


def consents(random: Random, customer: Customer, now: datetime) -> Iterator[Consent]:
    """Consent to the service, and mostly a separate one for each AI vendor abroad; some withdrawn or bundled."""
    given = customer.created_at + timedelta(minutes=3)

    def record(
        recipient: str | None,
        kind: Literal["expressed_consent", "separate_consent", "implied_consent"],
        bundled: bool,
        withdrawn: datetime | None,
    ) -> Consent:
        return Consent(
            record_id=_uuid(random),
            pii_principal_id=customer.customer_id,
            privacy_notice_version=NOTICE_VERSION,
            purpose="essential.service",
            pii_type="user.content.self_image",
            recipient_third_party=recipient,
            jurisdiction=customer.country,
            consent_type=kind,
            bundled=bundled,
            given_at=given,
            withdrawn_at=withdrawn if withdrawn is not None and withdrawn < now else None,
        )

    yield record(None, "expressed_consent", False, None)
    for vendor, _ in _ARTISTS:
        if random.random() < 0.2:
            continue
        chance = random.random()
        withdrawn = given + between(random, HOUR, 20 * DAY) if chance < 0.06 else None
        kind: Literal["implied_consent", "separate_consent"]
        kind = "implied_consent" if chance > 0.97 else "separate_consent"
        yield record(vendor, kind, 0.06 <= chance < 0.12, withdrawn)


def hold(random: Random, scenario: str, uploads: Sequence[Upload], now: datetime) -> Hold | None:
    """The hold a scenario is about, naming the front photo: valid, without approver, without expiry, or released."""
    if scenario not in ("held", "hold_unapproved", "hold_endless", "hold_released"):
        return None
    named = tuple(upload.upload_id for upload in uploads if upload.role == "front")
    placed = now - between(random, 3 * DAY, 5 * DAY)
    return Hold(
        hold_id=_uuid(random),
        basis="Civil claim pending: evidence of delivery",
        placed_by="staff-legal-01",
        approved_by=None if scenario == "hold_unapproved" else "staff-head-02",
        placed_at=placed,
        expires_at=None if scenario == "hold_endless" else now + 60 * DAY,
        released_at=now - between(random, HOUR, 4 * HOUR) if scenario == "hold_released" else None,
        upload_ids=named,
    )
