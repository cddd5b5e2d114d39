"""``/compliance/answers``: a person who asked a vendor notes what it answered (policy 4.3, the manual connector)."""

from __future__ import annotations

from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse

from data_lifecycle.database import Connection, fetch
from data_lifecycle.pages.access import OurHouse, Reading, may_read_runs
from data_lifecycle.pages.rendering import page
from data_lifecycle.protocol.house import PromiseBroken, Refused
from data_lifecycle.vendor_erasure.noting import Found, note

PIPELINE = "vendor_erasure"
router = APIRouter()


def same_site(request: Request) -> None:
    """403 for a form that another site sent with our user's cookie."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "sent by another site")
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise HTTPException(403, "sent by another site")


@router.get("/answers", dependencies=[may_read_runs(PIPELINE)])
def waiting(reading: Reading, user: GetUserDep) -> HTMLResponse:
    """Erasures that wait for a person, with a form for whoever may start the pipeline."""
    return _show(reading, user)


@router.post(
    "/answers/{erasure_id}",
    dependencies=[Depends(requires_access_dag("POST", DagAccessEntity.RUN, PIPELINE)), Depends(same_site)],
)
def answer(
    erasure_id: str,
    found: Annotated[Found, Form()],
    text: Annotated[str, Form(alias="note", max_length=500)],
    reading: Reading,
    ours: OurHouse,
    user: GetUserDep,
) -> HTMLResponse:
    """Keep an answer under the user's name; 422 when it says too little, 409 while a run works on the erasure."""
    try:
        state = note(ours, erasure_id, found, user.get_name(), text)
    except Refused as why:
        return _show(reading, user, f"Not noted: {why}", 422)
    except PromiseBroken as why:
        return _show(reading, user, f"Not noted: {why}", 409)
    return _show(reading, user, f"Noted. Erasure {erasure_id} is {state} now.")


def _show(reading: Connection, user: Any, told: str = "", status: int = 200) -> HTMLResponse:
    may_note = get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=PIPELINE), user=user
    )
    return page(
        "answers.html",
        status,
        waiting=fetch(reading, "pages/select_by_hand"),
        told=told,
        refused=status != 200,
        may_note=may_note,
    )
