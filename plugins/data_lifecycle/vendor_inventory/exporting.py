"""export: the documents into the locked bucket, and as files below the house's folder. Every effect can be repeated."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from data_lifecycle.database import Row, connect, execute, fetch, fetch_one
from data_lifecycle.evidence import vault
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, log
from data_lifecycle.settings import Settings
from data_lifecycle.vendor_inventory import contract
from data_lifecycle.vendor_inventory.documents import TYPES


def export_run(house: House, run_id: int) -> None:
    """Store each document of run ``run_id`` once, read it back, and write the files; repeated, nothing changes.

    PromiseBroken when there is nothing to store, or the bucket keeps other bytes than the database.
    """
    settings = house.settings
    access = house.connections.store("evidence_vault")
    with connect(house.connections.database(ledger.WRITER), "vendor_inventory export") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        found = fetch(connection, "vendor_inventory/select_documents", run_id=run_id)
        if {row["name"] for row in found} != set(TYPES):
            raise PromiseBroken(
                f"run {run_id} has {len(found)} documents of {len(TYPES)}: observe comes first"
            )
        for row in found:
            name = contract.object_name(run["as_of"].isoformat(), run_id, row["name"], row["sha256"])
            try:
                kept = vault.keep(
                    access, settings.bucket_evidence, name, bytes(row["content"]), TYPES[row["name"]]
                )
            except vault.VaultError as error:
                raise PromiseBroken(f"a document is not kept: {error}") from error
            execute(
                connection,
                "vendor_inventory/insert_stored",
                run_id=run_id,
                document=row["name"],
                object_name=name,
                version_id=kept.version_id,
                locked_until=kept.locked_until,
            )
            connection.commit()
            log.info("stored and read back: %s, locked until %s", name, kept.locked_until.isoformat())
            log.info("sha256 %s, %d bytes", row["sha256"], row["bytes"])
    folder = folder_of(settings, run_id)
    write(folder, found)
    log.info("files below the house's folder: inventory/%s", folder.name)


def folder_of(settings: Settings, run_id: int) -> Path:
    """Where the files of a run lie."""
    return settings.home / "inventory" / f"run-{run_id:08d}"


def write(folder: Path, found: Sequence[Row]) -> None:
    """Write documents as files, each whole or not at all, readable by the owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for row in found:
        path = folder / row["name"]
        fresh = path.with_name(path.name + ".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(bytes(row["content"]))
        fresh.replace(path)
