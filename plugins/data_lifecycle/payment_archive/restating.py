"""Families of the archive that have to be written anew: something came later, or a hold keeps them longer.

Their records are read back from the vault, by exact version, and staged in the database; a new file then holds the
archived records and what came later. What the old file says of them no longer counts; it is not changed or kept longer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.compute as pc

from data_lifecycle.database import Connection, Row, copy_rows, execute, fetch
from data_lifecycle.payment_archive import vault
from data_lifecycle.payment_archive.columns import NAMES
from data_lifecycle.payment_archive.parquet_file import read_batches
from data_lifecycle.payment_archive.plan import EVER, window_of
from data_lifecycle.payment_archive.workplace import hold_turn
from data_lifecycle.protocol.house import House, log

READER = "payment_vault"
Records = list[Mapping[str, Any]]


def stage(
    house: House, connection: Connection, run_id: int, file: Row, values: Mapping[str, Any], place: Path
) -> None:
    """Stage the archived records that ``file`` restates; commits. What cannot be restated stays as it is.

    Families whose charge no file holds are noted as orphans. Those whose promise ends in another window than planned
    (because their archived part is kept longer) are left to the next plan, which will know.
    """
    wanted = _wanted(connection, file, values)
    ended_by = values["as_of"] if file["kind"] == "held" else EVER[1]
    found = find(house, connection, wanted, place, ended_by)
    hold_turn(connection, run_id)
    execute(connection, "payment_archive/clear_restated", file_id=file["file_id"])
    copy_rows(connection, "payment_archive/copy_restated", _rows(file["file_id"], found))
    if file["kind"] == "correction":
        charges = {record["charge_id"] for records in found.values() for record in records}
        orphans = sorted({charge for charge, _ in wanted if charge} - charges, key=str)
        if orphans:
            execute(connection, "payment_archive/insert_orphans", run_id=run_id, charge_ids=orphans)
            log.error(
                "refunds or disputes whose charge is nowhere: %d; they stay in the hot table", len(orphans)
            )
        _leave_others(connection, run_id, file, values)
    connection.commit()


def with_hot(file: Row) -> bool:
    """Whether what came later belongs into the file: not for a held order, whose promise is over."""
    return bool(file["kind"] == "correction")


def find(
    house: House,
    connection: Connection,
    wanted: Collection[tuple[UUID | None, str]],
    place: Path,
    ended_by: datetime,
) -> dict[UUID, Records]:
    """Records of (charge, order) as the latest file with the charge holds them, by file; charge None: all of the order.

    Files are opened only if what they cover includes the order and their last promise ends by ``ended_by``; each is
    checked against its recorded digest.
    """
    opened: dict[UUID, Path] = {}
    found: dict[UUID, Records] = {}
    for charge_id, order_id in wanted:
        seen: set[UUID] = set()
        for holder in fetch(
            connection, "payment_archive/select_holders", order_id=order_id, ended_by=ended_by
        ):
            path = opened.get(holder["file_id"]) or vault.fetch_exact(
                house, READER, holder, place / f"{holder['file_id']}.parquet"
            )
            opened[holder["file_id"]] = path
            records = [
                record
                for record in _records(path, order_id)
                if charge_id in (None, record["charge_id"]) and record["charge_id"] not in seen
            ]
            found.setdefault(holder["file_id"], []).extend(records)
            seen |= {record["charge_id"] for record in records}
            if charge_id in seen:
                break
    return found


def _wanted(connection: Connection, file: Row, values: Mapping[str, Any]) -> list[tuple[UUID | None, str]]:
    if file["kind"] == "held":
        return [(None, file["order_id"])]
    rows = fetch(connection, "payment_archive/select_late", **values)
    return [(row["charge_id"], row["order_id"]) for row in rows]


def _records(path: Path, order_id: str) -> Iterator[Mapping[str, Any]]:
    for batch in read_batches(path):
        yield from batch.filter(pc.equal(batch.column("order_id"), order_id)).to_pylist()


def _rows(file_id: UUID, found: Mapping[UUID, Records]) -> Iterable[tuple[object, ...]]:
    for from_file_id, records in found.items():
        for record in records:
            yield (file_id, from_file_id, *(record[name] for name in NAMES))


def _leave_others(connection: Connection, run_id: int, file: Row, values: Mapping[str, Any]) -> None:
    """Drop families from the stage that are not final again, or whose promise ends outside of the file's window."""
    others: dict[UUID, datetime | None] = {
        row["charge_id"]: row["ends_at"]
        for row in fetch(
            connection,
            "payment_archive/measure_restated",
            file_id=file["file_id"],
            with_hot=True,
            years=values["years"],
            time_zone=values["time_zone"],
        )
        if row["ends_at"] is None or window_of(row["ends_at"]).start != file["window_start"]
    }
    if not others:
        return
    known = {charge: end for charge, end in others.items() if end is not None}
    execute(
        connection,
        "payment_archive/upsert_late",
        run_id=run_id,
        charge_ids=list(known),
        ends=list(known.values()),
    )
    execute(connection, "payment_archive/drop_restated", file_id=file["file_id"], charge_ids=list(others))
    log.info(
        "payments whose archived part is kept longer, or that are not final again: %d, left to the next run",
        len(others),
    )
