"""``/compliance/posture``: whether anything may be deleted now, who said so, and what was said before."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from data_lifecycle.database import fetch
from data_lifecycle.pages.access import Reading, may_read_runs
from data_lifecycle.pages.rendering import page

router = APIRouter()


@router.get("/posture", dependencies=[may_read_runs()])
def posture(reading: Reading) -> HTMLResponse:
    """The switch, read only: throwing it takes the command line."""
    return page("posture.html", said=fetch(reading, "posture/select_history"))
