"""
# Payment archive

**Promise** (policy 3.2): payment records are kept for 7 years, then erased within 30 days. Every day, payments that
are final for longer than the hot period go into a locked file of the vault, are read back and compared record by
record, and only then leave the database. Files whose seven years are over are erased, looked for and attested.

| step | what it does | when it fails |
|---|---|---|
| plan | picks what is final or over, quarantines card numbers, seals | nothing was touched: clear it |
| guard | publishes the plan, checks caps, proves that the vault locks | a vault that does not lock must be replaced |
| approve | over a cap: asks a reviewer to approve this very manifest, 20 hours; then as guard | clear it to ask again |
| pseudonymise | cuts off people who asked for erasure; records stay | clear it |
| archive | one snapshot, a file, the vault, read back by version | nothing was removed: clear it |
| compare | another credential compares every record | nothing was removed; find out what changed |
| remove | deletes exactly what the file has, counts again | rolled back; find out what swallows deletes |
| expire | erases exact versions whose lock has ended | clear it |
| observe | looks with a credential that can only look | clear it |
| assert | arrived = hot + archived + expired, to the cent | an assertion names what is wrong |
| attest | closes what is proven absent, signs, publishes | clear it; nothing is stated twice |

**Start it yourself**: what you trigger or backfill shows what would go, unless it says `{"dry_run": false}`. `as_of`
judges as of that moment (ISO 8601 with a zone, not in the future). A person's request for erasure needs its own run: it
has 24 hours.

**Approve** under *Required Actions*, with the manifest's SHA-256, or by REST (docs/runbooks/approvals.md); never what
you started yourself. A rejection, silence, or a plan that changed meanwhile: nothing happens, the next run plans anew.

**Never** delete rows or files by hand: the next run takes up what a failed one left.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import Param, TriggerRule, chain, dag, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable

from data_lifecycle.protocol.approval import FORM, Approval

PARAMS = {
    "as_of": Param(None, type=["null", "string"], minLength=3, description="As of: ISO 8601, with a zone."),
    "dry_run": Param(None, type=["null", "boolean"], description="Plan only; empty: yes, unless scheduled."),
}
# Ten steps of 3 tries of 20 minutes, and asking, are within the policy's retry budget of 12 hours: a test adds it up.
RETRIES = {"retries": 2, "retry_delay": timedelta(minutes=2), "execution_timeout": timedelta(minutes=20)}


@dag(
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="UTC"),
    start_date=datetime.fromisoformat("2024-08-08T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "privacy", **RETRIES},
    params=PARAMS,
    doc_md=__doc__,
    tags=["policy 3.2", "archive"],
)
def payment_archive() -> None:
    """Policy 3.2: plan → guard → approve → archive → compare → remove → expire → observe → assert → attest."""

    @task
    def plan() -> int:
        from data_lifecycle.payment_archive import steps

        return steps.plan(get_current_context())

    @task
    def guard(number: int) -> list[int]:
        from data_lifecycle.payment_archive import steps

        return steps.guard(number)

    @task
    def pseudonymise(number: int) -> None:
        from data_lifecycle.payment_archive import steps

        steps.pseudonymise(number)

    @task(max_active_tis_per_dagrun=2)
    def archive(number: int, batch: int) -> None:
        from data_lifecycle.payment_archive import steps

        steps.archive(number, batch)

    @task(max_active_tis_per_dagrun=2)
    def compare(number: int, batch: int) -> None:
        from data_lifecycle.payment_archive import steps

        steps.compare(number, batch)

    @task(max_active_tis_per_dagrun=2)
    def remove(number: int, batch: int) -> None:
        from data_lifecycle.payment_archive import steps

        steps.remove(number, batch)

    @task(trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def expire(number: int, released: list[int]) -> None:
        from data_lifecycle.payment_archive import steps

        steps.expire(number, released)

    @task
    def observe(number: int) -> None:
        from data_lifecycle.payment_archive import steps

        steps.observe(number)

    @task(task_id="assert")
    def prove(number: int) -> None:
        from data_lifecycle.payment_archive import steps

        steps.prove(number)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def attest(number: int) -> str:
        from data_lifecycle.payment_archive import steps

        return steps.attest(number, get_current_context())

    number = plan()
    approved = Approval(task_id="approve", pipeline="payment_archive", number=number, params=FORM, retries=1)
    released = approved.output
    files = [step.partial(number=number).expand(batch=released) for step in (archive, compare, remove)]
    closing = expire(number, released), observe(number), prove(number), attest(number)
    chain(guard(number), approved, pseudonymise(number), *files, *closing)


payment_archive()
