"""What the steps of one file have in common: whose turn it is, where its bytes lie meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_lifecycle.database import Connection, Row, fetch, fetch_one
from data_lifecycle.protocol.house import House, PromiseBroken


class Superseded(PromiseBroken):
    """A later run has taken the turn: this worker has nothing left to do."""


def released_run(connection: Connection, run_id: int) -> Row:
    """The run, which guard has let go; PromiseBroken if it has not."""
    run = fetch_one(connection, "payment_archive/read_run", run_id=run_id)
    if run["released_at"] is None:
        raise PromiseBroken(
            f"run {run_id} was not released by guard: nothing may be archived or erased for it"
        )
    return run


def hold_turn(connection: Connection, run_id: int) -> None:
    """Keep the turn until this transaction ends; Superseded if another run has it."""
    if not fetch(connection, "payment_archive/hold_turn", run_id=run_id):
        raise Superseded(f"a later run has taken over from run {run_id}: this worker has nothing left to do")


def see_turn(connection: Connection, run_id: int) -> None:
    """As ``hold_turn``, for whoever only looks and cannot lock."""
    if not fetch(connection, "payment_archive/read_turn", run_id=run_id):
        raise Superseded(f"a later run has taken over from run {run_id}: this worker has nothing left to do")


def file_of(connection: Connection, run_id: int, batch: int) -> Row | None:
    """The file that a batch is about; None for the batch of a plan without files."""
    rows = fetch(connection, "payment_archive/select_files", run_id=run_id, batch=batch)
    return rows[0] if rows else None


@contextmanager
def folder(house: House) -> Iterator[Path]:
    """A folder of the owner's own for files on their way, gone afterwards; payment records are in them."""
    house.settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="payments-", dir=house.settings.home) as name:
        yield Path(name)
