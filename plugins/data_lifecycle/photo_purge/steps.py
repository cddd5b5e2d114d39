"""The purge as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House, PromiseBroken, Refused
from data_lifecycle.protocol.steps import asked, final, go_on, planned, stops_after_plan, unfinished

STEPS = ("plan", "guard", "approve", "act", "observe", "settle", "sweep", "assert")


@discreet
def plan(context: Any) -> int:
    """Seal a plan for this DAG run; its number. See ``planning.plan_run``."""
    from data_lifecycle.photo_purge.planning import plan_run

    with final(Refused):
        dag_run, params = asked(context)
        dry = stops_after_plan(dag_run, params)
        return plan_run(
            House.of_airflow(),
            dag_run.run_id,
            dag_run.run_after,
            params["as_of"],
            dry,
            params["policy_version"],
            params["only_requests"],
        )


@discreet
def guard(run_id: int) -> list[int]:
    """Release the plan's batches, none if it has to wait; skips the rest of a dry run. See ``guarding.guard_run``."""
    from data_lifecycle.photo_purge.guarding import guard_run
    from data_lifecycle.protocol.asking import guard_step

    return guard_step(guard_run, run_id)


@discreet
def act(run_id: int, batch: int) -> None:
    """Erase one batch. See ``acting.act_batch``."""
    from data_lifecycle.photo_purge.acting import act_batch

    act_batch(House.of_airflow(), run_id, batch)


@discreet
def observe(run_id: int, released: list[int] | None) -> None:
    """Look with the observer's credential. See ``observing.observe_run``.

    ``released`` is what guard let go; without it this step and all that follow up to attest are skipped: settle would
    otherwise take what guard stopped for survivors, and erase it.
    """
    from data_lifecycle.photo_purge.observing import observe_run

    go_on(released, "guard released nothing: there is nothing to look for")
    observe_run(House.of_airflow(), run_id)


@discreet
def settle(run_id: int) -> None:
    """Take up late arrivals, and look again if there were any. See ``acting.settle_run``."""
    from data_lifecycle.photo_purge.acting import settle_run
    from data_lifecycle.photo_purge.observing import observe_run

    house = House.of_airflow()
    if settle_run(house, run_id):
        observe_run(house, run_id)


@discreet
def sweep(run_id: int) -> None:
    """Judge every entry of the buckets. See ``observing.sweep_run``."""
    from data_lifecycle.photo_purge.observing import sweep_run

    sweep_run(House.of_airflow(), run_id)


@discreet
def prove(run_id: int) -> None:
    """Assert on what was observed. See ``attesting.assert_purge``."""
    from data_lifecycle.photo_purge.attesting import assert_purge

    with final(PromiseBroken):
        assert_purge(House.of_airflow(), run_id)


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what is proven. See ``attesting.attest_run``."""
    from data_lifecycle.photo_purge.attesting import attest_run

    with final(PromiseBroken):
        return attest_run(House.of_airflow(), planned(run_id), unfinished(context, STEPS, ("act",)))
