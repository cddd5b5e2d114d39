"""flag: change exactly the flags that were sealed; then try whether the store keeps what it was told to keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.holds.planning import IDENTITY, ROLE
from data_lifecycle.objects.canary import HELD_KEY
from data_lifecycle.objects.flags import Version, read_flags, set_flags, try_to_delete
from data_lifecycle.objects.listing import Lister
from data_lifecycle.protocol.house import House, PromiseBroken, log

BATCH = 200
"""Flags let go between two looks at the holds."""


def act_run(house: House, run_id: int) -> None:
    """Set and let go what the released plan says; safe to repeat at any point.

    Intent is committed before the first request. Before every batch that lets go, the holds are read again: what is
    held by then stays flagged. PromiseBroken when guard did not release the plan.
    """
    with connect(house.connections.database(ROLE), "legal_holds act") as connection:
        if fetch_one(connection, "run/read_run", run_id=run_id)["released_at"] is None:
            raise PromiseBroken(f"run {run_id} was not released by guard: no flag may be changed for it")
        items = fetch(connection, "holds/record_intent", run_id=run_id)
        connection.commit()
        log.info("run %d: intent recorded for %d flags", run_id, len(items))
        outcomes: Counter[tuple[str, str]] = Counter()
        for want in ("on", "off"):
            chosen = [item for item in items if item["want"] == want]
            for part in _parts(chosen):
                outcomes.update(_change(house, connection, run_id, want, part))
    for (want, state), count in sorted(outcomes.items()):
        tell = log.info if state in ("accepted", "gone") else log.warning
        tell("flags %s: %d %s", want, count, state)
    _probe(house, run_id)


def _parts(items: Sequence[Row]) -> list[list[Row]]:
    return [list(items[start : start + BATCH]) for start in range(0, len(items), BATCH)]


def _change(
    house: House, connection: Connection, run_id: int, want: Any, part: list[Row]
) -> list[tuple[str, str]]:
    """Send one batch and record the answers: (want, state) of each."""
    stopped: set[int] = set()
    if want == "off":
        stops = fetch(connection, "holds/select_stops", item_ids=[item["item_id"] for item in part])
        connection.commit()
        stopped = {row["item_id"] for row in stops}
    versions = {
        item["item_id"]: Version(item["bucket"], item["object_key"], item["version_id"]) for item in part
    }
    answers = set_flags(
        house.connections.store(IDENTITY),
        [version for item_id, version in versions.items() if item_id not in stopped],
        want,
    )
    states = {
        item_id: ("stopped", "held-again") if item_id in stopped else answers[version]
        for item_id, version in versions.items()
    }
    recorded = fetch_one(
        connection,
        "holds/record_outcomes",
        run_id=run_id,
        item_ids=list(states),
        states=[state for state, _ in states.values()],
        codes=[code for _, code in states.values()],
    )
    connection.commit()
    if recorded["recorded"] != len(states):
        raise PromiseBroken(
            "the database did not take all answers of the store: something swallows the change"
        )
    return [(want, state) for state, _ in states.values()]


def _probe(house: House, run_id: int) -> None:
    """Let the eraser try to delete a flagged version of our own in each bucket, and note what the store answered.

    Nothing that a person gave us is tried. An object that is not there, or not flagged, proves nothing and says so.
    """
    outcomes: list[tuple[str, str, str | None]] = []
    with Lister(house.connections.store(IDENTITY)) as lister:
        for bucket in house.settings.photo_buckets:
            found = [
                Version(entry.bucket, entry.key, entry.version_id)
                for entry in lister.list_versions(bucket, HELD_KEY.rpartition("/")[0] + "/")
                if entry.key == HELD_KEY and entry.kind == "version"
            ]
            flags = read_flags(house.connections.store(IDENTITY), found)
            flagged = [version for version in found if flags[version][0] == "on"]
            if not found:
                outcomes.append((bucket, "missing", None))
            elif len(flagged) != len(found):
                outcomes.append((bucket, "unflagged", None))
            else:
                outcomes.append(
                    (bucket, *try_to_delete(house.connections.store("object_eraser"), flagged[0]))
                )
    with connect(house.connections.database(ROLE), "legal_holds act") as connection, connection:
        execute(
            connection,
            "holds/insert_probes",
            run_id=run_id,
            buckets=[bucket for bucket, _, _ in outcomes],
            outcomes=[outcome for _, outcome, _ in outcomes],
            codes=[code for _, _, code in outcomes],
        )
    for bucket, result, code in outcomes:
        if result == "refused":
            log.info(
                "%s: the eraser was refused a flagged version (%s): the store enforces holds", bucket, code
            )
        else:
            log.error(
                "%s: trying to delete a flagged version: %s. The store does not enforce: only our checks protect",
                bucket,
                result,
            )


def let_go(house: House, run_id: int) -> int:
    """How many files this run let go of: the purge can take them up now."""
    with connect(house.connections.database(ROLE), "legal_holds release") as connection:
        return int(fetch_one(connection, "holds/count_let_go", run_id=run_id)["files"])
