"""
# Erasure at vendors

**Promise** (policy 3.2, 4.3): what a vendor got of a customer's files goes with them. Every two hours, whatever the
photo purge has erased here is asked back from each vendor that got it, followed until it is proven gone, and said only
as far as it is known: 2xx is *accepted*, a vendor's own "done" is *completed*, only a look that does not find it is
*verified*.

| step | what it does | when it fails |
|---|---|---|
| plan | plans an erasure a case and vendor, takes up those to be asked again, seals | nothing was asked: clear it |
| guard | states the plan, publishes it; what a hold keeps stays where it is | see the step log; nothing was asked |
| submit | asks vendors to erase, with one key for every try | clear it: nothing is asked under two keys |
| poll | asks those who said that it takes time; nobody waits for anybody | clear it |
| verify | looks for what should be gone, where a vendor lets anybody look | clear it |
| assert | Great Expectations on where every erasure is | an alarm names erasure, vendor and deadline: see below |
| attest | states it by vendor, stores, publishes | clear it; nothing is stated twice |

**A green run does not say that everything is gone**, but that each erasure is verified, or within the residual
that the register states, or has time left. A residual that outlasts the promise is a *gap*, named in log and evidence.

**An alarm** (`alarming = 0` does not hold) comes before the deadline of the order. *unreachable*, `no-credentials`:
give the connection `vendor_<id>` (docs/vendors.md). *unreachable* otherwise: the vendor is down or refuses us; call it.
*rejected*: it is asked again every day; find out why. *manual*: a person asks the vendor, then notes the answer.

**Note an answer**: *Trigger* with `erasure` (its id from the log), `found` (what the vendor said, or *verified* if you
looked yourself) and `note` (from what you know it; name no customer). No more is claimed than the register lets the
vendor confirm.

**Start it yourself**: what you trigger or backfill asks no vendor, unless it says `{"dry_run": false}`; an answer is
noted all the same. `as_of` works as of that moment (ISO 8601 with a zone, not in the
future).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import Param, TriggerRule, dag, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable

PARAMS = {
    "as_of": Param(
        None,
        type=["null", "string"],
        minLength=3,
        description="Work as of this moment: ISO 8601 with a zone.",
    ),
    "dry_run": Param(None, type=["null", "boolean"], description="Plan only; empty: yes, unless scheduled."),
    "erasure": Param(
        None, type=["null", "string"], format="uuid", description="An erasure to note an answer about."
    ),
    "found": Param(
        "accepted", enum=["accepted", "completed", "verified", "rejected"], description="What was found out."
    ),
    "note": Param(
        None, type=["null", "string"], minLength=10, description="From what you know it. Name no customer."
    ),
}
RETRIES = {"retries": 2, "retry_delay": timedelta(minutes=1), "execution_timeout": timedelta(minutes=20)}


@dag(
    schedule=CronDataIntervalTimetable("30 */2 * * *", timezone="UTC"),
    start_date=datetime.fromisoformat("2024-08-08T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "privacy", **RETRIES},
    params=PARAMS,
    doc_md=__doc__,
    tags=["policy 3.2", "policy 4", "erasure", "vendors"],
)
def vendor_erasure() -> None:
    """Policy 3.2, 4.3: plan → guard → submit → poll → verify → assert → attest."""

    @task
    def plan() -> int:
        from data_lifecycle.vendor_erasure import steps

        return steps.plan(get_current_context())

    @task
    def guard(number: int) -> None:
        from data_lifecycle.vendor_erasure import steps

        steps.guard(number)

    @task
    def submit(number: int) -> None:
        from data_lifecycle.vendor_erasure import steps

        steps.submit(number)

    @task
    def poll(number: int) -> None:
        from data_lifecycle.vendor_erasure import steps

        steps.poll(number)

    @task
    def verify(number: int) -> None:
        from data_lifecycle.vendor_erasure import steps

        steps.verify(number)

    @task(task_id="assert")
    def prove(number: int) -> None:
        from data_lifecycle.vendor_erasure import steps

        steps.prove(number)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def attest(number: int) -> str:
        from data_lifecycle.vendor_erasure import steps

        return steps.attest(number, get_current_context())

    planned = plan()
    work = guard(planned) >> submit(planned) >> poll(planned) >> verify(planned)
    work >> prove(planned) >> attest(planned)


vendor_erasure()
