"""``/compliance/inventory``: the record of processing that was exported last, the very bytes that lie locked."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from data_lifecycle.database import fetch
from data_lifecycle.pages.access import Reading, may_read_runs
from data_lifecycle.pages.rendering import headers, page
from data_lifecycle.vendor_inventory.documents import PAGE, TYPES, digest

router = APIRouter()


@router.get("/inventory", dependencies=[may_read_runs("vendor_inventory")])
def inventory(reading: Reading) -> Response:
    """The page of the latest inventory."""
    return _document(reading, PAGE)


@router.get("/inventory/{name}", dependencies=[may_read_runs("vendor_inventory")])
def document(name: str, reading: Reading) -> Response:
    """Another of its documents, to keep: CSV, JSON, the data contract."""
    if name not in TYPES:
        return _nothing("There is no such document.")
    return _document(reading, name)


def _document(reading: Reading, name: str) -> Response:
    latest = fetch(reading, "vendor_inventory/find_latest")
    if not latest:
        return _nothing("No inventory was exported yet: run vendor_inventory.")
    kept = {
        row["name"]: row
        for row in fetch(reading, "vendor_inventory/select_documents", run_id=latest[0]["run_id"])
    }
    content = bytes(kept[name]["content"])
    if digest(content) != kept[name]["sha256"]:
        return page("message.html", 500, heading="Not shown", text="The document is not what was exported.")
    extra = {} if name == PAGE else {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=TYPES[name], headers={**headers(), **extra})


def _nothing(text: str) -> HTMLResponse:
    return page("message.html", 404, heading="Nothing to show", text=text)
