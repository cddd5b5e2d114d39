"""Erasure at vendors as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House, PromiseBroken, Refused
from data_lifecycle.protocol.steps import asked, final, go_on, planned, stops_after_plan, unfinished

STEPS = ("plan", "guard", "submit", "poll", "verify", "assert")


@discreet
def plan(context: Any) -> int:
    """Keep a person's note if the run brings one, then seal a plan; its number. See ``planning.plan_run``."""
    from data_lifecycle.policy.loader import PolicyError
    from data_lifecycle.vendor_erasure.noting import note
    from data_lifecycle.vendor_erasure.planning import plan_run

    house = House.of_airflow()
    with final(Refused, PolicyError, PromiseBroken):
        dag_run, params = asked(context)
        if params["erasure"] and context["ti"].try_number == 1:
            who = getattr(dag_run, "triggering_user_name", None) or "a person without a login"
            note(house, params["erasure"], params["found"], who, params["note"] or "")
        dry = stops_after_plan(dag_run, params)
        return plan_run(house, dag_run.run_id, dag_run.run_after, params["as_of"], dry)


@discreet
def guard(run_id: int) -> None:
    """Publish and release the plan; skips the rest of a dry run. See ``planning.guard_run``."""
    from data_lifecycle.vendor_erasure.planning import guard_run

    with final(PromiseBroken):
        released = guard_run(House.of_airflow(), run_id)
    go_on(released)


@discreet
def submit(run_id: int) -> None:
    """Ask vendors to erase. See ``acting.run_stage``."""
    from data_lifecycle.vendor_erasure.acting import run_stage
    from data_lifecycle.vendors.accounts import AirflowAccounts

    run_stage(House.of_airflow(), run_id, "submit", AirflowAccounts())


@discreet
def poll(run_id: int) -> None:
    """Ask vendors how far they are; none is waited for. See ``acting.run_stage``."""
    from data_lifecycle.vendor_erasure.acting import run_stage
    from data_lifecycle.vendors.accounts import AirflowAccounts

    run_stage(House.of_airflow(), run_id, "poll", AirflowAccounts())


@discreet
def verify(run_id: int) -> None:
    """Look for what should be gone. See ``acting.run_stage``."""
    from data_lifecycle.vendor_erasure.acting import run_stage
    from data_lifecycle.vendors.accounts import AirflowAccounts

    run_stage(House.of_airflow(), run_id, "verify", AirflowAccounts())


@discreet
def prove(run_id: int) -> None:
    """Assert on where every erasure is. See ``attesting.assert_erasures``."""
    from data_lifecycle.vendor_erasure.attesting import assert_erasures

    with final(PromiseBroken):
        assert_erasures(House.of_airflow(), run_id)


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State where every erasure is. See ``attesting.attest_run``."""
    from data_lifecycle.vendor_erasure.attesting import attest_run

    with final(PromiseBroken):
        return attest_run(House.of_airflow(), planned(run_id), unfinished(context, STEPS))
