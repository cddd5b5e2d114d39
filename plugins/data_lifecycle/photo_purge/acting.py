"""act: erase exactly what was sealed, by version id, and stop at once for a hold, a reopening or another claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from data_lifecycle.connections import StoreAccess
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.objects.erase import abort_uploads, erase_versions
from data_lifecycle.objects.model import ObjectVersion, Outcome
from data_lifecycle.photo_purge.plan import PhotoClock
from data_lifecycle.policy.loader import load_all
from data_lifecycle.protocol.house import House, PromiseBroken, log

_STATES = {
    Outcome.ACCEPTED: "accepted",
    Outcome.FAILED: "failed",
    Outcome.UNKNOWN: "unknown",
    Outcome.NOT_ATTEMPTED: "intended",
}


class _Stop(Exception):
    """More cases must not be touched than were known when the requests began."""


@dataclass(frozen=True, slots=True)
class _Answer:
    item_id: int
    state: str
    code: str | None


def act_batch(house: House, run_id: int, batch: int) -> None:
    """Erase a batch of a released plan; safe to repeat at any point.

    Intent is committed before the first request. Before every request the claims and stops are read again: cases under
    a new hold, reopened, shared again, or taken over by another run are left alone. Raises PromiseBroken when another
    run holds all the claims, so that a worker that wakes up late says so instead of doing anything.
    """
    with connect(house.connections.database("studio_eraser"), "photo_purge act") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        if run["released_at"] is None:
            raise PromiseBroken(f"run {run_id} was not released by guard: nothing may be erased for it")
        clock = PhotoClock.at(load_all(house.settings.policy_dir), run["as_of"])
        clocks = {
            # An order that has ended meanwhile is not stopped only if nothing of it can be too young to go.
            "ended_before": run["as_of"] - clock.latest_start,
            "inactive_before": run["as_of"] - clock.earliest_start - clock.shortest_inactivity,
        }
        items = fetch(connection, "photo_purge/record_intent", run_id=run_id, batch=batch)
        connection.commit()
        log.info("batch %d of run %d: intent recorded for %d entries", batch, run_id, len(items))
        ours = {item["case_id"] for item in items}
        answers = _erase(
            house.connections.store("object_eraser"),
            items,
            lambda: _stopped(connection, run_id, batch, clocks, ours),
        )
        changed = execute(
            connection,
            "photo_purge/record_outcomes",
            run_id=run_id,
            item_ids=[answer.item_id for answer in answers],
            states=[answer.state for answer in answers],
            codes=[answer.code for answer in answers],
        )
        superseded = fetch_one(connection, "photo_purge/count_superseded", run_id=run_id)["superseded"]
        claims = fetch(connection, "photo_purge/select_claims", run_id=run_id, batch=batch)
        connection.commit()
    _tell(batch, answers, changed)
    if superseded:
        log.warning("%d entries were taken over by a later run: not its own to touch", superseded)
    if superseded and not claims:
        raise PromiseBroken(
            "another run has taken over all cases of this batch: this worker has nothing left to do"
        )


def _stopped(
    connection: Connection, run_id: int, batch: int, clocks: dict[str, datetime], ours: set[UUID]
) -> dict[UUID, str]:
    """Cases not to be touched now, each with the reason; asked in its own transaction, so that it is the present."""
    rows = fetch(connection, "photo_purge/select_stops", run_id=run_id, batch=batch, **clocks)
    held = {
        row["case_id"] for row in fetch(connection, "photo_purge/select_claims", run_id=run_id, batch=batch)
    }
    connection.commit()
    stops = {row["case_id"]: row["why"] for row in rows}
    return {**dict.fromkeys(ours - held, "superseded"), **stops}


def _erase(access: StoreAccess, rows: Iterable[Row], stopped: Callable[[], dict[UUID, str]]) -> list[_Answer]:
    """Send the requests, starting over without the cases that turn out to be stopped, until none is left."""
    answers: list[_Answer] = []
    waiting = []
    for row in rows:
        if row["kind"] == "nothing":
            # Nothing to delete; whether it is really absent is for the observer to say.
            answers.append(_Answer(row["item_id"], "accepted", None))
        else:
            waiting.append(row)
    while waiting:
        stops = stopped()
        answers += [
            _Answer(row["item_id"], "stopped", stops[row["case_id"]])
            for row in waiting
            if row["case_id"] in stops
        ]
        waiting = [row for row in waiting if row["case_id"] not in stops]

        def fence(known: frozenset[UUID] = frozenset(stops)) -> None:
            if set(stopped()) - known:
                raise _Stop

        rest: list[Row] = []
        for multipart, erase in ((False, erase_versions), (True, abort_uploads)):
            part = {_version(row): row for row in waiting if (row["kind"] == "multipart") is multipart}
            for version, outcome, code in erase(access, list(part), before_batch=fence) if part else ():
                if outcome is Outcome.NOT_ATTEMPTED and code == _Stop.__name__:
                    rest.append(part[version])
                elif outcome is Outcome.NOT_ATTEMPTED:
                    raise PromiseBroken(f"the check before a request failed ({code}): nothing more was sent")
                else:
                    answers.append(_Answer(part[version]["item_id"], _STATES[outcome], code))
        waiting = rest
    return answers


def _version(row: Row) -> ObjectVersion:
    return ObjectVersion(
        row["bucket"],
        row["object_key"],
        row["kind"],
        row["version_id"],
        row["bytes"],
        datetime.fromtimestamp(0, UTC),
        False,
    )


def _tell(batch: int, answers: list[_Answer], changed: int) -> None:
    states = Counter(answer.state for answer in answers)
    log.info(
        "batch %d: the store accepted %d deletions (accepted is not yet absent)", batch, states["accepted"]
    )
    reasons = Counter(answer.code or "no-code" for answer in answers if answer.state != "accepted")
    for state in ("failed", "unknown", "stopped"):
        if states[state]:
            log.warning(
                "batch %d: %d %s, codes %s", batch, states[state], state, dict(sorted(reasons.items()))
            )
    if changed != len(answers):
        log.warning("batch %d: %d answers came too late to count", batch, len(answers) - changed)


def settle_run(house: House, run_id: int) -> bool:
    """Take up what the observer still sees: new arrivals join the manifest as late, others are erased once more.

    True when something was erased, so that everything has to be observed again.
    """
    with connect(house.connections.database("studio_eraser"), "photo_purge settle") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        if run["released_at"] is None:
            raise PromiseBroken(f"run {run_id} was not released by guard: nothing may be erased for it")
        found = fetch_one(connection, "photo_purge/count_survivors", run_id=run_id)
        if not found["survivors"]:
            log.info("nothing survived: no second pass needed")
            return False
        clock = PhotoClock.at(load_all(house.settings.policy_dir), run["as_of"])
        late = execute(
            connection,
            "photo_purge/insert_late_items",
            run_id=run_id,
            default_rule=clock.strictest.id,
            default_version=clock.policy.version,
        )
        again = execute(connection, "photo_purge/reopen_items", run_id=run_id)
        connection.commit()
    log.warning(
        "%d entries survived: %d arrived after sealing, %d were accepted by the store and are still there",
        found["survivors"],
        late,
        again,
    )
    for batch in found["batch_numbers"]:
        act_batch(house, run_id, batch)
    return True
