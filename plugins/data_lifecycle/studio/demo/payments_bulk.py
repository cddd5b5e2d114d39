"""Millions of believable payments, made inside the server: for measurements, and to try the archive on.

Charges over months of history in several currencies, each with its own number of decimals, some with refunds and
disputes. The same seed, rows and moments give the same payments.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, execute, fetch_one
from data_lifecycle.policy.clock import require_aware

MOST_ROWS = 5_000_000
"""Payments a fill can make."""


@dataclass(frozen=True, slots=True)
class PaymentsReport:
    """Rows added by one fill, and the seconds it took."""

    customers: int
    orders: int
    payments: int
    seconds: float


def fill_payments(admin_url: str, rows: int, seed: int, from_at: datetime, to_at: datetime) -> PaymentsReport:
    """Add `rows` payments made between two moments, with their orders (ids paid_000000000 and on) and customers.

    A charge and its refunds and disputes share an order. What would settle after `to_at` is not settled yet. The
    control ledger gets its lines. Repeated calls add to what is there. Triggers and foreign keys are off in this
    session, which only a superuser may do: `admin_url`. ValueError for impossible counts or moments.
    """
    if not 1 <= rows <= MOST_ROWS:
        raise ValueError(f"rows must be 1 to {MOST_ROWS}")
    if require_aware(from_at, "from_at") >= require_aware(to_at, "to_at"):
        raise ValueError("from_at must be before to_at")
    begun = time.monotonic()
    with connect(DatabaseAccess(admin_url), "studio payments") as connection:
        execute(connection, "studio/add_payment_months", from_at=from_at, to_at=to_at)
        execute(connection, "studio/skip_triggers")
        first = int(fetch_one(connection, "studio/count_bulk_payments")["rows"])
        span = {"first": first, "rows": rows, "seed": seed, "from_at": from_at, "to_at": to_at}
        customers = execute(connection, "studio/fill_paying_customers", **span)
        orders = execute(connection, "studio/fill_paid_orders", **span)
        payments = execute(connection, "studio/fill_payments", **span)
        execute(connection, "studio/fill_payment_arrivals", **span)
        connection.commit()
        connection.autocommit = True
        execute(connection, "studio/analyze_payments")
    return PaymentsReport(customers, orders, payments, time.monotonic() - begun)
