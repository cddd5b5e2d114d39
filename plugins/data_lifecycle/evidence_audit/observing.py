"""observe: look with the observer's credential whether anything that was attested absent is there again."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from data_lifecycle.database import Connection, Row, connect, copy_rows, fetch, fetch_one
from data_lifecycle.objects.model import ObjectVersion
from data_lifecycle.photo_purge.plan import folder, order_folder
from data_lifecycle.photo_purge.survey import Survey, survey
from data_lifecycle.protocol.house import House, PromiseBroken, log

CANARY_FOLDER = "canary/"


@dataclass
class _Seen:
    """What was seen of one case."""

    items: int = 0
    back: list[ObjectVersion] = field(default_factory=list)
    accounted: int = 0
    unseen: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Found:
    case_id: UUID
    entry: ObjectVersion
    sealed: bool


def observe_run(house: House, run_id: int) -> None:
    """Look for everything that the cases committed to, below their keys and in their orders' folders.

    Versions, markers and unfinished uploads in all photo buckets count, whatever their version ids: a copy that was put
    back has a new one. What came after the closing, and legitimately, is counted apart. The canaries must be found.
    Each call adds a round; the latest counts. Raises StoreUnknown when a bucket cannot be listed, PromiseBroken when
    guard has not released the run.
    """
    buckets = house.settings.photo_buckets
    with connect(house.connections.database("studio_observer"), "evidence_audit observe") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        if run["released_at"] is None:
            raise PromiseBroken(f"run {run_id} was not released by guard: its plan is not published")
        cases = fetch(connection, "evidence_audit/select_cases", run_id=run_id)
        items = fetch(connection, "evidence_audit/select_items", run_id=run_id)
        canaries = fetch(connection, "photo_purge/select_canaries", buckets=list(buckets))
        connection.commit()
        folders = {order_folder(case["order_id"]) for case in cases} | {
            folder(i["object_key"]) for i in items
        }
        seen = survey(house.connections.store("object_observer"), buckets, folders | {CANARY_FOLDER})
        moment = datetime.now(UTC)
        # Rows are read after the listing: an object is put before its row is written.
        looks = _judge(connection, run_id, cases, items, seen, buckets)
        number = int(fetch_one(connection, "evidence_audit/next_look_round", run_id=run_id)["round"])
        rows = [*_survivors(looks), *_canaries(canaries, seen)]
        copy_rows(
            connection,
            "photo_purge/copy_observations",
            ((run_id, number, *row, moment) for row in rows),
        )
        copy_rows(
            connection,
            "evidence_audit/copy_looks",
            (
                (run_id, number, case_id, s.items, len(s.back), s.accounted, len(s.unseen), moment)
                for case_id, s in looks.items()
            ),
        )
        connection.commit()
    _tell(run_id, number, moment, looks, canaries, rows)


def _judge(
    connection: Connection,
    run_id: int,
    cases: list[Row],
    items: list[Row],
    seen: Survey,
    buckets: tuple[str, ...],
) -> dict[UUID, _Seen]:
    looks = {case["case_id"]: _Seen() for case in cases}
    keys: dict[UUID, set[str]] = defaultdict(set)
    for item in items:
        look = looks[item["case_id"]]
        look.items += 1
        keys[item["case_id"]].add(item["object_key"])
        if item["bucket"] not in buckets:
            look.unseen[item["bucket"]] = "bucket-not-covered"
    found: list[_Found] = []
    for case in cases:
        case_id, home = case["case_id"], order_folder(case["order_id"])
        mine = keys[case_id]
        for place in {home, *map(folder, mine)}:
            if place in seen.unknown:
                looks[case_id].unseen[place] = seen.unknown[place]
                continue
            found += [
                _Found(case_id, entry, entry.key in mine)
                for entry in seen.entries[place]
                if place == home or entry.key in mine
            ]
    accounted = _accounted(connection, run_id, found)
    for number, one in enumerate(found):
        if number in accounted:
            looks[one.case_id].accounted += 1
        else:
            looks[one.case_id].back.append(one.entry)
    return looks


def _accounted(connection: Connection, run_id: int, found: list[_Found]) -> set[int]:
    rows = fetch(
        connection,
        "evidence_audit/select_accounted",
        run_id=run_id,
        numbers=list(range(len(found))),
        case_ids=[one.case_id for one in found],
        keys=[one.entry.key for one in found],
        sealed=[one.sealed for one in found],
        modified=[one.entry.last_modified for one in found],
    )
    return {int(row["number"]) for row in rows}


def _survivors(looks: dict[UUID, _Seen]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for case_id, look in looks.items():
        rows += [
            (case_id, None, "survivor", None, *entry.identity, entry.size, "present", None)
            for entry in look.back
        ]
        rows += [
            (case_id, None, "survivor", None, "-", place, "nothing", "-", 0, "unknown", reason)
            for place, reason in look.unseen.items()
        ]
    return rows


def _canaries(canaries: list[Row], seen: Survey) -> list[tuple[Any, ...]]:
    there = {entry.identity for entry in seen.entries.get(CANARY_FOLDER, [])}
    rows: list[tuple[Any, ...]] = []
    for canary in canaries:
        what = (canary["bucket"], canary["object_key"], canary["kind"], canary["version_id"])
        outcome = "present" if what in there else "absent"
        rows.append((None, None, "canary", None, *what, 0, outcome, None))
    return rows


def _tell(
    run_id: int,
    number: int,
    moment: datetime,
    looks: dict[UUID, _Seen],
    canaries: list[Row],
    rows: list[tuple[Any, ...]],
) -> None:
    log.info("audit %d, look %d, with the observer's credential at %s", run_id, number, moment.isoformat())
    log.info("looked for %d items of %d closed cases", sum(s.items for s in looks.values()), len(looks))
    log.info(
        "came later and legitimately, in the same folders: %d entries",
        sum(s.accounted for s in looks.values()),
    )
    found = sum(row[2] == "canary" and row[9] == "present" for row in rows)
    log.info("canaries found: %d of %d", found, len(canaries))
    if not canaries or found < len(canaries):
        log.error("a look that does not find its canaries proves nothing absent")
    for reason, count in sorted(Counter(r for s in looks.values() for r in s.unseen.values()).items()):
        log.warning("%d folders of cases could not be listed: %s", count, reason)
    for case_id, look in looks.items():
        if look.back:
            kinds = Counter(f"{entry.kind} in {entry.bucket}" for entry in look.back)
            spoken = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
            log.error("RESURRECTED: case %s was attested absent and has again: %s", case_id, spoken)
    log.info("cases of which something is back: %d", sum(bool(s.back) for s in looks.values()))
