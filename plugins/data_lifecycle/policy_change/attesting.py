"""observe, assert and attest: counted again by another role, judged, and stated in counts, signed."""

from __future__ import annotations

from data_lifecycle.assertions.suite import assert_run
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.photo_purge.clock import CATEGORIES
from data_lifecycle.policy_change.document import NOT_COVERED
from data_lifecycle.policy_change.planning import CLAUSES
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log

SUITE = "policy_change"
SCOPE = [
    "recorded files that were there at the moment of the run",
    "by day, by kind of file, before and after",
]
METHOD = "dates of each file by all versions with and without the proposed one, counted again by another role"
COUNTS = ("planned", "counted", "counted_bytes", "unaccounted", "bytes_unaccounted", "erased")


def observe_run(house: House, run_id: int) -> None:
    """Count the files of each kind as of the moment of the run, without looking at what the plan found."""
    with (
        connect(house.connections.database("studio_observer"), "policy_change observe") as connection,
        connection,
    ):
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        rows = fetch(
            connection,
            "policy_change/count_files",
            run_id=run_id,
            as_of=run["as_of"],
            categories=list(CATEGORIES),
        )
    for row in rows:
        log.info(
            "look %d: %s: %d files, %d bytes", row["round"], row["category"], row["objects"], row["bytes"]
        )


def assert_change(house: House, run_id: int) -> None:
    """Run the suite and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database("studio_auditor"), "policy_change assert") as connection:
        planned = fetch_one(connection, "run/read_run", run_id=run_id)["facts"]["files"]
    broken: PromiseBroken | None = None
    try:
        assert_run(house, run_id, SUITE, {"planned": planned})
    except PromiseBroken as error:
        broken = error
    with connect(house.connections.database(ledger.WRITER), "policy_change assert") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        ledger.state_assertions(house, connection, run, SUITE)
        connection.commit()
    if broken is not None:
        raise broken


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name.

    *verified* says that every file that was there is in the measure, and that nothing was erased for it; whether the
    proposed version is a good one is for people to say. Repeating it with the same facts states nothing twice. Raises
    PromiseBroken, after publishing, unless everything held.
    """
    with connect(house.connections.database(ledger.WRITER), "policy_change attest") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        stated = _state(house, connection, run, unfinished)
        connection.commit()
    ledger.publish(house)
    if stated.outcome == "failed":
        raise PromiseBroken(
            f"run {run_id} is not verified ({', '.join(unfinished) or 'assertions did not hold'}); "
            f"evidence {stated.name}"
        )
    return stated.name


def _state(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> ledger.Stated:
    run_id = run["run_id"]
    fetch(connection, "run/set_run", run_id=run_id)
    ledger.state_plan(house, connection, run, CLAUSES, run["facts"]["files"], [])
    ledger.state_assertions(house, connection, run, SUITE)
    assertions = fetch(connection, "evidence/select_assertions", run_id=run_id)
    balance = fetch_one(connection, "policy_change/read_balance")
    held_up = bool(assertions) and all(a["success"] for a in assertions) and not unfinished
    outcome = "verified" if held_up else "failed"
    missing = min(balance["unaccounted"], balance["planned"])
    counts = {
        "eligible": balance["planned"],
        "acted": balance["planned"] - missing,
        "held": 0,
        "failed": missing,
        **{name: balance[name] for name in COUNTS},
    }
    facts = {
        "clauses": list(CLAUSES),
        "unfinished_steps": list(unfinished),
        "planned": run["facts"],
        "counts": counts,
        "assertions": ledger.asserted(assertions),
        "claims": {
            "OBSERVED_ABSENT": {"cases": 0, "of_them_after_deadline": 0},
            "MEASURED": {"files": counts["acted"]},
        },
        "scope": SCOPE,
        "not_covered": list(NOT_COVERED),
        "method": METHOD,
    }
    stated = ledger.state_result(house, connection, run, outcome, facts, [])
    if run["state"] != outcome:
        execute(connection, "run/finish_run", run_id=run_id, state=outcome)
    log.info("outcome of run %d: %s", run_id, outcome)
    for step in unfinished:
        log.warning("step %s did not succeed", step)
    log.info("measured: %s", listed({name: balance[name] for name in COUNTS}))
    log.info("manifest sha256 %s", run["manifest_sha256"])
    for part in NOT_COVERED:
        log.info("not covered by this statement: %s", part)
    return stated
