"""
# Vendor inventory

**Promise** (policy 4, 8; GDPR Art. 30): personal data goes only to listed vendors, only as their contracts say. Every
day all disclosures are counted per vendor, category and country and compared with `include/policy/vendors.yaml`; every
difference is named, and the record of processing is written.

| step | what it does | when it fails |
|---|---|---|
| plan | loads the register, counts what there is to count, seals | the log names file, field and fix; then clear it |
| guard | states the plan and publishes it | database and bucket differ, or one is away: see the step log |
| observe | counts and compares in one pass, canaries included; renders the documents | nothing was kept: clear it |
| export | locks the documents in the evidence bucket, writes them below `inventory/` | the store was away; clear it |
| assert | Great Expectations on the books | an assertion names what is wrong; the evidence says so too |
| attest | states it with the documents' digests, stores, publishes | clear it; nothing is stated twice |

**A green run says that everything was counted and every difference named, not that there is none.** Read them in the
log of *observe* or with `./lifecycle vendors inventory`; one vendor: `./lifecycle vendors show VENDOR`.

| drift | what to do |
|---|---|
| unlisted_vendor | stop sending; conclude a contract and register it, or have what was sent erased there |
| contract_expired, contract_not_begun | stop sending until a contract is in force; register it |
| new_category, purpose_outside_contract | stop it; if the log says that the policy allows it to no vendor, for good |
| new_country, country_unknown | ask the vendor; no data goes where no safeguard is on file |
| new_sub_processor, sub_processor_unknown | ask the vendor to declare it, or to stop |
| no_traffic | end the contract and take it out of the register, or say why it stays |
| review_overdue | review the vendor, then renew `reviews.last` |

**A vendor "(no identifier)"**: somebody recorded free text as a vendor. It may name a person, so it is shown nowhere;
look for it in `studio.disclosures` and correct the application.

**Start it yourself**: `dry_run` stops after the plan. `as_of` counts what was sent up to then (ISO 8601 with a zone).
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
        description="Count what was sent up to this moment: ISO 8601 with a time zone.",
    ),
    "dry_run": Param(False, type="boolean", description="Stop after the plan; nothing is counted."),
}
RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=2), "execution_timeout": timedelta(minutes=20)}


@dag(
    schedule=CronDataIntervalTimetable("30 5 * * *", timezone="UTC"),
    start_date=datetime.fromisoformat("2024-08-08T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "privacy", **RETRIES},
    params=PARAMS,
    doc_md=__doc__,
    tags=["policy 4", "policy 8", "vendors"],
)
def vendor_inventory() -> None:
    """Policy 4, 8: plan → guard → observe → export → assert → attest."""

    @task
    def plan() -> int:
        from data_lifecycle.vendor_inventory import steps

        return steps.plan(get_current_context())

    @task
    def guard(number: int) -> None:
        from data_lifecycle.vendor_inventory import steps

        steps.guard(number)

    @task
    def observe(number: int) -> None:
        from data_lifecycle.vendor_inventory import steps

        steps.observe(number)

    @task
    def export(number: int) -> None:
        from data_lifecycle.vendor_inventory import steps

        steps.export(number)

    @task(task_id="assert")
    def prove(number: int) -> None:
        from data_lifecycle.vendor_inventory import steps

        steps.prove(number)

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def attest(number: int) -> str:
        from data_lifecycle.vendor_inventory import steps

        return steps.attest(number, get_current_context())

    planned = plan()
    guard(planned) >> observe(planned) >> export(planned) >> prove(planned) >> attest(planned)


vendor_inventory()
