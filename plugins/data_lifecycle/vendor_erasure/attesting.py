"""assert and attest: is every erasure where it has to be by now, and what may be said of each vendor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from data_lifecycle.assertions.suite import ROLE
from data_lifecycle.database import Connection, Row, connect, fetch, fetch_one
from data_lifecycle.protocol.concluding import NOTHING_ABSENT, Conclusion, Report, attest, conclude, prove
from data_lifecycle.protocol.house import House, listed, log
from data_lifecycle.vendor_erasure.planning import CLAUSES, PIPELINE, eligible, state_plan

REPORT = Report(
    PIPELINE,
    CLAUSES,
    scope=("files disclosed to vendors whose own copy the photo purge has erased",),
    not_covered=("what was sent and not recorded", "what a vendor keeps and neither shows nor states"),
    method="each vendor's own interface; verified only by looking with a credential that sees what is there",
    state_plan=state_plan,
)
COUNTS = (
    "eligible", "acted", "held", "failed", "unasked", "erasures", "verified", "within_residual", "gaps", "lapsed",
    "unproven", "alarming", "overdue", "overclaimed", "unplanned", "waiting_for_a_hold",
)  # fmt: skip


def assert_erasures(house: House, run_id: int) -> None:
    """Tell who is late, run the suite, and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database(ROLE), "vendor_erasure assert") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        fetch(connection, "run/set_run", run_id=run_id)
        for row in fetch(connection, "vendor_erasure/select_alarms", as_of=run["as_of"]):
            log.error(
                "erasure %s of case %s at %s is %s%s: the order's deadline %s %s",
                row["erasure_id"],
                row["case_id"],
                row["vendor"],
                row["state"],
                f" ({row['code']})" if row["code"] else "",
                "was" if row["overdue"] else "is",
                row["deadline_at"].astimezone(UTC).isoformat(timespec="minutes"),
            )
    prove(house, run_id, PIPELINE, {"planned": eligible(run)})


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name. See ``concluding.attest``.

    *verified* says that every erasure is where it has to be by now, not that everything is gone: that is counted by
    vendor.
    """
    return attest(house, run_id, unfinished, REPORT, _account)


def _account(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> Conclusion:
    balance = fetch_one(connection, "vendor_erasure/read_balance")
    states = fetch(connection, "vendor_erasure/count_states")
    counts = {name: balance[name] for name in COUNTS}
    claims = {
        "OBSERVED_ABSENT": NOTHING_ABSENT,
        "VERIFIED": {"erasures": balance["verified"]},
        "RESIDUE_PENDING": {"erasures": balance["within_residual"] + balance["lapsed"]},
        "UNKNOWN": {"erasures": balance["unproven"], "of_them_overdue": balance["overdue"]},
        "HELD": {"erasures": balance["held"], "disclosures": balance["waiting_for_a_hold"]},
    }
    own = {
        "vendors": _by_vendor(states),
        "gaps": _gaps(states),
        "register": {"sha256": run["facts"]["register_sha256"]},
    }
    conclusion = conclude(house, connection, run, unfinished, REPORT, counts, claims, own)
    _tell(conclusion.facts)
    return conclusion


def _by_vendor(states: list[Row]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in states:
        found.setdefault(row["vendor"], {})[row["state"]] = row["erasures"]
    return found


def _gaps(states: list[Row]) -> list[dict[str, Any]]:
    """Residuals that outlast the promise: by the register, the vendor may still hold something after the deadline."""
    return [
        {
            "vendor": row["vendor"],
            "erasures": row["gaps"],
            "until": row["until"].astimezone(UTC).isoformat(),
        }
        for row in states
        if row["gaps"]
    ]


def _tell(facts: Mapping[str, Any]) -> None:
    counts = facts["counts"]
    log.info("eligible %d = asked %d + held %d + not asked %d", *(counts[name] for name in COUNTS[:4]))
    log.info("of all %d erasures not proven yet: %d", counts["erasures"], counts["unproven"])
    for vendor, states in facts["vendors"].items():
        log.info("at %s: %s", vendor, listed(states))
    for claim, found in facts["claims"].items():
        log.info("claim %s: %s", claim, listed(found))
    for gap in facts["gaps"]:
        log.warning(
            "gap: %s may keep something of %d cases until %s, longer than clause 3.2 allows",
            gap["vendor"],
            gap["erasures"],
            gap["until"],
        )
    if counts["lapsed"]:
        log.warning("past the stated residual, and nobody can look: %d erasures", counts["lapsed"])
    log.info("not covered by this statement: %s", ", ".join(REPORT.not_covered))
