"""``/compliance/``: the latest run of each pipeline, what it came to, and where its evidence is."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from data_lifecycle.database import fetch
from data_lifecycle.pages.access import OurHouse, Reading, may_read_runs
from data_lifecycle.pages.rendering import page
from data_lifecycle.protocol.posture import current

router = APIRouter()


@router.get("/", dependencies=[may_read_runs()])
def overview(reading: Reading, found: OurHouse) -> HTMLResponse:
    """Every pipeline with its latest run."""
    runs = fetch(reading, "pages/select_latest_runs")
    said = current(reading)
    return page("overview.html", said=said, runs=runs, bucket=found.settings.bucket_evidence)
