"""``/compliance/runs/{dag_id}/{run_id}``: the evidence of one DAG run, beside the run in Airflow's UI."""

from __future__ import annotations

from itertools import groupby

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from data_lifecycle.database import fetch
from data_lifecycle.pages.access import OurHouse, Reading, may_read_runs
from data_lifecycle.pages.rendering import page

router = APIRouter()


@router.get("/runs/{dag_id}/{run_id:path}", dependencies=[may_read_runs()])
def run(dag_id: str, run_id: str, reading: Reading, found: OurHouse) -> HTMLResponse:
    """Every attempt of the DAG run with its assertions and its statements; 404 when it sealed no plan."""
    attempts = fetch(reading, "pages/select_attempts", pipeline=dag_id, dag_run_id=run_id)
    numbers = [attempt["run_id"] for attempt in attempts]
    asserted = fetch(reading, "pages/select_asserted", run_ids=numbers)
    stated = fetch(reading, "pages/select_statements", run_ids=numbers)

    def by_run(rows: list[dict[str, object]]) -> dict[object, list[dict[str, object]]]:
        return {number: list(group) for number, group in groupby(rows, key=lambda row: row["run_id"])}

    return page(
        "run.html",
        status=200 if attempts else 404,
        dag_id=dag_id,
        dag_run_id=run_id,
        attempts=attempts,
        assertions=by_run([dict(row) for row in asserted]),
        statements=by_run([dict(row) for row in stated]),
        bucket=found.settings.bucket_evidence,
    )
