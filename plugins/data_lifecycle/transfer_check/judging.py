"""judge: one pass over everything sealed, canaries included; verdicts, incidents and, if so decided, suspensions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.protocol.house import House, PromiseBroken, log
from data_lifecycle.transfer_check import yardstick
from data_lifecycle.transfer_check.planning import ROLE


def judge_run(house: House, run_id: int) -> None:
    """Judge what run ``run_id`` sealed, in one transaction: all of it or nothing. Repeated, it does nothing.

    The versions are those of the plan, whatever the files say by now. PromiseBroken when the plan is not released.
    """
    with connect(house.connections.database(ROLE), "transfer_check judge") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        if run["released_at"] is None:
            raise PromiseBroken(f"run {run_id} is not released: guard comes first")
        fetch_one(connection, "transfer_check/lock_judging")
        if fetch_one(connection, "transfer_check/count_canary_verdicts", run_id=run_id)["verdicts"]:
            log.info("run %d is judged already", run_id)
            return
        rule = yardstick.load(house, run["as_of"])
        judge(connection, run, rule)
        _consequences(connection, run_id, rule)
        connection.commit()
        _tell(connection, run_id)


def judge(connection: Connection, run: Row, rule: yardstick.Yardstick) -> None:
    """The pass itself, with the versions of the run's plan. The caller commits.

    The server's process needs the same memory for any number of disclosures; what does not fit goes over its disk.
    """
    run_id, facts = run["run_id"], run["facts"]
    fetch_one(connection, "transfer_check/bound_memory")
    execute(connection, "transfer_check/analyze_items")
    since, until = (datetime.fromisoformat(facts[name]) for name in ("first_sent_at", "last_sent_at"))
    values = yardstick.bind_versions(
        connection, facts["register_sha256"], facts["reference_sha256"], since, until
    )
    yardstick.open_session(connection)
    yardstick.fill_session(connection, run_id, values | yardstick.notices(rule.policies))
    yardstick.judge_session(connection, values)
    execute(connection, "transfer_check/keep_situations", run_id=run_id)
    execute(connection, "transfer_check/keep_verdicts", run_id=run_id)
    execute(connection, "transfer_check/keep_canaries", run_id=run_id)


def _consequences(connection: Connection, run_id: int, rule: yardstick.Yardstick) -> None:
    for incident in fetch(connection, "transfer_check/open_incidents", run_id=run_id):
        log.error(
            "incident %s, vendor %s: rule %s, %d disclosures in all",
            "opened" if incident["opened"] else "continues",
            incident["vendor"],
            incident["rule"],
            incident["disclosures"],
        )
    switch = rule.policy.vendor_suspension
    if not switch.enabled:
        log.info("vendors are not suspended: the policy's switch vendor_suspension is off")
        return
    for row in fetch(connection, "transfer_check/suspend_vendors", run_id=run_id, rules=list(switch.rules)):
        log.error(
            "vendor %s is suspended: the application sends nothing until a person lifts it", row["vendor"]
        )


def _tell(connection: Connection, run_id: int) -> None:
    for row in fetch(connection, "transfer_check/count_vendors", run_id=run_id):
        log.info("%s: %d disclosures, %d denied", row["vendor"], row["disclosures"], row["denied"])
    for row in fetch(connection, "transfer_check/count_broken", run_id=run_id):
        tell = log.error if row["disclosures"] else log.info
        tell("%s %s: %d", row["rule"], row["violation"], row["disclosures"])


def ask(
    connection: Connection,
    rule: yardstick.Yardstick,
    vendor: str,
    category: str,
    purpose: str,
    customer_id: UUID,
    at: datetime,
) -> list[Row]:
    """How a disclosure would be judged that has not happened, for each country in which the vendor may keep it.

    No row for a customer whom nobody knows. Nothing is kept: the caller rolls back.
    """
    yardstick.keep(connection, rule)
    values: dict[str, Any] = yardstick.bind(connection, rule, at, at)
    yardstick.open_session(connection)
    execute(
        connection,
        "transfer_check/fill_question",
        vendor=vendor,
        category=category,
        purpose=purpose,
        customer_id=customer_id,
        at=at,
        **values,
    )
    yardstick.judge_session(connection, values)
    return fetch(connection, "transfer_check/select_judged")
