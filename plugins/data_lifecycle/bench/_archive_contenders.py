"""Who archives: ours, verified and compared row by row, and what people use instead, with a count.

Each turn is a process of its own, so that its peak memory is its own. What is imported before the clock starts counts
for memory only. Deletions are rolled back: the next one finds the same table.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from data_lifecycle.connections import DatabaseAccess, FileConnections
from data_lifecycle.database import connect, execute, fetch_one
from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings
from data_lifecycle.sqlfiles import load

BOUND, OURS = "COPY to nowhere", "ours, verified"
CONNECTORX, ADBC, DUCKDB, PANDAS = "connectorx", "ADBC", "DuckDB", "pandas"
PEERS = (CONNECTORX, ADBC, DUCKDB)
"""Those that are made to be fast."""

Split = dict[str, float]
"""Seconds of each part."""


@dataclass(frozen=True, slots=True)
class Work:
    """A database with hot payments up to `to_at` (ISO), a vault, and a folder for files."""

    database: str
    access_file: str
    folder: str
    key: str
    rows: int
    to_at: str

    @property
    def target(self) -> Path:
        """Where the Parquet file goes."""
        return Path(self.folder) / "archive.parquet"

    @property
    def house(self) -> House:
        """The house with the keys of the vault."""
        return House(
            Settings.from_env({"LIFECYCLE_HOME": self.folder}), FileConnections(Path(self.access_file))
        )


class _Clock:
    def __init__(self) -> None:
        self.parts: Split = {}
        self._begun = self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.parts[name] = now - self._last
        self._last = now
        self.parts["total"] = now - self._begun


def _query() -> str:
    return load("payment_archive/select_hot_records")


def _bound(work: Work) -> Callable[[], Split]:
    from data_lifecycle.payment_archive.stream import copy_statement

    def turn() -> Split:
        with (
            connect(DatabaseAccess(work.database), "bench") as connection,
            Path("/dev/null").open("wb", buffering=1 << 20) as nowhere,
            connection.cursor() as cursor,
        ):
            clock = _Clock()
            cursor.copy_expert(copy_statement(connection, _query(), {}), nowhere)
            clock.lap("extract")
            _same(cursor.rowcount, work.rows)
        return clock.parts

    return turn


def _ours(work: Work) -> Callable[[], Split]:
    from data_lifecycle.payment_archive import compare, extract, parquet_file, remove, vault
    from data_lifecycle.payment_archive.columns import NAMES

    house = work.house
    access, bucket = house.connections.store("payment_vault"), house.settings.bucket_vault
    back = work.target.with_name("back.parquet")

    def turn() -> Split:
        with connect(DatabaseAccess(work.database), "bench") as connection:
            clock = _Clock()
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            found = extract.export(connection, _query(), {}, work.target)
            connection.rollback()
            connection.set_session(isolation_level="READ COMMITTED", readonly=False)
            clock.lap("extract")
            until = datetime.now(UTC) + timedelta(hours=1)
            put = vault.put_locked(access, house, work.key, work.target, until)
            clock.lap("put")
            vault.fetch(access, bucket, work.key, put.version_id, back)
            if parquet_file.read_facts(back) != found or len(found.columns) != len(NAMES):
                raise RuntimeError("the vault returns something else")
            clock.lap("read back")
            horizon = remove.read_horizon(connection)
            compare.compare(connection, _query(), {}, back)
            clock.lap("compare")
            _same(remove.remove(connection, back, horizon).rows, work.rows)
            connection.rollback()
            clock.lap("remove")
        return clock.parts

    return turn


def _connectorx(work: Work) -> Callable[[], Split]:
    connectorx, parquet = (importlib.import_module(name) for name in ("connectorx", "pyarrow.parquet"))

    def write() -> None:
        table = connectorx.read_sql(work.database, _query(), return_type="arrow")
        parquet.write_table(table, work.target, compression="zstd")

    return _usual(work, write)


def _adbc(work: Work) -> Callable[[], Split]:
    adbc, parquet = (
        importlib.import_module(name) for name in ("adbc_driver_postgresql.dbapi", "pyarrow.parquet")
    )

    def write() -> None:
        with adbc.connect(work.database) as connection, connection.cursor() as cursor:
            cursor.execute(_query())
            reader = cursor.fetch_record_batch()
            with parquet.ParquetWriter(work.target, reader.schema, compression="zstd") as writer:
                for batch in reader:
                    writer.write_batch(batch)

    return _usual(work, write)


def _duckdb(work: Work) -> Callable[[], Split]:
    duckdb = importlib.import_module("duckdb")
    found = importlib.metadata.files("duckdb-extension-postgres-scanner") or []
    extension = next(str(file.locate()) for file in found if file.suffix == ".duckdb_extension")

    def write() -> None:
        with duckdb.connect() as connection:
            connection.load_extension(extension)
            connection.execute(f"ATTACH '{work.database}' AS studio (TYPE postgres, READ_ONLY)")
            rows = connection.table_function("postgres_query", ["studio", _query()])
            rows.write_parquet(str(work.target), compression="zstd")

    return _usual(work, write)


def _pandas(work: Work) -> Callable[[], Split]:
    pandas, sqlalchemy = (importlib.import_module(name) for name in ("pandas", "sqlalchemy"))
    engine = sqlalchemy.create_engine(work.database.replace("postgresql:", "postgresql+psycopg2:"))

    def write() -> None:
        with engine.connect() as connection:
            pandas.read_sql(sqlalchemy.text(_query()), connection).to_parquet(work.target)

    return _usual(work, write)


def _usual(work: Work, write: Callable[[], None]) -> Callable[[], Split]:
    """Into a file, into the bucket, count, delete. Nobody looks at a value again."""
    from data_lifecycle.objects.store import client

    parquet = importlib.import_module("pyarrow.parquet")
    house = work.house
    s3 = client(house.connections.store("payment_vault"), read_timeout=300)

    def turn() -> Split:
        with connect(DatabaseAccess(work.database), "bench") as connection:
            clock = _Clock()
            write()
            clock.lap("extract")
            with work.target.open("rb") as body:
                s3.put_object(Bucket=house.settings.bucket_vault, Key=work.key, Body=body)
            clock.lap("put")
            counted = fetch_one(connection, "payment_archive/count_hot")["rows"]
            _same(parquet.ParquetFile(work.target).metadata.num_rows, counted)
            clock.lap("count")
            deleted = execute(connection, "payment_archive/delete_hot", to_at=work.to_at)
            _same(deleted, work.rows)
            connection.rollback()
            clock.lap("remove")
        return clock.parts

    return turn


def _same(found: int, wanted: int) -> None:
    if found != wanted:
        raise RuntimeError(f"{found} rows where {wanted} were expected")


CONTENDERS: dict[str, Callable[[Work], Callable[[], Split]]] = {
    BOUND: _bound,
    OURS: _ours,
    CONNECTORX: _connectorx,
    ADBC: _adbc,
    DUCKDB: _duckdb,
    PANDAS: _pandas,
}


def arguments(name: str, work: Work) -> list[str]:
    """The command of a turn's process; it prints one line of JSON."""
    return [sys.executable, "-m", __name__, name, json.dumps(asdict(work))]


def main(argv: list[str]) -> int:
    """One turn of one contender: seconds by part, peak memory in MiB, size of the file in bytes."""
    name, work = argv[0], Work(**json.loads(argv[1]))
    turn = CONTENDERS[name](work)
    answer: dict[str, Any] = {"parts": turn()}
    answer["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer["bytes"] = work.target.stat().st_size if work.target.exists() else 0
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
