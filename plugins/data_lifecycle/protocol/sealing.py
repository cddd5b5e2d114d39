"""Plans that read one snapshot: tried again when another pipeline wrote the same at the same moment."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2.errors
import psycopg2.extensions

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect
from data_lifecycle.protocol.house import PromiseBroken, log

TRIES = 5


def in_snapshot(access: DatabaseAccess, application: str, seal: Callable[[Connection], int]) -> int:
    """Run ``seal`` in one REPEATABLE READ transaction and commit it; what it returned.

    PromiseBroken when the database reports a conflict every time.
    """
    for attempt in range(TRIES):
        with connect(access, application) as connection:
            connection.set_session(isolation_level=psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ)
            try:
                run_id = seal(connection)
                connection.commit()
                return run_id
            except psycopg2.errors.SerializationFailure:
                log.info("plan: somebody else wrote the same meanwhile (try %d); planning anew", attempt + 1)
    raise PromiseBroken("the plan could not be sealed: others kept writing the same; run it again")
