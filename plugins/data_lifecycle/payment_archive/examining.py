"""Read what lies in the vault, not what the books say of it: records that are elsewhere too, refunds without their
charge, locks that do not follow from the records (policy 3.2).

Four columns of every current file are read by ranges, with the observer's credential, one file in memory at a time.
Only numbers leave this module.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_lifecycle.connections import StoreAccess
from data_lifecycle.database import Connection, Row, execute, fetch
from data_lifecycle.objects import store
from data_lifecycle.payment_archive.plan import PaymentClock
from data_lifecycle.payment_archive.vault import whole_seconds
from data_lifecycle.payment_archive.vaultfile import VaultFile
from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.protocol.house import House, log
from data_lifecycle.sqlfiles import load

COLUMNS = ["payment_id", "charge_id", "occurred_at", "settled_at"]
_ROW = [("fields", ">i2"), ("l1", ">i4"), ("id", "V16"), ("l2", ">i4"), ("file", ">i4")]
"""A row of two columns, uuid and integer, as COPY's binary format has it."""
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Read:
    """What a file's records say: how many, how many without their charge, when its first and last family was final."""

    records: int
    orphans: int
    first_final: datetime
    last_final: datetime


def read_table(table: Any) -> Read:
    """The numbers of a file's records (`COLUMNS`); ValueError for a file without any."""
    if not table.num_rows:
        raise ValueError("a file of the archive has records")
    own, charge = (_plain(table.column(name)) for name in ("payment_id", "charge_id"))
    homeless = pc.sum(pc.invert(pc.is_in(charge, value_set=own))).as_py()
    # As numbers: Arrow has no larger of two moments.
    moments = pc.max_element_wise(*(table.column(name).cast(pa.int64()) for name in COLUMNS[2:]))
    families = pa.table({"charge": charge, "at": moments}).group_by("charge").aggregate([("at", "max")])
    ends = pc.min_max(families.column("at_max").cast(pa.timestamp("us", "UTC"))).as_py()
    return Read(table.num_rows, int(homeless), ends["min"], ends["max"])


def lock_wrong(
    kind: str, until: datetime | None, clock: PaymentClock, read: Read, stated_end: datetime
) -> bool:
    """Whether a lock that ends at ``until`` (None: there is none) breaks the policy for these records.

    It must last until the promise of the newest ends, and no longer than the oldest may be kept. A correction may be
    locked until what the books say: nothing shortens what was promised for the part that was archived earlier. A held
    file is kept by the hold, not by a date.
    """
    if kind == "held":
        return False
    latest = clock.ends(read.first_final) + clock.erase_within
    if kind == "correction":
        latest = max(latest, whole_seconds(stated_end))
    return until is None or until < clock.ends(read.last_final) or until > latest


def unstated(
    shared: Mapping[tuple[UUID, UUID], int], stated: Mapping[tuple[UUID, UUID], int], current: Sequence[UUID]
) -> Counter[UUID]:
    """By later file: records it shares with an earlier one and the books do not say so, or say so and it does not."""
    known = set(current)
    wrong: Counter[UUID] = Counter()
    for pair in shared.keys() | {pair for pair in stated if known.issuperset(pair)}:
        wrong[pair[1]] += abs(shared.get(pair, 0) - stated.get(pair, 0))
    return wrong


def examine(
    house: House,
    connection: Connection,
    access: StoreAccess,
    run_id: int,
    number: int,
    locks: Mapping[UUID, datetime | None],
) -> None:
    """Examine every current file that was seen in look ``number`` of the run; ``locks`` are theirs, by file.

    A file that cannot be read is noted as that, and the rest is examined all the same. The caller commits.
    """
    files = [
        file for file in fetch(connection, "payment_archive/select_examined") if file["file_id"] in locks
    ]
    reads: dict[int, Read] = {}
    execute(connection, "payment_archive/create_examined")
    stream = _Stream(_rows(house, access, files, reads))
    with connection.cursor() as cursor:
        cursor.copy_expert(load("payment_archive/stream_examined"), cast("Any", stream), _READ_BYTES)
    execute(connection, "payment_archive/analyze_examined")
    execute(connection, "payment_archive/set_join_memory")
    ids = [file["file_id"] for file in files]
    shared = {
        (ids[row["earlier"]], ids[row["later"]]): int(row["rows"])
        for row in fetch(connection, "payment_archive/count_shared")
    }
    stated = {
        (row["file_id"], row["by_file_id"]): int(row["rows"])
        for row in fetch(connection, "payment_archive/sum_superseded")
    }
    doubled = unstated(shared, stated, [ids[place] for place in sorted(reads)])
    hot = {
        ids[row["file_number"]]: int(row["rows"])
        for row in fetch(connection, "payment_archive/count_still_hot")
    }
    wrong = _wrong_locks(house, files, reads, locks)
    found = [reads.get(place) for place in range(len(files))]
    execute(
        connection,
        "payment_archive/insert_examined",
        run_id=run_id,
        round=number,
        file_ids=ids,
        readable=[read is not None for read in found],
        records=[read and read.records for read in found],
        orphans=[read and read.orphans for read in found],
        doubled=[doubled[name] if read else None for name, read in zip(ids, found, strict=True)],
        still_hot=[hot.get(name, 0) if read else None for name, read in zip(ids, found, strict=True)],
        lock_wrong=[wrong.get(place) for place in range(len(files))],
    )
    log.info(
        "read in the vault: %d records in %d of %d current files",
        sum(read.records for read in reads.values()),
        len(reads),
        len(files),
    )
    for what, count in (
        ("records that are in two files", sum(doubled.values())),
        ("records that are archived and hot", sum(hot.values())),
        ("records whose charge is not in their file", sum(read.orphans for read in reads.values())),
        ("files whose lock does not follow from their records", sum(wrong.values())),
    ):
        if count:
            log.error("%s: %d", what, count)


def _rows(house: House, access: StoreAccess, files: Sequence[Row], reads: dict[int, Read]) -> Iterator[bytes]:
    """The ids of all files as COPY's binary format; fills ``reads`` by the file's place on the way."""
    from botocore.exceptions import BotoCoreError, ClientError

    s3: Any = store.client(access, read_timeout=300)
    yield _HEADER
    for place, file in enumerate(files):
        source = VaultFile(
            s3, house.settings.bucket_vault, file["object_key"], file["version_id"], int(file["bytes"])
        )
        try:
            opened = pq.ParquetFile(pa.PythonFile(source, mode="r"), page_checksum_verification=True)
            table = opened.read(COLUMNS)
            reads[place] = read_table(table)
        except (pa.ArrowException, OSError, ValueError, ClientError, BotoCoreError) as error:
            log.error("file %s cannot be read in the vault: %s", file["file_id"], type(error).__name__)
            continue
        yield _binary(_plain(table.column("payment_id")), place)
    yield _TRAILER


def _wrong_locks(
    house: House,
    files: Sequence[Row],
    reads: Mapping[int, Read],
    locks: Mapping[UUID, datetime | None],
) -> dict[int, bool]:
    policies = load_all(house.settings.policy_dir)
    return {
        place: lock_wrong(
            files[place]["kind"],
            locks[files[place]["file_id"]],
            PaymentClock(policy_in_force(policies, files[place]["as_of"])),
            read,
            files[place]["last_end"],
        )
        for place, read in reads.items()
    }


def _plain(column: Any) -> Any:
    """UUIDs as their 16 bytes, which Arrow's functions know."""
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    return pa.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)


def _binary(ids: Any, place: int) -> bytes:
    import numpy as np

    array = ids.combine_chunks()
    rows = np.zeros(len(array), np.dtype(_ROW))
    rows["fields"], rows["l1"], rows["l2"], rows["file"] = 2, 16, 4, place
    rows["id"] = np.frombuffer(array.buffers()[1], "V16", len(array), array.offset * 16)
    return rows.tobytes()


class _Stream(io.RawIOBase):
    """Blocks of bytes as the file that COPY reads."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest and (block := next(self._blocks, None)) is not None:
            self._rest = memoryview(block)
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return bytes(taken)
