"""assert and attest: the books must balance; then state what is proven and close what was seen absent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from data_lifecycle.assertions.suite import ROLE
from data_lifecycle.database import Connection, Row, connect, fetch, fetch_one
from data_lifecycle.payment_archive.planning import CLAUSES, PIPELINE, clock_of, root_of, state_plan
from data_lifecycle.protocol.asking import said
from data_lifecycle.protocol.concluding import Conclusion, Report, attest, conclude, prove
from data_lifecycle.protocol.house import House, listed, log

REPORT = Report(
    PIPELINE,
    CLAUSES,
    scope=(
        "hot payment records",
        "every version in the vault",
        "locks in the vault",
        "control ledger of arrivals",
    ),
    not_covered=("database backups and write-ahead log", "the payment providers' own records"),
    method="every record compared and the vault listed by other credentials, a locked canary found",
    state_plan=state_plan,
)
STATES = {"current": "ARCHIVED", "expiring": "DELETE_ACCEPTED", "absent": "OBSERVED_ABSENT"}
"""What a file's state claims of its case; of any other no more than that it is planned."""


def assert_archive(house: House, run_id: int) -> None:
    """Run the suite of the archive and state how it went; PromiseBroken when an assertion does not hold."""
    _tell_statements(house)
    prove(house, run_id, PIPELINE, {})


def _tell_statements(house: House) -> None:
    """What the providers' statements said, or that none was given: the assertion does not tell how much it saw."""
    with connect(house.connections.database(ROLE), "payment_archive assert") as connection:
        given = fetch(connection, "payment_archive/select_statements")
        balance = fetch_one(connection, "payment_archive/read_statement_balance")
    for row in given:
        wrong = row["missing_here"] + row["missing_there"] + row["differing"]
        (log.error if wrong else log.info)(
            "statement of %s, %s to %s: %d lines, %d agree, %d without a record, %d records without a line, %d differ",
            *(row["provider"], row["period_from"].isoformat(), row["period_to"].isoformat(), row["lines"]),
            *(row["matched"], row["missing_here"], row["missing_there"], row["differing"]),
        )
    if balance["months_given"] < balance["months"] or not given:
        log.warning(
            "provider statements: given for %d of the %d months in the books; the others are compared with nobody",
            balance["months_given"],
            balance["months"],
        )
    log.info("provider statements: %s", balance["verdict"])


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Close the files seen absent, sign a statement about the run and publish it; the statement's name.

    Closing and stating is one transaction. See ``concluding.attest``.
    """
    return attest(house, run_id, unfinished, REPORT, _account)


def _account(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> Conclusion:
    run_id = run["run_id"]
    balance = fetch_one(connection, "payment_archive/read_balance")
    late = 0
    if not balance["canaries"] or balance["canaries_missing"]:
        log.error("no file is closed: the observation is void")
    else:
        late, unfinished = _close(house, connection, run, unfinished)
    cases = fetch(connection, "payment_archive/select_claims", run_id=run_id)
    items = [_item(case) for case in cases]
    counts = _counts(balance, cases, run)
    people = fetch(connection, "payment_archive/select_pseudonymised", run_id=run_id)
    own = {
        "books": _books(connection),
        "pseudonymised": [_person(house, run, person) for person in people],
        **said(connection, run),
    }
    claims = _claims(items, counts, late)
    conclusion = conclude(house, connection, run, unfinished, REPORT, counts, claims, own, items)
    _tell(conclusion.facts, items)
    return conclusion


def _close(
    house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]
) -> tuple[int, tuple[str, ...]]:
    """Close what was seen absent; how many of them late, and the steps that did not succeed, closing included."""
    wanted = fetch_one(connection, "payment_archive/count_absent")["files"]
    within = clock_of(house, run["as_of"])[1].erase_within
    closed = fetch(connection, "payment_archive/close_files", erase_within=within)
    open_before = fetch_one(connection, "payment_archive/count_expiring_absent")["files"]
    if open_before:
        log.error(
            "the database did not close %d of %d files: something swallows the change", open_before, wanted
        )
        unfinished = (*unfinished, "close")
    late = sum(row["late"] for row in closed)
    if closed:
        log.info("%d files closed: observed absent", len(closed))
    if late:
        log.warning("%d of them later than 30 days after a promise ended", late)
    return late, unfinished


def _item(case: Row) -> dict[str, Any]:
    state = STATES.get(case["state"], "ARCHIVED" if case["archived"] else "PLANNED")
    return {"case": str(case["file_id"]), "state": state, "commitments_root": root_of(case)}


def _counts(balance: Row, cases: list[Row], run: Row) -> dict[str, int]:
    """All of the balance, and what became of the cases: eligible = acted + held + failed.

    A run that was never let go did nothing, whatever others have made of its cases since.
    """
    made = [case for case in cases if case["made"]]
    doomed = [case for case in cases if not case["made"]]
    acted = sum(bool(case["archived"]) for case in made) + sum(case["state"] == "absent" for case in doomed)
    # A file for which nothing was left has been acted on: there was nothing to do.
    acted += balance["dissolved"]
    held = sum(case["state"] in ("current", "abandoned") for case in doomed)
    if run["released_at"] is None:
        acted = held = 0
    numbers = {name: int(value) for name, value in balance.items()}
    return numbers | {
        "eligible": len(cases),
        "acted": acted,
        "held": held,
        "failed": len(cases) - acted - held,
    }


def _claims(items: list[dict[str, Any]], counts: dict[str, int], late: int) -> dict[str, Any]:
    states = Counter(item["state"] for item in items)
    return {
        "ARCHIVED": {"cases": states["ARCHIVED"], "records": counts["archived_rows"]},
        "OBSERVED_ABSENT": {"cases": states["OBSERVED_ABSENT"], "of_them_after_deadline": late},
        "HELD": {"cases": counts["held"], "quarantined_families": counts["quarantined"]},
        "UNKNOWN": {"cases": counts["unknown"]},
        "PSEUDONYMISED": {"cases": counts["pseudonymised"]},
    }


def _books(connection: Connection) -> list[dict[str, Any]]:
    """Everything that ever arrived, by currency, in records and money; money is a text."""
    return [
        {name: value if isinstance(value, int) else str(value) for name, value in row.items()}
        for row in fetch(connection, "payment_archive/sum_books")
    ]


def _person(house: House, run: Row, person: Row) -> dict[str, Any]:
    clause, until = clock_of(house, run["as_of"])[1].rule.clause, person["kept_until"]
    return {
        "case": str(person["case_id"]),
        "kept_because": f"clause {clause.section}: {clause.quote}" if clause else "the studio decided so",
        "kept_until": until.isoformat() if until else "counted from when the last is final",
        "names_blanked": person["names"],
        "keys_destroyed": person["keys"],
    }


def _tell(facts: Mapping[str, Any], items: list[dict[str, Any]]) -> None:
    counts = facts["counts"]
    for claim, numbers in facts["claims"].items():
        log.info("claim %s: %s", claim, listed(numbers))
    log.info(
        "eligible %d = acted %d + held %d + failed %d",
        *(counts[n] for n in ("eligible", "acted", "held", "failed")),
    )
    log.info(
        "records that ever arrived %d = hot %d + archived %d + expired %d",
        *(counts[n] for n in ("arrived_rows", "hot_rows", "all_archived_rows", "expired_rows")),
    )
    for line in facts["books"]:
        log.info(
            "%s: arrived %s = hot %s + archived %s + expired %s",
            *(line[n] for n in ("currency", "arrived", "hot", "archived", "expired")),
        )
    log.info("cases: %s", listed(Counter(item["state"] for item in items)))
    log.info("looked at: %s", ", ".join(REPORT.scope))
    log.info("not covered by this statement: %s", ", ".join(REPORT.not_covered))
