"""Money and legal holds of the demo studio."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Literal
from uuid import UUID

from data_lifecycle.studio.demo.model import (
    Customer,
    Event,
    Hold,
    Order,
    Payment,
    Upload,
)
from data_lifecycle.studio.demo.people import CURRENCIES
from data_lifecycle.studio.demo.timeline import DAY, HOUR, between

TEST_CARD = "4242 4242 4242 4242"
"""A number that providers publish for tests: it passes every check and belongs to nobody."""

Kind = Literal["charge", "refund", "dispute"]
_PROVIDERS = {"CN": ("alipay", "wechatpay", "stripe")}
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

    def record(
        kind: Kind, parent: UUID | None, value: Decimal, at: datetime, name: str | None = None
    ) -> Payment:
        reference = _reference(random, f"{kind[:2]}_")
        own = _uuid(random)
        settles = at + between(random, DAY, 3 * DAY)
        fee = (value * Decimal("0.029")).quantize(Decimal("0.0001")) if kind == "charge" else None
        return Payment(
            own, parent or own, order.order_id, kind, provider, reference, value, fee, currency, at,
            settles if settles <= now else None, name, customer.country,
            _payload(kind, reference, value, fee, currency, at),
        )  # fmt: skip

    charge = record("charge", None, amount, paid, customer.display_name)
    yield charge
    returned = next((event.occurred_at for event in events if event.kind in ("refunded", "cancelled")), None)
    if returned is not None:
        part = amount if random.random() < 0.7 else max(unit, (amount / 2).quantize(unit))
        yield record("refund", charge.payment_id, part, returned)
    elif order.scenario == "archived" and random.random() < 0.15:
        raised = paid + between(random, 5 * DAY, 15 * DAY)
        yield record("dispute", charge.payment_id, amount, raised)


def _payload(
    kind: str, reference: str, amount: Decimal, fee: Decimal | None, currency: str, at: datetime
) -> str:
    """The provider's object, in the shape that such objects have: no card, no person."""
    return json.dumps(
        {
            "id": reference,
            "object": kind,
            "amount": str(amount),
            "fee": None if fee is None else str(fee),
            "currency": currency.lower(),
            "created": int(at.timestamp()),
            "livemode": True,
            "outcome": {"network_status": "approved_by_network", "risk_level": "normal"},
            "metadata": {},
        }
    )


def troubled(random: Random, payments: Sequence[Payment], now: datetime) -> list[Payment]:
    """The payments with what an archive must notice, on some of the oldest: a card number in a provider's object, a
    refund and a dispute that came long after, a charge that never settled. One old charge at least stays as it is."""
    families = Counter(payment.charge_id for payment in payments)
    old = [
        p
        for p in sorted(payments, key=lambda p: (p.occurred_at, p.payment_id))
        if families[p.charge_id] == 1 and p.kind == "charge" and p.occurred_at < now - 100 * DAY
    ]
    changed: dict[UUID, Payment] = {}
    added: list[Payment] = []
    for number, charge in enumerate(old[1:5]):
        if number == 0:
            spoilt = json.dumps({**json.loads(charge.payload or "{}"), "source": {"number": TEST_CARD}})
            changed[charge.payment_id] = replace(charge, payload=spoilt)
        elif number == 3:
            changed[charge.payment_id] = replace(charge, settled_at=None)
        else:
            kind: Kind = "refund" if number == 1 else "dispute"
            at = now - between(random, 4 * DAY, 20 * DAY)
            reference = _reference(random, f"{kind[:2]}_")
            payload = _payload(kind, reference, charge.amount, None, charge.currency, at)
            added.append(
                replace(
                    charge,
                    payment_id=_uuid(random),
                    kind=kind,
                    provider_ref=reference,
                    fee=None,
                    occurred_at=at,
                    settled_at=at + 3 * DAY,
                    payer_name=None,
                    payload=payload,
                )
            )
    return [changed.get(p.payment_id, p) for p in payments] + added


FLAWED = ("hold_unapproved", "hold_endless")
"""Scenarios whose hold lacks something: an alert of ``legal_holds`` once that is older than the policy lets it be."""


def hold(random: Random, scenario: str, uploads: Sequence[Upload], now: datetime) -> Hold | None:
    """The hold a scenario is about, naming the front photo: valid, without approver, without expiry, or released.

    One that lacks something was placed just now, so that nobody meets its alert before the policy's time to mend it is
    over, and whoever placed it says, in `./lifecycle holds list`, that it is like that on purpose.
    """
    if scenario not in ("held", "hold_released", *FLAWED):
        return None
    named = tuple(upload.upload_id for upload in uploads if upload.role == "front")
    placed = now - (
        between(random, HOUR / 4, HOUR) if scenario in FLAWED else between(random, 3 * DAY, 5 * DAY)
    )
    return Hold(
        hold_id=_uuid(random),
        basis="Civil claim pending: evidence of delivery",
        placed_by="staff-legal-01" + (" (demo: flawed on purpose)" if scenario in FLAWED else ""),
        approved_by=None if scenario == "hold_unapproved" else "staff-head-02",
        placed_at=placed,
        expires_at=None if scenario == "hold_endless" else now + 60 * DAY,
        released_at=now - between(random, HOUR, 4 * HOUR) if scenario == "hold_released" else None,
        upload_ids=named,
    )
