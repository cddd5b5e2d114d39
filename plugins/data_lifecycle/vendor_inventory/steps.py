"""The inventory as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House, PromiseBroken, Refused
from data_lifecycle.protocol.steps import asked, final, go_on, planned, unfinished

STEPS = ("plan", "guard", "observe", "export", "assert")


@discreet
def plan(context: Any) -> int:
    """Seal a plan for this DAG run; its number. See ``planning.plan_run``."""
    from data_lifecycle.policy.loader import PolicyError
    from data_lifecycle.vendor_inventory.planning import plan_run

    with final(Refused, PolicyError, PromiseBroken):
        dag_run, params = asked(context)
        return plan_run(
            House.of_airflow(), dag_run.run_id, dag_run.run_after, params["as_of"], params["dry_run"]
        )


@discreet
def guard(run_id: int) -> None:
    """Publish and release the plan; skips the rest of a dry run. See ``planning.guard_run``."""
    from data_lifecycle.vendor_inventory.planning import guard_run

    with final(PromiseBroken):
        released = guard_run(House.of_airflow(), run_id)
    go_on(released)


@discreet
def observe(run_id: int) -> None:
    """Count and compare everything planned. See ``observing.observe_run``."""
    from data_lifecycle.policy.loader import PolicyError
    from data_lifecycle.vendor_inventory.observing import observe_run

    with final(PromiseBroken, PolicyError):
        observe_run(House.of_airflow(), run_id)


@discreet
def export(run_id: int) -> None:
    """Store and write the documents. See ``exporting.export_run``."""
    from data_lifecycle.vendor_inventory.exporting import export_run

    with final(PromiseBroken):
        export_run(House.of_airflow(), run_id)


@discreet
def prove(run_id: int) -> None:
    """Assert on what was observed. See ``attesting.assert_inventory``."""
    from data_lifecycle.vendor_inventory.attesting import assert_inventory

    with final(PromiseBroken):
        assert_inventory(House.of_airflow(), run_id)


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what was observed. See ``attesting.attest_run``."""
    from data_lifecycle.vendor_inventory.attesting import attest_run

    with final(PromiseBroken):
        return attest_run(House.of_airflow(), planned(run_id), unfinished(context, STEPS))
