"""
# Policy change

**Promise** (policy 10): material changes are told before they take effect; shorter retention reaches everything, longer
only what is collected from then on. This pipeline measures what a proposed version would change, before it is in force:
files and bytes by kind and day, what is due at once, deadlines already impossible, vendors, archives and payments
concerned, and how many people are to be told. **Nothing is erased.**

| step | what it does | when it fails |
|---|---|---|
| plan | loads the proposal, measures it against what there is, seals that | the log names file, field and fix |
| guard | states the measure and publishes it | database and bucket differ, or one is away |
| observe | counts the files again, as another role | the database is away: clear it |
| assert | Great Expectations on both counts | the studio changed in between: start it again |
| attest | states it in counts, stores, publishes | clear it; nothing is stated twice |

**Start it yourself**: put the new version and its text into `proposals` below the house's folder (or `include/policy`),
*Trigger*, and give the name of the file as `policy_file`. The log of *plan* has the numbers; `impact.json`,
`impact.svg` and `impact.txt` lie in `policy-impact/run-…` below the house's folder. The SHA-256 of `impact.json` is the
manifest of the evidence. Without Airflow: `./lifecycle policy impact FILE`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import Param, TriggerRule, dag, get_current_context, task

PARAMS = {
    "policy_file": Param(
        "xmanart-privacy.yaml",
        type="string",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*\.yaml$",
        description="Name of the proposed version's file, in proposals or include/policy.",
    ),
}
RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=2), "execution_timeout": timedelta(minutes=20)}


@dag(
    schedule=None,
    start_date=datetime.fromisoformat("2024-08-08T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "privacy", **RETRIES},
    params=PARAMS,
    doc_md=__doc__,
    tags=["policy 3.2", "policy 10"],
)
def policy_change() -> None:
    """Policy 10: plan → guard → observe → assert → attest."""

    @task
    def plan() -> int:
        from data_lifecycle.policy_change import steps

        return steps.plan(get_current_context())

    @task
    def guard(number: int) -> None:
        from data_lifecycle.policy_change import steps

        steps.guard(number)

    @task
    def observe(number: int) -> None:
        from data_lifecycle.policy_change import steps

        steps.observe(number)

    @task(task_id="assert")
    def prove(number: int) -> None:
        from data_lifecycle.policy_change import steps

        steps.prove(number)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def attest(number: int) -> str:
        from data_lifecycle.policy_change import steps

        return steps.attest(number, get_current_context())

    planned = plan()
    guard(planned) >> observe(planned) >> prove(planned) >> attest(planned)


policy_change()
