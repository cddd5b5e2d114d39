"""observe: read every flag back with a credential that can set none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import timedelta
from uuid import UUID

from data_lifecycle.database import Row, connect, execute, fetch, fetch_one
from data_lifecycle.holds.plan import Covered
from data_lifecycle.holds.world import World, look
from data_lifecycle.objects.canary import HELD_KEY
from data_lifecycle.objects.flags import Flag, Version, read_flags
from data_lifecycle.protocol.house import House, log

IDENTITY = "object_observer"
SLACK = timedelta(minutes=1)
"""How far the clocks of store and database may be apart, and a hold's moment from its commit."""


def observe_run(house: House, run_id: int) -> None:
    """Say of every version under hold whether the store holds it, and of everything let go whether it is free.

    Looks for itself: the holds in force and the folders as they are now. What came after the plan, a version or a hold,
    is *late* and the next run's. One more round is added each time; the latest counts. Raises StoreUnknown when a
    bucket cannot be looked at.
    """
    buckets = house.settings.photo_buckets
    access = house.connections.store(IDENTITY)
    with connect(house.connections.database("studio_observer"), "legal_holds observe") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        freed = [
            Version(row["bucket"], row["object_key"], row["version_id"])
            for row in fetch(connection, "holds/select_let_go", run_id=run_id)
        ]
        canaries = fetch(connection, "photo_purge/select_canaries", buckets=list(buckets))
        holds = fetch(connection, "holds/select_holds")
        world = look(connection, access, buckets)
        controls = _controls(canaries, world)
        asked = [
            *(line.version for line in world.coverage.versions),
            *freed,
            *(version for version, _ in controls),
        ]
        flags = {version: flag for version, (flag, _) in read_flags(access, asked).items()}
        known_since = run["as_of"] - SLACK
        sealed = {
            Version(row["bucket"], row["object_key"], row["version_id"])
            for row in fetch(connection, "holds/select_set", run_id=run_id)
        }
        # What the plan was to flag, and did not, is its own failure; what came later is the next run's.
        late = {
            line.version
            for line in world.coverage.versions
            if line.version not in sealed
            and (
                line.last_modified >= known_since
                or all(hold["begun_at"] >= known_since for hold in holds if hold["hold_id"] in line.hold_ids)
            )
        }
        round_number = int(fetch_one(connection, "holds/next_round", run_id=run_id)["round"])
        held = {line.version for line in world.coverage.versions}
        for bucket in buckets:
            counts = _bucket(
                [line for line in world.coverage.versions if line.version.bucket == bucket],
                [version for version in freed if version.bucket == bucket and version not in held],
                [(version, wanted) for version, wanted in controls if version.bucket == bucket],
                flags,
                late,
            )
            execute(
                connection, "holds/insert_looks", run_id=run_id, round=round_number, bucket=bucket, **counts
            )
        for row in _by_hold(holds, world.coverage.versions, flags):
            execute(connection, "holds/insert_seen", run_id=run_id, round=round_number, **row)
        connection.commit()
    log.info("run %d, look %d, with the observer's credential", run_id, round_number)
    for bucket in buckets:
        seen = Counter(
            flags[line.version] for line in world.coverage.versions if line.version.bucket == bucket
        )
        log.info("%s: %d versions under hold, %d of them flagged", bucket, seen.total(), seen["on"])


def _controls(canaries: Collection[Row], world: World) -> list[tuple[Version, Flag]]:
    """Known versions with the flag they must show: the one on which holds are tried, and others that have none."""
    free: list[tuple[Version, Flag]] = [
        (Version(row["bucket"], row["object_key"], row["version_id"]), "off")
        for row in canaries
        if row["kind"] == "version"
    ]
    return free + [
        (Version(entry.bucket, entry.key, entry.version_id), "on")
        for entry in world.canaries
        if entry.key == HELD_KEY and entry.kind == "version"
    ]


def _bucket(
    covered: list[Covered],
    freed: list[Version],
    controls: list[tuple[Version, Flag]],
    flags: dict[Version, Flag],
    late: set[Version],
) -> dict[str, int]:
    unset = [line.version for line in covered if flags[line.version] == "off"]
    arrived = sum(version in late for version in unset)
    kinds = {wanted for _, wanted in controls}
    return {
        "in_force": len(covered),
        "flagged": sum(flags[line.version] == "on" for line in covered),
        "bare": len(unset) - arrived,
        "late": arrived,
        "left_on": sum(flags[version] == "on" for version in freed),
        "unknown": sum(flags[version] == "unknown" for version in (*(c.version for c in covered), *freed)),
        "canaries": len(controls),
        # One of each kind at least: whoever reads every flag as on, or every flag as off, saw nothing.
        "canaries_missing": sum(flags[version] != wanted for version, wanted in controls)
        + len({"on", "off"} - kinds),
    }


def _by_hold(
    holds: Iterable[Row], covered: Iterable[Covered], flags: dict[Version, Flag]
) -> Iterable[dict[str, object]]:
    versions: dict[UUID, Counter[Flag]] = defaultdict(Counter)
    for line in covered:
        for hold_id in line.hold_ids:
            versions[hold_id][flags[line.version]] += 1
    for hold in holds:
        found = versions[hold["hold_id"]]
        yield {
            "hold_id": hold["hold_id"],
            "basis_class": hold["basis_class"],
            "expires_at": hold["expires_at"],
            "files": hold["files"],
            "versions": found.total(),
            "flagged": found["on"],
        }
