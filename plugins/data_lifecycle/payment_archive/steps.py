"""The archive as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House, PromiseBroken, Refused
from data_lifecycle.protocol.steps import asked, final, go_on, planned, stops_after_plan, unfinished

STEPS = (
    "plan",
    "guard",
    "approve",
    "pseudonymise",
    "archive",
    "compare",
    "remove",
    "expire",
    "observe",
    "assert",
)


@discreet
def plan(context: Any) -> int:
    """Seal a plan for this DAG run; its number. See ``planning.plan_run``."""
    from data_lifecycle.payment_archive.planning import plan_run

    with final(Refused):
        dag_run, params = asked(context)
        dry = stops_after_plan(dag_run, params)
        return plan_run(House.of_airflow(), dag_run.run_id, dag_run.run_after, params["as_of"], dry)


@discreet
def guard(run_id: int) -> list[int]:
    """Release the plan's batches, none if it has to wait; skips the rest of a dry run. See ``planning.guard_run``."""
    from data_lifecycle.payment_archive.planning import guard_run
    from data_lifecycle.protocol.asking import guard_step

    return guard_step(guard_run, run_id)


@discreet
def pseudonymise(run_id: int) -> None:
    """Cut off who asked for it. See ``pseudonymise.pseudonymise_run``."""
    from data_lifecycle.payment_archive.pseudonymise import pseudonymise_run

    pseudonymise_run(House.of_airflow(), run_id)


@discreet
def archive(run_id: int, batch: int) -> None:
    """Put one file into the vault. See ``archiving.archive_batch``."""
    from data_lifecycle.payment_archive.archiving import archive_batch

    archive_batch(House.of_airflow(), run_id, batch)


@discreet
def compare(run_id: int, batch: int) -> None:
    """Compare every record of one file. See ``comparing.compare_batch``."""
    from data_lifecycle.payment_archive.comparing import compare_batch

    compare_batch(House.of_airflow(), run_id, batch)


@discreet
def remove(run_id: int, batch: int) -> None:
    """Remove the rows of one compared file. See ``removing.remove_batch``."""
    from data_lifecycle.payment_archive.removing import remove_batch

    remove_batch(House.of_airflow(), run_id, batch)


@discreet
def expire(run_id: int, released: list[int] | None) -> None:
    """Erase what was kept for seven years. See ``expiring.expire_run``.

    One file that could not be archived does not keep others beyond their time: this runs whatever became of them, but
    only for a plan that guard let go.
    """
    from data_lifecycle.payment_archive.expiring import expire_run

    go_on(released, "guard released nothing: nothing may be erased")
    expire_run(House.of_airflow(), run_id)


@discreet
def observe(run_id: int) -> None:
    """Look into the vault. See ``observing.observe_run``."""
    from data_lifecycle.payment_archive.observing import observe_run

    observe_run(House.of_airflow(), run_id)


@discreet
def prove(run_id: int) -> None:
    """Assert on the books. See ``attesting.assert_archive``."""
    from data_lifecycle.payment_archive.attesting import assert_archive

    with final(PromiseBroken):
        assert_archive(House.of_airflow(), run_id)


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what is proven. See ``attesting.attest_run``."""
    from data_lifecycle.payment_archive.attesting import attest_run

    with final(PromiseBroken):
        return attest_run(
            House.of_airflow(), planned(run_id), unfinished(context, STEPS, ("archive", "compare", "remove"))
        )
