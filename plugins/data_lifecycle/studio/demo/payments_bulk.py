"""Millions of believable payments, made inside the server: for measurements, and to try the archive on.

Charges over months of history in several currencies, each with its own number of decimals, some with refunds and
disputes. The same seed, rows and moments give the same payments.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, execute, fetch, fetch_one
from data_lifecycle.policy.clock import require_aware

MOST_ROWS = 5_000_000
"""Payments a fill can make."""
SLICE_ROWS = 200_000
"""Payments made in one transaction; slices are made side by side, as many as there are processors, four at most."""


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
    control ledger gets its lines, each slice its own in the same transaction: a fill that is broken off leaves whole
    slices. Repeated calls add to what is there. Triggers and foreign keys are off in these sessions, which only a
    superuser may do: `admin_url`. ValueError for impossible counts or moments.
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
        connection.commit()
        slices = [
            span | {"low": first + done, "slice": min(SLICE_ROWS, rows - done)}
            for done in range(0, rows, SLICE_ROWS)
        ]
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1), "payments") as pool:
            made = list(pool.map(lambda values: _fill_slice(admin_url, values), slices))
        connection.autocommit = True
        execute(connection, "studio/analyze_payments")
    orders, payments = (sum(counts) for counts in zip(*made, strict=True))
    return PaymentsReport(customers, orders, payments, time.monotonic() - begun)


def _fill_slice(admin_url: str, values: Mapping[str, object]) -> tuple[int, int]:
    """(orders, payments) of one slice, in one transaction with their lines in the control ledger."""
    with connect(DatabaseAccess(admin_url), "studio payments") as connection, connection:
        execute(connection, "studio/skip_triggers")
        orders = execute(connection, "studio/fill_paid_orders", **values)
        lines = fetch(connection, "studio/fill_payments", **values)
    return orders, sum(int(line["rows"]) for line in lines)
