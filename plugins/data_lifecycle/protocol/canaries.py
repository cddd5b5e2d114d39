"""Positive controls: known entries in each bucket that an observation must find before its "nothing there" counts."""

from __future__ import annotations

from collections.abc import Sequence

from data_lifecycle.connections import DatabaseAccess, StoreAccess
from data_lifecycle.database import connect, execute
from data_lifecycle.objects import canary


def place(admin: DatabaseAccess, store: StoreAccess, buckets: Sequence[str]) -> int:
    """Put the canaries into the buckets (``store`` may write there) and note what must be found; their number.

    Idempotent. Only the set-up calls it: no pipeline may decide what it has to find.
    """
    placed = canary.ensure(store, buckets)
    canary.ensure_probe(store, buckets)
    with connect(admin, "canaries") as connection, connection:
        execute(
            connection,
            "photo_purge/insert_canaries",
            buckets=[entry[0] for entry in placed.entries],
            keys=[entry[1] for entry in placed.entries],
            kinds=[entry[2] for entry in placed.entries],
            versions=[entry[3] for entry in placed.entries],
        )
    return len(placed.entries)
