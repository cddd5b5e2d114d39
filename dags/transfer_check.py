"""
# Transfer check

**Promise** (policy 4, 7, 8): data goes only to the vendors named, under a valid contract, for its purposes; across a
border only to where protection is adequate, securely, with explicit consent, lawfully. Every day each disclosure that
has no verdict yet is judged as of the moment it was sent, by all rules T01 to T11; what is unknown is denied.

| step | what it does | when it fails |
|---|---|---|
| plan | loads register and lists, picks what has no verdict, seals it | the log names file, field and fix; clear it |
| guard | states the plan and publishes it | database and bucket differ, or one is away |
| judge | judges all of it in one pass, canaries included; opens incidents | nothing was kept: clear it |
| assert | Great Expectations on the books | an assertion names what is wrong; the evidence says so too |
| attest | states it in counts, stores, publishes | clear it; nothing is stated twice |

**A green run says that everything was judged, not that everything was allowed.** Denied disclosures are counted by rule
in the log of *judge*, and each vendor and rule has an open incident (`lifecycle.incident`) until a person closes it.
Why one was denied: `./lifecycle transfers explain --disclosure ID`. Before sending: `./lifecycle transfers may-i`.

**A stale list** fails the run: compare `include/reference/<list>.csv` with its sources, correct it, renew
`source_date`.

**After a correction** of a list or the register, *Trigger* with `rejudge` on: what was judged by another version gets a
new verdict that names the old one; the old one stays.

**A vendor is suspended** only if the policy's switch `vendor_suspension` is on. To lift it, a person sets
`lifted_at` and `lifted_by` of its row in `studio.vendor_suspension`.

**Start it yourself**: `dry_run` stops after the plan. `as_of` judges what was sent up to that moment (ISO 8601 with a
zone, not in the future).
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
        description="Judge what was sent up to this moment: ISO 8601 with a time zone.",
    ),
    "dry_run": Param(False, type="boolean", description="Stop after the plan; nothing is judged."),
    "rejudge": Param(False, type="boolean", description="Also what was judged by another version."),
}
RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=2), "execution_timeout": timedelta(minutes=20)}


@dag(
    schedule=CronDataIntervalTimetable("0 5 * * *", timezone="UTC"),
    start_date=datetime.fromisoformat("2024-08-08T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "privacy", **RETRIES},
    params=PARAMS,
    doc_md=__doc__,
    tags=["policy 4", "policy 8", "transfers"],
)
def transfer_check() -> None:
    """Policy 4, 7, 8: plan → guard → judge → assert → attest."""

    @task
    def plan() -> int:
        from data_lifecycle.transfer_check import steps

        return steps.plan(get_current_context())

    @task
    def guard(number: int) -> None:
        from data_lifecycle.transfer_check import steps

        steps.guard(number)

    @task
    def judge(number: int) -> None:
        from data_lifecycle.transfer_check import steps

        steps.judge(number)

    @task(task_id="assert")
    def prove(number: int) -> None:
        from data_lifecycle.transfer_check import steps

        steps.prove(number)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def attest(number: int) -> str:
        from data_lifecycle.transfer_check import steps

        return steps.attest(number, get_current_context())

    planned = plan()
    guard(planned) >> judge(planned) >> prove(planned) >> attest(planned)


transfer_check()
