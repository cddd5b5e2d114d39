"""observe: look into the vault with a credential that can only look: what should be there, what should be gone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from data_lifecycle.database import Row, connect, copy_rows, fetch, fetch_one
from data_lifecycle.objects.model import ObjectVersion
from data_lifecycle.payment_archive import vault
from data_lifecycle.payment_archive.examining import examine
from data_lifecycle.protocol.house import House, log

ROLE = "studio_observer"
IDENTITY = "payment_observer"


def observe_run(house: House, run_id: int) -> None:
    """Say of every file whether it is there and locked long enough, of every expired one whether it is gone, and what
    else lies there; today's canary must be found. Then read what the files hold. Each look is a round, the latest
    counts.

    Raises StoreUnknown when the vault cannot be listed.
    """
    access, bucket = house.connections.store(IDENTITY), house.settings.bucket_vault
    with connect(house.connections.database(ROLE), "payment_archive observe") as connection:
        expected = fetch(connection, "payment_archive/select_expected")
        found = vault.versions_below(access, bucket, f"{house.settings.vault_folder}/")
        canaries = vault.versions_below(access, bucket, vault.CANARY_FOLDER)
        moment = datetime.now(UTC)
        by_key: dict[str, list[ObjectVersion]] = {}
        for entry in found:
            by_key.setdefault(entry.key, []).append(entry)
        rows = [_seen(house, file, by_key.get(file["object_key"], [])) for file in expected]
        known = {file["object_key"]: file["version_id"] for file in expected}
        for entry in found:
            # A key noted without a version: whoever was about to put it died before it could note that.
            if entry.key not in known or known[entry.key] not in (None, entry.version_id):
                rows.append((None, "stranger", "present", None, None, False, entry.size))
        there = any(entry.kind == "version" for entry in canaries)
        rows.append((None, "canary", "present" if there else "absent", None, None, False, None))
        number = int(fetch_one(connection, "payment_archive/next_round", run_id=run_id)["round"])
        copy_rows(connection, "payment_archive/copy_sights", ((run_id, number, *row, moment) for row in rows))
        connection.commit()
        locks = {row[0]: row[4] for row in rows if row[1:3] == ("present", "present")}
        examine(house, connection, access, run_id, number, locks)
        connection.commit()
    log.info(
        "run %d, look %d into the vault, with the observer's credential at %s",
        run_id,
        number,
        moment.isoformat(),
    )
    for (what, outcome), count in sorted(Counter((row[1], row[2]) for row in rows).items()):
        log.info("seen: %d expected %s are %s", count, what, outcome)
    short = sum(bool(row[5]) for row in rows)
    if short:
        log.error("files whose lock ends before their promise does: %d", short)


def _seen(house: House, file: Row, found: list[ObjectVersion]) -> tuple[Any, ...]:
    """(file, expected, outcome, code, locked until, lock too short, bytes)"""
    from botocore.exceptions import BotoCoreError, ClientError

    file_id, expected = file["file_id"], file["expected"]
    if expected == "absent":
        return (file_id, expected, "present" if found else "absent", None, None, False, None)
    versions = [
        entry for entry in found if file["version_id"] in (None, entry.version_id) and entry.kind == "version"
    ]
    if not versions:
        # Of a file that was only intended nothing need be there: what was never noted cannot be missing.
        return (file_id, expected if file["version_id"] else "absent", "absent", None, None, False, None)
    try:
        lock = vault.lock_of(
            house.connections.store(IDENTITY),
            house.settings.bucket_vault,
            file["object_key"],
            versions[0].version_id,
        )
    except ClientError as error:
        return (
            file_id,
            expected,
            "unknown",
            str(error.response.get("Error", {}).get("Code")),
            None,
            False,
            None,
        )
    except BotoCoreError as error:
        return (file_id, expected, "unknown", type(error).__name__, None, False, None)
    if lock is None:
        return (file_id, expected, "absent", None, None, False, None)
    needed = file["last_end"]
    short = not lock.held if file["kind"] == "held" else lock.until is None or lock.until < needed
    return (file_id, expected, "present", None, lock.until, short, lock.bytes)
