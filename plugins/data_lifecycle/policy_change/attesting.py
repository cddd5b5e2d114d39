"""observe, assert and attest: counted again by another role, judged, and stated in counts, signed."""

from __future__ import annotations

from data_lifecycle.assertions.suite import ROLE
from data_lifecycle.database import Connection, Row, connect, fetch, fetch_one
from data_lifecycle.photo_purge.clock import CATEGORIES
from data_lifecycle.policy_change.document import NOT_COVERED
from data_lifecycle.policy_change.planning import CLAUSES, PIPELINE, state_plan
from data_lifecycle.protocol.concluding import NOTHING_ABSENT, Conclusion, Report, attest, conclude, prove
from data_lifecycle.protocol.house import House, listed, log

REPORT = Report(
    PIPELINE,
    CLAUSES,
    scope=(
        "recorded files that were there at the moment of the run",
        "by day, by kind of file, before and after",
    ),
    not_covered=NOT_COVERED,
    method="dates of each file by all versions with and without the proposed one, counted again by another role",
    state_plan=state_plan,
)
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
    with connect(house.connections.database(ROLE), "policy_change assert") as connection:
        planned = fetch_one(connection, "run/read_run", run_id=run_id)["facts"]["files"]
    prove(house, run_id, PIPELINE, {"planned": planned})


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name. See ``concluding.attest``.

    *verified* says that every file that was there is in the measure, and that nothing was erased for it; whether the
    proposed version is a good one is for people to say.
    """
    return attest(house, run_id, unfinished, REPORT, _account)


def _account(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> Conclusion:
    balance = fetch_one(connection, "policy_change/read_balance")
    missing = min(balance["unaccounted"], balance["planned"])
    counts = {
        "eligible": balance["planned"],
        "acted": balance["planned"] - missing,
        "held": 0,
        "failed": missing,
        **{name: balance[name] for name in COUNTS},
    }
    claims = {"OBSERVED_ABSENT": NOTHING_ABSENT, "MEASURED": {"files": counts["acted"]}}
    conclusion = conclude(house, connection, run, unfinished, REPORT, counts, claims)
    log.info("measured: %s", listed({name: balance[name] for name in COUNTS}))
    log.info("manifest sha256 %s", run["manifest_sha256"])
    for part in REPORT.not_covered:
        log.info("not covered by this statement: %s", part)
    return conclusion
