"""compare: another credential reads the stored file and compares every record with a second look at the studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.payment_archive.columns import NAMES
from data_lifecycle.payment_archive.compare import Altered, compare
from data_lifecycle.payment_archive.parquet_file import read_batches
from data_lifecycle.payment_archive.remove import load_keys, read_horizon
from data_lifecycle.payment_archive.vault import fetch_exact
from data_lifecycle.payment_archive.workplace import file_of, folder, see_turn
from data_lifecycle.protocol.house import House, PromiseBroken, log
from data_lifecycle.sqlfiles import load

ROLE = "studio_observer"
OBSERVER = "payment_observer"


def compare_batch(house: House, run_id: int, batch: int) -> None:
    """Compare the stored file of a batch with the studio's rows, all of them, and note it; without that nothing goes.

    Records that were restated are compared once more with the files they come from. Raises PromiseBroken, naming
    columns and counts and never a value, when anything differs.
    """
    with connect(house.connections.database(ROLE), "payment_archive compare") as connection:
        file = file_of(connection, run_id, batch)
        see_turn(connection, run_id)
        if file is None or file["state"] != "stored":
            log.info("batch %d: nothing to compare", batch)
            return
        with folder(house) as place:
            stored = fetch_exact(house, OBSERVER, file, place / "stored.parquet")
            _restated(house, connection, file, place)
            horizon = read_horizon(connection)  # before the look whose rows it speaks of
            load_keys(connection, stored)
            try:
                compared = compare(
                    connection, load("payment_archive/select_compared"), {"file_id": file["file_id"]}, stored
                )
            except Altered as difference:
                raise PromiseBroken(
                    f"file {file['file_id']} is not what the studio has: {difference}; nothing is removed"
                ) from None
        execute(
            connection,
            "payment_archive/insert_compared",
            file_id=file["file_id"],
            version_id=file["version_id"],
            run_id=run_id,
            rows=compared.rows,
            horizon=horizon,
        )
        connection.commit()
    log.info(
        "file %s: %d records compared with another credential, all equal", file["file_id"], compared.rows
    )


def _restated(house: House, connection: Connection, file: Row, place: Path) -> None:
    staged: dict[UUID, dict[UUID, tuple[Any, ...]]] = {}
    for row in fetch(connection, "payment_archive/select_restated_from", file_id=file["file_id"]):
        staged.setdefault(row["from_file_id"], {})[row["payment_id"]] = tuple(row[name] for name in NAMES)
    for from_file_id, records in staged.items():
        source = fetch_one(connection, "payment_archive/find_file", file_id=from_file_id)
        path = fetch_exact(house, OBSERVER, source, place / "source.parquet")
        orders = pa.array({record[NAMES.index("order_id")] for record in records.values()})
        seen = 0
        for batch in read_batches(path):
            for record in batch.filter(pc.is_in(batch.column("order_id"), orders)).to_pylist():
                ours = records.get(record["payment_id"])
                if ours is not None:
                    seen += 1
                    if ours != tuple(record[name] for name in NAMES):
                        raise PromiseBroken(
                            f"file {file['file_id']} restates a record otherwise than file {from_file_id} has it"
                        )
        if seen != len(records):
            raise PromiseBroken(
                f"file {file['file_id']} restates records that file {from_file_id} does not have"
            )
