"""remove: one transaction a file deletes exactly the rows that the file, as the vault returns it, has."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import psycopg2.errors

from data_lifecycle.database import Connection, connect, execute, fetch, fetch_one
from data_lifecycle.payment_archive.planning import ROLE
from data_lifecycle.payment_archive.remove import count_left, delete, load_keys
from data_lifecycle.payment_archive.vault import fetch_exact
from data_lifecycle.payment_archive.workplace import file_of, folder, hold_turn, released_run
from data_lifecycle.protocol import posture
from data_lifecycle.protocol.house import House, PromiseBroken, log

OBSERVER = "studio_observer"


def remove_batch(house: House, run_id: int, batch: int) -> None:
    """Delete the rows of a compared file and enter the file into the books, in one transaction; count again after it.

    Safe to repeat, also when the answer to COMMIT was lost. Raises PromiseBroken, with everything rolled back and the
    file abandoned, when the database deletes another number of rows than the file has: a row that changed since, a
    trigger, a rule or a policy that swallows deletes.
    """
    with connect(house.connections.database(ROLE), "payment_archive remove") as connection:
        released_run(connection, run_id)
        posture.refuse_while_paused(connection, f"batch {batch} of run {run_id} is not removed")
        hold_turn(connection, run_id)
        file = file_of(connection, run_id, batch)
        if file is None or file["state"] not in ("stored", "current"):
            log.info("batch %d: nothing to remove", batch)
            return
        file_id = file["file_id"]
        with folder(house) as place:
            stored = fetch_exact(house, "payment_vault", file, place / "stored.parquet")
            if file["state"] == "stored":
                compared = fetch(
                    connection,
                    "payment_archive/find_compared",
                    file_id=file_id,
                    version_id=file["version_id"],
                    run_id=run_id,
                )
                if not compared or compared[0]["rows"] != file["rows"]:
                    raise PromiseBroken(f"file {file_id} was not compared: nothing is removed")
                _remove(connection, run_id, file_id, stored, compared[0]["horizon"])
            _count_again(house, file_id, stored)


def _remove(connection: Connection, run_id: int, file_id: UUID, stored: Path, horizon: str | None) -> None:
    done = delete(connection, stored, horizon, restating=file_id)
    left = count_left(connection)
    if done.deleted != done.named or left:
        connection.rollback()
        hold_turn(connection, run_id)
        execute(connection, "payment_archive/dissolve_file", file_id=file_id)
        execute(connection, "payment_archive/clear_abandoned")
        connection.commit()
        raise PromiseBroken(
            f"file {file_id}: {done.deleted} rows deleted and {left} left where {done.named} had to go; rolled back, "
            "nothing is removed: a row changed since it was archived, or something in the database swallows deletes"
        )
    execute(connection, "payment_archive/insert_superseded", file_id=file_id)
    if execute(connection, "payment_archive/note_current", file_id=file_id, run_id=run_id) != 1:
        raise PromiseBroken(
            f"file {file_id}: the database did not enter it into the books; nothing is removed"
        )
    execute(connection, "payment_archive/clear_restated", file_id=file_id)
    connection.commit()
    log.info(
        "file %s: %d rows removed from the hot table, %d records restated",
        file_id,
        done.deleted,
        done.restated,
    )


def _count_again(house: House, file_id: UUID, stored: Path) -> None:
    """With another connection and credential, after the commit: what was removed is not there."""
    with connect(house.connections.database(OBSERVER), "payment_archive remove") as connection:
        load_keys(connection, stored)
        left = count_left(connection)
    if left:
        raise PromiseBroken(f"file {file_id}: {left} of its records are still, or again, in the hot table")


def drop_months(house: House) -> None:
    """Detach, look again, and drop the months that are empty and over; finish what an earlier run left detached.

    A month is archived by several files, as its payments' promises end in several windows: with the last of them its
    table is empty. It goes only if the books of the month balance, so that every record that ever arrived in it was
    compared in a file or has expired. A month that cannot be locked quickly waits for the next run. One that was
    detached and has rows is put back.
    """
    with connect(house.connections.database(ROLE), "payment_archive months") as connection:
        months = fetch(connection, "payment_archive/list_months")
        unbalanced = {row["month"] for row in fetch(connection, "payment_archive/select_unbalanced_months")}
        for month in months:
            connection.commit()
            name = f"{month['month']:%Y-%m}"
            if month["attached"] and month["month"] in unbalanced:
                log.error("month %s: what arrived is not all accounted for; its table is kept", name)
                continue
            try:
                if month["attached"] and not _done(connection, "detach", month["month"]):
                    continue
                connection.commit()
                if _done(connection, "drop", month["month"]):
                    connection.commit()
                    log.info("month %s: empty, detached, looked at again, dropped", name)
                elif _done(connection, "attach", month["month"]):
                    connection.commit()
                    log.warning("month %s was detached and has rows: attached again", name)
            except psycopg2.errors.RestrictViolation:
                connection.rollback()
            except psycopg2.errors.LockNotAvailable:
                connection.rollback()
                log.info("month %s: in use, left to the next run", name)


def _done(connection: Connection, what: str, month: object) -> bool:
    return bool(fetch_one(connection, f"payment_archive/{what}_month", month=month)["done"])
