"""Millions of rows for measurements, made inside the server; nothing is put into an object store."""

from __future__ import annotations

import time
from dataclasses import dataclass

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, execute, fetch_one

BUCKET = "studio-uploads"


@dataclass(frozen=True, slots=True)
class BulkReport:
    """Rows added by one fill, and the seconds it took."""

    orders: int
    uploads: int
    due: int
    seconds: float


def fill(admin_url: str, orders: int, uploads_per_order: int, due: int, bucket: str = BUCKET) -> BulkReport:
    """Add `orders` orders (ids bulk_000000000 and on) with files, exactly `due` of them due for the purge now.

    One in fifty of the others is open or not yet due, the rest purged long ago (photo_state absent, absent_at set).
    Orders come without events. Repeated calls add to what is there, so that one database can grow between two
    measurements. Triggers and foreign keys are off in this session, which only a superuser may do: `admin_url`.
    ValueError for impossible counts.
    """
    if orders < 1 or not 1 <= uploads_per_order < 1000 or not 0 <= due <= orders:
        raise ValueError("orders must be positive, uploads_per_order 1 to 999, due between 0 and orders")
    begun = time.monotonic()
    with connect(DatabaseAccess(admin_url), "studio bulk") as connection:
        execute(connection, "studio/skip_triggers")
        first = int(fetch_one(connection, "studio/count_bulk_orders")["orders"])
        execute(connection, "studio/fill_customers", first=first, orders=orders)
        execute(connection, "studio/fill_orders", first=first, orders=orders, due=due)
        span = {"first": first, "orders": orders, "uploads_per_order": uploads_per_order}
        uploads = execute(connection, "studio/fill_uploads", bucket=bucket, **span)
        execute(connection, "studio/fill_order_uploads", **span)
        connection.commit()
        connection.autocommit = True
        execute(connection, "studio/analyze_studio")
    return BulkReport(orders, uploads, due, time.monotonic() - begun)
