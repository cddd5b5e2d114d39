"""
# Legal holds

**Studio decision** (the policy has no exception for holds): a file under a hold that has basis, named files, expiry and
a second person's approval is not erased while the hold is in force, and within 24 hours after it ends. Every hour the
store itself is told: each version of a held file and of what was made from it, in uploads and backup, carries the
store's own legal hold, so that not even an error of ours can delete it.

| step | what it does | when it fails |
|---|---|---|
| plan | compares holds in force with the store, seals what has to change | the store was not readable; clear it |
| guard | states the plan and publishes it | database and bucket differ, or one is away |
| flag | sets and lets go; the eraser tries to delete a flagged object of ours | clear it: it repeats what is not done |
| observe | reads every flag with a credential that can set none | the store was not readable; clear it |
| assert | Great Expectations on what was read | an assertion names what is wrong; the evidence says so too |
| purge | starts the photo purge if files were let go of | start `photo_purge` yourself with `{"dry_run": false}` |
| attest | states it in counts, hold by hold, stores, publishes | clear it; nothing is stated twice |

**unenforced**: the store deleted a flagged object, so its holds are words. Until that is mended only our own checks
protect. The object is put again by the next `./lifecycle up`.

**lifted**: somebody took flags away that this pipeline had set. They are set again; find out who did it.

**flaws_unmended**: holds that lack something are ignored from the first moment. `./lifecycle holds list` shows them:
have them approved, or release them.

**overdue**: a hold ended more than 24 hours ago and its files are still there: see the last run of `photo_purge`.

**Place, approve, extend, release**: `./lifecycle holds`, and `docs/runbooks/holds.md`.

**Start it yourself**: *Trigger*, for example right after an approval. `dry_run` stops after the plan.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import Param, TriggerRule, dag, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable

PARAMS = {"dry_run": Param(False, type="boolean", description="Stop after the plan; no flag is changed.")}
RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=2), "execution_timeout": timedelta(minutes=20)}


@dag(
    # Before the purge of 02:00, so that what was released by then is free.
    schedule=CronDataIntervalTimetable("45 * * * *", timezone="UTC"),
    start_date=datetime.fromisoformat("2024-08-08T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "privacy", **RETRIES},
    params=PARAMS,
    doc_md=__doc__,
    tags=["policy 3.2", "holds"],
)
def legal_holds() -> None:
    """Policy 3.2: plan → guard → flag → observe → assert → attest."""

    @task
    def plan() -> int:
        from data_lifecycle.holds import steps

        return steps.plan(get_current_context())

    @task
    def guard(number: int) -> None:
        from data_lifecycle.holds import steps

        steps.guard(number)

    @task
    def flag(number: int) -> None:
        from data_lifecycle.holds import steps

        steps.flag(number)

    @task
    def observe(number: int) -> None:
        from data_lifecycle.holds import steps

        steps.observe(number)

    @task(task_id="assert")
    def prove(number: int) -> None:
        from data_lifecycle.holds import steps

        steps.prove(number)

    @task
    def purge(number: int) -> None:
        from data_lifecycle.holds import steps

        steps.purge(number)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def attest(number: int) -> str:
        from data_lifecycle.holds import steps

        return steps.attest(number, get_current_context())

    planned = plan()
    flagged, attested = flag(planned), attest(planned)
    guard(planned) >> flagged >> observe(planned) >> prove(planned) >> attested
    flagged >> purge(planned) >> attested


legal_holds()
