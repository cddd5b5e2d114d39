"""
# Photo purge

**Promise** (policy 3.2): personal photos and style references are deleted within 7 days after the order ends, or on
request. Every day, what is due is planned, erased by exact version, looked for with another credential, asserted and
attested.

| step | what it does | when it fails |
|---|---|---|
| plan | picks what is due as of `as_of`, lists every version, seals the manifest | nothing was touched: clear it |
| guard | publishes the plan, compares it with the policy's caps | the log says why; nothing was touched |
| approve | over a cap: asks a reviewer to approve this very manifest, for 20 hours | clear it to ask again |
| act | records intent, then erases the sealed versions | clear it: it repeats only what is not accepted yet |
| observe | looks with a credential that cannot delete; canaries must be found | the store was not readable; clear it |
| settle | takes up what arrived after sealing, then looks again | as act |
| sweep | judges every entry of both buckets | clear it |
| assert | Great Expectations on what was seen | an assertion names what is wrong; the evidence says so too |
| attest | closes what is proven absent, signs, stores in the locked bucket | clear it; nothing is stated twice |

**Start it yourself**: what you trigger or backfill shows what would go and claims nothing, unless it says
`{"dry_run": false}`. `as_of` judges dues as of that moment (ISO 8601 with a zone, not in the future). A customer's
request for erasure needs its own run: it has 24 hours. With `"only_requests": true` it takes nothing else.

**Approve** under *Required Actions*, with the manifest's SHA-256, or by REST (docs/runbooks/approvals.md); never what
you started yourself. A rejection, silence, or a plan that changed meanwhile erases nothing: the next run plans anew.

**Never** erase by hand what a failed run left: the next run takes it up, with evidence.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import Param, TriggerRule, dag, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable

from data_lifecycle.protocol.approval import FORM, Approval

PARAMS = {
    "as_of": Param(
        None,
        type=["null", "string"],
        minLength=3,
        description="Judge dues as of this moment: ISO 8601 with a time zone.",
    ),
    "dry_run": Param(None, type=["null", "boolean"], description="Plan only; empty: yes, unless scheduled."),
    "only_requests": Param(False, type="boolean", description="What customers asked back and nothing else."),
    "policy_version": Param(
        None, type=["null", "string"], description="Plan as if this version of the policy were in force."
    ),
}
# Eight steps of 4 tries of (20 + 2) minutes, and asking, are within the policy's retry budget of 12 hours: a test adds.
RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=2), "execution_timeout": timedelta(minutes=20)}
ASKING = {"retries": 1, "execution_timeout": timedelta(minutes=10)}


@dag(
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
    start_date=datetime.fromisoformat("2024-08-08T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "privacy", **RETRIES},
    params=PARAMS,
    doc_md=__doc__,
    tags=["policy 3.2", "erasure"],
)
def photo_purge() -> None:
    """Policy 3.2: plan → guard → approve → act → observe → assert → attest."""

    @task
    def plan() -> int:
        from data_lifecycle.photo_purge import steps

        return steps.plan(get_current_context())

    @task
    def guard(number: int) -> list[int]:
        from data_lifecycle.photo_purge import steps

        return steps.guard(number)

    @task(max_active_tis_per_dagrun=2)
    def act(number: int, batch: int) -> None:
        from data_lifecycle.photo_purge import steps

        steps.act(number, batch)

    @task(trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def observe(number: int, released: list[int]) -> None:
        from data_lifecycle.photo_purge import steps

        steps.observe(number, released)

    @task
    def settle(number: int) -> None:
        from data_lifecycle.photo_purge import steps

        steps.settle(number)

    @task
    def sweep(number: int) -> None:
        from data_lifecycle.photo_purge import steps

        steps.sweep(number)

    @task(task_id="assert")
    def prove(number: int) -> None:
        from data_lifecycle.photo_purge import steps

        steps.prove(number)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def attest(number: int) -> str:
        from data_lifecycle.photo_purge import steps

        return steps.attest(number, get_current_context())

    planned = plan()
    approved = Approval(task_id="approve", pipeline="photo_purge", number=planned, params=FORM, **ASKING)
    guard(planned) >> approved
    released = approved.output
    acted = act.partial(number=planned).expand(batch=released)
    observed, settled, swept = observe(planned, released), settle(planned), sweep(planned)
    acted >> observed >> settled >> swept >> prove(planned) >> attest(planned)


photo_purge()
