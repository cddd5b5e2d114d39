"""Real purchases for the archive: a public transactions file in the shape of the CDNOW data.

That data (Fader and Hardie; shipped by the PyPI package `lifetimes`) are the purchases of 23 570 customers of a record
shop: a line a purchase with customer, day (YYYYMMDD), number of CDs and value in dollars, separated by spaces, with or
without a line of names, and in the sample with a further number before the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from uuid import UUID, uuid5

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, copy_rows, execute

_NAMESPACE = UUID("5b0a3c1e-7d52-4c0e-9a57-3f6d2b8e1c40")
_SETTLING = timedelta(days=2)
_DAY = timedelta(days=1)


class TransactionsError(ValueError):
    """A line that is no purchase; the text has its number, not what is in it."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """A line of the file: `line` counts purchases from 1, `at` is the start of the day in UTC, `value` in dollars."""

    line: int
    customer: str = field(repr=False)
    at: datetime
    units: int
    value: Decimal

    @property
    def order_id(self) -> str:
        """The order that stands for the purchase."""
        return f"cdnow_{self.line:06d}"

    @property
    def customer_id(self) -> UUID:
        """The same for all purchases of a customer."""
        return uuid5(_NAMESPACE, f"customer {self.customer}")


@dataclass(frozen=True, slots=True)
class LoadedPurchases:
    """What was put into the studio. Purchases for nothing are orders without a payment."""

    customers: int
    orders: int
    payments: int
    amount: Decimal


def read_purchases(file: Path) -> Iterator[Purchase]:
    """The purchases of a file, in its order; TransactionsError for a line of another shape."""
    number = 0
    with file.open(encoding="ascii") as lines:
        for line in lines:
            parts = line.split()[-4:]
            if not parts or parts[0] == "customer_id":
                continue
            number += 1
            try:
                customer, day, units, value = parts
                at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
                purchase = Purchase(number, customer, at, int(units), Decimal(value))
            except (ValueError, InvalidOperation):
                raise TransactionsError(f"purchase {number} is not: customer, day, number, value") from None
            if (
                not purchase.value.is_finite()
                or purchase.value < 0
                or purchase.value != round(purchase.value, 4)
            ):
                raise TransactionsError(f"purchase {number} has an impossible value")
            yield purchase


def load_purchases(
    app_database: DatabaseAccess, file: Path, moved_by: timedelta = timedelta(0)
) -> LoadedPurchases:
    """Put the purchases of `file` into the studio, as its application (role studio_app), in one transaction.

    A customer, an order that ended on the next day, and a charge in US dollars settled after two days, each with an id
    that follows from the file. `moved_by`, whole days, brings the purchases of 1997 to another time. Raises
    TransactionsError, and psycopg2.Error if they are there already.
    """
    if moved_by % _DAY:
        raise ValueError("purchases are moved by whole days")
    purchases = list(read_purchases(file))
    if not purchases:
        raise TransactionsError("the file has no purchase")
    paid = [purchase for purchase in purchases if purchase.value]
    first: dict[UUID, Purchase] = {}
    for purchase in sorted(purchases, key=lambda purchase: purchase.at):
        first.setdefault(purchase.customer_id, purchase)
    months = [purchase.at + moved_by for purchase in purchases]
    with connect(app_database, "public transactions") as connection:
        execute(connection, "studio/add_payment_months", from_at=min(months), to_at=max(months))
        copy_rows(connection, "studio/copy_customers", (_customer(p, moved_by) for p in first.values()))
        copy_rows(connection, "studio/copy_orders", (_order(p, moved_by) for p in purchases))
        copy_rows(
            connection, "studio/copy_order_events", (row for p in purchases for row in _events(p, moved_by))
        )
        copy_rows(connection, "studio/copy_payments", (_payment(p, moved_by) for p in paid))
        connection.commit()
    return LoadedPurchases(
        len(first), len(purchases), len(paid), sum((purchase.value for purchase in paid), Decimal(0))
    )


def _customer(purchase: Purchase, moved_by: timedelta) -> tuple[object, ...]:
    name, zone = f"Customer {purchase.customer}", "America/New_York"
    address = f"cdnow-{purchase.customer}@example.org"
    return purchase.customer_id, name, address, "US", zone, False, purchase.at + moved_by


def _order(purchase: Purchase, moved_by: timedelta) -> tuple[object, ...]:
    at = purchase.at + moved_by
    return purchase.order_id, purchase.customer_id, "compact discs", f"{purchase.units} CDs", at, at, None


def _events(purchase: Purchase, moved_by: timedelta) -> Iterator[tuple[object, ...]]:
    at = purchase.at + moved_by
    if purchase.value:
        yield purchase.order_id, "paid", at, at
    yield purchase.order_id, "completed", at + _DAY, at + _DAY


def _payment(purchase: Purchase, moved_by: timedelta) -> tuple[object, ...]:
    payment, at = uuid5(_NAMESPACE, f"payment {purchase.line}"), purchase.at + moved_by
    payload = json.dumps({"object": "charge", "units": purchase.units})
    return (
        *(payment, payment, purchase.order_id, "charge", "cdnow", f"cdnow-{purchase.line}", purchase.value),
        *(None, "USD", at, at + _SETTLING, None, "US", payload),
    )
