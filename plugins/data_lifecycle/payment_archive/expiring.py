"""expire: what was kept for seven years goes, from the vault by version, from the hot table if it never left it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg2.extensions

from data_lifecycle.database import connect, execute, fetch, fetch_one
from data_lifecycle.objects import store
from data_lifecycle.payment_archive import vault
from data_lifecycle.payment_archive.planning import ROLE, clock_of
from data_lifecycle.payment_archive.removing import drop_months
from data_lifecycle.payment_archive.workplace import hold_turn, released_run
from data_lifecycle.protocol import posture
from data_lifecycle.protocol.house import House, PromiseBroken, log


def expire_run(house: House, run_id: int) -> None:
    """Erase the files that the run planned to, and hot records whose promise ended before they were archived.

    Never before the last promise of a file has ended, by the database's clock too; never what a hold keeps. Intent is
    committed first. The store's answers are claims: absence is for ``observe`` to see. Safe to repeat.
    """
    _refuse_while_paused(house)
    _erase_hot(house, run_id)
    drop_months(house)
    with connect(house.connections.database(ROLE), "payment_archive expire") as connection:
        run = released_run(connection, run_id)
        hold_turn(connection, run_id)
        files = fetch(connection, "payment_archive/select_expiring", run_id=run_id, as_of=run["as_of"])
        held = [file for file in files if file["held"]]
        going = [file for file in files if not file["held"]]
        execute(connection, "payment_archive/note_expiring", file_ids=[file["file_id"] for file in going])
        connection.commit()
    if held:
        log.warning(
            "files kept because a hold names an order in them that is not restated yet: %d", len(held)
        )
    eraser = house.connections.store("payment_eraser")
    refused: Counter[str] = Counter()
    for file in going:
        _refuse_while_paused(house)
        accepted, codes = vault.erase_file(
            eraser, house.settings.bucket_vault, file["object_key"], unhold=file["kind"] == "held"
        )
        refused.update(codes)
        log.info(
            "file %s: the vault accepted %d deletions (accepted is not yet absent)", file["file_id"], accepted
        )
    if refused:
        log.error("the vault refused deletions: %s", dict(sorted(refused.items())))
    _erase_canaries(house)


def _refuse_while_paused(house: House) -> None:
    with connect(house.connections.database(ROLE), "payment_archive expire") as connection:
        posture.refuse_while_paused(connection, "nothing more is erased")


def _erase_hot(house: House, run_id: int) -> None:
    with connect(house.connections.database(ROLE), "payment_archive expire") as connection:
        connection.set_session(isolation_level=psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ)
        run = released_run(connection, run_id)
        hold_turn(connection, run_id)
        clock = clock_of(house, run["as_of"])[1]
        values = {"as_of": run["as_of"], "years": clock.years, "time_zone": clock.timezone}
        expected = fetch_one(connection, "payment_archive/count_ended", **values)["rows"]
        if not expected:
            return
        before = fetch_one(connection, "payment_archive/sum_expired", run_id=run_id)["rows"]
        execute(connection, "payment_archive/erase_ended", run_id=run_id, **values)
        erased = fetch_one(connection, "payment_archive/sum_expired", run_id=run_id)["rows"] - before
        left = fetch_one(connection, "payment_archive/count_ended", **values)["rows"]
        if erased != expected or left:
            raise PromiseBroken(
                f"{erased} rows deleted and {left} left where {expected} were over: rolled back; something in the "
                "database swallows deletes"
            )
        connection.commit()
    log.info("erased from the hot table, over before they were archived: %d records", erased)


def _erase_canaries(house: House) -> None:
    """Canaries whose own lock has ended; one that is still locked is refused, and waits."""
    from botocore.exceptions import ClientError

    access, bucket = house.connections.store("payment_eraser"), house.settings.bucket_vault
    spent = datetime.now(UTC) - vault.CANARY_LOCK - timedelta(hours=1)
    for entry in vault.versions_below(access, bucket, vault.CANARY_FOLDER):
        if entry.last_modified < spent:
            try:
                store.client(access).delete_object(Bucket=bucket, Key=entry.key, VersionId=entry.version_id)
            except ClientError as error:
                log.info("an old canary was not erased: %s", error.response.get("Error", {}).get("Code"))
