"""
# Evidence audit

**Promise** (policy 3.1, 3.2, 3.3): what was deleted stays deleted, also after a restore, and the evidence of it stays
what it was. Every day closed cases are looked at again 1, 7 and 35 days after their closing (looks that were missed
too), with a random sample of all others; the evidence log is verified against the locked bucket and its signed heads.

| step | what it does | when it fails |
|---|---|---|
| plan | chooses cases and how much of the log to read, seals the choice | nothing was touched: clear it |
| guard | states the plan and publishes it | database and bucket differ, or one is away: see the step log |
| log | hashes the entries again; compares database, bucket, signed heads; reads locks | the store was away; clear it |
| observe | looks for what was attested absent; canaries must be found | the store was not readable; clear it |
| residue | looks for old bytes in the write-ahead log, dead rows, database backups | clear it |
| forget | destroys salts after the limitation period | clear it |
| assert | Great Expectations on what was found | an assertion names what is wrong; the evidence says so too |
| attest | states it, makes due again what came back, stores, publishes | clear it; nothing is stated twice |

**RESURRECTED** in a log: an object is back. Its case is open again and the next *photo_purge* erases it; find out who
restored or copied it. Start the purge now if the day's has passed.

**DIFFERENCE** in the log of *log*: the line says what differs and where. Change nothing. Compare with the reviewer's
last checkpoint: what the locked bucket and a signed head agree on is the history; the database is what was changed.

**Start it yourself**: *Trigger* with `everything` on looks at all closed cases and reads the whole log. `dry_run` stops
after the plan. `as_of` judges dates as of that moment (ISO 8601 with a zone, not in the future).
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
        description="Judge dates as of this moment: ISO 8601 with a time zone.",
    ),
    "dry_run": Param(False, type="boolean", description="Stop after the plan."),
    "everything": Param(False, type="boolean", description="All closed cases, the whole log."),
}
RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=2), "execution_timeout": timedelta(minutes=20)}


@dag(
    schedule=CronDataIntervalTimetable("30 4 * * *", timezone="UTC"),
    start_date=datetime.fromisoformat("2024-08-08T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "privacy", **RETRIES},
    params=PARAMS,
    doc_md=__doc__,
    tags=["policy 3.1", "policy 3.2", "policy 3.3", "evidence"],
)
def evidence_audit() -> None:
    """Policy 3.1 to 3.3: plan → guard → log, observe, residue, forget → assert → attest."""

    @task
    def plan() -> int:
        from data_lifecycle.evidence_audit import steps

        return steps.plan(get_current_context())

    @task
    def guard(number: int) -> None:
        from data_lifecycle.evidence_audit import steps

        steps.guard(number)

    @task(task_id="log", trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def check_log(number: int) -> None:
        from data_lifecycle.evidence_audit import steps

        steps.check_log(number)

    @task
    def observe(number: int) -> None:
        from data_lifecycle.evidence_audit import steps

        steps.observe(number)

    @task
    def residue(number: int) -> None:
        from data_lifecycle.evidence_audit import steps

        steps.residue(number)

    @task
    def forget(number: int) -> None:
        from data_lifecycle.evidence_audit import steps

        steps.forget(number)

    @task(task_id="assert")
    def prove(number: int) -> None:
        from data_lifecycle.evidence_audit import steps

        steps.prove(number)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def attest(number: int) -> str:
        from data_lifecycle.evidence_audit import steps

        return steps.attest(number, get_current_context())

    planned = plan()
    released, verified, observed = guard(planned), check_log(planned), observe(planned)
    released >> verified >> observed
    released >> observed >> residue(planned) >> forget(planned) >> prove(planned) >> attest(planned)


evidence_audit()
