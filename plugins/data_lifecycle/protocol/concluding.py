"""assert and attest, as every pipeline does them: judge by its suite, come to an outcome, sign it, publish it.

*verified* needs assertions that were made, all of them held, and no step left undone. Nobody but this module says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data_lifecycle.assertions.suite import assert_run
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, log
from data_lifecycle.protocol.releasing import StatePlan

NOTHING_ABSENT: Mapping[str, int] = {"cases": 0, "of_them_after_deadline": 0}
"""What a pipeline that erases nothing claims under OBSERVED_ABSENT."""


@dataclass(frozen=True, slots=True)
class Report:
    """What every statement of a pipeline says of itself: suite, clauses, what was looked at, what was not, and how.

    ``suite`` is the pipeline's name and that of its file in include/expectations; ``noun`` is what its log calls a run.
    """

    suite: str
    clauses: Sequence[str]
    scope: Sequence[str]
    not_covered: Sequence[str]
    method: str
    state_plan: StatePlan
    noun: str = "run"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What was stated about a run, the facts in it, and the steps that did not succeed, closing included."""

    stated: ledger.Stated
    unfinished: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class NotClosed(Exception):
    """The database answered yes and did not close what was seen absent: nothing of it may be kept."""


Account = Callable[[House, Connection, Row, tuple[str, ...]], Conclusion]
"""How a pipeline comes to its conclusion; it ends in ``conclude``. Raises NotClosed unless "close" is unfinished."""


def prove(house: House, run_id: int, suite: str, parameters: Mapping[str, int]) -> None:
    """Run the suite and state how it went, either way; PromiseBroken afterwards when an assertion does not hold."""
    try:
        assert_run(house, run_id, suite, parameters)
    except PromiseBroken:
        state_assertions(house, run_id, suite)
        raise
    state_assertions(house, run_id, suite)


def state_assertions(house: House, run_id: int, suite: str) -> None:
    """State how the suite went the last time."""
    with connect(house.connections.database(ledger.WRITER), f"{suite} assert") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        ledger.state_assertions(house, connection, run, suite)
        connection.commit()


def attest(house: House, run_id: int, unfinished: tuple[str, ...], report: Report, account: Account) -> str:
    """Sign a statement about the run and publish it; the statement's name. A dry run comes to no more than its plan.

    ``unfinished`` names the steps that did not succeed. What the run did not come to state before, its plan or its
    assertions, is stated with it. Whatever ``account`` changes and the statement are one transaction; publishing
    follows, and is made up for by a later run if this one dies in between. Repeating it with the same facts states
    nothing twice. Raises PromiseBroken, after publishing, unless everything held, and when it cannot be published.
    """
    with connect(house.connections.database(ledger.WRITER), f"{report.suite} attest") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        try:
            conclusion = _come_to(house, connection, run, unfinished, report, account)
        except NotClosed:
            connection.rollback()
            conclusion = _come_to(house, connection, run, (*unfinished, "close"), report, account)
        connection.commit()
    ledger.publish(house)
    if conclusion.stated.outcome == "failed":
        raise PromiseBroken(
            f"{report.noun} {run_id} is not verified "
            f"({', '.join(conclusion.unfinished) or 'assertions did not hold'}); evidence {conclusion.stated.name}"
        )
    return conclusion.stated.name


def _come_to(
    house: House,
    connection: Connection,
    run: Row,
    unfinished: tuple[str, ...],
    report: Report,
    account: Account,
) -> Conclusion:
    fetch(connection, "run/set_run", run_id=run["run_id"])
    plan = report.state_plan(house, connection, run)
    if run["dry_run"]:
        return Conclusion(plan)
    ledger.state_assertions(house, connection, run, report.suite)
    return account(house, connection, run, unfinished)


def conclude(
    house: House,
    connection: Connection,
    run: Row,
    unfinished: tuple[str, ...],
    report: Report,
    counts: Mapping[str, Any],
    claims: Mapping[str, Any],
    own: Mapping[str, Any] | None = None,
    items: Sequence[ledger.Item] = (),
) -> Conclusion:
    """State the run's result: verified or failed, with counts, graded claims and the pipeline's ``own`` facts.

    ``items`` are claims about single cases. The caller commits.
    """
    run_id = run["run_id"]
    assertions = fetch(connection, "evidence/select_assertions", run_id=run_id)
    held_up = bool(assertions) and all(a["success"] for a in assertions) and not unfinished
    outcome = "verified" if held_up else "failed"
    facts = {
        "clauses": list(report.clauses),
        "unfinished_steps": list(unfinished),
        "planned": run["facts"],
        "counts": dict(counts),
        "assertions": ledger.asserted(assertions),
        "claims": dict(claims),
        "scope": list(report.scope),
        "not_covered": list(report.not_covered),
        "method": report.method,
        **(own or {}),
    }
    stated = ledger.state_result(house, connection, run, outcome, facts, items)
    if run["state"] != outcome:
        execute(connection, "run/finish_run", run_id=run_id, state=outcome)
    log.info("outcome of %s %d: %s", report.noun, run_id, outcome)
    for step in unfinished:
        log.warning("step %s did not succeed", step)
    return Conclusion(stated, unfinished, facts)
