"""archive: one snapshot → a file → the vault, locked → read back by its version. Nothing is removed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2.extensions

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.payment_archive import restating, vault
from data_lifecycle.payment_archive.extract import export
from data_lifecycle.payment_archive.parquet_file import Extract, read_facts
from data_lifecycle.payment_archive.plan import Window
from data_lifecycle.payment_archive.planning import ROLE, clock_of, find_cards, quarantine, spans
from data_lifecycle.payment_archive.workplace import file_of, folder, hold_turn, released_run
from data_lifecycle.protocol.house import House, PromiseBroken, log
from data_lifecycle.sqlfiles import load

SNAPSHOTS = 3
"""How often a snapshot is taken anew because something that may not be archived came into it."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A file made from one snapshot; ends of its families' promises."""

    extract: Extract
    families: int
    first_end: datetime
    last_end: datetime


def archive_batch(house: House, run_id: int, batch: int) -> None:
    """Put the file of a batch into the vault and read it back; safe to repeat at any point.

    Intent, with the key that follows from the records, is committed before the object is put. Raises PromiseBroken
    when what is read back is not what was put, or its lock is not what was asked for; Superseded when a later run has
    taken over.
    """
    with connect(house.connections.database(ROLE), "payment_archive archive") as connection:
        run = released_run(connection, run_id)
        file = file_of(connection, run_id, batch)
        hold_turn(connection, run_id)
        connection.commit()
        if file is None:
            log.info("batch %d: nothing is due", batch)
            return
        if file["state"] not in ("planned", "intended"):
            log.info("file %s: %s already", file["file_id"], file["state"])
            return
        clock = clock_of(house, run["as_of"])[1]
        names = ("window_start", "window_end", "final_from", "final_to")
        values = spans(clock, run["as_of"]) | {name: file[name] for name in names} | {"as_of": run["as_of"]}
        with folder(house) as place:
            if file["kind"] != "regular":
                restating.stage(house, connection, run_id, file, values, place)
            taken = _take(connection, run_id, file, values, place / "taken.parquet")
            if taken is None:
                return
            _store(house, connection, run_id, file, taken, place)


def _take(
    connection: Connection, run_id: int, file: Row, values: Mapping[str, Any], target: Path
) -> _Taken | None:
    """The file, from one REPEATABLE READ snapshot; None when there is nothing left to put into it."""
    for _ in range(SNAPSHOTS):
        connection.set_session(
            isolation_level=psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ, readonly=True
        )
        found = find_cards(connection, values)
        taken = None if found else _snapshot(connection, file, values, target)
        connection.rollback()
        connection.set_session(
            isolation_level=psycopg2.extensions.ISOLATION_LEVEL_READ_COMMITTED, readonly=False
        )
        if found:
            quarantine(connection, run_id, found)
            connection.commit()
            continue
        if taken is None:
            hold_turn(connection, run_id)
            execute(connection, "payment_archive/dissolve_file", file_id=file["file_id"])
            execute(connection, "payment_archive/clear_abandoned")
            connection.commit()
            log.info("file %s: nothing is left to archive in it", file["file_id"])
        return taken
    raise PromiseBroken("records with bank-card numbers keep coming: run it again")


def _snapshot(connection: Connection, file: Row, values: Mapping[str, Any], target: Path) -> _Taken | None:
    if file["kind"] == "regular":
        measured = fetch_one(connection, "payment_archive/measure_records", **values)
        families, rows = measured["families"], measured["rows"]
        first_end, last_end = measured["first_end"], measured["last_end"]
        query, params = "payment_archive/select_records", dict(values)
    else:
        params = {"file_id": file["file_id"], "with_hot": restating.with_hot(file)}
        found = fetch(
            connection,
            "payment_archive/measure_restated",
            years=values["years"],
            time_zone=values["time_zone"],
            **params,
        )
        ends = [row["ends_at"] for row in found]
        if None in ends:
            raise PromiseBroken("a restated payment is not final any more: run it again")
        families, rows = len(found), sum(int(row["records"]) for row in found)
        first_end, last_end = min(ends, default=None), max(ends, default=None)
        query = "payment_archive/select_restated"
    if not families:
        return None
    extract = export(connection, load(query), params, target)
    if extract.rows != rows:
        raise PromiseBroken(
            f"{extract.rows} records were extracted where {rows} were counted in the same snapshot"
        )
    return _Taken(extract, families, first_end, last_end)


def _store(house: House, connection: Connection, run_id: int, file: Row, taken: _Taken, place: Path) -> None:
    extract, file_id, bucket = taken.extract, file["file_id"], house.settings.bucket_vault
    window = Window(file["window_start"], file["window_end"])
    key = vault.key_of(house.settings.vault_folder, window.name, extract.content_digest)
    _intend(connection, run_id, file, taken, key)
    access = house.connections.store("payment_vault")
    held = file["kind"] == "held"
    put = vault.put_locked(
        access, house, key, place / "taken.parquet", None if held else taken.last_end, held=held
    )
    back = place / "back.parquet"
    sha256 = vault.fetch(access, bucket, key, put.version_id, back)
    _same(extract, read_facts(back), sha256, put.made, file_id)
    lock = vault.lock_of(access, bucket, key, put.version_id)
    if (
        lock is None
        or (held and not lock.held)
        or (not held and (lock.until is None or lock.until < taken.last_end))
    ):
        raise PromiseBroken(
            f"file {file_id}: the vault does not lock it until the promise ends; nothing is removed"
        )
    hold_turn(connection, run_id)
    noted = execute(
        connection,
        "payment_archive/note_stored",
        run_id=run_id,
        file_id=file_id,
        version_id=put.version_id,
        locked_until=lock.until,
        sha256=sha256,
        bytes=lock.bytes,
    )
    if noted != 1:
        raise PromiseBroken(f"file {file_id}: the database did not note that it is stored")
    connection.commit()
    log.info(
        "file %s: %d records, %d bytes, read back by version%s; content %s",
        file_id,
        extract.rows,
        lock.bytes,
        "" if put.made else " (it was there already)",
        extract.content_digest,
    )
    log.info("file %s: locked until %s", file_id, lock.until.isoformat() if lock.until else "the hold ends")
    for (month, currency, kind), (rows, amount) in sorted(extract.totals.items()):
        log.info("    %s %s %s: %d records, %s", f"{month:%Y-%m}", currency, kind, rows, amount)


def _same(ours: Extract, theirs: Extract, sha256: str, made: bool, file_id: object) -> None:
    """What is read back holds the same records; and, if we have just put it, is the same bytes."""
    logical = (ours.rows, ours.content_digest, ours.columns, ours.totals)
    if logical != (theirs.rows, theirs.content_digest, theirs.columns, theirs.totals):
        raise PromiseBroken(
            f"file {file_id}: the vault returns other records than were put; nothing is removed"
        )
    if sha256 != theirs.sha256 or (made and sha256 != ours.sha256):
        raise PromiseBroken(
            f"file {file_id}: the vault returns other bytes than were put; nothing is removed"
        )


def _intend(connection: Connection, run_id: int, file: Row, taken: _Taken, key: str) -> None:
    extract, file_id = taken.extract, file["file_id"]
    orders, moments = extract.columns["order_id"], extract.columns["occurred_at"]
    hold_turn(connection, run_id)
    execute(connection, "payment_archive/release_key", file_id=file_id, object_key=key)
    for holder in fetch(connection, "payment_archive/find_key", object_key=key, file_id=file_id):
        raise PromiseBroken(
            f"file {holder['file_id']} ({holder['state']}) has exactly these records already: they were inserted a "
            "second time, for example by a restored backup; nothing is removed"
        )
    intended = execute(
        connection,
        "payment_archive/intend_file",
        file_id=file_id,
        object_key=key,
        rows=extract.rows,
        families=taken.families,
        bytes=extract.bytes,
        sha256=extract.sha256,
        content_digest=extract.content_digest,
        first_end=taken.first_end,
        last_end=taken.last_end,
        min_order_id=orders.least,
        max_order_id=orders.greatest,
        min_occurred_at=moments.least,
        max_occurred_at=moments.greatest,
    )
    if intended != 1:
        raise PromiseBroken(f"file {file_id}: the database did not note what is about to be put")
    totals = sorted(extract.totals.items())
    execute(connection, "payment_archive/clear_totals", file_id=file_id)
    execute(
        connection,
        "payment_archive/insert_totals",
        file_id=file_id,
        months=[month for (month, _, _), _ in totals],
        currencies=[currency for (_, currency, _), _ in totals],
        kinds=[kind for (_, _, kind), _ in totals],
        rows=[rows for _, (rows, _) in totals],
        amounts=[amount for _, (_, amount) in totals],
    )
    execute(connection, "payment_archive/clear_columns", file_id=file_id)
    execute(
        connection,
        "payment_archive/insert_columns",
        file_id=file_id,
        names=list(extract.columns),
        digests=[facts.digest for facts in extract.columns.values()],
        nulls=[facts.nulls for facts in extract.columns.values()],
    )
    connection.commit()
