"""observe and sweep: look with another credential and another code path than the ones that erased."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from data_lifecycle.database import Row, connect, copy_rows, execute, fetch, fetch_one
from data_lifecycle.objects.model import ObjectVersion, StoreUnknown
from data_lifecycle.photo_purge.plan import PhotoClock, folder, order_folder
from data_lifecycle.photo_purge.survey import Survey, by_key, survey, sweep
from data_lifecycle.policy.loader import load_all
from data_lifecycle.protocol.house import House, log

CANARY_FOLDER = "canary/"


def observe_run(house: House, run_id: int) -> None:
    """Say of every sealed entry whether it is absent, present or unknown, and of everything else in the folders whether
    it should not be there; the canaries must be found.

    One more round is added each time; the latest counts. Costs follow the number of due orders. Raises StoreUnknown
    when a bucket cannot be looked at; a single folder that cannot be listed makes only its entries unknown.
    """
    with connect(house.connections.database("studio_observer"), "photo_purge observe") as connection:
        items = fetch(connection, "photo_purge/select_items", run_id=run_id)
        cases = {
            order_folder(row["order_id"]): row["case_id"]
            for row in fetch(connection, "photo_purge/select_cases", run_id=run_id)
        }
        buckets = house.settings.photo_buckets
        canaries = fetch(connection, "photo_purge/select_canaries", buckets=list(buckets))
        folders = {folder(item["object_key"]) for item in items} | cases.keys() | {CANARY_FOLDER}
        seen = survey(house.connections.store("object_observer"), buckets, folders)
        moment = datetime.now(UTC)
        strays = {e.key for f in cases if f in seen.entries for e in seen.entries[f]} - {
            item["object_key"] for item in items
        }
        recorded = {
            row["object_key"]
            for row in fetch(connection, "photo_purge/select_recorded_keys", keys=sorted(strays))
        }
        round_number = int(fetch_one(connection, "photo_purge/next_round", run_id=run_id)["round"])
        rows = [
            *_items_seen(items, seen, buckets),
            *_survivors(items, cases, seen, recorded),
            *_unseen(cases, seen),
            *_canaries_seen(canaries, seen),
        ]
        copy_rows(
            connection,
            "photo_purge/copy_observations",
            ((run_id, round_number, *row, moment) for row in rows),
        )
        connection.commit()
    outcomes = Counter((row[2], row[3] or "-", row[9]) for row in rows)
    log.info(
        "run %d, look %d, with the observer's credential at %s", run_id, round_number, moment.isoformat()
    )
    for (subject, disposition, outcome), count in sorted(outcomes.items()):
        log.info(
            "seen: %d of %s%s %s", count, subject, "" if disposition == "-" else f" to {disposition}", outcome
        )
    for reason, count in sorted(Counter(seen.unknown.values()).items()):
        log.warning("%d folders could not be listed: %s", count, reason)
    if not canaries:
        log.error("no canaries are registered: this look proves nothing")


def _row(
    case_id: UUID | None,
    item_id: int | None,
    subject: str,
    disposition: str | None,
    what: tuple[str, str, str, str],
    size: int,
    outcome: str,
    code: str | None = None,
) -> tuple[Any, ...]:
    return (case_id, item_id, subject, disposition, *what, size, outcome, code)


def _items_seen(items: list[Row], seen: Survey, buckets: Collection[str]) -> Iterator[tuple[Any, ...]]:
    there = by_key(seen.entries)
    identities = {entry.identity for found in there.values() for entry in found}
    keys = {key for _, key in there}
    for item in items:
        what = (item["bucket"], item["object_key"], item["kind"], item["version_id"])
        place = folder(item["object_key"])
        outcome, code = "absent", None
        if item["bucket"] not in buckets:
            outcome, code = "unknown", "bucket-not-covered"
        elif place in seen.unknown:
            outcome, code = "unknown", seen.unknown[place]
        elif what in identities or (item["kind"] == "nothing" and item["object_key"] in keys):
            outcome = "present"
        yield _row(
            item["case_id"], item["item_id"], "item", item["disposition"], what, item["bytes"], outcome, code
        )


def _survivors(
    items: list[Row], cases: dict[str, UUID], seen: Survey, recorded: set[str]
) -> Iterator[tuple[Any, ...]]:
    """Entries that nobody sealed: a new version of a key that had to go, or a stray in the folder of a case."""
    sealed = {(item["bucket"], item["object_key"], item["kind"], item["version_id"]) for item in items}
    case_of_key = {item["object_key"]: item["case_id"] for item in items if item["disposition"] == "erase"}
    spared = {item["object_key"] for item in items if item["disposition"] != "erase"}
    guarded = {item["case_id"] for item in items if item["disposition"] == "hold"}
    for place, found in seen.entries.items():
        for entry in found:
            if entry.identity in sealed or entry.key in spared or place == CANARY_FOLDER:
                continue
            case_id = case_of_key.get(entry.key)
            if case_id is None and entry.key not in recorded and cases.get(place) not in guarded:
                case_id = cases.get(place)
            if case_id is not None:
                yield _row(case_id, None, "survivor", None, entry.identity, entry.size, "present")


def _unseen(cases: dict[str, UUID], seen: Survey) -> Iterator[tuple[Any, ...]]:
    """Folders of cases that could not be listed: what nobody sealed may lie there, whatever was sealed."""
    for place, reason in seen.unknown.items():
        if place in cases:
            nothing = ("-", place, "nothing", "-")
            yield _row(cases[place], None, "survivor", None, nothing, 0, "unknown", reason)


def _canaries_seen(canaries: list[Row], seen: Survey) -> Iterator[tuple[Any, ...]]:
    identities = {entry.identity for entry in seen.entries.get(CANARY_FOLDER, [])}
    for canary in canaries:
        what = (canary["bucket"], canary["object_key"], canary["kind"], canary["version_id"])
        yield _row(None, None, "canary", None, what, 0, "present" if what in identities else "absent")


def sweep_run(house: House, run_id: int) -> None:
    """Walk whole buckets and judge every entry on its own: nothing overdue may hide outside of the plan.

    Costs follow the size of the buckets. What is found past its deadline, or where everything was done with before its
    deadline, makes the next plan look at its order again; an order of this very run then stays open.
    """
    with connect(house.connections.database("studio_observer"), "photo_purge sweep") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        clock = PhotoClock.at(load_all(house.settings.policy_dir), run["as_of"])
        policy = clock.policy
        execute(connection, "photo_purge/create_inventory")
        buckets = house.settings.photo_buckets
        access = house.connections.store("object_observer")
        for bucket in buckets:
            copy_rows(
                connection,
                "photo_purge/copy_inventory",
                (_inventory_line(entry) for page in sweep(access, bucket) for entry in page),
            )
        execute(
            connection,
            "photo_purge/classify_inventory",
            run_id=run_id,
            as_of=run["as_of"],
            request=clock.request_within,
            after_hold=policy.holds.erase_within_after_release.elapsed,
            **clock.terms(run["as_of"]),
        )
        rows = fetch(
            connection,
            "photo_purge/insert_sweep",
            run_id=run_id,
            buckets=list(buckets),
            aged_before=run["as_of"] - policy.orphans_report_after,
        )
        resurfaced = execute(connection, "photo_purge/insert_resurfaced", run_id=run_id)
        connection.commit()
    for row in rows:
        log.info(
            "inventory of %s: %d entries; %d owned, %d held, %d overdue, %d orphans (%d older than %s), %d canaries",
            row["bucket"],
            row["listed"],
            row["owned"],
            row["held"],
            row["overdue"],
            row["orphans"],
            row["aged_orphans"],
            policy.orphans.report_after,
            row["canaries"],
        )
    if resurfaced:
        log.warning("%d orders have entries that should be gone: judged again in the next plan", resurfaced)


def _inventory_line(entry: ObjectVersion) -> tuple[object, ...]:
    return (entry.bucket, entry.key, entry.kind, entry.version_id, entry.last_modified)


__all__ = ["StoreUnknown", "observe_run", "sweep_run"]
